#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The handler proxy: the upstream has finished, and the client has not."""

import sys
sys.dont_write_bytecode = True

import queue
import socket
import threading
import time

from harness import *
from harness.upstream_case import UpstreamCase


class HalfClosed(UpstreamCase):
	LIMIT = "300ms"

	def begin(self, serve, limit=LIMIT, endpoint=None, **timeouts):
		server = Scripted(serve)
		self.addCleanup(server.close)
		self.endpoint = endpoint or Endpoint.v4()
		self.d = self.daemon({"p": {"handler": "proxy", "listen": self.endpoint.text, "upstream": server.text,
					    "timeouts": {"half_closed": limit, "idle": "1h", "first_byte": "1h",
							 **timeouts}}})

	def client(self, **options):
		s = socket.socket(self.endpoint.family)
		self.addCleanup(s.close)
		s.settimeout(PATIENCE)
		if "receives" in options:
			s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["receives"])
		s.connect(self.endpoint.address)
		return s

	def busy(self):
		return self.status()["workers"]["busy"]

	def check_end(self, endpoint):
		"""The upstream has closed; the client is told so, and keeps its end open."""
		self.begin(lambda connection: connection.sendall(b"all"), endpoint=endpoint)
		s = self.client()
		self.assertEqual(read_all(s), b"all")
		wait_until(lambda: self.busy() == 0, "its worker is free")
		self.assertEqual(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0, "not a reset: it has got all")
		self.assertEqual(self.status()["connections"]["failed"], 0)
		self.assertEqual(self.d.grep("half_closed"), [])

	def test_the_worker_is_free_after_the_limit(self):
		self.check_end(Endpoint.v4())

	def test_the_worker_is_free_after_the_limit_on_a_unix_socket(self):
		self.check_end(Endpoint.unix(self.path("front")))

	def test_without_a_limit_the_others_rule(self):
		self.begin(lambda connection: connection.sendall(connection.recv(5)), limit=0, idle="1s")
		s = self.client()
		s.sendall(b"hello")
		self.assertEqual(read_all(s), b"hello")
		self.d.wait_log(r"idle for 1s \(timeouts\.idle\)")

	def test_a_client_that_sends_keeps_it(self):
		got = queue.SimpleQueue()

		def serve(connection):
			connection.sendall(b"go on")
			connection.shutdown(socket.SHUT_WR)
			got.put(read_all(connection))
		self.begin(serve, limit="2s")
		s = self.client()
		self.assertEqual(read_all(s), b"go on")
		end = time.monotonic() + 5
		sent = 0
		while time.monotonic() < end:
			s.sendall(b"x")
			sent += 1
			time.sleep(0.1)
		s.shutdown(socket.SHUT_WR)
		self.assertEqual(got.get(timeout=PATIENCE), b"x" * sent)

	def test_the_upstream_does_not_take_it_for_the_clients_end(self):
		"""It had only finished sending, and the client had not."""
		got = queue.SimpleQueue()

		def serve(connection):
			connection.shutdown(socket.SHUT_WR)
			try:
				got.put(read_all(connection))
			except ConnectionResetError:
				got.put("reset")
		self.begin(serve)
		s = self.client()
		s.sendall(b"half of it")
		self.assertEqual(read_all(s), b"")
		self.assertEqual(got.get(timeout=PATIENCE), "reset")

	def check_slow_reader(self, size, endpoint=None):
		data = payload("slow", size)
		self.begin(lambda connection: connection.sendall(data), endpoint=endpoint)
		s = self.client(receives=4096)
		time.sleep(1.5)	# several times the limit
		self.assertEqual(self.busy(), 1)
		self.assertEqual(read_all(s), data)
		wait_until(lambda: self.busy() == 0, "its worker is free")

	def test_a_client_that_has_not_taken_all_is_waited_for(self):
		"""The rest is in the kernel, with the end behind it."""
		self.check_slow_reader(100000)

	def test_a_client_that_has_not_taken_all_is_waited_for_on_a_unix_socket(self):
		self.check_slow_reader(100000, Endpoint.unix(self.path("front")))

	def test_a_client_that_has_not_taken_much_is_waited_for(self):
		self.check_slow_reader(20000000)

	def test_an_upstream_that_takes_its_time_with_the_clients_bytes(self):
		"""The client has sent more than there is room for: it is the upstream that is silent."""
		data, got, read = payload("upload", 20000000), queue.SimpleQueue(), threading.Event()

		def serve(connection):
			connection.shutdown(socket.SHUT_WR)
			read.wait(PATIENCE)
			got.put(read_all(connection))
		self.begin(serve)
		s = self.client()
		sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
		sender.start()
		time.sleep(1.5)
		read.set()
		self.assertEqual(got.get(timeout=PATIENCE) == data, True)
		sender.join()

	def test_the_limit_is_not_for_an_answer(self):
		"""The other direction: the client has finished, and the upstream computes."""
		def serve(connection):
			question = read_all(connection)
			time.sleep(1.5)
			connection.sendall(question.upper())
		self.begin(serve)
		self.assertEqual(talk(self.endpoint, b"question"), b"QUESTION")


main()
