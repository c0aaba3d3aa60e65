#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""preforkctl: commands that wait for the end of a job, or of the daemon."""

import sys
sys.dont_write_bytecode = True

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import termios
import threading
import time
import unittest

from harness import *
from harness.ctl_case import CtlCase, ECHO, FAILED, OK, SILENCE, UNREACHABLE, USAGE, changed


def job(*replies):
	"""Answers a command with job 7, and questions for it with REPLIES, the last one again and again."""
	left = list(replies)

	def answer(request):
		if request["command"] != "job":
			return {"ok": True, "job": 7}
		assert request["job"] == 7, request
		reply = left.pop(0) if len(left) > 1 else left[0]
		return reply if reply is None or isinstance(reply, bytes) else dict({"ok": True}, **reply)
	return answer


def done(success, text, *reasons):
	return {"done": True, "success": success, "text": text, "reasons": list(reasons)}


class Jobs(CtlCase):
	def test_done(self):
		for command in self.ORDERS:
			with self.subTest(command=command):
				control = self.fake(job({"done": False, "text": "proving"},
							done(True, "all is new", "f:1: odd")))
				result = self.ctl(*command)
				self.expect(result, OK, out="all is new\n")
				self.assertEqual(result.stderr, "f:1: odd\n")
				self.assertEqual(control.commands(), [command[0], "job", "job"])
				control.close()
				os.unlink(self.path("control"))

	def test_quiet(self):
		"""The exit status is the verdict; an order that cannot be given is reported all the same."""
		self.failed(self.ctl("--quiet", "reload"), UNREACHABLE, "control")
		self.failed(self.ctl("--quiet", "drain"), USAGE, "--quiet goes with reload")
		for success, status in ((True, OK), (False, FAILED)):
			control = self.fake(job(done(success, "the verdict", "f:1: odd")))
			result = self.ctl("--quiet", "reload")
			self.assertEqual((result.returncode, result.stdout, result.stderr), (status, "", ""))
			control.close()
			os.unlink(self.path("control"))

	def test_progress_on_a_terminal(self):
		"""One line, that changes and goes away."""
		self.fake(job({"done": False, "text": "one"}, {"done": False, "text": "one"},
			      {"done": False, "text": "two \x1b[2J" + "x" * 200}, done(True, "all is new")))
		clear = "\r\x1b[K"
		expected = clear + "one" + clear + "two \\x1b[2J" + "x" * 8 + clear
		master, slave = pty.openpty()
		try:
			fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 20, 0, 0))
			result = subprocess.run([PREFORKCTL, "-s", self.path("control"), "reload"], stderr=slave,
						stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
			shown = ""
			while len(shown) < len(expected):	# a terminal hands on what was written bit by bit
				self.assertTrue(select.select([master], [], [], PATIENCE)[0], repr(shown))
				shown += os.read(master, 65536).decode()
		finally:
			os.close(master)
			os.close(slave)
		self.assertEqual((result.returncode, result.stdout), (OK, "all is new\n"))
		self.assertEqual(shown, expected)

	def test_failed(self):
		self.fake(job(done(False, "the configuration is wrong", "a.conf:1: no", "b.conf:2: \x1bno")))
		result = self.ctl("reload")
		self.expect(result, FAILED, out="")
		self.assertEqual(result.stderr,
				 "preforkctl: the configuration is wrong\na.conf:1: no\nb.conf:2: \\x1bno\n")

	def test_json(self):
		for success in (True, False):
			with self.subTest(success=success):
				final = done(success, "text", "reason")
				control = self.fake(job({"done": False, "text": "x"}, final))
				result = self.ctl("reload", "--json")
				self.expect(result, OK if success else FAILED)
				self.assertEqual(json.loads(result.stdout), final)
				self.assertEqual(result.stderr, "")
				control.close()
				os.unlink(self.path("control"))

	def test_no_storm_of_questions(self):
		"""A daemon that answers at once is not asked again at once."""
		control = self.fake(job(*[{"done": False, "text": "x"}] * 6, done(True, "done")))
		begin = time.monotonic()
		self.expect(self.ctl("reload"), OK)
		self.assertGreaterEqual(time.monotonic() - begin, 0.5)
		self.assertEqual(len(control.requests), 8)

	def test_malformed(self):
		for reply in ({}, {"done": None}, {"done": "yes"}, done(None, None), done("true", 1),
			      {"done": True, "success": True, "text": 5, "reasons": "x"},
			      {"done": True, "success": True, "reasons": [1, None, "odd"]}):
			with self.subTest(reply=reply):
				control = self.fake(job(reply))
				result = self.ctl("reload")
				if reply.get("done") is not True:
					self.failed(result, UNREACHABLE, "whether the job is done")
				else:
					self.assertEqual(result.returncode, OK if reply["success"] is True else FAILED)
				control.close()
				os.unlink(self.path("control"))

	def test_no_number(self):
		self.fake({"ok": True, "job": "7"})
		self.failed(self.ctl("reload"), UNREACHABLE, "no number of a job")

	def test_unknown_job(self):
		self.fake(job({"ok": False, "exit": 1, "error": "there is no job 7"}))
		self.failed(self.ctl("reload"), FAILED, "there is no job 7")

	ORDERS = (("reload",), ("restart", "echo"), ("upgrade",), ("cancel",), ("pause", "echo"), ("resume", "echo"),
		  ("drain",), ("undrain",), ("resize", "echo", "1", "2"))

	def test_closed_in_between(self):
		"""The exec of an upgrade closes connections, and anybody may have ordered the upgrade."""
		for command in self.ORDERS:
			with self.subTest(command=command):
				control = self.fake(job(None, None, b"PFD", done(True, "done")))
				self.expect(self.ctl(*command), OK, out="done\n")
				self.assertEqual(control.commands(), [command[0]] + ["job"] * 4)
				control.close()
				os.unlink(self.path("control"))

	def test_refused_in_between(self):
		"""The daemon goes with its socket and is there again a second later."""
		for unlinked in (False, True):
			with self.subTest(unlinked=unlinked):
				gone = threading.Event()

				def go(request):
					if request["command"] != "job":
						return {"ok": True, "job": 7}
					control.close()
					if unlinked:
						os.unlink(self.path("control"))
					gone.set()
					return None
				control = self.fake(go)

				def come_back():
					gone.wait(PATIENCE)
					time.sleep(1)
					if not unlinked:
						os.unlink(self.path("control"))
					self.fake(job({"done": False, "text": "x"}, done(True, "all is new")))
				thread = threading.Thread(target=come_back, daemon=True)
				thread.start()
				self.expect(self.ctl("drain"), OK, out="all is new\n")
				thread.join()
				os.unlink(self.path("control"))

	def test_away_for_too_long(self):
		self.fake(job(None))
		begin = time.monotonic()
		self.failed(self.ctl("pause", "echo"), UNREACHABLE, "without an answer")
		self.assertGreaterEqual(time.monotonic() - begin, 4.9)

	def test_never_comes_back(self):
		def go(request):
			if request["command"] == "job":
				control.close()
				return None
			return {"ok": True, "job": 7}
		control = self.fake(go)
		begin = time.monotonic()
		self.failed(self.ctl("drain"), UNREACHABLE, "nobody listens")
		self.assertGreaterEqual(time.monotonic() - begin, 4.9)

	def test_no_second_order(self):
		"""Without a number nobody knows whether the order was taken: it is not given again."""
		control = self.fake(None)
		self.failed(self.ctl("drain"), UNREACHABLE, "without an answer")
		self.assertEqual(control.commands(), ["drain"])

	def test_another_daemon_in_its_place(self):
		"""Its job 7 is another one."""
		other = ForkedControl(self.path("other"), lambda _: dict({"ok": True}, **done(True, "not yours")))
		self.addCleanup(other.close)

		def go(request):
			if request["command"] != "job":
				return {"ok": True, "job": 7}
			os.rename(self.path("other"), self.path("control"))
			return None
		self.fake(go)
		self.failed(self.ctl("drain"), UNREACHABLE, "the daemon (pid %d) has ended, and another one"
			    % os.getpid())

	def test_silent_in_between(self):
		answer = job(done(True, "late"))

		def slow(request):
			if request["command"] == "job":
				time.sleep(PATIENCE)
			return answer(request)
		self.fake(slow)
		self.failed(self.ctl("upgrade"), UNREACHABLE, "has been silent for 5 s")


class Stop(CtlCase):
	"""The daemon is a process, and its end is what is waited for."""

	def stopping(self, looks, end=lambda: os._exit(0)):
		"""Stops when it was asked LOOKS times how it goes."""
		state = {"looks": -1}

		def answer(request):
			if request["command"] == "stop":
				state["now"] = request.get("now")
				state["looks"] = 0
				return {"ok": True}
			state["looks"] += 1
			if state["looks"] > looks or state["now"]:
				end()
			left = looks - state["looks"]
			service = dict(ECHO, connections={"active": left},
				       listeners=[dict(ECHO["listeners"][0], queue=left * 4)])
			return {"ok": True, "status": changed(state="stopping", services=[service])}
		control = ForkedControl(self.path("control"), answer)
		self.addCleanup(control.close)
		return control

	PROGRESS = ("waiting for 2 clients, 8 queued\nwaiting for 1 client, 4 queued\n"
		    "waiting for the processes to end\n")

	def test_waits_and_reports(self):
		self.stopping(3)
		result = self.ctl("stop")
		self.expect(result, OK, out=self.PROGRESS)
		self.assertEqual(result.stderr, "")

	def test_now(self):
		self.stopping(1000)
		self.expect(self.ctl("stop", "--now"), OK, out="")

	def test_json(self):
		self.stopping(1)
		self.assertEqual(json.loads(self.ctl("--json", "stop").stdout), {})

	def test_end_during_a_question(self):
		"""It ends while it owes an answer, and somebody else holds the connection: seen at once."""
		def end():
			if os.fork() == 0:
				time.sleep(SILENCE + 1)
				os._exit(0)
			time.sleep(0.3)
			os._exit(0)
		self.stopping(0, end)
		begin = time.monotonic()
		self.expect(self.ctl("stop"), OK)
		self.assertLess(time.monotonic() - begin, 4)

	def test_ends_without_an_answer(self):
		control = ForkedControl(self.path("control"), lambda _: os._exit(0))
		self.addCleanup(control.close)
		self.expect(self.ctl("stop"), OK, out="")

	def test_closes_and_lives_on(self):
		control = ForkedControl(self.path("control"), lambda _: None)
		self.addCleanup(control.close)
		self.failed(self.ctl("stop"), UNREACHABLE, "without an answer")

	def test_says_nothing_more(self):
		"""No progress to be had; the end still counts."""
		def answer(request):
			if request["command"] != "stop":
				os.unlink(self.path("control"))
				time.sleep(0.8)
				os._exit(0)
			return {"ok": True}
		control = ForkedControl(self.path("control"), answer)
		self.addCleanup(control.close)
		self.expect(self.ctl("stop"), OK, out="")

	@needs_tool("strace")
	def test_without_pidfds(self):
		control = self.stopping(3)
		threading.Thread(target=os.waitpid, args=(control.pid, 0), daemon=True).start()
		control.pid = 0
		trace = ("strace", "-o", self.path("trace"), "-e", "trace=pidfd_open,kill", "-e",
			 "inject=pidfd_open:error=ENOSYS")
		self.expect(self.ctl("stop", prefix=trace, env={"ASAN_OPTIONS": "detect_leaks=0"}), OK,
			    out=self.PROGRESS)
		with open(self.path("trace"), encoding="utf-8") as f:
			self.assertRegex(f.read(), r"kill\(\d+, 0\) += -1 ESRCH")

	@needs_root()
	@unittest.skipIf(no_namespaces(), no_namespaces())
	def test_process_of_another_namespace(self):
		"""Its pid says nothing there: until nobody accepts any more."""
		self.stopping(3)
		self.expect(self.ctl("stop", prefix=("unshare", "--pid", "--fork")), OK, out=self.PROGRESS)


main()
