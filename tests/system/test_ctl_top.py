#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""preforkctl top on a terminal: what it shows, its keys, and that the terminal is given back in every case."""

import sys
sys.dont_write_bytecode = True

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time

from harness import *

UNREACHABLE = 69
TAKEN, GIVEN_BACK = b"\x1b[?1049h", b"\x1b[?1049l"
NO_CURSOR, CURSOR = b"\x1b[?25l", b"\x1b[?25h"
HOME = b"\x1b[H"


def service(name, busy, rate, queue):
	return {"name": name, "handler": "echo", "state": "serving",
		"workers": {"idle": 2, "busy": busy, "starting": 0, "retiring": 0, "min": 2, "max": 64},
		"listeners": [{"address": "127.0.0.1:7", "queue": queue, "backlog": 4096, "backlog_asked": 4096,
			       "drops": 0}],
		"connections": {"accepted": 10, "active": 1, "refused": {}}, "requests": 10,
		"bytes": {"in": 1, "out": 2}, "crashes": 0, "rate": rate}


SERVICES = [service("mmm", 3, 1.0, 5), service("aaa", 1, 2.0, 0), service("zzz", 2, 9.0, 7)]


class Terminal:
	"""A program on a terminal of its own, and all that it has written there."""

	def __init__(self, command, columns=100, lines=24, env=None):
		self.master, self.slave = pty.openpty()
		self.resize(columns, lines)
		self.before = termios.tcgetattr(self.slave)
		self._seen, self._mark = b"", 0
		self._changed = threading.Condition()
		environment = {"TERM": "xterm", **{k: v for k, v in os.environ.items() if k.endswith("_OPTIONS")},
			       **(env or {})}
		# a process group of its own below ours, so that it can be stopped
		self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave, stderr=subprocess.PIPE,
						env=environment, preexec_fn=os.setpgrp)
		threading.Thread(target=self._read, daemon=True).start()

	def _read(self):
		while True:
			try:
				data = os.read(self.master, 65536)
			except OSError:
				return
			with self._changed:
				self._seen += data
				self._changed.notify_all()

	def resize(self, columns, lines):
		fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

	def seen(self):
		with self._changed:
			return self._seen

	def clear(self):
		"""screens() returns only what is drawn from now on."""
		with self._changed:
			self._mark = len(self._seen)

	def type(self, keys):
		os.write(self.master, keys)

	def screens(self):
		"""What was drawn, each time as lines, without colours."""
		drawn = self.seen()[self._mark:].split(HOME)[1:]
		plain = [re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", d).decode("utf-8", "replace") for d in drawn]
		return [re.split("\r+\n", d) for d in plain]

	def wait_screen(self, what, wanted):
		def found():
			return next((s for s in self.screens() if wanted(s)), None)
		return wait_until(found, what)

	def end(self):
		err = self.process.stderr.read().decode()
		return self.process.wait(PATIENCE), err

	def close(self):
		if self.process.poll() is None:
			self.process.kill()
		self.process.wait()
		self.process.stderr.close()
		for fd in (self.master, self.slave):
			os.close(fd)


def order(screen):
	"""The names of the services, from the top."""
	return [line.split()[0] for line in screen if line[:3] in ("mmm", "aaa", "zzz")]


class Top(Case):
	def setUp(self):
		super().setUp()
		self.status = {"version": "0.1.0", "pid": 4711, "state": "serving", "generation": 3, "uptime": 1,
			       "last_reload": None, "log_lost": 0, "services": SERVICES}
		self.answer = lambda _: {"ok": True, "status": self.status}
		self.control = ScriptedControl(self.path("control"), lambda request: self.answer(request))
		self.addCleanup(self.control.close)

	def top(self, *arguments, wait=True, **options):
		terminal = Terminal([PREFORKCTL, "-s", self.path("control"), *arguments, "top", "-d", "0.1"], **options)
		self.addCleanup(terminal.close)
		if wait:
			terminal.wait_screen("the services", order)
		return terminal

	def given_back(self, terminal):
		seen = terminal.seen()
		self.assertEqual(seen.count(TAKEN), seen.count(GIVEN_BACK))
		self.assertGreater(seen.rfind(GIVEN_BACK), seen.rfind(TAKEN))
		self.assertGreater(seen.rfind(CURSOR), seen.rfind(NO_CURSOR))
		self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)

	def ends(self, terminal, status, said=""):
		got, err = terminal.end()
		self.assertEqual(got, status, err)
		self.assertIn(said, err)
		self.assertEqual(err == "", said == "", err)
		wait_until(lambda: GIVEN_BACK in terminal.seen(), "the terminal is given back")
		self.given_back(terminal)

	def test_shows_and_quits(self):
		terminal = self.top()
		screen = terminal.screens()[0]
		self.assertTrue(screen[0].startswith("preforkd 0.1.0 is serving, pid 4711"), screen)
		self.assertEqual(order(screen), ["mmm", "aaa", "zzz"])
		self.assertIn("q quit", screen[-1])
		self.assertEqual(len(screen), 24)
		self.assertTrue(terminal.seen().startswith(TAKEN))
		self.assertIn(NO_CURSOR, terminal.seen())
		self.assertFalse(termios.tcgetattr(terminal.slave)[3] & (termios.ICANON | termios.ECHO))
		terminal.type(b"q")
		self.ends(terminal, 0)

	def test_asks_again(self):
		terminal = self.top()
		self.status = dict(self.status, generation=4)
		terminal.wait_screen("the next generation", lambda s: "generation 4" in s[0])

	def test_keys_sort(self):
		terminal = self.top()
		for key, expected in ((b"n", ["aaa", "mmm", "zzz"]), (b"w", ["mmm", "zzz", "aaa"]),
				      (b"r", ["zzz", "aaa", "mmm"]), (b"u", ["zzz", "mmm", "aaa"]),
				      (b"s", ["mmm", "aaa", "zzz"]), (b"s", ["aaa", "mmm", "zzz"])):
			with self.subTest(key=key):
				terminal.clear()
				terminal.type(key)
				terminal.wait_screen("the order %s" % expected, lambda s: order(s) == expected)

	def test_pause(self):
		terminal = self.top()
		terminal.type(b" ")
		terminal.wait_screen("pause", lambda s: s[-1].startswith("PAUSED"))
		# what was under way is over when a key was answered once more
		terminal.clear()
		terminal.type(b"n")
		terminal.wait_screen("a key", lambda s: "by name" in s[-1])
		asked = len(self.control.requests)
		time.sleep(0.5)	# that nothing happens shows only with time
		for key, name in ((b"w", "by busy"), (b"r", "by rate")):
			terminal.type(key)
			terminal.wait_screen(name, lambda s, name=name: name in s[-1])
		self.assertEqual(len(self.control.requests), asked)
		terminal.type(b" ")
		wait_until(lambda: len(self.control.requests) > asked, "it goes on")

	def test_arrows_are_no_letters(self):
		terminal = self.top()
		terminal.clear()
		terminal.type(b"\x1bOq\x1b[1;5q")
		wait_until(lambda: len(terminal.screens()) > 3, "it goes on")
		terminal.type(b"q")
		self.ends(terminal, 0)

	def test_scrolling(self):
		"""The titles stay, the end is the end, and no key is taken for another."""
		self.status = dict(self.status, services=[service("s%02d" % i, 1, 1.0, 0) for i in range(40)])
		terminal = self.top(wait=False)	# 24 lines: two of the head, 20 services, the note, and the foot
		down, up, page_down, page_up = b"\x1b[B", b"\x1bOA", b"\x1b[6~", b"\x1b[5~"
		for keys, first, note in ((down, "s01", "(19 more lines"), (b"j" + down, "s03", "(17 more lines"),
					  (up + b"k", "s01", "(19 more lines"), (page_down, "s19", None),
					  (page_up + page_up, "s00", "(20 more lines"), (b"\x1b[F", "s19", None),
					  (down, "s19", None), (b"\x1b[1~", "s00", "(20 more lines")):
			with self.subTest(keys=keys):
				terminal.clear()
				terminal.type(keys)
				screen = terminal.wait_screen("it scrolls to %s" % first, lambda s, first=first:
							      len(s) == 24 and s[2].startswith(first + " "))
				self.assertTrue(screen[1].startswith("SERVICE "), screen)
				if note is None:
					self.assertTrue(screen[-2].startswith("s39 "), screen)
				else:
					self.assertTrue(screen[-2].startswith(note), screen)

	def test_resize(self):
		terminal = self.top()
		terminal.clear()
		terminal.resize(40, 6)
		terminal.process.send_signal(signal.SIGWINCH)
		screen = terminal.wait_screen("a smaller screen", lambda s: len(s) == 6 and len(s[0]) == 40)
		self.assertTrue(all(len(line) <= 40 for line in screen), screen)
		terminal.resize(40, 4)
		terminal.process.send_signal(signal.SIGWINCH)
		terminal.wait_screen("cut", lambda s: len(s) == 4 and
				     s[2] == "(3 more lines: arrow keys, PageDown)")
		terminal.resize(1, 1)
		terminal.process.send_signal(signal.SIGWINCH)
		terminal.wait_screen("hardly anything", lambda s: len(s) == 1)

	def test_colors(self):
		"""Only where they are wanted."""
		for arguments, env, expected in (((), {}, True), (("--no-color",), {}, False),
						 ((), {"NO_COLOR": "1"}, False), ((), {"TERM": "dumb"}, False)):
			with self.subTest(arguments=arguments, env=env):
				terminal = self.top(*arguments, env=env)
				self.assertEqual(b"\x1b[33m" in terminal.seen(), expected)
				terminal.type(b"q")
				self.ends(terminal, 0)

	def test_signals(self):
		for number, status in ((signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM),
				       (signal.SIGHUP, -signal.SIGHUP), (signal.SIGQUIT, -signal.SIGQUIT)):
			with self.subTest(signal=number):
				terminal = self.top()
				terminal.process.send_signal(number)
				self.ends(terminal, status)

	def test_signal_while_the_daemon_owes_an_answer(self):
		owing = threading.Event()

		def silent(_):
			owing.set()
			time.sleep(PATIENCE)
		for number, status in ((signal.SIGTERM, -signal.SIGTERM), (None, 0)):
			with self.subTest(signal=number):
				good = self.answer
				owing.clear()
				terminal = self.top()
				self.answer = silent
				owing.wait(PATIENCE)
				begin = time.monotonic()
				if number:
					terminal.process.send_signal(number)
				else:
					terminal.type(b"q")
				self.ends(terminal, status)
				self.assertLess(time.monotonic() - begin, 4)
				self.answer = good

	def test_stop_and_go_on(self):
		terminal = self.top()
		terminal.process.send_signal(signal.SIGTSTP)
		os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED | os.WNOWAIT)
		wait_until(lambda: GIVEN_BACK in terminal.seen(), "the terminal is given back")
		self.given_back(terminal)
		terminal.clear()
		terminal.process.send_signal(signal.SIGCONT)
		terminal.wait_screen("the services again", order)
		self.assertGreater(terminal.seen().rfind(TAKEN), terminal.seen().rfind(GIVEN_BACK))
		# stopped where it could not tidy up: whoever had the terminal since has changed its modes
		terminal.process.send_signal(signal.SIGSTOP)
		os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED | os.WNOWAIT)
		termios.tcsetattr(terminal.slave, termios.TCSANOW, terminal.before)
		terminal.process.send_signal(signal.SIGCONT)
		wait_until(lambda: not termios.tcgetattr(terminal.slave)[3] & termios.ECHO, "the modes are set again")
		terminal.type(b"q")
		got, err = terminal.end()
		self.assertEqual((got, err), (0, ""))
		self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)

	def test_daemon_goes_away(self):
		terminal = self.top()
		self.control.close()
		self.ends(terminal, UNREACHABLE, "nobody listens")

	def test_daemon_is_silent(self):
		terminal = self.top()
		self.answer = lambda _: time.sleep(PATIENCE)
		self.ends(terminal, UNREACHABLE, "has been silent for 5 s")

	def test_one_connection_that_is_closed_is_no_end(self):
		terminal = self.top()
		good, left = self.answer, [None, b"PFD", None]
		self.answer = lambda request: left.pop() if left else good(request)
		wait_until(lambda: not left, "the bad answers")
		terminal.clear()
		terminal.wait_screen("the services again", order)
		terminal.type(b"q")
		self.ends(terminal, 0)

	def test_nothing_is_touched_if_there_is_no_daemon(self):
		self.control.close()
		terminal = self.top(wait=False)
		status, err = terminal.end()
		self.assertEqual(status, UNREACHABLE)
		self.assertIn("nobody listens", err)
		self.assertEqual(terminal.seen(), b"")

	def test_terminal_goes_away(self):
		terminal = self.top()
		master, terminal.master = terminal.master, os.open("/dev/null", os.O_RDWR)
		os.close(terminal.slave)
		terminal.slave = os.open("/dev/null", os.O_RDWR)
		os.close(master)
		status, _ = terminal.end()
		self.assertIn(status, (0, 71))


main()
