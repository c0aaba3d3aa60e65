#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Orders that come while programs go back to those of before, or while both serve side by side."""

import sys
sys.dont_write_bytecode = True

import os
import threading

from harness import *
from harness.roll_case import RollCase
from harness.upgrade_case import UpgradeCase


class MixedCase(RollCase, UpgradeCase):
	"""Copies of before cannot start while the file `bad` is there, new ones end."""

	def begin_mixed(self):
		self.bad, gate = self.path("bad"), self.path("gate")
		self.old = self.named("old", "dies=-1", "gate=" + self.bad, timeouts={"start": "1s"})
		self.d = self.daemon(self.old, binary=self.binary)
		self.wait_programs(4)
		self.verdicts, self.mark = [], self.d.mark()
		config = Config(self.named("new", "dies=0.1", "gate=" + gate,
					   timeouts={"start": "1s", "prove": "1s"}))
		self.thread = threading.Thread(target=lambda: self.verdicts.append(self.d.reload(config)))
		self.thread.start()
		wait_until(lambda: (self.rolling() or {"old": 4})["old"] < 4, "one copy was replaced")
		self.write("bad", "")
		self.write("gate", "")

	def verdict(self):
		self.thread.join(4 * PATIENCE)
		self.assertEqual(self.verdicts[0].returncode, 1)
		return self.verdicts[0].stderr

	def wait_mixed(self):
		self.assertRegex(self.verdict(), r"\d of 4 copies of prog before are not there again")
		self.assertEqual(self.state(), "mixed")

	def wait_going_back(self):
		wait_until(lambda: len(self.d.grep("ended with status 3 before it was ready", self.mark)) >= 1,
			   "copies of before are tried again")

	def state(self):
		return self.d.admin.service("prog")["state"]

	def drain_and_undrain(self):
		mark = self.d.mark()
		self.assertEqual(self.d.ctl("drain").returncode, 0)
		wait_until(lambda: not self.programs(), "nobody runs")
		self.verdict()
		self.assertFalse(self.d.grep("though nobody told it to leave|OSError", mark))
		os.unlink(self.bad)
		self.assertEqual(self.d.ctl("undrain").returncode, 0)
		self.expect_old()

	def expect_old(self, n=4):
		wait_until(lambda: self.state() == "serving", "all are of one kind", 4 * PATIENCE)
		self.wait_programs(n)
		self.assertEqual({self.who() for _ in range(20)}, {"old"})


class Back(MixedCase):
	def test_a_pause(self):
		self.begin_mixed()
		self.wait_going_back()
		self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
		self.assertIn("all goes on as before", self.verdict())
		wait_until(lambda: not self.programs(), "nobody runs")
		os.unlink(self.bad)
		self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
		self.expect_old()

	def test_a_drain(self):
		self.begin_mixed()
		self.wait_going_back()
		self.drain_and_undrain()


class Mixed(MixedCase):
	def test_a_pause(self):
		self.begin_mixed()
		self.wait_mixed()
		self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
		wait_until(lambda: not self.programs(), "nobody runs")
		os.unlink(self.bad)
		self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
		self.expect_old()

	def test_a_drain(self):
		self.begin_mixed()
		self.wait_mixed()
		self.drain_and_undrain()

	def test_a_reload_that_removes_it(self):
		self.begin_mixed()
		self.wait_mixed()
		pids = self.programs()
		other = {"echo": {"handler": "echo", "listen": Endpoint.v4().text}}
		self.assertEqual(self.d.reload(Config(other)).returncode, 0)
		wait_until(lambda: not any(proc.alive(pid) for pid in pids), "nobody runs")
		self.assertEqual(self.d.stop(), 0)

	def test_a_stop(self):
		self.begin_mixed()
		self.wait_mixed()
		self.assertEqual(self.d.stop(), 0)

	def test_an_upgrade(self):
		self.begin_mixed()
		self.wait_mixed()
		self.put(PREFORKD)
		self.d.configure(Config(self.old))
		done = self.d.ctl("upgrade")
		self.assertIn("upgraded: version", done.stdout + done.stderr)
		self.assertEqual(self.state(), "mixed")
		os.unlink(self.bad)
		self.expect_old()
		self.assertEqual(self.d.ctl("resize", "prog", "6", "16").returncode, 0)
		self.expect_old(6)	# the limits rule again
		self.assertEqual(self.d.ctl("restart", "prog").returncode, 0)
		self.expect_old(6)


main()
