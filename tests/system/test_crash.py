#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Processes that die: only their own client is harmed, and nothing stays behind."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import time

from harness import *

FIXED = {"min": 16, "max": 16, "max_spare": 16}


def alive(s):
	"""This client still gets its bytes back."""
	try:
		s.sendall(b"ping")
		return recv_exact(s, 4) == b"ping"
	except (ConnectionError, AssertionError):
		return False


class Workers(Case):
	def test_kill_half_under_load(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "workers": FIXED}})
		workers = d.wait_workers(16)
		served = [hold(endpoint) for _ in range(16)]
		queued = [endpoint.connect() for _ in range(8)]
		for i, s in enumerate(queued):
			s.sendall(b"queued%d" % i)
		for pid in workers[::2]:
			os.kill(pid, signal.SIGKILL)
		# The queued ones get the replacements, so eight are served again at once.
		for i, s in enumerate(queued):
			self.assertEqual(recv_exact(s, 7), b"queued%d" % i)
		self.assertEqual(sum(map(alive, served)), 8, "half of the clients are unharmed")
		for s in served + queued:
			s.close()
		now = d.wait_workers(16)
		self.assertEqual(len(set(now) & set(workers)), 8, "the others are still the same")
		wait_until(lambda: not proc.zombies(d.pid), "no zombie")
		for i in range(50):
			self.assertEqual(talk(endpoint, b"%d" % i), b"%d" % i)
		d.wait_log(r"(?i)echo.*(signal|kill)")
		self.assertEqual(d.stop(), 0)

	def test_crashes_do_not_slow_the_pool_down(self):
		"""A pool that has proved itself is not throttled: no client waits for a back-off."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 1, "max": 1, "max_spare": 1}}})
		start = time.monotonic()
		for i in range(12):
			worker, = d.wait_workers(1)
			with hold(endpoint):
				os.kill(worker, signal.SIGKILL if i % 2 else signal.SIGABRT)
				wait_until(lambda w=worker: not proc.alive(w), "dead")
		self.assertEqual(talk(endpoint, b"well"), b"well")
		self.assertLess(time.monotonic() - start, 10 * (5 if SANITIZED else 1))

	def test_many_dead_while_the_master_sleeps(self):
		"""One SIGCHLD may stand for many children."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "workers": FIXED}})
		workers = d.wait_workers(16)
		d.kill(signal.SIGSTOP)
		for pid in workers:
			os.kill(pid, signal.SIGKILL)
		d.kill(signal.SIGCONT)
		wait_until(lambda: len(set(d.workers()) - set(workers)) == 16, "a new pool")
		wait_until(lambda: not proc.zombies(d.pid), "no zombie")
		self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)


class Master(Case):
	def kill_master(self, services, endpoint):
		d = self.daemon(services)
		wait_until(d.workers, "workers")
		with endpoint.connect() as s:
			s.sendall(b"x")
			s.recv(1)
			d.kill(signal.SIGKILL)
			start = time.monotonic()
			d.wait()
			wait_until(lambda: not d.remains(), "nothing left of it", 10)
			self.assertLess(time.monotonic() - start, 5)
		self.assertTrue(endpoint.refuses())

	def test_no_worker_survives(self):
		endpoint = Endpoint.v4()
		self.kill_master({"echo": {"handler": "echo", "listen": endpoint.text, "workers": FIXED}}, endpoint)

	def test_no_program_survives_when_all_die_at_once(self):
		"""No process is left that could end the program: its life must be tied to that of its worker."""
		endpoint = Endpoint.v4()
		d = self.daemon({"sh": {"handler": "exec", "listen": endpoint.text,
					"command": ["/bin/sh", "-c", "echo $$; exec sleep 100"]}})
		with endpoint.connect() as s:
			program = int(s.makefile().readline())
			# none of them can do anything any more before all of them are dead
			pids = [d.pid] + d.workers()
			for pid in pids:
				os.kill(pid, signal.SIGSTOP)
			wait_until(lambda: all(proc.stat(pid).state == "T" for pid in pids), "stopped")
			for pid in pids:
				os.kill(pid, signal.SIGKILL)
			d.wait()
			wait_until(lambda: not proc.alive(program), "the program is gone", 10)
			wait_until(lambda: not d.remains(), "nothing left of it", 10)

	def test_no_program_survives(self):
		endpoint = Endpoint.v4()
		self.kill_master({"sh": {"handler": "exec", "listen": endpoint.text,
					 "command": ["/bin/sh", "-c", "echo x; exec sleep 100"]}}, endpoint)


class Programs(Case):
	def test_worker_killed_while_its_program_runs(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"sh": {"handler": "exec", "listen": endpoint.text, "timeouts": {"drain": "500ms"},
					"command": ["/bin/sh", "-c", "echo $$ $PPID; exec sleep 100"]}})
		with endpoint.connect() as s:
			program, worker = map(int, s.makefile().readline().split())
			self.assertTrue(proc.alive(program))
			self.assertIn(worker, d.workers())
			os.kill(worker, signal.SIGKILL)
			start = time.monotonic()
			wait_until(lambda: not proc.alive(program), "the program is gone", 10)
			self.assertLess(time.monotonic() - start, 5)
			try:
				self.assertEqual(s.recv(1), b"")
			except ConnectionResetError:
				pass
		wait_until(lambda: not proc.zombies(d.pid), "no zombie")
		with endpoint.connect() as s:
			self.assertTrue(s.makefile().readline())
		self.assertEqual(d.stop(), 0)

	def test_what_the_program_left_behind_goes_too(self):
		"""Its own children, when the worker that would have ended them is killed."""
		endpoint = Endpoint.v4()
		self.daemon({"sh": {"handler": "exec", "listen": endpoint.text,
					"command": ["/bin/sh", "-c", "sleep 100 & echo $! $PPID; exec sleep 100"]}})
		with endpoint.connect() as s:
			orphan, worker = map(int, s.makefile().readline().split())
			os.kill(worker, signal.SIGKILL)
			wait_until(lambda: not proc.alive(orphan), "the program's child is gone", 10)

	def test_no_zombies_after_many_programs(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"quick": {"handler": "exec", "listen": endpoint.text, "command": ["/bin/true"]}})
		for _ in range(60):
			self.assertEqual(talk(endpoint), b"")
		wait_until(lambda: not [z for w in [d.pid] + d.workers() for z in proc.zombies(w)], "no zombie")


main()
