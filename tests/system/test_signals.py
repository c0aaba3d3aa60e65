#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signals: the documented ones have their effect, all others none."""

import sys
sys.dont_write_bytecode = True

import json
import os
import signal

from harness import *

# A stop or a dump has its meaning; these are the marks of a program's own faults, and SIGKILL and SIGSTOP
# cannot be refused. 32 and 33 belong to the C library.
FAULTS = {signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV,
	  signal.SIGSYS}
UNSTOPPABLE = {signal.SIGKILL, signal.SIGSTOP}
HARMLESS = sorted(set(range(1, 65)) - FAULTS - UNSTOPPABLE - {32, 33, signal.SIGTERM, signal.SIGINT,
							      signal.SIGQUIT})
# To the master these are orders: reload, upgrade.
ORDERS = {signal.SIGHUP, signal.SIGUSR2}


class Signals(Case):
	def serve(self, handler="echo", **more):
		self.endpoint = Endpoint.v4()
		d = self.daemon({"svc": {"handler": handler, "listen": self.endpoint.text,
					 "workers": {"min": 2, "max": 2, "max_spare": 2}, **more}})
		self.workers = d.wait_workers(2)
		return d

	def steady(self, d):
		"""The same processes serve on."""
		for _ in range(4):
			self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.assertIsNone(d.process.poll(), "the master lives")
		self.assertEqual(d.workers(), self.workers, "the same workers")

	def test_master(self):
		d = self.serve()
		with hold(self.endpoint) as s:
			for number in set(HARMLESS) - ORDERS:
				d.kill(number)
				s.sendall(b"more")
				self.assertEqual(recv_exact(s, 4), b"more", "after signal %d" % number)
				self.assertIsNone(d.process.poll(), "the master died of signal %d" % number)
		self.steady(d)
		self.assertEqual(d.stop(), 0)

	def test_master_in_a_storm(self):
		d = self.serve()
		for _ in range(20):
			for number in set(HARMLESS) - ORDERS:
				d.kill(number)
		self.steady(d)
		self.assertEqual(d.stop(), 0)

	def test_storm_of_orders(self):
		"""However reloads and upgrades come, in the end it serves."""
		d = self.serve()
		for _ in range(50):
			for number in ORDERS:
				d.kill(number)
			self.assertEqual(talk(self.endpoint, b"x"), b"x")
		status = lambda: json.loads(run_preforkctl("-s", d.control, "--json", "status").stdout or "{}")
		wait_until(lambda: status().get("state") == "serving", "it is at rest")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.assertIsNone(d.process.poll())
		self.assertEqual(d.stop(), 0)

	def test_idle_worker(self):
		d = self.serve()
		for number in HARMLESS:
			for pid in self.workers:
				try:
					os.kill(pid, number)
				except ProcessLookupError:
					self.fail("the worker died before signal %d" % number)
			self.assertEqual(talk(self.endpoint, b"x"), b"x")
			self.assertEqual(d.workers(), self.workers, "after signal %d" % number)
		self.steady(d)
		self.assertEqual(d.stop(), 0)

	def busy_worker(self, d):
		with hold(self.endpoint) as s:
			for number in HARMLESS:
				if number == signal.SIGUSR1:	# how the master tells a worker to cut its client
					continue
				for pid in self.workers:
					os.kill(pid, number)
				s.sendall(b"more")
				self.assertEqual(recv_exact(s, 4), b"more", "after signal %d" % number)
		self.steady(d)
		self.assertEqual(d.stop(), 0)

	def test_busy_worker(self):
		self.busy_worker(self.serve())

	def test_busy_worker_with_time_limits(self):
		"""SIGALRM from outside is not a time limit."""
		self.busy_worker(self.serve(timeouts={"first_byte": "50s", "idle": "50s", "total": "100s"}))

	def test_busy_worker_of_a_program(self):
		self.busy_worker(self.serve("exec", command=["/bin/cat"]))

	def test_usr1_says_how_things_are(self):
		d = self.serve()
		with hold(self.endpoint) as s:
			before = d.mark()
			d.kill(signal.SIGUSR1)
			self.assertRegex(d.wait_log(r"svc.*\b1 busy", before), r"\b1 idle")
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		self.steady(d)

	def test_sigpipe(self):
		"""Clients that leave in the middle of an answer kill nobody."""
		d = self.serve("chargen")
		for _ in range(30):
			with self.endpoint.connect() as s:
				s.recv(10)
		wait_until(lambda: d.workers() == self.workers, "the same workers")
		self.assertEqual(d.stop(), 0)

	def test_inherited_dispositions(self):
		"""Started by nohup or by a careless parent: a stop still stops, a child's end is still seen."""
		endpoint = Endpoint.v4()
		signals = [signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGALRM, signal.SIGUSR1, signal.SIGHUP]
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "timeouts": {"idle": "500ms"},
					  "workers": {"min": 2, "max": 2, "max_spare": 2}}},
				how={"ignore": signals, "block": signals})
		workers = d.wait_workers(2)
		with hold(endpoint) as s:
			self.assertRaises(ConnectionResetError, s.recv, 1)	# the idle limit works
		os.kill(workers[0], signal.SIGKILL)
		wait_until(lambda: len(set(d.workers()) - set(workers)) == 1, "it is replaced")
		self.assertEqual(d.stop(), 0)


main()
