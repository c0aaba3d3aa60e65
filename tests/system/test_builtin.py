#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every built-in service does what its RFC says, keeps its time limits, and closes gently."""

import sys
sys.dont_write_bytecode = True

import os
import re
import select
import signal
import socket
import struct
import time

from harness import *


def service(handler, listen, **more):
	return {handler: {"handler": handler, "listen": listen, **more}}


class Protocols(Case):
	"""Over each family in turn."""

	def endpoints(self):
		found = [Endpoint.v4(), Endpoint.unix(self.path("d0", "s")), Endpoint.abstract()]
		return found + ([Endpoint.v6()] if can_ipv6() else [])

	def each(self, handler):
		endpoints = self.endpoints()
		self.daemon(service(handler, [e.text for e in endpoints], workers={"min": 1, "max": 8}))
		for endpoint in endpoints:
			with self.subTest(endpoint.text):
				yield endpoint

	def test_echo(self):
		for endpoint in self.each("echo"):
			data = payload(endpoint.text, 3_000_001)
			self.assertTrue(talk(endpoint, data) == data, "the same bytes come back")
			self.assertEqual(talk(endpoint), b"")

	def test_echo_answers_at_once(self):
		for endpoint in self.each("echo"):
			with endpoint.connect() as s:
				for i in range(256):
					s.sendall(bytes([i]))
					self.assertEqual(s.recv(2), bytes([i]))

	def test_discard(self):
		for endpoint in self.each("discard"):
			self.assertEqual(talk(endpoint, payload(1, 1_000_000)), b"")

	def test_chargen(self):
		for endpoint in self.each("chargen"):
			with endpoint.connect() as s:
				text = recv_exact(s, 74 * 200)
			lines = text.split(b"\r\n")[:-1]
			self.assertEqual(len(lines), 200)
			ring = bytes(range(32, 127))
			first = ring.index(lines[0][0])
			for i, line in enumerate(lines):
				start = (first + i) % 95
				self.assertEqual(line, (ring + ring)[start:start + 72])

	def test_daytime(self):
		for endpoint in self.each("daytime"):
			with endpoint.connect() as s:
				text = read_all(s)
			self.assertTrue(text.endswith(b"\r\n"), text)
			self.assertEqual(text.count(b"\n"), 1)
			self.assertIn(time.strftime("%Y").encode(), text)
			self.assertRegex(text, rb"\d\d:\d\d:\d\d")

	def test_time(self):
		for endpoint in self.each("time"):
			with endpoint.connect() as s:
				answer = read_all(s)
			self.assertEqual(len(answer), 4)
			since_1900 = struct.unpack("!I", answer)[0]
			self.assertLess(abs(since_1900 - 2208988800 - time.time()), 10)

	def test_a_client_that_leaves_harms_nobody(self):
		for endpoint in self.each("chargen"):
			for _ in range(30):
				s = endpoint.connect()
				s.recv(10)
				# leave with a reset: what is unread is thrown away
				s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
				s.close()
			with endpoint.connect() as s:
				recv_exact(s, 740)
		self.assertEqual(self.daemons[0].stop(), 0)


	def test_clients_that_reset_are_told_of_now_and_then(self):
		"""They are no failures, and cost no line each: whoever likes could write the log full."""
		endpoint = Endpoint.v4()
		d = self.daemon(service("echo", endpoint.text, workers={"min": 1, "max": 1, "max_spare": 1}))
		start = time.monotonic()
		for _ in range(20):
			with hold(endpoint) as s:
				reset_at_close(s)
		wait_until(lambda: d.admin.service("echo")["connections"]["accepted"] == 20, "all are served")
		self.assertEqual(d.admin.service("echo")["connections"]["failed"], 0)
		self.assertEqual(d.stop(), 0)
		told = d.grep(r"echo 127\.0\.0\.1:\d+: the client is gone \(reset\)")
		self.assertTrue(1 <= len(told) <= 1 + (time.monotonic() - start) / 10, told)


class TimeLimits(Case):
	def serve(self, handler, **timeouts):
		self.endpoint = Endpoint.v4()
		return self.daemon(service(handler, self.endpoint.text, timeouts=timeouts))

	def ended_after(self, s, since):
		try:
			while s.recv(65536):
				pass
		except ConnectionResetError:
			pass
		return time.monotonic() - since

	def test_first_byte(self):
		for handler in ("echo", "discard"):
			with self.subTest(handler):
				d = self.serve(handler, first_byte="1s")
				with self.endpoint.connect() as talker, self.endpoint.connect() as s:
					start = time.monotonic()
					talker.sendall(b"x")
					self.assertGreaterEqual(self.ended_after(s, start), 0.8)
					# who has spoken may be silent for longer
					self.assertFalse(select.select([talker], [], [], 0.7)[0]
							 and handler == "discard")
					talker.sendall(b"y")
					if handler == "echo":
						self.assertEqual(recv_exact(talker, 2), b"xy")
					name = r"%s.*127\.0\.0\.1:%d.*first.?byte" % (handler, s.getsockname()[1]) \
						if s.fileno() >= 0 else handler
				d.wait_log(name)

	def test_idle(self):
		for handler in ("echo", "discard"):
			with self.subTest(handler):
				d = self.serve(handler, idle="1s")
				with self.endpoint.connect() as s:
					port = s.getsockname()[1]
					start = time.monotonic()
					while time.monotonic() - start < 2:	# busy for longer than the limit
						s.sendall(b"x")
						if handler == "echo":
							recv_exact(s, 1)
						time.sleep(0.1)
					last = time.monotonic()
					self.assertGreaterEqual(self.ended_after(s, last), 0.7)
				d.wait_log(r"%s.*127\.0\.0\.1:%d.*idle" % (handler, port))

	def test_total(self):
		d = self.serve("echo", total="1500ms")
		with self.endpoint.connect() as s:
			port = s.getsockname()[1]
			start = time.monotonic()
			with self.assertRaises((ConnectionError, AssertionError)):
				while time.monotonic() - start < PATIENCE:
					s.sendall(b"x")
					recv_exact(s, 1)
					time.sleep(0.05)
			self.assertGreaterEqual(time.monotonic() - start, 1.3)
		d.wait_log(r"echo.*127\.0\.0\.1:%d.*total" % port)

	def test_a_client_that_does_not_read(self):
		"""A worker that cannot write is as idle as one that cannot read."""
		d = self.serve("chargen", idle="1s")
		with self.endpoint.connect() as s:
			recv_exact(s, 74)
			d.wait_log(r"chargen.*127\.0\.0\.1:%d.*idle" % s.getsockname()[1])

	def test_chargen_total(self):
		d = self.serve("chargen", total="1s")
		with self.endpoint.connect() as s:
			port = s.getsockname()[1]
			self.assertGreaterEqual(self.ended_after(s, time.monotonic()), 0.8)
		d.wait_log(r"chargen.*127\.0\.0\.1:%d.*total" % port)

	def test_after_a_limit_the_worker_serves_on(self):
		endpoint = Endpoint.v4()
		d = self.daemon(service("echo", endpoint.text, timeouts={"idle": "300ms"},
					workers={"min": 1, "max": 1, "max_spare": 1}))
		worker = d.wait_workers(1)
		for _ in range(3):
			with hold(endpoint) as s:
				self.ended_after(s, time.monotonic())
		self.assertEqual(talk(endpoint, b"again"), b"again")
		self.assertEqual(d.workers(), worker, "the same worker")


class LingeringClose(Case):
	def test_unread_input_costs_no_answer(self):
		"""Bytes that are unread when the service closes must not turn the close into a reset."""
		for handler in ("daytime", "time"):
			with self.subTest(handler):
				endpoint = Endpoint.v4()
				d = self.daemon(service(handler, endpoint.text,
							workers={"min": 1, "max": 1, "max_spare": 1}))
				worker, = d.wait_workers(1)
				for _ in range(3):
					# hold the worker still, so that all our bytes are there before it looks
					os.kill(worker, signal.SIGSTOP)
					wait_until(lambda: proc.stat(worker).state == "T", "stopped")
					with endpoint.connect() as s:
						s.sendall(b"x" * 40_000)
						os.kill(worker, signal.SIGCONT)
						answer = read_all(s)	# a reset would raise
					self.assertTrue(re.match(rb".*\r\n\Z", answer)
							if handler == "daytime" else len(answer) == 4, answer)

	def test_a_client_that_goes_on_sending_is_left(self):
		endpoint = Endpoint.v4()
		d = self.daemon(service("daytime", endpoint.text, workers={"min": 1, "max": 1, "max_spare": 1}))
		with endpoint.connect() as s:
			with self.assertRaises(ConnectionError):
				end = time.monotonic() + PATIENCE
				while time.monotonic() < end:
					s.sendall(b"x" * 1000)
					time.sleep(0.02)
		with endpoint.connect() as s:
			self.assertTrue(read_all(s).endswith(b"\r\n"))
		self.assertEqual(d.stop(), 0)


main()
