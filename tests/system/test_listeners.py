#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Addresses of every kind: bound before anything runs, or nothing runs."""

import sys
sys.dont_write_bytecode = True

import errno
import os
import socket
import stat
import unittest

from harness import *

no_namespace = no_namespaces()
needs_namespace = unittest.skipIf(no_namespace, no_namespace)


def echo(listen, **more):
	return {"echo": {"handler": "echo", "listen": listen, **more}}


def sysctl(name, value=None):
	path = "/proc/sys/" + name.replace(".", "/")
	if value is None:
		with open(path, encoding="ascii") as f:
			return f.read().strip()
	with open(path, "w", encoding="ascii") as f:
		f.write(str(value))
	return None


class ListenerCase(Case):
	def serves(self, *endpoints):
		for endpoint in endpoints:
			self.assertEqual(talk(endpoint, b"hello"), b"hello", str(endpoint))

	def fails(self, services, *words):
		"""It does not start: exit 71, and the message holds all WORDS. Returns the daemon."""
		d = self.daemon(services, start=False).launch()
		self.assertEqual(d.wait(), 71)
		wait_until(lambda: not d.remains(), "nothing runs", 5)
		text = "\n".join(d.lines())
		for word in words:
			self.assertIn(word, text)
		self.assertEqual(d.notify.seen("READY=1"), [])
		return d


class Addresses(ListenerCase):
	def test_all_families_at_once(self):
		endpoints = [Endpoint.v4(), Endpoint.unix(self.path("d0", "s")), Endpoint.abstract()]
		if can_ipv6():
			endpoints.append(Endpoint.v6())
		d = self.daemon(echo([e.text for e in endpoints]))
		self.serves(*endpoints)
		self.assertEqual(d.stop(), 0)
		for endpoint in endpoints:
			self.assertTrue(endpoint.refuses(), str(endpoint))

	def test_star_reaches_both_families(self):
		v4 = Endpoint.v4()
		self.daemon(echo("*:%d" % v4.port))
		self.serves(v4)
		if can_ipv6():
			self.serves(Endpoint.v6(port=v4.port))

	@needs_namespace
	def test_star_whatever_bindv6only_says(self):
		fresh_network()
		for value in ("1", "0"):
			sysctl("net.ipv6.bindv6only", value)
			v4 = Endpoint.v4()
			d = self.daemon(echo("*:%d" % v4.port))
			self.serves(v4, Endpoint.v6(port=v4.port))
			self.assertEqual(d.stop(), 0)

	@needs_namespace
	def test_v6_literal_whatever_bindv6only_says(self):
		fresh_network()
		for value in ("1", "0"):
			sysctl("net.ipv6.bindv6only", value)
			for only in (True, False):
				v6 = Endpoint.v6("::")
				v4 = Endpoint.v4(port=v6.port)
				d = self.daemon(echo(v6.text, socket={"v6only": only}))
				self.serves(v6)
				self.assertEqual(v4.refuses(), only)
				d.stop()

	def test_star_without_ipv6(self):
		v4 = Endpoint.v4()
		d = self.daemon(echo("*:%d" % v4.port), how={"no_ipv6": True})
		self.serves(v4)
		if can_ipv6():
			self.assertTrue(Endpoint.v6(port=v4.port).refuses())
		self.assertEqual(d.stop(), 0)

	@needs_namespace
	def test_star_with_ipv6_disabled(self):
		fresh_network()
		sysctl("net.ipv6.conf.all.disable_ipv6", "1")
		v4 = Endpoint.v4()
		self.daemon(echo("*:%d" % v4.port))
		self.serves(v4)

	def test_v6_literal_without_ipv6_is_an_error(self):
		endpoint = Endpoint.v6()
		d = self.daemon(echo(endpoint.text), start=False, how={"no_ipv6": True}).launch()
		self.assertEqual(d.wait(), 71)

	def test_name(self):
		v4 = Endpoint.v4()
		self.daemon(echo("localhost:%d" % v4.port))
		self.serves(v4)

	def test_two_services_on_one_port_of_two_hosts(self):
		a = Endpoint.v4()
		b = Endpoint.v4("127.0.0.2", a.port)
		self.daemon({"a": {"handler": "echo", "listen": a.text},
			     "b": {"handler": "daytime", "listen": b.text}})
		self.serves(a)
		self.assertRegex(talk(b), rb"\d\d:\d\d")

	def test_start_again_at_once(self):
		"""Connections of the last run in TIME_WAIT do not make the start fail."""
		endpoint = Endpoint.v4()
		for _ in range(2):
			d = self.daemon(echo(endpoint.text, timeouts={"drain": "100ms"}))
			s = hold(endpoint)
			d.stop()
			s.close()


class Taken(ListenerCase):
	def test_address_in_use(self):
		for endpoint in [Endpoint.v4()] + ([Endpoint.v6()] if can_ipv6() else []):
			with socket.socket(endpoint.family) as s:
				s.bind(endpoint.address)
				s.listen()
				self.fails(echo(endpoint.text), endpoint.text, "in use")

	def test_if_one_fails_nothing_runs(self):
		free, path = Endpoint.v4(), self.path("d0", "s")
		with socket.socket() as s:
			taken = Endpoint.v4()
			s.bind(taken.address)
			s.listen()
			self.fails({"good": {"handler": "echo", "listen": [free.text, "unix:" + path]},
				    "bad": {"handler": "echo", "listen": taken.text}}, taken.text)
		self.assertTrue(free.refuses())
		self.assertFalse(os.path.exists(path), "its own socket is taken away again")

	def test_address_that_is_not_ours(self):
		self.fails(echo("192.0.2.77:%d" % Endpoint.v4().port), "192.0.2.77")

	def test_unix_path_in_a_missing_folder(self):
		path = self.path("nowhere", "s")
		self.fails(echo("unix:" + path), path)

	def test_abstract_name_in_use(self):
		endpoint = Endpoint.abstract()
		with socket.socket(socket.AF_UNIX) as s:
			s.bind(endpoint.address)
			s.listen()
			self.fails(echo(endpoint.text), endpoint.text, "in use")


class UnixPaths(ListenerCase):
	def setUp(self):
		super().setUp()
		self.endpoint = Endpoint.unix(self.path("socket"))

	def listener(self, path=None):
		s = socket.socket(socket.AF_UNIX)
		self.addCleanup(s.close)
		s.bind(path or self.endpoint.address)
		s.listen()
		return s

	def test_removed_at_stop(self):
		d = self.daemon(echo(self.endpoint.text))
		self.assertTrue(os.path.exists(self.endpoint.address))
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists(self.endpoint.address))

	def test_stale_one_is_replaced(self):
		self.listener().close()
		self.daemon(echo(self.endpoint.text))
		self.serves(self.endpoint)

	def test_one_left_by_a_kill_is_replaced(self):
		d = self.daemon(echo(self.endpoint.text))
		d.kill(9)
		d.wait()
		wait_until(lambda: not d.remains(), "gone")
		self.assertTrue(os.path.exists(self.endpoint.address))
		self.daemon(echo(self.endpoint.text))
		self.serves(self.endpoint)

	def test_live_one_is_refused(self):
		s = self.listener()
		self.fails(echo(self.endpoint.text), self.endpoint.address, "in use")
		self.assertTrue(os.path.exists(self.endpoint.address))
		with self.endpoint.connect() as c:
			c.sendall(b"x")
			got = b""
			while not got:	# what the daemon tried is in the queue, too
				with s.accept()[0] as a:
					got = a.recv(1)
			self.assertEqual(got, b"x", "the other still has its socket")

	def test_live_one_with_a_full_queue_is_refused(self):
		s = self.listener()
		s.listen(0)
		waiting = []
		for _ in range(5):	# fill its queue
			c = socket.socket(socket.AF_UNIX)
			c.setblocking(False)
			waiting.append(c)
			if c.connect_ex(self.endpoint.address) == errno.EAGAIN:
				break
		self.fails(echo(self.endpoint.text), self.endpoint.address)
		for c in waiting:
			c.close()

	def test_a_file_is_not_replaced(self):
		with open(self.endpoint.address, "w", encoding="ascii") as f:
			f.write("precious")
		self.fails(echo(self.endpoint.text), self.endpoint.address)
		with open(self.endpoint.address, encoding="ascii") as f:
			self.assertEqual(f.read(), "precious")

	def test_somebody_elses_is_not_removed_at_stop(self):
		d = self.daemon(echo(self.endpoint.text))
		os.unlink(self.endpoint.address)
		s = self.listener()
		self.assertEqual(d.stop(), 0)
		with self.endpoint.connect() as c, s.accept()[0]:
			c.sendall(b"x")

	def test_mode(self):
		for mode in ("0600", "0666", "0660"):
			d = self.daemon(echo(self.endpoint.text, socket={"mode": mode}))
			self.assertEqual(stat.S_IMODE(os.stat(self.endpoint.address).st_mode), int(mode, 8))
			d.stop()

	@needs_root()
	def test_owner(self):
		d = self.daemon(echo(self.endpoint.text, socket={"owner": "daemon", "group": "daemon"}))
		found = os.stat(self.endpoint.address)
		self.assertEqual((found.st_uid, found.st_gid), (1, 1))
		self.assertEqual(d.stop(), 0)


class Options(ListenerCase):
	"""The `socket` group, seen from a program that has the client's socket as its standard input."""

	CODE = "import socket as s, sys; c = s.socket(fileno=0); g = c.getsockopt; " \
		"print(g(6, s.TCP_NODELAY), g(1, s.SO_KEEPALIVE), g(6, s.TCP_KEEPIDLE), g(6, 18), " \
		"g(1, s.SO_RCVBUF), g(1, s.SO_SNDBUF), g(6, s.TCP_KEEPINTVL), g(6, s.TCP_KEEPCNT), flush=True)"

	def options(self, **options):
		endpoint = Endpoint.v4()
		self.daemon({"py": {"handler": "exec", "listen": endpoint.text, "socket": options,
				    "command": ["/usr/bin/python3", "-I", "-S", "-c", self.CODE]}})
		return [int(x) for x in talk(endpoint).split()]

	@unittest.skipUnless(os.access("/usr/bin/python3", os.X_OK), "no /usr/bin/python3")
	def test_on_the_connection(self):
		nodelay, keepalive, after, user_timeout, rcvbuf, sndbuf, interval, count = self.options(
			nodelay=True, keepalive="77s", user_timeout="33s", rcvbuf="20K", sndbuf="24K")
		self.assertEqual((bool(nodelay), bool(keepalive), after, user_timeout), (True, True, 77, 33000))
		self.assertLessEqual(interval * count, 60, "who has vanished is given up within a minute more")
		# the kernel doubles what was asked, for its own needs
		self.assertIn(rcvbuf, (20480, 40960))
		self.assertIn(sndbuf, (24576, 49152))

	@unittest.skipUnless(os.access("/usr/bin/python3", os.X_OK), "no /usr/bin/python3")
	def test_off(self):
		nodelay, keepalive, _, user_timeout, rcvbuf, *_ = self.options(nodelay=False, keepalive=0,
									       user_timeout=0)
		self.assertEqual((nodelay, keepalive, user_timeout), (0, 0, 0))
		self.assertGreater(rcvbuf, 40960)

	def test_freebind(self):
		self.daemon(echo("192.0.2.77:%d" % Endpoint.v4().port, socket={"freebind": True}))

	def test_reuse_port(self):
		endpoint = Endpoint.v4()
		for _ in range(2):
			self.daemon(echo(endpoint.text, socket={"reuse_port": True}))
		self.serves(endpoint)
		self.daemons[0].stop()
		self.serves(endpoint)

	def test_defer_accept(self):
		"""A client that says nothing takes no worker."""
		endpoint = Endpoint.v4()
		d = self.daemon(echo(endpoint.text, socket={"defer_accept": "20s"},
				     workers={"min": 1, "max": 1, "max_spare": 1}))
		silent = [endpoint.connect() for _ in range(3)]
		self.serves(endpoint)
		for s in silent:
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
			s.close()
		self.assertEqual(d.stop(), 0)

	@needs_root()
	def test_device(self):
		endpoint = Endpoint.v4()
		self.daemon(echo("*:%d" % endpoint.port, socket={"device": "lo"}))
		self.serves(endpoint)
		self.fails(echo(Endpoint.v4().text, socket={"device": "nonesuch0"}), "nonesuch0")


class Backlog(ListenerCase):
	def queue_length(self, endpoint):
		"""Connects until nobody answers; with every worker busy that is the queue's length."""
		waiting = []
		try:
			while len(waiting) < 200:
				waiting.append(endpoint.connect(1))
		except OSError:
			pass
		finally:
			for s in waiting:
				s.close()
		return len(waiting)

	def test_asked_for_is_given(self):
		endpoint = Endpoint.v4()
		d = self.daemon(echo(endpoint.text, backlog=5, workers={"min": 1, "max": 1, "max_spare": 1}))
		with hold(endpoint):
			self.assertIn(self.queue_length(endpoint), range(5, 9))
		d.stop()
		self.assertEqual(d.grep("somaxconn"), [])

	@needs_namespace
	def test_clamped_says_so_once(self):
		fresh_network()
		sysctl("net.core.somaxconn", 16)
		endpoint = Endpoint.v4()
		d = self.daemon(echo(endpoint.text, backlog=100))
		self.serves(endpoint)
		d.stop()
		lines = d.grep(r"net\.core\.somaxconn")
		self.assertEqual(len(lines), 1, lines)
		self.assertRegex(lines[0], r"\b100\b")
		self.assertRegex(lines[0], r"\b16\b")
		self.assertIn("echo", lines[0])

	@needs_namespace
	def test_default_is_not_worth_a_warning(self):
		fresh_network()
		sysctl("net.core.somaxconn", 16)
		endpoint = Endpoint.v4()
		d = self.daemon(echo(endpoint.text))
		self.serves(endpoint)
		d.stop()
		self.assertEqual(d.grep("somaxconn"), [])


main()
