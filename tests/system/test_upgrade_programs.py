#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that accept by themselves, at an upgrade of the daemon."""

import sys
sys.dont_write_bytecode = True

import os
import signal

from harness import *
from harness.listen_case import SERVER
from harness.roll_case import RollCase, ask_who
from harness.upgrade_case import UpgradeCase


class UpgradeRollCase(RollCase, UpgradeCase):
	def upgraded(self, *words, status=0, **more):
		"""To a configuration with other programs."""
		self.put(PREFORKD)
		self.d.configure(Config(self.named(*words, **more)))
		done = self.d.ctl("upgrade")
		self.assertEqual(done.returncode, status, done.stdout + done.stderr)
		return done.stdout + done.stderr

	def state(self):
		return self.d.admin.service("prog")["state"]


class Unchanged(UpgradeRollCase):
	def test_they_run_on(self):
		"""They do not run our binary: they are the same after it, and all that they say is heard."""
		old = self.begin()
		for _ in range(2):
			self.put(PREFORKD)
			with Crowd([self.endpoint], kinds=((ask_who, 2),)) as crowd:
				self.upgrade(self.d)
			self.assertFalse(crowd.wrong, crowd.examples)
			self.assertEqual(self.wait_programs(4), old)
		self.assertEqual(self.d.admin.service("prog")["workers"]["idle"], 4)
		os.kill(old[0], signal.SIGKILL)
		wait_until(lambda: old[0] not in self.programs(), "it is gone")
		self.assertEqual(set(self.wait_programs(4)) & set(old), set(old[1:]), "another one has taken its place")
		self.assertEqual(self.d.reload().returncode, 0)
		self.assertEqual(self.d.ctl("restart", "prog").returncode, 0)
		self.wait_programs(4, old)
		self.assertEqual(self.d.stop(), 0)

	def test_they_are_watched_on(self):
		self.script = self.write("server.py", SERVER)
		self.d = self.daemon(self.service("pet", program={"watchdog": "1s"}), binary=self.binary)
		old = self.wait_programs(2)
		self.put(PREFORKD)
		self.upgrade(self.d)
		self.assertEqual(self.wait_programs(2), old)
		mark = self.d.mark()
		os.kill(old[0], signal.SIGSTOP)
		self.d.wait_log("program %d hangs: no WATCHDOG=1" % old[0], mark)
		self.assertTrue(proc.alive(old[1]))

	def test_what_they_write_is_logged(self):
		self.begin()
		self.put(PREFORKD)
		self.upgrade(self.d)
		mark = self.d.mark()
		self.write("gate", "")
		os.kill(self.programs()[0], signal.SIGKILL)
		self.d.wait_log(r"prog\[\d+\]: old starts", mark)

	def test_live_changes(self):
		"""Another number is no reason to replace any."""
		old = self.begin()
		self.upgraded("old", workers={"min": 3})
		self.assertTrue(set(self.wait_programs(3)) < set(old))
		self.upgraded("old", workers={"min": 5})
		self.assertEqual(len(set(self.wait_programs(5)) & set(old)), 3)

	def test_a_paused_service(self):
		self.begin()
		self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
		wait_until(lambda: not self.programs(), "nobody runs")
		self.put(PREFORKD)
		self.upgrade(self.d)
		self.assertFalse(self.programs())
		self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
		self.wait_programs(4)


class Changed(UpgradeRollCase):
	def test_they_are_replaced(self):
		old = self.begin()
		with Crowd([self.endpoint], kinds=((ask_who, 2),)) as crowd:
			self.upgraded("new")
		self.assertFalse(crowd.wrong, crowd.examples)
		self.wait_programs(4, old)
		self.assertEqual({self.who() for _ in range(20)}, {"new"})
		self.assertEqual(self.state(), "serving")
		self.assertEqual(self.d.stop(), 0)

	def test_new_ones_that_end(self):
		"""Those of before stay; new ones take the places of those that end; a later reload replaces both."""
		for delay in ("0", "0.3", "1.3"):
			with self.subTest(delay):
				self.endpoint = Endpoint.v4()
				old = self.begin()
				said = self.upgraded("new", "dies=" + delay, timeouts={"prove": "2s"}, status=1)
				self.assertRegex(said, "prog: its new programs end; 4 of 4 of before serve on")
				self.assertRegex(said, r"ended with status 3 \S+ after it")
				self.assertEqual(self.wait_programs(4), old)
				self.assertEqual(self.state(), "mixed")
				self.assertEqual(self.who(), "old")
		mark = self.d.mark()
		os.kill(old[0], signal.SIGKILL)
		self.d.wait_log("new starts", mark)
		self.put(PREFORKD)
		self.upgrade(self.d)	# nothing has changed: they stay what they are
		self.assertEqual(self.state(), "mixed")
		self.assertEqual(set(old[1:]) & set(self.programs()), set(old[1:]))
		done = self.roll("good")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.wait_programs(4, old)
		self.assertEqual(self.state(), "serving")
		self.assertEqual({self.who() for _ in range(20)}, {"good"})

	def test_a_reload_that_is_rejected_afterwards(self):
		"""New ones still take only the places of those of before that end."""
		old = self.begin()
		gate = self.write("gate", "")
		self.upgraded("new", "dies=-1", "gate=" + gate, timeouts={"prove": "1s"}, status=1)
		os.unlink(gate)
		self.reject(self.roll("worse", "dies=0.3", timeouts={"prove": "1s"}), "ended with status 3")
		self.assertEqual(self.wait_programs(4), old)
		self.assertEqual(self.state(), "mixed")
		os.kill(old[0], signal.SIGKILL)
		self.assertEqual(set(self.wait_programs(4, old[:1])) & set(old), set(old[1:]))

	def test_later_ones_that_end(self):
		self.begin()
		gate = self.path("gate")
		self.put(PREFORKD)
		self.d.configure(Config(self.named("new", "dies=0.1", "gate=" + gate, timeouts={"prove": "1s"})))
		job = self.d.admin.told("upgrade")["job"]
		def old():
			try:
				return (self.rolling() or {"old": 4})["old"]
			except (OSError, AssertionError, ValueError):
				return 4	# the daemon is between its images
		wait_until(lambda: old() < 4, "one copy was replaced")
		self.write("gate", "")
		verdict = self.d.admin.verdict(job)
		self.assertFalse(verdict["success"])
		self.assertRegex("\n".join(verdict["reasons"]), r"[23] of 4 of before serve on")
		self.assertEqual(self.state(), "mixed")
		self.assertEqual(self.wait_programs(4), self.programs())
		os.unlink(gate)
		self.assertEqual(self.d.ctl("restart", "prog").returncode, 0)
		self.wait_programs(4)
		self.assertEqual({self.who() for _ in range(20)}, {"new"})
		wait_until(lambda: self.state() == "serving", "all are of one kind")


main()
