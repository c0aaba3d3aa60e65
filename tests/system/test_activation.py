#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sockets that somebody else opened: claimed by name, then by address; the rest named and closed."""

import sys
sys.dont_write_bytecode = True

import os
import socket

from harness import *


def echo(listen, **more):
	return {"echo": {"handler": "echo", "listen": listen, **more}}


class Activated(Case):
	"""Behind systemd-socket-activate, as behind systemd: it starts us at the first client."""

	def setUp(self):
		super().setUp()
		if needs_activate:
			self.skipTest(needs_activate)

	def activate(self, services, endpoints, names=None, **options):
		prefix = [activate_program, "-E", "NOTIFY_SOCKET"]
		for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
			prefix += ["-E", name] if name in os.environ else []
		for endpoint in endpoints:
			prefix += ["-l", endpoint.address if endpoint.family == socket.AF_UNIX else endpoint.text]
		if names:
			prefix.append("--fdname=" + ":".join(names))
		d = self.daemon(services, start=False, prefix=prefix, **options).launch()
		d.wait_log("(?i)listening on .*%s" % endpoints[-1].address[-1])
		return d

	def first_client(self, d, endpoint):
		"""Its connection starts the daemon, and is served by it."""
		self.assertEqual(talk(endpoint, b"first"), b"first")
		d.wait_ready()

	def test_one_by_name(self):
		a = Endpoint.v4()
		d = self.activate(echo("systemd:web"), [a], ["web"])
		self.first_client(d, a)
		self.assertEqual(talk(a, b"again"), b"again")
		self.assertEqual(d.stop(), 0)

	def test_one_by_address(self):
		a = Endpoint.v4()
		d = self.activate(echo(a.text), [a])
		self.first_client(d, a)
		self.assertEqual(talk(a, b"again"), b"again")
		self.assertEqual(d.stop(), 0)

	def test_one_by_address_though_it_has_a_name(self):
		a = Endpoint.v4()
		d = self.activate(echo(a.text), [a], ["other"])
		self.first_client(d, a)

	def three(self):
		return Endpoint.v4(), Endpoint.v6() if can_ipv6() else Endpoint.v4(), \
			Endpoint.unix(self.path("socket"))

	def check_three(self, services, names):
		a, b, c = endpoints = self.three()
		for handler, endpoint in zip(("echo", "daytime", "discard"), endpoints):
			services[handler]["handler"] = handler
			services[handler].setdefault("listen", endpoint.text)
		d = self.activate(services, endpoints, names)
		self.first_client(d, a)
		self.assertRegex(talk(b), rb"\d\d:\d\d")
		self.assertEqual(talk(c, b"x"), b"")
		self.assertEqual(d.stop(), 0)
		self.assertTrue(os.path.exists(c.address), "the path is not ours to remove")

	def test_three_by_name(self):
		self.check_three({"echo": {"listen": "systemd:one"}, "daytime": {"listen": "systemd:two"},
				  "discard": {"listen": "systemd:three"}}, ["one", "two", "three"])

	def test_three_by_address(self):
		self.check_three({"echo": {}, "daytime": {}, "discard": {}}, None)

	def test_three_mixed(self):
		self.check_three({"echo": {"listen": "systemd:one"}, "daytime": {}, "discard": {}},
				 ["one", "other", "x"])

	def test_unknown_one_is_named_and_closed(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.activate(echo("systemd:web"), [a, b], ["web", "stranger"])
		self.first_client(d, a)
		self.assertIn("stranger", d.wait_log("stranger"))
		self.assertTrue(b.refuses())

	def test_two_of_one_name(self):
		"""As a socket unit with two ListenStream= lines gives them: nothing of it is lost unseen."""
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.activate(echo("systemd:web"), [a, b], ["web", "web"])
		self.first_client(d, a)
		if b.refuses():
			d.wait_log("web")
		else:
			self.assertEqual(talk(b, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_some_inherited_some_our_own(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.activate(echo(["systemd:web", b.text]), [a], ["web"])
		self.first_client(d, a)
		self.assertEqual(talk(b, b"x"), b"x")

	def test_idle_clients_of_the_gap_are_served(self):
		"""All that queued while nobody ran."""
		a = Endpoint.v4()
		d = self.activate(echo("systemd:web", workers={"min": 2, "max": 4}), [a], ["web"])
		clients = [a.connect() for _ in range(10)]
		for i, s in enumerate(clients):
			s.sendall(b"%d" % i)
			s.shutdown(socket.SHUT_WR)
		for i, s in enumerate(clients):
			self.assertEqual(read_all(s), b"%d" % i)
			s.close()
		d.wait_ready()


class HandedOver(Case):
	"""The same protocol, with descriptors that the test made."""

	def listener(self, family=socket.AF_INET, address=("127.0.0.1", 0), kind=socket.SOCK_STREAM):
		s = socket.socket(family, kind)
		self.addCleanup(s.close)
		if address == ("127.0.0.1", 0):
			address = ("127.0.0.1", Endpoint.v4().port)
		s.bind(address)
		if kind == socket.SOCK_STREAM:
			s.listen(50)
		return s

	def hand(self, services, sockets, names=None, start=True):
		return self.daemon(services, start=start, how={"fds": [s.fileno() for s in sockets]},
				   env={"LISTEN_FDNAMES": ":".join(names)} if names else {})

	def endpoint(self, s):
		return Endpoint.v4(port=s.getsockname()[1])

	def test_name_wins_over_address(self):
		"""Two services, the names crossed with what the addresses would say."""
		a, b = self.listener(), self.listener()
		self.hand({"echo": {"handler": "echo", "listen": "systemd:x"},
			   "discard": {"handler": "discard", "listen": "systemd:y"}}, [a, b], ["y", "x"])
		self.assertEqual(talk(self.endpoint(b), b"hello"), b"hello")
		self.assertEqual(talk(self.endpoint(a), b"hello"), b"")

	def test_a_queue_survives_the_daemon(self):
		"""The socket is not ours, so what comes while we stop is for the next."""
		a = self.listener()
		first = self.hand(echo("systemd:web"), [a], ["web"])
		self.assertEqual(talk(self.endpoint(a), b"x"), b"x")
		self.assertEqual(first.stop(), 0)
		with self.endpoint(a).connect() as s:
			s.sendall(b"hello")
			self.hand(echo("systemd:web"), [a], ["web"])
			self.assertEqual(recv_exact(s, 5), b"hello")

	def test_missing_name(self):
		d = self.daemon(echo("systemd:nowhere"), start=False).launch()
		self.assertIn(d.wait(), (71, 78))
		self.assertIn("nowhere", "\n".join(d.lines()))

	def test_wrong_name(self):
		a = self.listener()
		d = self.hand(echo("systemd:nowhere"), [a], ["web"], start=False).launch()
		self.assertIn(d.wait(), (71, 78))
		self.assertIn("nowhere", "\n".join(d.lines()))

	def test_a_stream_socket_for_datagrams(self):
		a = self.listener()
		d = self.hand(echo("udp:systemd:web"), [a], ["web"], start=False).launch()
		self.assertIn(d.wait(), (71, 78))
		self.assertIn("for connections", "\n".join(d.lines()))

	def test_a_datagram_socket_by_name(self):
		a = self.listener(kind=socket.SOCK_DGRAM)
		d = self.hand(echo("udp:systemd:web"), [a], ["web"])
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
			s.settimeout(PATIENCE)
			s.sendto(b"hello", a.getsockname())
			self.assertEqual(s.recv(100), b"hello")
		self.assertEqual(d.stop(), 0)

	def test_connection_of_a_unit_with_accept(self):
		"""It is named, also if the start fails because systemd holds the address."""
		listener = self.listener()
		with socket.create_connection(listener.getsockname()), listener.accept()[0] as connection:
			d = self.hand(echo(self.endpoint(listener).text), [connection], ["web"], start=False).launch()
			self.assertEqual(d.wait(), 71)
			self.assertIn("it is a connection; the socket unit needs Accept=no", "\n".join(d.lines()))

	def test_something_that_is_no_socket(self):
		a = self.listener()
		with open("/dev/null", "rb") as null:
			d = self.hand(echo("systemd:web"), [a, null], ["web", "junk"])
			self.assertEqual(talk(self.endpoint(a), b"x"), b"x")
			d.wait_log("junk")

	def test_meant_for_somebody_else(self):
		"""LISTEN_PID says another process: descriptors 3 and up are none of our business."""
		endpoint = Endpoint.v4()
		d = self.daemon(echo(endpoint.text), env={"LISTEN_PID": "1", "LISTEN_FDS": "2"})
		self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_star_takes_an_inherited_dual_socket(self):
		if not can_ipv6():
			self.skipTest("no IPv6 on this host")
		with socket.socket(socket.AF_INET6) as s:
			s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
			port = Endpoint.v4().port
			s.bind(("::", port))
			s.listen(50)
			self.hand(echo("*:%d" % port), [s])
			self.assertEqual(talk(Endpoint.v4(port=port), b"x"), b"x")
			self.assertEqual(talk(Endpoint.v6(port=port), b"x"), b"x")


def _find():
	for folder in os.environ.get("PATH", "").split(":") + ["/usr/lib/systemd", "/lib/systemd"]:
		path = os.path.join(folder, "systemd-socket-activate")
		if os.access(path, os.X_OK):
			return path, None
	return None, "not installed: systemd-socket-activate"


activate_program, needs_activate = _find()
main()
