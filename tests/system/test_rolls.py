#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that accept by themselves are replaced only by programs that live: new ones that fail change nothing."""

import sys
sys.dont_write_bytecode = True

import os
import threading

from harness import *
from harness.listen_case import ListenCase, PYTHON

# Echoes the first line of each client, and its own name. "dies=SECONDS": ends with status 3 so long after it was ready.
# "gate=FILE": only as long as FILE is there. "once=FOLDER": only the copy that makes FOLDER.
# "mute": it never says that it is ready.
PROGRAM = r"""
import os, select, socket, sys, time

words = dict(word.partition("=")[::2] for word in sys.argv[2:])

def has_to_die():
	if "dies" not in words or not os.path.exists(words.get("gate", "/")):
		return False
	try:
		if "once" in words:
			os.mkdir(words["once"])
		return True
	except FileExistsError:
		return False

print("%s starts" % sys.argv[1], flush=True)
server = socket.socket(fileno=3)
end = time.monotonic() + float(words["dies"]) if has_to_die() else None
if "mute" not in words:
	with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
		s.sendto(b"READY=1", "\0" + os.environ["NOTIFY_SOCKET"][1:])
while True:
	left = None if end is None else max(end - time.monotonic(), 0)
	if left == 0:
		print("Traceback (most recent call last):\n  the last \x1b line", file=sys.stderr, flush=True)
		os._exit(3)
	if select.select([server], [], [], left)[0]:
		try:
			client, _ = server.accept()
		except BlockingIOError:
			continue
		with client:
			client.settimeout(5)
			client.sendall(sys.argv[1].encode() + b":" + client.recv(100))
"""


class Rolls(ListenCase):
	def setUp(self):
		super().setUp()
		self.script = self.write("program.py", PROGRAM)

	def named(self, name, *words, **more):
		more.setdefault("workers", {"min": 4})
		return self.service(name, *words, **more)

	def begin(self, **more):
		self.d = self.daemon(self.named("old", **more))
		return self.wait_programs(more.get("workers", {}).get("min", 4))

	def roll(self, name="new", *words, **more):
		return self.d.reload(Config(self.named(name, *words, **more)))

	def who(self):
		with self.endpoint.connect() as s:
			s.sendall(b"?")
			return s.recv(100).decode().partition(":")[0]

	def reject(self, done, reason):
		self.assertEqual(done.returncode, 1, done.stdout)
		self.assertIn("reload rejected; all goes on as before", done.stderr)
		self.assertRegex(done.stderr, reason)

	def expect_untouched(self, old, done, reason):
		self.reject(done, reason)
		self.assertEqual(self.wait_programs(len(old)), old, "no copy was told anything")
		self.assertEqual(self.who(), "old")


class Failing(Rolls):
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


class Later(Rolls):
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

	def rolling(self):
		return self.d.admin.service("prog")["rolling"]

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


def ask_who(s, question, _over):
	s.sendall(question[:50])
	answer = s.recv(200)
	if answer.partition(b":")[2] != question[:50]:
		raise AssertionError("lost: %r" % answer)


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
