#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An answer arrives whole although bytes of its client stay unread; and no client keeps a worker beyond the limits."""

import sys
sys.dont_write_bytecode = True

import os
import select
import signal
import socket
import threading
import time

from harness import *

ANSWER = 3_000_000
TIMEOUTS = {"first_byte": 0, "first_byte_busy": 0, "idle": 0, "send": 0, "total": 0}


class DeliveryCase(Case):
	def serve(self, endpoint=None, size=ANSWER, **timeouts):
		"""A program that reads nothing, and ends long before its client has the answer."""
		self.endpoint = endpoint or Endpoint.v4()
		self.d = self.daemon({"it": {"handler": "exec", "listen": str(self.endpoint),
					     "command": ["/usr/bin/head", "-c", str(size), "/dev/zero"],
					     "socket": {"sndbuf": 4_000_000, "rcvbuf": 65536, "user_timeout": 0},
					     "workers": {"min": 1, "max": 1, "max_spare": 1},
					     "timeouts": {**TIMEOUTS, **timeouts}}})

	def wait_free(self):
		wait_until(lambda: self.d.admin.service("it")["workers"]["busy"] == 0, "the worker is free")

	def wait_delivery(self):
		"""The program has ended, and its worker has not."""
		worker, = self.d.workers()
		wait_until(lambda: proc.children_at_once(worker) == [] and
			   self.d.admin.service("it")["workers"]["busy"] == 1, "the answer is under way")

	def narrow(self):
		s = socket.socket(self.endpoint.family)
		s.settimeout(PATIENCE)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
		s.connect(self.endpoint.address)
		return s


class Whole(DeliveryCase):
	def test_bytes_that_came_before(self):
		self.serve()
		for _ in range(10):
			with self.endpoint.connect() as s:
				s.sendall(b"x" * 70_000)
				time.sleep(0.05)
				self.assertEqual(len(read_all(s)), ANSWER)
		self.wait_free()
		self.assertEqual(self.d.grep("it .*:"), [])

	def test_bytes_that_come_meanwhile(self):
		self.serve()
		with self.narrow() as s:
			sent, got = 0, 0
			while got < ANSWER:
				select.select([s], [], [], PATIENCE)
				got += len(s.recv(50_000))
				if sent < 200_000:
					sent += s.send(b"x" * 10_000)
				time.sleep(0.005)
			self.assertEqual(s.recv(1), b"")

	def test_bytes_that_come_after_a_while(self):
		"""Longer than what a client without an answer under way is waited for."""
		self.serve()
		with self.narrow() as s:
			time.sleep(3)
			s.sendall(b"x")
			time.sleep(0.5)
			self.assertEqual(len(read_all(s)), ANSWER)

	def test_on_a_unix_socket(self):
		self.serve(Endpoint.unix(self.path("d0", "s")), size=200_000)
		with self.endpoint.connect() as s:
			s.sendall(b"x" * 70_000)
			time.sleep(0.05)
			self.assertEqual(len(read_all(s)), 200_000)

	def test_a_client_that_has_finished_keeps_nobody(self):
		"""Nothing can come that would destroy the answer: the kernel delivers it."""
		self.serve()
		with self.narrow() as s:
			s.sendall(b"x")
			s.shutdown(socket.SHUT_WR)
			self.wait_free()
			self.assertEqual(len(read_all(s)), ANSWER)


class Bounded(DeliveryCase):
	def check_cut(self, reason):
		self.d.wait_log("it .*: " + reason)
		self.wait_free()
		self.assertEqual(self.d.admin.service("it")["connections"]["failed"], 1)

	def test_a_client_that_takes_nothing(self):
		self.serve(send="500ms")
		with self.narrow():
			self.check_cut(r"the client took nothing for 500ms \(timeouts\.send\)$")

	def test_a_client_that_takes_nothing_on_a_unix_socket(self):
		self.serve(Endpoint.unix(self.path("d0", "s")), size=100_000, send="500ms")
		with self.endpoint.connect():
			self.check_cut(r"the client took nothing for 500ms \(timeouts\.send\)$")

	def test_a_client_that_sends_for_ever(self):
		for limit in ({"send": "500ms"}, {"total": "1s"}):
			self.serve(**limit)
			with self.narrow() as s:
				flood = threading.Thread(target=self.flood, args=(s,))
				flood.start()
				self.check_cut(r".* \(timeouts\.%s\)$" % list(limit)[0])
				flood.join()

	@staticmethod
	def flood(s):
		try:
			while True:
				s.sendall(b"x" * 10_000)
		except OSError:
			pass

	def test_a_client_that_has_all_and_sends_for_ever(self):
		self.serve(size=10)
		with self.narrow() as s:
			recv_exact(s, 10)
			self.flood(s)
			self.wait_free()

	def test_a_worker_that_must_stop(self):
		self.serve(drain="500ms")
		with self.narrow():
			self.wait_delivery()
			self.assertEqual(self.d.stop(), 0)
			self.d.wait_log(r"it .*: cut: still there 500ms after the stop began \(timeouts\.drain\)$")

class Refused(Case):
	def test_a_banner(self):
		"""It reaches a client that has sent much already, and is followed by the end."""
		endpoint = Endpoint.v4()
		d = self.daemon({"it": {"handler": "echo", "listen": str(endpoint), "socket": {"rcvbuf": 1_000_000},
					"workers": {"min": 1, "max": 1, "max_spare": 1},
					"access": {"deny": "127.0.0.1", "banner": "no\n"}}})
		worker, = d.wait_workers(1)
		for _ in range(5):
			os.kill(worker, signal.SIGSTOP)
			with endpoint.connect() as s:
				s.setblocking(False)
				sent = 0
				while sent < 300_000:
					sent += s.send(b"x" * 10_000)
				s.settimeout(PATIENCE)
				os.kill(worker, signal.SIGCONT)
				self.assertEqual(read_all(s), b"no\n")


main()
