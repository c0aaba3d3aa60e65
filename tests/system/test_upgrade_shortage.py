#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A lack of memory or descriptors, and signals, after the exec of an upgrade: the new image tries again."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import threading
import unittest

from harness import *
from harness.shortage import MEMORY, SYSTEM, Shortage, no_shortage
from harness.upgrade_case import UpgradeCase

TRIES = 25	# calls of each kind that fail, spread over the start


@unittest.skipIf(no_shortage(), no_shortage())
class AfterTheExec(UpgradeCase):
	def setUp(self):
		super().setUp()
		self.shortage = Shortage(self.folder("shortage"))
		self.echo, self.program = Endpoint.v4(), Endpoint.unix(self.path("cat"))
		self.d = self.serve({"echo": {"handler": "echo", "listen": self.echo.text},
				     "cat": {"handler": "exec", "command": ["/bin/cat"], "listen": self.program.text}},
				    env=self.shortage.env)

	def failing(self, kinds, first, last):
		"""An upgrade in whose new image these calls fail. Returns how many calls there were, and which one
		failed."""
		mark = self.d.mark()
		self.shortage.begin(self.d.pid, kinds, first, last, image=1)
		with hold(self.echo) as s:
			self.d.kill(signal.SIGUSR2)
			self.d.wait_log("upgraded: |rejected", since=mark)
			s.sendall(b"still")
			self.assertEqual(recv_exact(s, 5), b"still")
		result = self.shortage.end()
		self.assertIsNone(self.d.process.poll(), result)
		self.assertTrue(self.d.grep("upgraded: ", since=mark), result)
		self.assertEqual(talk(self.echo, b"x"), b"x", result)
		self.assertEqual(talk(self.program, b"x"), b"x", result)
		wait_until(lambda: self.d.admin.status()["state"] == "serving", "it serves")
		return result

	def each_fails(self, kinds):
		count, _ = self.failing(kinds, 1 << 30, 1 << 30)
		self.assertGreater(count, TRIES)
		failed = set()
		for n in range(TRIES):
			k = 1 + n * count // TRIES
			failed.add(self.failing(kinds, k, k)[1])
		self.assertGreater(len(failed - {""}), 1, failed)
		self.assertEqual(self.d.stop(), 0)

	def test_memory(self):
		self.each_fails(MEMORY)

	def test_system_calls(self):
		self.each_fails(SYSTEM)

	def test_memory_before_the_exec(self):
		"""It is rejected, or nothing is missing from what is handed over."""
		rejected = 0
		for k in range(20, 520, 20):
			mark, generation = self.d.mark(), self.d.admin.status()["generation"]
			self.shortage.begin(self.d.pid, MEMORY, k)
			self.d.kill(signal.SIGUSR2)
			line = self.d.wait_log("upgraded: |rejected", since=mark)
			_, name = self.shortage.end()
			self.assertIsNone(self.d.process.poll(), (k, name))
			rejected += "rejected" in line
			wait_until(lambda: self.d.admin.status()["state"] == "serving", "it serves")
			self.assertEqual(self.d.admin.status()["generation"] - generation, int("upgraded" in line))
			for endpoint in (self.echo, self.program):
				self.assertEqual(talk(endpoint, b"x"), b"x", (k, name))
		self.assertGreater(rejected, 3)
		self.upgrade(self.d)
		self.assertEqual(self.d.stop(), 0)

	def test_told_to_stop_while_it_waits(self):
		self.shortage.begin(self.d.pid, MEMORY, 1, 1 << 30, image=1)
		self.d.kill(signal.SIGUSR2)
		wait_until(lambda: self.d.notify.seen("STATUS=upgrading: the new program cannot start yet"),
			   "it says what it waits for")
		self.d.kill(signal.SIGTERM)
		self.d.wait()
		wait_until(lambda: not self.d.remains(), "no process left", 10)


class Signals(UpgradeCase):
	def test_at_any_moment(self):
		"""A signal that means nothing ends nothing, whenever it comes."""
		a = Endpoint.v4()
		d = self.serve({"echo": {"handler": "echo", "listen": a.text}})
		over = threading.Event()

		def storm():
			while not over.is_set():
				for number in (signal.SIGALRM, signal.SIGPROF, signal.SIGVTALRM, signal.SIGIO, 40):
					try:
						os.kill(d.pid, number)
					except ProcessLookupError:
						return

		thread = threading.Thread(target=storm, daemon=True)
		thread.start()
		self.addCleanup(thread.join)
		self.addCleanup(over.set)
		for _ in range(10):
			mark = d.mark()
			d.kill(signal.SIGUSR2)
			d.wait_log("upgraded: ", since=mark)
			self.assertEqual(talk(a, b"x"), b"x")
		over.set()
		self.assertEqual(d.stop(), 0)


main()
