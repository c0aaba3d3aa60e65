#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Before a program is killed because it does not end, the log says what its processes are doing."""

import sys
sys.dont_write_bytecode = True

import signal

from harness import *
from harness.listen_case import PYTHON, ListenCase

POLLS = "import select; p = select.poll(); p.register(0, 0); print('polls', flush=True); p.poll()"


class Total(Case):
	"""timeouts.total, of the handler exec."""

	def serve(self, command, total="2s"):
		self.endpoint = Endpoint.v4()
		self.d = self.daemon({"prog": {"handler": "exec", "listen": self.endpoint.text, "command": command,
					       "workers": {"min": 1, "max": 1}, "timeouts": {"total": total}}})
		return self.d

	def wait_cut(self, said, count=1):
		"""A client whose program has said SAID, and which is cut then."""
		with self.endpoint.connect() as s:
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, len(said)), said)
			try:
				while s.recv(100):
					pass
			except ConnectionResetError:
				pass
		wait_until(lambda: len(self.d.grep(r"not finished within")) == count, "the end is logged")

	def test_what_they_wait_for(self):
		"""One in poll(2), and two children of it in a pipe and in a sleep."""
		self.serve(["/bin/sh", "-c", "sleep 60 | cat & exec %s -c \"%s\"" % (PYTHON, POLLS)])
		self.wait_cut(b"polls\n")
		lines = self.d.grep(r"timeouts.total: process \d+ ")
		self.assertEqual(len(lines), 3 if not SANITIZED else len(lines), lines)
		for name, call in (("python3[.0-9]*", "p?poll"), ("sleep", "clock_nanosleep"), ("cat", "read")):
			self.assertEqual(len(self.d.grep(r"warning: prog 127\.0\.0\.1:\d+: timeouts\.total: process "
							 r"\d+ \(%s\) is sleeping, .*system call %s$"
							 % (name, call))), 1, (name, lines))

	def test_once_a_minute(self):
		self.serve(["/bin/sh", "-c", "echo in; exec sleep 60"], "300ms")
		for n in range(1, 4):
			self.wait_cut(b"in\n", n)
		self.assertEqual(len(self.d.grep(r"timeouts\.total: process \d+ \(sleep\)")), 1)

	def test_a_hostile_name(self):
		self.serve([PYTHON, "-c", r"open('/proc/self/comm', 'w').write('a\33[31m) R\nb');" + POLLS])
		self.wait_cut(b"polls\n")
		line, = self.d.grep(r"timeouts\.total: process")
		self.assertIn(r"(a\x1b[31m) R\x0ab) is sleeping", line)

	def test_other_limits(self):
		"""A program that is ended because its client is silent hangs in nothing."""
		endpoint = Endpoint.v4()
		d = self.daemon({"prog": {"handler": "exec", "listen": endpoint.text, "command": ["/bin/cat"],
					  "timeouts": {"first_byte": "200ms"}}})
		with endpoint.connect() as s:
			self.assertEqual(s.recv(1), b"")
		d.wait_log("timeouts.first_byte")
		self.assertEqual(d.grep("process"), [])


class Listen(ListenCase):
	def test_drain(self):
		d = self.serve("deaf", workers={"min": 1}, timeouts={"drain": "1s"})
		pid, = self.wait_programs(1)
		self.assertEqual(d.admin.told("restart", service="prog")["ok"], True)
		d.wait_log(r"program %d is still there .*killed" % pid)
		d.wait_log(r"timeouts\.drain: process %d " % pid)
		line, = d.grep(r"prog: timeouts\.drain: process %d \(python3[.0-9]*\) is sleeping, " % pid)
		self.assertRegex(line, "system call epoll")

	def test_watchdog(self):
		d = self.serve(workers={"min": 1}, program={"notify": True, "watchdog": "1s"})
		pid, = self.wait_programs(1)
		d.wait_log(r"program %d was killed by signal 6 \(SIGABRT\).*; it hung, and was sent SIGABRT" % pid)
		self.assertEqual(len(d.grep(r"prog: program\.watchdog: process %d " % pid)), 1)


main()
