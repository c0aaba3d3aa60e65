#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Addresses that a proxy claims for its client: which are taken, and from which proxies."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import time

from harness import *
from harness.gate import *
from harness.proxy import *
from harness.proxy_case import CLIENT6, HERE, ProxyCase, SERVER6, bytewise, say, say_slowly


CLIENT, SERVER = "192.0.2.7", "198.51.100.9"


class Claimed(ProxyCase):
	"""What a service, the log and the rules see."""

	def check(self, env, here, client, server, via=HERE):
		self.assertEqual(env["PROTO"], "TCP")
		for name in ("TCPREMOTEIP", "REMOTE_ADDR"):
			self.assertEqual(env[name], client)
		for name in ("TCPREMOTEPORT", "REMOTE_PORT"):
			self.assertEqual(env[name], "4711")
		self.assertEqual((env["TCPLOCALIP"], env["TCPLOCALPORT"]), (server, "443"))
		self.assertEqual(env["PREFORKD_VIA_ADDR"], via)
		self.assertEqual(env["PREFORKD_VIA_PORT"], str(here[1]))

	def headers(self):
		yield v1(), CLIENT, SERVER
		yield v1(CLIENT6, SERVER6), CLIENT6, SERVER6
		yield v1("::ffff:" + CLIENT, "::ffff:" + SERVER), CLIENT, SERVER
		yield v2(), CLIENT, SERVER
		yield v2(CLIENT6, SERVER6), CLIENT6, SERVER6
		yield v2("::ffff:" + CLIENT, "::ffff:" + SERVER), CLIENT, SERVER
		yield v2(tlvs=tlv(AUTHORITY, b"example.com") + tlv(0xEE, b"own") + tlv(NOOP, b"")), CLIENT, SERVER
		yield v2(tlvs=tlv(UNIQUE_ID, b"x" * 128), checksum=True), CLIENT, SERVER

	def test_environment(self):
		self.serve(handler="exec", command=["/usr/bin/env"])
		for header, client, server in self.headers():
			with self.subTest(header=header):
				self.check(*self.ask(header), client, server)

	def test_environment_ipv6(self):
		if not can_ipv6():
			self.skipTest("no IPv6 on this host")
		self.serve(Endpoint.v6(), "exec", command=["/usr/bin/env"], since=["::1"])
		for header, client, server in self.headers():
			with self.subTest(header=header):
				self.check(*self.ask(header), client, server, "::1")

	def test_proxy_at_a_dual_socket(self):
		"""It is ::ffff:127.0.0.1 there, and trusted as 127.0.0.1."""
		endpoint = Endpoint.v4()
		self.serve(endpoint, "exec", "*:%d" % endpoint.port, command=["/usr/bin/env"])
		self.check(*self.ask(v1()), CLIENT, SERVER)

	def test_proxy_at_a_unix_socket(self):
		env = self.environment(v2(), Endpoint.unix(self.path("d0", "s")), since=["unix:uid=%d" % os.geteuid()])
		self.assertEqual((env["PROTO"], env["TCPREMOTEIP"], env["TCPLOCALPORT"]), ("TCP", CLIENT, "443"))
		self.assertTrue(env["PREFORKD_VIA_ADDR"].startswith("unix:"), env)
		self.assertNotIn("PREFORKD_VIA_PORT", env)
		self.assertNotIn("UNIXREMOTEPID", env)

	def test_claimed_unix(self):
		env = self.environment(v2_unix(b"/run/client", b"/run/server"))
		self.assertEqual((env["PROTO"], env["UNIXLOCALPATH"]), ("UNIX", "/run/server"))
		self.assertEqual(env["PREFORKD_VIA_ADDR"], HERE)
		for name in ("TCPREMOTEIP", "UNIXREMOTEPID", "UNIXREMOTEEUID"):
			self.assertNotIn(name, env)
		self.d.wait_log(r"s unix:/run/client: done after .*, via 127\.0\.0\.1:\d+")

	def test_claimed_unix_at_a_unix_socket(self):
		"""The identity of the proxy says nothing about the identity of its client."""
		endpoint = Endpoint.unix(self.path("d0", "s"))
		env = self.environment(v2_unix(), endpoint, since=["unix:"],
				       access={"deny": ["unix:uid=%d" % os.geteuid()], "allow": ["unix:"]})
		self.assertEqual((env["PROTO"], env["UNIXLOCALPATH"]), ("UNIX", "/run/server"))
		self.assertNotIn("UNIXREMOTEEUID", env)
		self.d.wait_log(r"s unix:/run/client: done after .*, via unix:")

	def test_control_characters_are_not_believed(self):
		env = self.environment(v2_unix(b"/run/\nX=1", b"/run/\n\x1b[2J"))
		self.assertEqual(env["UNIXLOCALPATH"], "/run/\\x0a\\x1b[2J")
		self.assertNotIn("X", env)

	def test_nothing_claimed(self):
		"""LOCAL, UNKNOWN, UNSPEC, a datagram: the connection counts as it is."""
		self.serve(handler="exec", command=["/usr/bin/env"])
		for header in (v2_local(), v2_local(b"any bytes"), block(TCP4, bytes(12), command=LOCAL),
			       b"PROXY UNKNOWN\r\n",
			       b"PROXY UNKNOWN 1.2.3.4 5.6.7.8 9 10\r\n", block(0, b""), block(0, b"some"),
			       block(UDP4, bytes(12))):
			with self.subTest(header=header):
				env, here = self.ask(header)
				self.assertEqual((env["TCPREMOTEIP"], env["TCPREMOTEPORT"]), (HERE, str(here[1])))
				self.assertEqual((env["TCPLOCALIP"], env["TCPLOCALPORT"]),
						 (HERE, str(self.endpoint.port)))
				self.assertNotIn("PREFORKD_VIA_ADDR", env)
		self.count()

	def test_log_and_workers(self):
		self.serve()
		with self.endpoint.connect() as s:
			s.sendall(v1() + b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
			peers = [worker["peer"] for worker in self.d.admin.workers() if worker["state"] == "busy"]
			self.assertEqual(peers, [CLIENT + ":4711"])
			titles = [proc.title(worker) for worker in self.d.workers()]
			self.assertTrue(any(CLIENT in title for title in titles), titles)
			port = s.getsockname()[1]
		self.d.wait_log(r"s 192\.0\.2\.7:4711: done after .*, 1 bytes in, 1 bytes out, via 127\.0\.0\.1:%d$"
				% port)

	def test_rules_are_for_who_is_claimed(self):
		self.serve(access={"deny": [CLIENT, "2001:db8::/32"]})
		self.assertEqual(say(self.endpoint, v1() + b"x"), b"")
		self.assertEqual(say(self.endpoint, v2(CLIENT6, SERVER6) + b"x"), b"")
		self.assertEqual(say(self.endpoint, v2("::ffff:" + CLIENT, SERVER6) + b"x"), b"")
		self.assertEqual(say(self.endpoint, v2("192.0.2.8") + b"x"), b"x")
		self.count(denied=3)
		self.d.wait_log(r"s 192\.0\.2\.7:4711: refused: denied \(.*\), via 127\.0\.0\.1:\d+")

	def test_rules_are_not_for_the_proxy(self):
		self.serve(access={"deny": [HERE]})
		self.assertEqual(say(self.endpoint, v1() + b"x"), b"x")
		self.assertEqual(say(self.endpoint, b"PROXY UNKNOWN\r\nx"), b"")	# then it is the client
		self.count(denied=1)

	def test_limits_are_for_who_is_claimed(self):
		self.serve(access={"per_source": 1})
		with self.endpoint.connect() as first, self.endpoint.connect() as other:
			for s, header in ((first, v1()), (other, v1("192.0.2.8"))):
				s.sendall(header + b"x")
				self.assertEqual(recv_exact(s, 1), b"x")
			self.assertEqual(say(self.endpoint, v2(source_port=4712) + b"x"), b"")
			self.count(per_source=1)
			self.assertEqual(seated(self.d, CLIENT), 1)
			self.assertEqual(seated(self.d, HERE), 0)


class Trust(ProxyCase):
	"""Proxies whose header is believed, and clients that may connect without one."""

	def test_untrusted(self):
		"""Refused, with a header and without; never believed."""
		self.serve()
		self.assertIn(say(self.endpoint, v1() + b"x", "127.0.0.2"), (b"", RESET))
		self.assertIn(say(self.endpoint, v2() + b"x", "127.0.0.2"), (b"", RESET))
		self.assertIn(say(self.endpoint, b"hello", "127.0.0.3"), (b"", RESET))
		self.assertEqual(listens(self.endpoint, "127.0.0.3"), b"", "at once")
		self.count(proxy_untrusted=4)
		self.d.wait_log(r"s 127\.0\.0\.2:\d+: refused: proxy_untrusted \(not in proxy_protocol\.from\)")
		self.assertEqual(self.d.grep(CLIENT), [])

	def test_no_proxies(self):
		"""Without proxy_protocol.from a header is what the client says."""
		self.endpoint = Endpoint.v4()
		self.daemon({"s": {"handler": "echo", "listen": self.endpoint.text}})
		self.assertEqual(say(self.endpoint, v1() + b"x"), v1() + b"x")
		self.assertEqual(say(self.endpoint, v2() + b"x"), v2() + b"x")

	def test_missing(self):
		self.serve()
		for data in (b"hello", b"GET / HTTP/1.0\r\n\r\n", b"\r\n\r\nx", b"PROXX", b"\0", b"x" * 5000):
			self.assertIn(say(self.endpoint, data), (b"", RESET))
		self.count(proxy_missing=6)
		self.d.wait_log(r"s 127\.0\.0\.1:\d+: refused: proxy_missing")

	def test_malformed(self):
		self.serve()
		bad = (v2(checksum=False), v2(tlvs=b"\x04\0"), v2(tlvs=b"\x04\0\x05abcd"), block(TCP4, bytes(11)),
		       block(0x41, bytes(216)), block(0x13, bytes(216)), v2().replace(b"\n\x21", b"\n\x31"),
		       block(TCP4, bytes(12), command=0x22), block(TCP4, bytes(5000)),
		       b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
		       b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", b"PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n", b"PROXYING\r\n",
		       b"PROXY UNKNOWN" + b"x" * 200 + b"\r\n")
		for header in bad:
			with self.subTest(header=header):
				self.assertIn(say(self.endpoint, header + b"payload"), (b"", RESET))
		self.count(proxy_malformed=len(bad))
		self.d.wait_log(
			r"s 127\.0\.0\.1:\d+: refused: proxy_malformed \(malformed PROXY header: the checksum is "
			r"wrong\)")

	def test_ended_in_the_middle(self):
		self.serve()
		whole = v2(checksum=True)
		for n in (1, 12, 16, 20, len(whole) - 1):
			self.assertIn(say(self.endpoint, whole[:n]), (b"", RESET))
		self.assertIn(say(self.endpoint, v1()[:-1]), (b"", RESET))
		self.count(proxy_malformed=6)
		self.d.wait_log(r"ended after 1 bytes of a PROXY header")

	def test_reset_in_the_middle(self):
		self.serve()
		for n in range(1, 8):
			with self.endpoint.connect() as s:
				s.sendall(v2()[:n])
				reset_at_close(s)
		self.count(proxy_malformed=7)
		self.assertEqual(say(self.endpoint, v1() + b"x"), b"x")

	def test_probe_of_the_port(self):
		"""Connects and goes, or is reset: counted, nobody was refused, and no line but for who wants all."""
		self.serve(top={"log": {"level": "info", "connections": "all"}})
		for how in (lambda s: None, reset_at_close):
			with self.endpoint.connect() as s:
				how(s)
		wait_until(lambda: self.d.admin.service("s")["connections"]["probes"] == 2, "two probes")
		self.count()
		self.assertEqual(say(self.endpoint, v2_local() + b"x"), b"x")	# a proxy's own, which is answered
		wait_until(lambda: self.d.admin.service("s")["connections"]["probes"] == 3, "three probes")
		self.assertEqual(self.d.stop(), 0)
		self.assertEqual(self.d.grep(r"s 127\.0\.0\.1"), [])

	def test_without(self):
		"""A network whose clients come without: answered, whatever they say. Others: refused and counted."""
		self.serve(without=["127.0.0.2"])
		self.assertEqual(say(self.endpoint, b"hello", "127.0.0.2"), b"hello")
		self.assertEqual(say(self.endpoint, v1() + b"x", "127.0.0.2"), v1() + b"x", "not believed")
		self.assertIn(say(self.endpoint, b"hello", "127.0.0.3"), (b"", RESET))
		self.assertIn(say(self.endpoint, b"hello"), (b"", RESET))
		self.count(proxy_untrusted=1, proxy_missing=1)
		self.assertEqual(self.d.grep(CLIENT), [])

	def test_without_saying_anything(self):
		"""A probe that only listens."""
		self.serve(handler="daytime", without=["127.0.0.2"], timeout="1h")
		self.assertIn(b":", listens(self.endpoint, "127.0.0.2"))


class Both(ProxyCase):
	"""Proxies that may connect with a header and without one."""

	def both(self):
		yield Endpoint.v4(), HERE
		yield Endpoint.unix(self.path("s")), "unix:"

	def check(self, endpoint, network):
		self.serve(endpoint, since=[network], without=[network])
		for header in (v1(), v2(), v2_local(), b"PROXY UNKNOWN\r\n"):
			self.assertEqual(say(endpoint, header + b"payload"), b"payload")
			self.assertEqual(say_slowly(endpoint, bytewise(header) + [b"pay", b"load"]), b"payload")
		for data in (b"hello", b"P", b"PRO", b"PROBE", b"PROXX", b"\r\n\r\n", SIGNATURE[:-1],
			     SIGNATURE[:-1] + b"X", b"x"):
			self.assertEqual(say(endpoint, data), data)
			self.assertEqual(say_slowly(endpoint, bytewise(data)), data)
		self.count()
		self.assertIn(say(endpoint, b"PROXY?"), (b"", RESET))
		self.count(proxy_malformed=1)

	def test_tcp(self):
		self.check(Endpoint.v4(), HERE)

	def test_unix(self):
		self.check(Endpoint.unix(self.path("d0", "s")), "unix:")

	def undecided(self, endpoint, network):
		"""Half a word, and then nothing: it costs no time, and is not waited for longer than allowed."""
		d = self.serve(endpoint, since=[network], without=[network], timeout="1500ms",
			       workers={"min": 1, "min_spare": 1, "max_spare": 1, "max": 1})
		with endpoint.connect() as s:
			start = time.monotonic()
			s.sendall(b"PRO")
			self.assertLess(proc.cpu_share(d.workers(), 1), 0.05)
			self.assertIn(s.recv(1), (b"",))
			self.assertGreater(time.monotonic() - start, 1.4)
		self.count(proxy_timeout=1)
		self.assertEqual(say(endpoint, b"PRObe"), b"PRObe")

	def test_undecided_tcp(self):
		self.undecided(Endpoint.v4(), HERE)

	def test_undecided_unix(self):
		self.undecided(Endpoint.unix(self.path("d0", "s")), "unix:")

	def test_signals_while_undecided(self):
		d = self.serve(without=[HERE], workers={"min": 1, "min_spare": 1, "max_spare": 1, "max": 1})
		worker, = d.wait_workers(1)
		with self.endpoint.connect() as s:
			for byte in bytewise(v1() + b"x"):
				s.sendall(byte)
				for _ in range(3):
					os.kill(worker, signal.SIGHUP)
			self.assertEqual(recv_exact(s, 1), b"x")

	def test_a_program_finds_the_socket_as_it_was(self):
		"""Nothing that helped to wait is left on it."""
		code = "import socket as s, os; f = s.socket(fileno=0); " \
			"print(f.getsockopt(s.SOL_SOCKET, s.SO_RCVLOWAT), f.getsockopt(s.SOL_SOCKET, 42))"
		for endpoint, network in self.both():
			self.serve(endpoint, "exec", command=["/usr/bin/env", "python3", "-I", "-S", "-c", code],
				   since=[network],
				   without=[network])
			text = say_slowly(endpoint, bytewise(b"PRObe"))
			self.assertEqual(text, b"1 -1\n")


if __name__ == "__main__":
	main()
