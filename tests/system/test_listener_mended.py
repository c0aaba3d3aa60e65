#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Listening sockets that a process has shut down or connected, for all who have them."""

import sys
sys.dont_write_bytecode = True

import ctypes
import os
import socket
import struct
import unittest

from harness import *
from harness.datagram_case import DatagramCase, gram

SYS_PIDFD_GETFD = 438


def take_copy(pid, endpoint, kind):
	"""The socket of process PID that is bound to ENDPOINT."""
	libc = ctypes.CDLL(None, use_errno=True)
	process = os.pidfd_open(pid)
	try:
		for number in map(int, os.listdir("/proc/%d/fd" % pid)):
			if not os.readlink("/proc/%d/fd/%d" % (pid, number)).startswith("socket:"):
				continue
			fd = libc.syscall(SYS_PIDFD_GETFD, process, number, 0)
			if fd < 0:
				code = ctypes.get_errno()
				raise unittest.SkipTest("no copies of others' descriptors: %s" % os.strerror(code))
			s = socket.socket(fileno=fd)
			name = s.getsockname()
			if s.type == kind and (name.decode() if isinstance(name, bytes) else name) == endpoint.address:
				return s
			s.close()
	finally:
		os.close(process)
	raise AssertionError("process %d has no socket at %s" % (pid, endpoint))


def backlog_of(s):
	"""tcpi_sacked, which a listener has for this."""
	return struct.unpack_from("I", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 28)[0]


@needs_root("needs root (a copy of another's descriptor)")
class Streams(Case):
	def check(self, endpoint, said):
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "workers": {"min": 3}}})
		self.assertEqual(talk(endpoint, b"before"), b"before")
		with take_copy(d.pid, endpoint, socket.SOCK_STREAM) as s:
			s.shutdown(socket.SHUT_RDWR)
		wait_until(lambda: self.answers(endpoint), "it listens again")
		d.wait_log(r"shut it down \(shutdown\(2\)\) for all, .*; %s" % said)
		service = d.admin.service("echo")
		self.assertEqual((service["state"], service["crashes"]), ("serving", 0))
		(listener,) = service["listeners"]
		self.assertEqual((listener["trouble"], listener["mended"]), (None, 1))
		self.assertIn(", mended 1 time\n", d.ctl("status").stdout)
		self.assertEqual(len(d.grep(said)), 1)
		self.assertEqual(d.grep("leaves|could serve"), [], "no line of a worker")
		for _ in range(20):
			self.assertEqual(talk(endpoint, b"after"), b"after")
		self.assertEqual(d.stop(), 0)

	def answers(self, endpoint):
		try:
			return talk(endpoint, b"again") == b"again"
		except OSError:
			return False

	def test_tcp(self):
		self.check(Endpoint.v4(), "it listens again")

	def test_a_queue_that_was_cut(self):
		"""A worker that calls listen(2) with another backlog would have the clients of a burst dropped."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "backlog": 77}})
		with take_copy(d.pid, endpoint, socket.SOCK_STREAM) as s:
			s.listen(0)
			wait_until(lambda: backlog_of(s) == 77, "room for 77 clients")
		d.wait_log(r"has changed its backlog to 0 \(listen\(2\)\) for all; it is 77 again")
		self.assertEqual(d.admin.service("echo")["listeners"][0]["mended"], 0)

	def test_unix(self):
		self.check(Endpoint.unix(self.path("echo")), "it is bound anew")

	def test_abstract(self):
		self.check(Endpoint.abstract(), "it is bound anew")

	def test_it_outlives_an_upgrade(self):
		endpoint = Endpoint.unix(self.path("echo"))
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}})
		with take_copy(d.pid, endpoint, socket.SOCK_STREAM) as s:
			s.shutdown(socket.SHUT_RDWR)
		wait_until(lambda: self.answers(endpoint), "it listens again")
		done = d.ctl("upgrade")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertTrue(self.answers(endpoint))
		self.assertEqual(d.admin.service("echo")["listeners"][0]["mended"], 1)


@needs_root("needs root (a copy of another's descriptor)")
class Datagrams(DatagramCase):
	def echo(self, endpoint):
		d = self.daemon(self.service("echo", [endpoint]))
		with self.asker(endpoint) as a:
			self.assertEqual(a.ask(b"before"), b"before")
		return d

	def answered(self, endpoint):
		with self.asker(endpoint) as a:
			a.socket.settimeout(0.2)
			try:
				return a.ask(b"again") == b"again"
			except OSError:
				return False

	def check(self, endpoint, spoil, said):
		d = self.echo(endpoint)
		with take_copy(d.pid, endpoint, socket.SOCK_DGRAM) as s:
			spoil(s)
		wait_until(lambda: self.answered(endpoint), "it answers again")
		d.wait_log(said)
		self.assertEqual(self.status(d)["listeners"][0]["mended"], 1)
		self.assertEqual(len(d.grep(said)), 1)
		self.assertEqual(d.grep("leaves|could serve"), [])
		self.assertEqual(d.stop(), 0)

	def connect(self, s):
		with self.asker(Endpoint("", s.family, None)) as a:
			if s.family == socket.AF_INET:
				a.socket.bind(("127.0.0.1", 0))
			s.connect(a.socket.getsockname())

	def shut(self, s):
		try:
			s.shutdown(socket.SHUT_RDWR)
		except OSError:
			pass	# it says that it is not connected, and shuts it down

	def test_udp_connected(self):
		self.check(gram(Endpoint.v4()), self.connect, "connected it .*; it is disconnected again")

	def test_udp_shut_down(self):
		self.check(gram(Endpoint.v4()), self.shut, "shut it down .*; it is bound anew")

	def test_unix_connected(self):
		self.check(gram(Endpoint.unix(self.path("echo"))), self.connect,
			   "connected it .*; it is disconnected again")

	def test_unix_shut_down(self):
		self.check(gram(Endpoint.unix(self.path("echo"))), self.shut, "shut it down .*; it is bound anew")


class Programs(DatagramCase):
	ANSWER = "import socket, sys; s = socket.socket(fileno=0); data, peer = s.recvfrom(100); "

	def program(self, endpoint, code):
		return self.daemon({"p": {"handler": "exec", "listen": endpoint.text,
					  "command": ["/usr/bin/python3", "-c", self.ANSWER + code]}})

	def test_a_program_may_connect_its_socket(self):
		"""For as long as it runs; the next client has the same right."""
		for endpoint in gram(Endpoint.v4()), gram(Endpoint.unix(self.path("p"))):
			with self.subTest(endpoint=endpoint.text):
				d = self.program(endpoint, "s.connect(peer); s.send(data)")
				for _ in range(4):
					# while it is connected, the kernel refuses what others send
					wait_until(lambda: self.status(d)["workers"]["idle"] == 1, "it has ended")
					with self.asker(endpoint) as a:
						self.assertEqual(a.ask(b"hello"), b"hello")
				self.assertEqual(d.grep("connected it"), [])
				self.assertEqual(d.stop(), 0)

	def test_it_is_left_connected_while_the_program_runs(self):
		endpoint = gram(Endpoint.v4())
		d = self.program(endpoint, "s.connect(peer); s.send(data)\n"
				 "while data != b'end': data = s.recv(100); s.send(data)")
		with self.asker(endpoint) as a:
			self.assertEqual(a.ask(b"one"), b"one")
			since = d.admin.status()["uptime"]
			wait_until(lambda: d.admin.status()["uptime"] > since + 2.2, "two ticks")
			for word in b"two", b"end":
				self.assertEqual(a.ask(word), word)
		self.assertEqual(self.status(d)["listeners"][0]["mended"], 0)

	def test_a_program_that_shuts_its_socket_down(self):
		endpoint = gram(Endpoint.v4())
		d = self.program(endpoint, "s.sendto(data, peer)\ntry: s.shutdown(2)\nexcept OSError: pass")
		for _ in range(3):
			def asked():
				with self.asker(endpoint) as a:
					a.socket.settimeout(0.5)
					try:
						return a.ask(b"hello") == b"hello"
					except OSError:
						return False
			wait_until(asked, "it is answered")
		d.wait_log(r"a program has shut it down .*; it is bound anew")
		self.assertEqual(self.status(d)["state"], "serving")


main()
