#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What must not grow without bounds, or hide: former generations, dead workers, workers that cannot start."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import time
import unittest

from harness import *

OK = 0
GENERATIONS = 64	# former ones of a service that may have clients at a time


def rest(s):
	"""What comes until the end, however it ends."""
	with s:
		try:
			return s.recv(1)
		except ConnectionResetError:
			return b""


class Generations(Case):
	def start(self, drain):
		self.endpoint = Endpoint.v4()
		self.services = {"echo": {"handler": "echo", "listen": self.endpoint.text,
					  "workers": {"min": 1, "max": 4, "min_spare": 1, "max_spare": 1},
					  "timeouts": {"drain": drain, "idle": "100s"}}}
		self.d = self.daemon(Config(self.services))
		return self.d

	def reload(self, number):
		self.services["echo"]["timeouts"]["idle"] = "%ds" % (100 + number)
		done = self.d.reload(Config(self.services))
		self.assertEqual(done.returncode, OK, done.stderr)

	def alive(self):
		return {w["generation"] for w in self.d.admin.workers()}

	def test_client_that_never_ends(self):
		"""It has its generation for as long as drain allows, and no other generation stays for it."""
		d = self.start("2s")
		s = hold(self.endpoint)
		port = s.getsockname()[1]
		fds = proc.descriptors(d.pid)
		begin = time.monotonic()
		for i in range(1, 21):
			self.reload(i)
			s.sendall(b"still")	# it is not cut before, however many come after it
			self.assertEqual(recv_exact(s, 5), b"still")
			if time.monotonic() - begin > 1:
				break
			self.assertLessEqual(len(self.alive() - {1, i, i + 1}), 1,
					     "one is here for the client, one leaves")
		self.assertEqual(rest(s), b"")
		self.assertGreater(time.monotonic() - begin, 1.8)
		self.assertLess(time.monotonic() - begin, 10)
		d.wait_log(r"127\.0\.0\.1:%d: cut: still there 2s after the reload began \(timeouts\.drain\)" % port)
		newest = d.admin.status()["generation"]
		wait_until(lambda: self.alive() == {newest}, "the others are gone")
		wait_until(lambda: proc.descriptors(d.pid) == fds, "and all that they had open")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")

	def test_a_client_in_each(self):
		"""With a limit that never comes there is another: of the generations that still have clients."""
		d = self.start("10min")
		held = []
		for i in range(1, GENERATIONS + 7):
			held.append(hold(self.endpoint))
			self.reload(i)
		for s in held[:6]:
			self.assertEqual(rest(s), b"")
		for s in held[6:]:
			s.sendall(b"still")
			self.assertEqual(recv_exact(s, 5), b"still")
		wait_until(lambda: len(self.alive()) == GENERATIONS + 1, "the newest, and as many as there may be")
		self.assertEqual(len(d.grep("cut: too many former generations still have clients")), 6)
		for s in held[6:]:
			s.close()
		wait_until(lambda: len(self.alive()) == 1, "all are gone with their clients")
		self.assertEqual(d.admin.service("echo")["connections"]["accepted"], len(held))
		self.assertEqual(d.stop(), 0)


class Reaping(Case):
	def test_500_killed_while_the_master_sleeps(self):
		"""One SIGCHLD for all of them: none becomes a zombie, and the counters are exact."""
		count = 500 if not SANITIZED else 100
		endpoint = Endpoint.v4()
		lift_fd_limit(2 * count)
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": count, "max": count, "max_spare": count}}})
		workers = d.wait_workers(count)
		for i in range(10):
			self.assertEqual(talk(endpoint, b"%d" % i), b"%d" % i)
		held = [hold(endpoint, b"abc") for _ in range(20)]
		wait_until(lambda: d.admin.service("echo")["bytes"] == {"in": 70, "out": 70}, "their bytes are counted")
		d.kill(signal.SIGSTOP)
		wait_until(lambda: proc.stat(d.pid).state == "T", "stopped")
		for pid in workers:
			os.kill(pid, signal.SIGKILL)
		wait_until(lambda: not any(map(proc.alive, workers)), "all are dead")
		self.assertEqual(len(proc.zombies(d.pid)), count)
		queued = [endpoint.connect() for _ in range(5)]
		d.kill(signal.SIGCONT)
		wait_until(lambda: len(d.workers()) == count, "as many as before", 60)
		wait_until(lambda: not proc.zombies(d.pid), "no zombie")
		wait_until(lambda: d.admin.service("echo")["workers"]["starting"] == 0, "all are ready", 60)
		for s in queued:
			s.sendall(b"new")
			self.assertEqual(recv_exact(s, 3), b"new")
			s.close()
		for s in held:
			self.assertEqual(rest(s), b"")
		wait_until(lambda: d.admin.service("echo")["workers"]["busy"] == 0, "idle")
		service = d.admin.service("echo")
		self.assertEqual(service["workers"], {"idle": count, "busy": 0, "starting": 0, "retiring": 0,
						      "min": count, "max": count})
		self.assertEqual((service["crashes"], service["requests"], service["connections"]["accepted"],
				  service["connections"]["active"]), (count, 15, 15, 0))
		self.assertEqual(service["bytes"], {"in": 10 + 60 + 15, "out": 10 + 60 + 15})
		self.assertEqual(set(d.workers()), {w["pid"] for w in d.admin.workers()})
		self.assertEqual(d.stop(), 0)


@unittest.skipIf(no_trap(), no_trap())
class Throttled(Case):
	def test_workers_that_die_at_their_set_up(self):
		"""After the service has proved itself: it goes on with those it has, tries again, and says so."""
		trap = Trap(self.folder("trap"))
		endpoint, other = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 4, "max": 8, "min_spare": 1, "max_spare": 4}},
				 "other": {"handler": "echo", "listen": other.text}}, env=trap.env)
		mine = [w["pid"] for w in d.admin.workers("echo")]
		with hold(endpoint) as held:
			trap.set("setup", "fail")
			mark = d.mark()
			busy, = [w["pid"] for w in d.admin.workers("echo") if w["state"] == "busy"]
			for pid in mine:
				if pid != busy:
					os.kill(pid, signal.SIGKILL)
			begin = time.monotonic()
			wait_until(lambda: d.admin.service("echo")["state"] == "throttled", "it is told")
			self.assertTrue(d.notify.wait("STATUS=serving: 2 services, "))
			wait_until(lambda: any("degraded: workers of echo cannot start" in line
					       for m in d.notify.seen("STATUS=") for line in m[2]),
					       "the supervisor knows")
			wait_until(lambda: time.monotonic() - begin > 3, "some time", every=0.2)
			failures = len(d.grep(r"before it could serve", mark))
			self.assertGreater(failures, 1, "it tries again")
			self.assertLess(failures, 40, "but not all the time")
			self.assertLess(len(d.lines()) - mark, 80, "nor is the log full of it")
			self.assertLess(proc.cpu_share([d.pid], 0.5), 0.2)
			held.sendall(b"still")
			self.assertEqual(recv_exact(held, 5), b"still")
			self.assertEqual(talk(other, b"other"), b"other")
			with endpoint.connect() as late:
				late.sendall(b"late")
				trap.clear("setup")
				self.assertEqual(recv_exact(late, 4), b"late", "it recovers by itself")
		wait_until(lambda: d.admin.service("echo")["state"] == "serving", "all is well again")
		wait_until(lambda: "degraded" not in "".join(d.notify.seen("STATUS=")[-1][2]), "and that is told")
		self.assertEqual(d.stop(), 0)


main()
