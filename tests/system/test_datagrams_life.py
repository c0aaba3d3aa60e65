#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Datagrams while the daemon reloads, upgrades, and stops."""

import sys
sys.dont_write_bytecode = True

import os
import signal

from harness import *
from harness.datagram_case import DatagramCase, gram


class Life(DatagramCase):
	"""Workers, configurations and images come and go: datagrams in the queue are answered."""

	def start_echo(self, **more):
		self.endpoint = gram(Endpoint.v4())
		self.services = self.service("echo", [self.endpoint], **more)
		return self.daemon(self.services)

	def chatter(self, a, action, rounds=40):
		"""One question after the other, each answered, while ACTION happens."""
		for i in range(rounds):
			if i in (10, 20, 30):
				action()
			self.assertEqual(a.ask(b"%d" % i), b"%d" % i)

	def test_reload(self):
		d = self.start_echo()
		state = {"max": 8}

		def change():
			state["max"] += 1
			self.services["echo"]["workers"] = {"min": 1, "max": state["max"]}
			self.assertEqual(d.reload(Config(self.services)).returncode, 0)
		with self.asker(self.endpoint) as a:
			self.chatter(a, change)

	def test_reload_to_an_address_that_overlaps(self):
		"""It is rejected, and two reloads do it."""
		d = self.start_echo()
		wide = self.service("echo", [Endpoint("udp:*:%d" % self.endpoint.port, None, None)])
		other = self.service("echo", [gram(Endpoint.v4())])
		with self.asker(self.endpoint) as a:
			rejected = d.reload(Config(wide))
			self.assertEqual(rejected.returncode, 1)
			self.assertIn("Address already in use", rejected.stderr)
			self.assertEqual(a.ask(b"as before"), b"as before")
			for services in (other, wide, other, self.services):
				self.assertEqual(d.reload(Config(services)).returncode, 0)
			self.assertEqual(a.ask(b"there and back"), b"there and back")

	def test_upgrade(self):
		d = self.start_echo()
		with self.asker(self.endpoint) as a:
			self.chatter(a, lambda: self.assertEqual(d.ctl("upgrade").returncode, 0))

	def test_killed_workers(self):
		d = self.start_echo()
		with self.asker(self.endpoint) as a:
			for i in range(5):
				old = d.workers()
				for pid in old:
					os.kill(pid, signal.SIGKILL)
				# one that is dying may take a datagram with it
				wait_until(lambda: not set(old) & set(d.workers()), "they are gone")
				self.assertEqual(a.ask(b"%d" % i), b"%d" % i)

	def test_retired_workers_leave_at_once(self):
		d = self.start_echo()
		with self.asker(self.endpoint) as a:
			for i in range(30):
				self.assertEqual(a.ask(b"%d" % i), b"%d" % i)
				for pid in d.workers():
					os.kill(pid, signal.SIGTERM)
			self.assertEqual(a.ask(b"there"), b"there")

	def test_stop_answers_what_is_queued(self):
		d = self.start_echo(workers={"min": 1, "max": 1})
		worker, = d.workers()
		os.kill(worker, signal.SIGSTOP)
		with self.asker(self.endpoint) as a:
			for i in range(20):
				a.send(b"%d" % i)
			d.kill(signal.SIGTERM)
			d.wait_log("stop")
			os.kill(worker, signal.SIGCONT)
			self.assertEqual([a.take() for _ in range(20)], [b"%d" % i for i in range(20)])
		self.assertEqual(d.wait(), 0)

	def test_drain_and_undrain(self):
		d = self.start_echo()
		with self.asker(self.endpoint) as a:
			self.assertEqual(a.ask(b"1"), b"1")
			self.assertEqual(d.ctl("drain").returncode, 0)
			a.send(b"2")
			a.socket.settimeout(0.2)
			self.assertRaises(TimeoutError, a.take)
			a.socket.settimeout(PATIENCE)
			self.assertEqual(d.ctl("undrain").returncode, 0)
			self.assertEqual(a.ask(b"3"), b"3")

	def test_max_requests(self):
		d = self.start_echo(workers={"min": 1, "max": 2, "max_requests": 10})
		first = set(d.workers())
		with self.asker(self.endpoint) as a:
			for i in range(100):
				self.assertEqual(a.ask(b"%d" % i), b"%d" % i)

			def replaced():
				# another one, that need not wait for its turn on a processor, may have had nearly all
				# so far
				self.assertEqual(a.ask(b"more"), b"more")
				return not first & set(d.workers())
			wait_until(replaced, "the first ones were replaced")


if __name__ == "__main__":
	main()
