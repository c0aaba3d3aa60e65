#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a supervisor is told: READY, STATUS, STOPPING, WATCHDOG."""

import sys
sys.dont_write_bytecode = True

import os
import socket
import time

from harness import *


class Notify(Case):
	def services(self):
		self.endpoint = Endpoint.v4()
		return {"echo": {"handler": "echo", "listen": self.endpoint.text, "workers": {"min": 2, "max": 4}}}

	def test_ready_when_it_is(self):
		d = self.daemon(self.services(), start=False).launch()
		d.notify.wait("READY=1")
		with self.endpoint.connect() as s:	# refused here would mean: too early
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		ready = d.notify.seen("READY=1")
		self.assertEqual(len(ready), 1)
		self.assertEqual(ready[0][1], d.pid, "sent by the main process")

	def test_status(self):
		d = self.daemon(self.services())
		self.assertIsNotNone(d.notify.wait("STATUS="))

	def test_stopping(self):
		d = self.daemon(self.services())
		self.assertEqual(d.notify.seen("STOPPING=1"), [])
		self.assertEqual(d.stop(), 0)
		stopping = d.notify.wait("STOPPING=1", timeout=5)
		self.assertIsNotNone(stopping)
		self.assertGreaterEqual(stopping[0], d.notify.seen("READY=1")[0][0])

	def test_only_the_master_speaks(self):
		d = self.daemon(self.services())
		for _ in range(10):
			talk(self.endpoint, b"x")
		d.stop()
		self.assertEqual({m[1] for m in d.notify.messages}, {d.pid})

	def test_a_supervisor_that_does_not_read(self):
		"""The daemon serves, grows and stops all the same."""
		endpoint, path = Endpoint.v4(), self.path("deaf")
		with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
			deaf.bind(path)
			os.chmod(path, 0o777)
			deaf_full = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
			deaf_full.connect(path)
			with deaf_full:
				try:
					while True:
						deaf_full.send(b"X=1")
				except BlockingIOError:
					pass
			d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}}, start=False,
					env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}, notify=False)
			d.launch()
			d.wait_log("started")
			for _ in range(3):
				held = [hold(endpoint) for _ in range(10)]
				for h in held:
					h.__enter__()
				for h in held:
					h.__exit__(None, None, None)
			self.assertEqual(d.stop(), 0)

	def test_watchdog(self):
		d = self.daemon(self.services(), env={"WATCHDOG_USEC": "1000000"})
		start = time.monotonic()
		self.assertIsNotNone(d.notify.wait("WATCHDOG=1", 4))
		self.assertGreater(time.monotonic() - start, 0.3, "not in a hurry")
		self.assertEqual(d.stop(), 0)

	def test_watchdog_while_it_drains(self):
		d = self.daemon(self.services(), env={"WATCHDOG_USEC": "1000000"})
		with hold(self.endpoint):
			d.kill(15)
			self.assertTrue(d.notify.wait("STOPPING=1"))
			count = len(d.notify.seen("WATCHDOG=1"))
			self.assertIsNotNone(d.notify.wait("WATCHDOG=1", count + 2))
		self.assertEqual(d.wait(), 0)

	def test_watchdog_with_our_pid(self):
		d = self.daemon(self.services(), env={"WATCHDOG_USEC": "1000000"}, how={"own_pid": ["WATCHDOG_PID"]})
		self.assertIsNotNone(d.notify.wait("WATCHDOG=1", 2))

	def test_watchdog_of_somebody_else(self):
		d = self.daemon(self.services(), env={"WATCHDOG_USEC": "400000", "WATCHDOG_PID": "1"})
		self.assertIsNone(d.notify.wait("WATCHDOG=1", timeout=1.5))
		d.stop()

	def test_no_supervisor(self):
		d = self.daemon(self.services(), start=False, notify=False).launch()
		wait_until(lambda: not self.endpoint.refuses(), "it listens")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_supervisor_that_is_gone(self):
		"""A notify socket that nobody reads is not a reason to fail."""
		d = self.daemon(self.services(), start=False, env={"NOTIFY_SOCKET": self.path("gone")}).launch()
		wait_until(lambda: not self.endpoint.refuses(), "it listens")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)


main()
