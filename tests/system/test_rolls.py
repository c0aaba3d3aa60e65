#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that accept by themselves are replaced only by programs that live: new ones that fail change nothing."""

import sys
sys.dont_write_bytecode = True

import os
import threading

from harness import *
from harness.listen_case import ListenCase, PYTHON
from harness.roll_case import RollCase, ask_who

class Failing(RollCase):
	def test_programs_that_end_once_they_are_ready(self):
		old = self.begin()
		for delay in ("0", "0.3", "1.3"):
			with self.subTest(delay):
				done = self.roll("new", "dies=" + delay, timeouts={"prove": "3s"})
				self.expect_untouched(old, done, r"the program ended with status 3 \S+ after it")
				self.assertRegex(done.stderr, r"services.prog: its output:   the last \\+x1b line")

	def test_programs_that_end_without_having_notified(self):
		old = self.begin(notify=False, timeouts={"start": "500ms"})
		for delay in ("0", "0.3", "1.3"):
			with self.subTest(delay):
				done = self.roll("new", "mute", "dies=" + delay, notify=False,
						 timeouts={"start": "500ms", "prove": "3s"})
				self.expect_untouched(old, done, r"the program ended with status 3 \S+ after it")

	def test_programs_that_end_within_the_default_time(self):
		old = self.begin()
		config = self.named("new", "dies=4")
		del config["prog"]["timeouts"]
		self.expect_untouched(old, self.d.reload(Config(config)), r"ended with status 3 \S+ after it was ready")

	def test_a_program_that_hangs(self):
		old = self.begin()
		done = self.roll("new", "mute", timeouts={"start": "500ms"})
		self.expect_untouched(old, done, r"the program was not ready in time \(timeouts.start\)")

	def test_a_broken_import(self):
		old = self.begin()
		broken = self.write("broken.py", "import no_such_module\n")
		done = self.d.reload(Config(self.service(command=[PYTHON, broken], workers={"min": 4})))
		self.expect_untouched(old, done, "its output: ModuleNotFoundError: No module named 'no_such_module'")

	def test_a_program_that_puts_itself_into_the_background(self):
		old = self.begin()
		done = self.d.reload(Config(self.service(command=["/bin/sh", "-c", "sleep 1000 & exit 0"],
							 workers={"min": 4})))
		self.expect_untouched(old, done, "it put itself into the background, and must stay in the foreground")
		done = self.d.reload(Config(self.service(command=["/bin/true"], workers={"min": 4})))
		self.expect_untouched(old, done, "; it must stay in the foreground")

	def test_a_restart(self):
		gate = self.path("gate")
		self.d = self.daemon(self.named("old", "dies=0.3", "gate=" + gate, timeouts={"prove": "1s"}))
		old = self.wait_programs(4)
		self.write("gate", "")
		done = self.d.ctl("restart", "prog")
		self.assertEqual(done.returncode, 1, done.stdout)
		self.assertIn("restart rejected; all goes on as before", done.stderr)
		self.assertEqual(self.wait_programs(4), old)

	def test_the_other_services_are_not_changed_either(self):
		other = Endpoint.v4()
		echo = {"echo": {"handler": "echo", "listen": other.text, "workers": {"max": 64}}}
		self.d = self.daemon({**self.named("old"), **echo})
		old = self.wait_programs(4)
		echo["echo"]["workers"]["max"] = 32
		done = self.d.reload(Config({**self.named("new", "dies=0.3", timeouts={"prove": "1s"}), **echo}))
		self.expect_untouched(old, done, "ended with status 3")
		self.assertEqual(self.d.admin.service("echo")["workers"]["max"], 64)


class Later(RollCase):
	"""Copies that fail after some were replaced."""

	def begin_roll(self, *words, **more):
		"""Returns when one copy of before was told to leave, with the function that waits for the verdict."""
		over, timeouts = [], {"prove": "1s", **more.pop("timeouts", {})}
		def roll():
			over.append(self.roll("new", *words, timeouts=timeouts, **more))
		thread = threading.Thread(target=roll)
		thread.start()
		wait_until(lambda: (self.rolling() or {"old": 4})["old"] < 4, "one copy was replaced")
		def verdict():
			thread.join(4 * PATIENCE)
			return over[0]
		return verdict

	def test_one_copy_of_four_only(self):
		"""It is forgiven once: a client may crash any version."""
		self.begin()
		gate, folder = self.path("gate"), self.path("any")
		os.mkdir(folder)
		os.chmod(folder, 0o777)
		mark = self.d.mark()
		verdict = self.begin_roll("dies=0.1", "gate=" + gate, "once=" + os.path.join(folder, "once"))
		self.write("gate", "")
		done = verdict()
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(len(self.d.grep("ended with status 3", mark)), 1)
		self.wait_programs(4)
		self.assertEqual({self.who() for _ in range(20)}, {"new"})

	def test_all_later_ones(self):
		"""All goes back: as many copies of before as there were, and none of the new ones."""
		self.begin()
		gate = self.path("gate")
		with Crowd([self.endpoint], kinds=((ask_who, 2),)) as crowd:
			verdict = self.begin_roll("dies=0.1", "gate=" + gate)
			self.write("gate", "")
			self.reject(verdict(), "ended with status 3")
		self.assertFalse(crowd.wrong, crowd.examples)
		self.wait_programs(4)
		self.assertEqual({self.who() for _ in range(20)}, {"old"})
		self.assertIsNone(self.rolling())

	def test_copies_of_before_that_cannot_be_had_again(self):
		"""The verdict says so, the new ones serve on, and leave when those of before can start again."""
		self.begin(timeouts={"start": "1s"})
		verdict = self.begin_roll("dies=0.1", "gate=" + self.path("gate"), timeouts={"start": "1s"})
		os.rename(self.script, self.script + ".away")
		self.write("gate", "")
		done = verdict()
		self.assertEqual(done.returncode, 1)
		self.assertRegex(done.stderr, r"reload rejected; \d of 4 copies of prog before are not there again, "
				 r"\d new ones serve on")
		self.assertEqual(self.d.admin.service("prog")["state"], "mixed")
		self.assertIn(self.who(), ("old", "new"))
		os.rename(self.script + ".away", self.script)
		wait_until(lambda: self.d.admin.service("prog")["state"] == "serving", "all are there again",
			   4 * PATIENCE)
		self.wait_programs(4)
		self.assertEqual({self.who() for _ in range(20)}, {"old"})

	def test_cancel(self):
		self.begin()
		verdict = self.begin_roll()
		done = self.d.ctl("cancel")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(verdict().returncode, 1)
		self.assertIn("cancelled", verdict().stderr)
		wait_until(lambda: self.d.admin.service("prog")["state"] == "serving", "all are there again")
		self.wait_programs(4)
		self.assertEqual({self.who() for _ in range(20)}, {"old"})

	def test_paused_meanwhile(self):
		self.begin()
		verdict = self.begin_roll()
		self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
		self.assertEqual(verdict().returncode, 0, verdict().stderr)
		self.assertIn("it was paused or drained meanwhile; its new programs have proved nothing",
			      verdict().stdout + verdict().stderr)
		wait_until(lambda: not self.programs(), "nobody runs")
		self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
		self.wait_programs(4)
		self.assertEqual(self.who(), "new")

	def test_a_stop_meanwhile(self):
		self.begin()
		verdict = self.begin_roll()
		self.assertEqual(self.d.stop(), 0)
		self.assertEqual(verdict().returncode, 1)
		self.assertIn("the daemon stops", verdict().stderr)


class Lossless(ListenCase):
	def test_twenty_rolls_under_load(self):
		self.serve("a", timeouts={"prove": "50ms"})
		with Crowd([self.endpoint]) as crowd:
			for i in range(20):
				done = self.reload("b%d" % i, timeouts={"prove": "50ms"})
				self.assertEqual(done.returncode, 0, done.stderr)
		self.assertFalse(crowd.wrong, crowd.examples)
		self.assertGreater(sum(crowd.done.values()), 100)
		self.assertEqual(self.d.stop(), 0)


main()
