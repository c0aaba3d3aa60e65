#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Behind the proxies that people have: HAProxy, and nginx with its stream module."""

import sys
sys.dont_write_bytecode = True

import socket
import unittest

from harness import *
from harness.gate import come, refused
from harness.realproxy import HAProxy, Nginx, no_haproxy, no_nginx

HERE = "127.0.0.1"
CLIENT = "127.0.0.9"	# another one than the proxy
WORKERS = {"min": 2, "min_spare": 1, "max_spare": 4, "max": 8}
SIZE = 2000000


class Behind(Case):
	def behind(self, **services):
		"""Services behind proxies on this host: the daemon, and their endpoints."""
		how = {"workers": WORKERS, "proxy_protocol": {"from": [HERE, "::1", "unix:"]}}
		self.d = self.daemon({name: {**how, **service} for name, service in services.items()},
				     top={"log": {"level": "info", "connections": "all"}})
		return self.d

	def through(self, proxy):
		self.addCleanup(proxy.close)
		return proxy

	def both(self, endpoint, other):
		"""An exec service that tells its environment, and an echo service."""
		self.behind(env={"handler": "exec", "listen": endpoint.text, "command": ["/usr/bin/env"]},
			    echo={"handler": "echo", "listen": other.text})

	def hear(self, front, source=None):
		"""What comes without a word of ours, and where we were."""
		with come(front, source) as s:
			# no end of ours before that: a proxy that sees it with the connection goes no further
			return read_all(s).decode(), s.getsockname()

	def ask(self, front, source=None):
		text, here = self.hear(front, source)
		return dict(line.split("=", 1) for line in text.splitlines()), here

	def check_environment(self, front, source=None, host=None, via=None):
		env, here = self.ask(front, source)
		self.assertEqual((env["TCPREMOTEIP"], env["TCPREMOTEPORT"]), (source or here[0], str(here[1])))
		self.assertEqual((env["TCPLOCALIP"], env["TCPLOCALPORT"]), (host or front.address[0], str(front.port)))
		self.assertEqual(env["PREFORKD_VIA_ADDR"], via or (HERE if front.family == socket.AF_INET else "::1"))
		self.d.wait_log(r"env \[?%s\]?:%d: done after .*, via " % (source or here[0], here[1]))

	def check_echo(self, front):
		data = payload(front.text, SIZE)
		self.assertEqual(talk(front, data), data)
		with front.connect() as s:	# and one that says nothing until it has heard something
			for word in (b"one", b"two"):
				s.sendall(word)
				self.assertEqual(recv_exact(s, 3), word)

	def check_well(self):
		for service in self.d.admin.status()["services"]:
			self.assertEqual(sum(service["connections"]["refused"].values()), 0, service)
		self.assertEqual(self.d.stop(), 0)


@unittest.skipIf(no_haproxy(), no_haproxy())
class BehindHAProxy(Behind):
	KINDS = ("send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c",
		 "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority,cert-cn,ssl-cipher")

	def check(self, make, source=None):
		endpoint, other = make(), make()
		self.both(endpoint, other)
		fronts = [(make(), behind, kind) for kind in self.KINDS for behind in (endpoint, other)]
		self.through(HAProxy([(front, "%s:%d %s" % (*behind.address, kind)) for front, behind, kind in fronts]))
		for front, behind, kind in fronts:
			with self.subTest(kind=kind):
				if behind is endpoint:
					self.check_environment(front, source)
				else:
					self.check_echo(front)
		self.check_well()

	def test_ipv4(self):
		self.check(Endpoint.v4, CLIENT)

	def test_ipv6(self):
		if not can_ipv6():
			self.skipTest("no IPv6 on this host")
		self.check(Endpoint.v6)

	def test_ipv4_at_its_dual_socket(self):
		"""It says ::ffff:127.0.0.9."""
		if not can_ipv6():
			self.skipTest("no IPv6 on this host")
		endpoint, other = Endpoint.v4(), Endpoint.v4()
		self.both(endpoint, other)
		fronts = [Endpoint.v4() for _ in self.KINDS]
		self.through(HAProxy([(front, "%s:%d %s" % (*endpoint.address, kind))
				      for front, kind in zip(fronts, self.KINDS)],
				     {front: ":::%d v4v6" % front.port for front in fronts}))
		for front in fronts:
			self.check_environment(front, CLIENT)
		self.check_well()

	def probes(self, server):
		"""Its health checks are counted, find the service up, and leave no line in the log."""
		endpoint, front = Endpoint.v4(), Endpoint.v4()
		self.behind(echo={"handler": "echo", "listen": endpoint.text})
		haproxy = self.through(HAProxy([(front, "%s:%d %s" % (*endpoint.address, server))]))
		wait_until(lambda: self.d.admin.service("echo")["connections"]["probes"] >= 5, "five health checks")
		self.check_echo(front)
		connections = self.d.admin.service("echo")["connections"]
		self.assertEqual((sum(connections["refused"].values()), connections["failed"]), (0, 0))
		self.assertEqual([line for line in haproxy.log() if "is DOWN" in line], [])
		self.check_well()
		self.assertEqual(len(self.d.grep(r"echo 127\.0\.0\.1:\d+: done after .*, via ")), 2)
		self.assertEqual(self.d.grep(r"probe|refused: "), [])

	def test_checks_version_2(self):
		"""LOCAL"""
		self.probes("check inter 50ms send-proxy-v2")

	def test_checks_version_1(self):
		"""UNKNOWN"""
		self.probes("check inter 50ms send-proxy")

	def test_checks_without_a_header(self):
		"""From a network that may come without; not believed when it sends one."""
		endpoint, front, other = Endpoint.v4(), Endpoint.v4(), Endpoint.v4()
		self.behind(day={"handler": "daytime", "listen": endpoint.text,
				 "proxy_protocol": {"from": [HERE], "without": ["127.0.0.2"]}})
		expect = "\n\toption log-health-checks\n\toption tcp-check\n\ttcp-check expect rstring [0-9]+:[0-9]+"
		haproxy = self.through(HAProxy([
			(front, "%s:%d check inter 50ms source 127.0.0.2" % endpoint.address + expect),
			(other, "%s:%d check inter 50ms source 127.0.0.3" % endpoint.address + expect)]))
		wait_until(lambda: [x for x in haproxy.log() if "l1/s1" in x and "DOWN" in x], "the other one is down")
		wait_until(lambda: refused(self.d, "day", "proxy_untrusted") >= 3, "the other one is refused")
		wait_until(lambda: self.d.admin.service("day")["connections"]["accepted"] >= 5, "checks")
		self.assertIn(":", self.hear(front)[0])
		self.assertEqual([line for line in haproxy.log() if "l0/s0" in line and "DOWN" in line], [])

	def test_checks_that_wait_for_an_answer(self):
		"""The proxy's own question is answered as everybody's."""
		endpoint, front = Endpoint.v4(), Endpoint.v4()
		self.behind(day={"handler": "daytime", "listen": endpoint.text})
		server = "%s:%d check inter 50ms send-proxy-v2\n\toption tcp-check\n" \
			"\ttcp-check expect rstring [0-9]+:[0-9]+"
		haproxy = self.through(HAProxy([(front, server % endpoint.address)]))
		wait_until(lambda: self.d.admin.service("day")["connections"]["probes"] >= 5, "five health checks")
		self.assertIn(":", self.hear(front)[0])
		self.assertEqual([line for line in haproxy.log() if "is DOWN" in line], [])
		self.check_well()

	def test_another_proxy_is_not_believed(self):
		endpoint, front = Endpoint.v4(), Endpoint.v4()
		self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "workers": WORKERS,
				      "proxy_protocol": {"from": ["127.0.0.77"]}}})
		self.through(HAProxy([(front, "%s:%d send-proxy-v2" % endpoint.address)]))
		with front.connect() as s:
			s.sendall(b"x")
			self.assertEqual(s.recv(1), b"")
		wait_until(lambda: refused(self.daemons[0], "echo", "proxy_untrusted") >= 1,
			   "refused, at each of its attempts")


@unittest.skipIf(no_nginx(), no_nginx())
class BehindNginx(Behind):
	def check(self, make, source=None):
		endpoint, other = make(), make()
		self.both(endpoint, other)
		front, echo = make(), make()
		self.through(Nginx([(front, endpoint.text), (echo, other.text)]))
		self.check_environment(front, source)
		self.check_echo(echo)
		self.check_well()

	def test_ipv4(self):
		self.check(Endpoint.v4, CLIENT)

	def test_ipv6(self):
		if not can_ipv6():
			self.skipTest("no IPv6 on this host")
		self.check(Endpoint.v6)

	def test_ipv4_at_its_dual_socket(self):
		if not can_ipv6():
			self.skipTest("no IPv6 on this host")
		endpoint, other = Endpoint.v4(), Endpoint.v4()
		self.both(endpoint, other)
		front = Endpoint.v4()
		self.through(Nginx([(front, endpoint.text)], {front: "[::]:%d ipv6only=off" % front.port}))
		self.check_environment(front, CLIENT)
		self.check_well()

	def test_to_a_unix_socket(self):
		endpoint, other = Endpoint.unix(self.path("env")), Endpoint.unix(self.path("echo"))
		self.both(endpoint, other)
		front, echo = Endpoint.v4(), Endpoint.v4()
		self.through(Nginx([(front, endpoint.text), (echo, other.text)]))
		self.check_environment(front, CLIENT, via="unix:")
		self.check_echo(echo)
		self.check_well()


class InFrontOf(Case):
	"""The handler proxy sends the header, and others read it."""

	MAPPED = b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 4711 25\r\n"

	def front(self, upstream, version, endpoint=None, **keys):
		endpoint = endpoint or Endpoint.v4()
		self.d = self.daemon({"p": {"handler": "proxy", "listen": endpoint.text, "upstream": upstream.text,
					    "send_proxy": version, "workers": WORKERS, **keys}})
		return endpoint

	def nginx(self):
		"""It answers with what it has read: the client's address and port, the server's address and port."""
		inner = Endpoint.v4()
		parts = ("addr", "port", "server_addr", "server_port")
		nginx = Nginx([(inner, "")], {inner: inner.text + " proxy_protocol"},
			      {inner: " ".join("<$proxy_protocol_%s>" % part for part in parts)})
		self.addCleanup(nginx.close)
		return inner

	def haproxy(self):
		"""It hands on what it has read, as version 1, to a server that answers with it."""
		inner = Endpoint.v4()
		server = Scripted(lambda connection: connection.sendall(read_all(connection)))
		self.addCleanup(server.close)
		haproxy = HAProxy([(inner, server.text + " send-proxy")],
				  {inner: "%s:%d accept-proxy" % inner.address})
		self.addCleanup(haproxy.close)
		return inner

	def versions(self, inner, say, data, **keys):
		for version in ("v1", "v2"):
			with self.subTest(version=version):
				with self.front(inner, version, **keys).connect() as s:
					s.sendall(data)
					s.shutdown(socket.SHUT_WR)
					self.assertEqual(read_all(s), say)
				self.d.stop()

	def mixed(self):
		"""The client of a proxy before us has an IPv4 address, and the address of that proxy is IPv6."""
		return {"proxy_protocol": {"from": ["127.0.0.0/8"]}}

	@unittest.skipIf(no_nginx(), no_nginx())
	def test_nginx_and_two_families(self):
		self.versions(self.nginx(), b"<::ffff:192.0.2.1> <4711> <2001:db8::2> <25>", self.MAPPED,
			      **self.mixed())

	@unittest.skipIf(no_haproxy(), no_haproxy())
	def test_haproxy_and_two_families(self):
		self.versions(self.haproxy(), self.MAPPED + b"hello", self.MAPPED + b"hello", **self.mixed())

	@unittest.skipIf(no_nginx(), no_nginx())
	def test_nginx_and_a_client_of_a_unix_socket(self):
		self.versions(self.nginx(), b"<> <> <> <>", b"", endpoint=Endpoint.unix(self.path("front")))

	@unittest.skipIf(no_haproxy(), no_haproxy())
	def test_haproxy_and_a_client_of_a_unix_socket(self):
		"""It names itself in place of a client that it knows nothing of."""
		inner = self.haproxy()
		for version in ("v1", "v2"):
			endpoint = self.front(inner, version, Endpoint.abstract())
			said = talk(endpoint, b"hello")
			self.assertRegex(said, rb"^PROXY (TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ %d|UNKNOWN)\r\nhello$"
					 % inner.port)


if __name__ == "__main__":
	main()
