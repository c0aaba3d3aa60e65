#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The handler proxy: bytes and ends both ways, limits, who the client is for the upstream."""

import sys
sys.dont_write_bytecode = True

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from harness import *

MUCH = 10_000_000


def proxy(listen, upstream, **more):
	return {"p": {"handler": "proxy", "listen": listen, "upstream": upstream,
		      "workers": {"min": 2, "max": 16}, **more}}


class ProxyCase(Case):
	def serve(self, function, **options):
		server = Scripted(function, **options)
		self.addCleanup(server.close)
		return server

	def front(self, upstream, endpoint=None, top=None, **more):
		"""A daemon with the service p; where clients connect to."""
		endpoint = endpoint or Endpoint.v4()
		self.d = self.daemon(proxy(endpoint.text, upstream, **more), top=top)
		return endpoint

	def service(self):
		return self.d.admin.service("p")

	def assert_reset(self, s):
		with self.assertRaises(ConnectionResetError):
			while s.recv(65536):
				pass


class Bytes(ProxyCase):
	def echo(self, connection):
		while True:
			data = connection.recv(1 << 16)
			if not data:
				return
			connection.sendall(data)

	def families(self):
		found = [socket.AF_INET, socket.AF_UNIX]
		return found + ([socket.AF_INET6] if can_ipv6() else [])

	def endpoint(self, family):
		return {socket.AF_INET: Endpoint.v4, socket.AF_INET6: Endpoint.v6,
			socket.AF_UNIX: Endpoint.abstract}[family]()

	def server_at(self, function, family):
		address = "\0preforkd-test-up-%d-%d" % (os.getpid(), time.monotonic_ns())
		return self.serve(function, family=family, address=address if family == socket.AF_UNIX else None)

	def test_ten_megabytes_each_way_over_all_families(self):
		for family in self.families():
			server = self.server_at(self.echo, family)
			for outside in self.families():
				with self.subTest(outside=outside, inside=family):
					endpoint = self.front(server.text, self.endpoint(outside))
					data = payload(family, MUCH)
					self.assertTrue(talk(endpoint, data) == data, "the same bytes come back")
					wait_until(lambda: self.service()["bytes"] == {"in": MUCH, "out": MUCH},
						   "all are counted")
					self.d.stop()

	def test_small_messages_at_once(self):
		endpoint = self.front(self.serve(self.echo).text)
		with endpoint.connect() as s:
			for size in list(range(1, 200)) + [65535, 1, 32768, 32769, 2, 300000, 3]:
				data = payload(size, size)
				s.sendall(data)
				self.assertTrue(recv_exact(s, size) == data)

	def test_client_finishes_first(self):
		def answer(connection):
			data = read_all(connection)
			connection.sendall(b"%d" % len(data))
		endpoint = self.front(self.serve(answer).text)
		for size in (0, 5, 1_000_000):
			with endpoint.connect() as s:
				s.sendall(payload(size, size))
				s.shutdown(socket.SHUT_WR)
				self.assertEqual(read_all(s), b"%d" % size)

	def test_a_worker_keeps_its_pipes(self):
		def pipes():
			pid, = self.d.workers()
			links = [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
			return {link for link in links if link.startswith("pipe:")}
		endpoint = self.front(self.serve(self.echo).text, workers={"min": 1, "max": 1, "max_spare": 1})
		wait_until(lambda: self.service()["workers"]["idle"] == 1, "it is ready")
		before = pipes()
		data = payload(3, MUCH)
		self.assertEqual(talk(endpoint, data), data)
		first = pipes()
		self.assertGreater(first, before)
		self.assertEqual(talk(endpoint, data), data)
		self.assertGreaterEqual(pipes(), first)

	def test_who_says_something_and_closes_at_once(self):
		got = []
		server = self.serve(lambda connection: got.append(read_all(connection)))
		for family in self.families():
			with self.subTest(family=family):
				got.clear()
				endpoint = self.front(server.text, self.endpoint(family))
				for _ in range(20):
					with endpoint.connect() as s:
						s.sendall(b"last will")
				wait_until(lambda: got == [b"last will"] * 20, "all have arrived")
				self.d.stop()

	def test_upstream_finishes_first(self):
		got = []

		def answer(connection):
			connection.sendall(b"banner")
			connection.shutdown(socket.SHUT_WR)
			got.append(read_all(connection))
		endpoint = self.front(self.serve(answer).text)
		with endpoint.connect() as s:
			self.assertEqual(read_all(s), b"banner")
			s.sendall(b"and more")
			s.shutdown(socket.SHUT_WR)
			wait_until(lambda: got == [b"and more"], "the way to the upstream stayed open")

	def test_resets_are_passed_on(self):
		seen = []

		def fail(connection):
			connection.recv(1)
			reset_at_close(connection)

		def watch(connection):
			connection.sendall(b"hello")
			try:
				seen.append(read_all(connection))
			except ConnectionResetError:
				seen.append("reset")
		endpoint = self.front(self.serve(fail).text)
		with endpoint.connect() as s:
			s.sendall(b"x")
			self.assert_reset(s)
		self.d.wait_log(r"the upstream 127\.0\.0\.1:\d+ has reset the connection")
		endpoint = self.front(self.serve(watch).text)
		with endpoint.connect() as s:
			self.assertEqual(recv_exact(s, 5), b"hello")
			reset_at_close(s)
		wait_until(lambda: seen == ["reset"], "the upstream has seen it")
		wait_until(lambda: self.service()["workers"]["busy"] == 0, "nobody is left")

	def test_who_does_not_read_is_waited_for(self):
		"""Bytes that the client does not take stay with the upstream: the worker needs no more memory."""
		sent = [0]

		def pour(connection):
			data = payload(1, 1 << 16)
			while True:
				sent[0] += connection.send(data)
		endpoint = self.front(self.serve(pour).text)
		with endpoint.connect() as s:
			def stands():
				before = sent[0]
				time.sleep(0.3)
				return before > 0 and sent[0] == before
			wait_until(stands, "the upstream has to wait")
			self.assertLess(sent[0], 64 << 20)
			before = sent[0]
			read = 0
			while read < before:
				read += len(s.recv(1 << 20))
			wait_until(lambda: sent[0] > before, "it goes on")


class Limits(ProxyCase):
	def quiet(self, connection):
		connection.sendall(b"hello")
		try:
			self.seen.append(read_all(connection))
		except ConnectionResetError:
			self.seen.append("reset")

	def cut(self, limit, timeouts, talk=b""):
		self.seen = []
		endpoint = self.front(self.serve(self.quiet).text, timeouts=timeouts)
		with endpoint.connect() as s:
			self.assertEqual(recv_exact(s, 5), b"hello")
			s.sendall(talk)
			start = time.monotonic()
			self.assertRaises(ConnectionResetError, s.recv, 1)
			self.assertGreater(time.monotonic() - start, 0.15)
		self.d.wait_log(r"timeouts\.%s" % limit)
		wait_until(lambda: self.seen == ["reset"], "the upstream is told that it is not all")

	def test_first_byte(self):
		self.cut("first_byte", {"first_byte": "300ms"})

	def test_idle(self):
		self.cut("idle", {"idle": "300ms"}, b"x")

	def test_total(self):
		self.cut("total", {"total": "300ms"}, b"x")

	def test_idle_is_silence_both_ways(self):
		def tick(connection):
			for _ in range(15):
				connection.sendall(b".")
				time.sleep(0.1)
		endpoint = self.front(self.serve(tick).text, timeouts={"idle": "700ms", "first_byte": 0})
		with endpoint.connect() as s:
			self.assertEqual(read_all(s), b"." * 15)

	def test_an_upstream_that_takes_it_slowly_is_not_silence(self):
		"""It takes some every moment, but the kernel has so much for it that we are not asked for more."""
		for family in (socket.AF_INET, socket.AF_UNIX):
			taken = []

			def take(connection):
				connection.settimeout(PATIENCE)
				# else the buffer may grow so far that the window opens less often than the limit
				connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
				end = time.monotonic() + 0.8
				while time.monotonic() < end:
					taken.append(len(connection.recv(4096)))
					time.sleep(0.01)
				while data := connection.recv(1 << 20):
					taken.append(len(data))
			address = "\0preforkd-test-slow-%d" % os.getpid() if family == socket.AF_UNIX else None
			with self.subTest(family=family):
				server = self.serve(take, family=family, address=address)
				endpoint = self.front(server.text, timeouts={"idle": "300ms"})
				with endpoint.connect() as s:
					s.sendall(payload(2, MUCH))
					s.shutdown(socket.SHUT_WR)
					self.assertEqual(read_all(s), b"")
				wait_until(lambda: sum(taken) == MUCH, "all has arrived", 5)
				self.assertEqual(self.d.stop(), 0)

	def test_a_stop_cuts_in_the_end(self):
		self.seen = []
		endpoint = self.front(self.serve(self.quiet).text, timeouts={"drain": "200ms"})
		with endpoint.connect() as s:
			self.assertEqual(recv_exact(s, 5), b"hello")
			self.assertEqual(self.d.stop(), 0)
			self.assertRaises(ConnectionResetError, s.recv, 1)
		wait_until(lambda: self.seen == ["reset"], "the upstream is told")

	def test_a_running_connection_survives_a_reload(self):
		other = self.serve(lambda c: c.sendall(b"other"))
		endpoint = self.front(self.serve(lambda c: [c.sendall(b"hello"), c.sendall(c.recv(10))]).text)
		with endpoint.connect() as s:
			self.assertEqual(recv_exact(s, 5), b"hello")
			done = self.d.reload(Config(proxy(endpoint.text, other.text)))
			self.assertEqual(done.returncode, 0, done.stderr)
			with endpoint.connect() as t:
				self.assertEqual(read_all(t), b"other")
			s.sendall(b"still here")
			self.assertEqual(read_all(s), b"still here")

	def test_a_worker_is_free_when_the_client_gives_up_before_it_is_connected(self):
		"""The upstream accepts no connection: its queue is full."""
		address = "\0preforkd-test-full-%d" % os.getpid()
		with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as one:
			full.bind(address)
			full.listen(0)
			one.connect(address)
			endpoint = self.front("unix:@" + address[1:], proxy={"connect_timeout": "1h"})
			s = endpoint.connect()
			s.sendall(b"hello?")
			wait_until(lambda: self.service()["workers"]["busy"] == 1, "it is being connected")
			reset_at_close(s)
			s.close()
			wait_until(lambda: self.service()["workers"]["busy"] == 0, "the worker is free again")
			self.assertEqual(self.service()["connections"]["failed"], 0, "that is no failure of ours")
			# and if there is room after all, it is taken
			with endpoint.connect() as s:
				wait_until(lambda: self.service()["workers"]["busy"] == 1, "it is being connected")
				full.accept()[0].close()
				with full.accept()[0] as served:
					served.sendall(b"late")
				self.assertEqual(read_all(s), b"late")


class Header(ProxyCase):
	def setUp(self):
		super().setUp()
		self.got = []

	def take(self, connection):
		self.got.append(read_all(connection))

	def header(self, version, **more):
		self.got.clear()
		endpoint = self.front(self.serve(self.take).text, send_proxy=version, **more)
		return endpoint

	def read_back(self, s, data):
		s.sendall(data)
		s.shutdown(socket.SHUT_WR)
		wait_until(lambda: self.got, "it has arrived")
		self.assertTrue(self.got[0].endswith(data))
		return self.got[0][:-len(data)]

	def test_v1(self):
		endpoint = self.header("v1")
		with endpoint.connect() as s:
			self.assertEqual(self.read_back(s, b"payload"), b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" %
					 (s.getsockname()[1], endpoint.port))

	def test_v2(self):
		endpoint = self.header("v2")
		with endpoint.connect() as s:
			self.assertEqual(self.read_back(s, b"payload"), b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" +
					 socket.inet_aton("127.0.0.1") * 2 +
					 struct.pack(">HH", s.getsockname()[1], endpoint.port))

	def test_it_comes_before_the_client_says_anything(self):
		endpoint = Endpoint.v4()
		first = []
		server = self.serve(lambda c: [first.append(c.recv(1000)), c.sendall(b"banner")])
		self.d = self.daemon(proxy(endpoint.text, server.text, send_proxy="v1"))
		with endpoint.connect() as s:
			self.assertEqual(read_all(s), b"banner")
		self.assertTrue(first[0].startswith(b"PROXY TCP4 "))

	@unittest.skipUnless(can_ipv6(), "no IPv6")
	def test_both_families_of_a_wildcard_socket(self):
		port = Endpoint.v4().port
		self.header("v1")
		self.d.stop()
		self.d = self.daemon(proxy("*:%d" % port, self.serve(self.take).text, send_proxy="v1"))
		with Endpoint.v4(port=port).connect() as s:
			self.assertTrue(self.read_back(s, b"x").startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 "))
		self.got.clear()
		with Endpoint.v6(port=port).connect() as s:
			self.assertTrue(self.read_back(s, b"x").startswith(b"PROXY TCP6 ::1 ::1 "))

	def test_what_a_proxy_before_us_has_said_is_handed_on(self):
		endpoint = self.header("v2", proxy_protocol={"from": ["127.0.0.0/8"]})
		with endpoint.connect() as s:
			s.sendall(b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n")
			self.assertEqual(self.read_back(s, b"payload"), b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" +
					 socket.inet_aton("192.0.2.7") + socket.inet_aton("198.51.100.1") +
					 struct.pack(">HH", 4711, 25))

	def test_two_families(self):
		endpoint = self.header("v1", proxy_protocol={"from": ["127.0.0.0/8"]})
		with endpoint.connect() as s:
			s.sendall(b"PROXY TCP6 2001:db8::2 ::ffff:192.0.2.1 4711 25\r\n")
			self.assertEqual(self.read_back(s, b"payload"),
					 b"PROXY TCP6 2001:db8::2 ::ffff:192.0.2.1 4711 25\r\n")

	def test_of_a_unix_client(self):
		for version, header in ("v1", b"PROXY UNKNOWN\r\n"), ("v2", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"):
			self.got.clear()
			endpoint = Endpoint.abstract()
			self.d = self.daemon(proxy(endpoint.text, self.serve(self.take).text, send_proxy=version))
			with endpoint.connect() as s:
				self.assertEqual(self.read_back(s, b"x"), header)

	def haproxy(self, port, server):
		conf = self.write("haproxy.cfg", """
global
	log stderr format raw local0
defaults
	mode tcp
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	log global
listen l
	bind 127.0.0.1:%d accept-proxy
	log-format "from %%ci:%%cp"
	server s %s
""" % (port, server))
		run = subprocess.Popen(["haproxy", "-db", "-f", conf], stdout=subprocess.DEVNULL,
				       stderr=subprocess.PIPE, text=True,
				       env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
		self.addCleanup(run.wait)
		self.addCleanup(run.kill)
		wait_until(lambda: not Endpoint.v4(port=port).refuses(), "haproxy listens")
		return run

	@unittest.skipIf(shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin") is None,
			 "not installed: haproxy")
	def test_haproxy_understands_it(self):
		server = self.serve(lambda c: c.sendall(read_all(c)))
		for version in ("v1", "v2"):
			with self.subTest(version):
				inner = Endpoint.v4()
				run = self.haproxy(inner.port, server.text)
				endpoint = self.front(inner.text, send_proxy=version)
				with endpoint.connect() as s:
					name = s.getsockname()
					s.sendall(b"hello")
					s.shutdown(socket.SHUT_WR)
					self.assertEqual(read_all(s), b"hello")
				wanted = "from %s:%d" % name
				for line in run.stderr:
					if wanted in line:
						break
				else:
					self.fail("haproxy knows nothing of it")


main()
