#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Workers that somebody else has taken over: what they do to all that they share with the master hurts their own
service at most, and that one no longer than they live."""

import sys
sys.dont_write_bytecode = True

import contextlib
import os
import re
import select
import signal
import time

from harness import *
from harness import modules
from harness.module_case import ModuleCase, Talk, ask
from harness.system_log import SystemLogCase

HEARING = 3
DONE = re.compile(r"echo .*: done .*, (\d+) bytes in")
FULL = bool(os.environ.get("PREFORKD_TEST_FULL"))	# on a machine with nothing else to do
SOON = 1 if FULL else 10	# seconds for an answer of the master


class SharedCase(ModuleCase):
	"""Two services: one of workers that run wild when they are told to, one that must not notice."""

	def setUp(self):
		super().setUp()
		self.echo = Endpoint.v4()
		modules.build(self.path("m.so"), os.path.join(TOP_SRCDIR, "tests", "system", "module_wild.c"),
			      "-D_GNU_SOURCE")

	def serve(self, top=None, **options):
		self.d = self.daemon(self.services(), top=top, **options)
		return self.d

	def services(self):
		return {**self.service(self.path("m.so")), "echo": {"handler": "echo", "listen": self.echo.text}}

	def is_answered(self):
		"""A worker that is not wild serves a client."""
		try:
			return len(ask(self.endpoint, "whole?")) == 1
		except OSError:
			return False

	def assert_answered(self):
		"""The master answers, and the other service is served."""
		start = time.monotonic()
		self.assertEqual(self.d.admin.service("mod")["state"], "serving")
		self.assertEqual(talk(self.echo, b"here?"), b"here?")
		self.assertLess(time.monotonic() - start, SOON)


class Ring(SharedCase):
	def test_one_that_blocks(self):
		self.serve()
		ask(self.endpoint, "block")
		time.sleep(1.2)	# the tick looks at all rings
		self.assert_answered()


class Memory(SharedCase):
	def test_heads_heal(self):
		"""New workers find their way, whatever is in the memory that the workers of a service share."""
		small = {"defaults": {"workers": {"min": 4, "max": 8}}}
		d = self.serve(top=small)
		for byte in (255, 0, 127, 128, 1):
			areas, = {x for x in ask(self.endpoint, "fill %d" % byte) if x.endswith("areas")}
			self.assertEqual(areas, "2 areas")	# the board and the sources
			self.assert_answered()
			lines = {"connections": "all" if byte % 2 else "errors"}
			self.assertEqual(d.reload(Config(self.services(), log=lines, **small)).returncode, 0)
			self.assertRegex(ask(self.endpoint, "still there?")[0], r"^\d+: still there\?$")
		self.assertFalse(d.grep("damaged"))


HARM = ("shut", "empty", "junk", "block", "connect")


class SystemLog(SystemLogCase, SharedCase):
	def test_one_that_connects_elsewhere(self):
		"""Lines of the master and of all services go through sockets of their own."""
		self.d = self.serve(self.services(), connections="all")
		ask(self.endpoint, "log it finds its way itself")
		self.syslog.wait(b"mod: it finds its way itself")
		for word in HARM:
			ask(self.endpoint, word)
		self.assertEqual(talk(self.echo, b"x" * 4711), b"x" * 4711)
		self.syslog.wait(b"echo .*4711 bytes in")
		self.assertEqual(self.d.ctl("pause", "echo").returncode, 0)
		self.syslog.wait(b"preforkd.%d.: .*pause" % self.d.pid)


class StandardError(SharedCase):
	def serve_into(self, name, **options):
		"""Standard error and output are one file, as with `preforkd >log 2>&1`."""
		self.log = open(self.path(name), "a+b")
		self.addCleanup(self.log.close)
		self.serve(start=False, top={"log": {"connections": "all"}}, **options)
		self.d.launch(stderr=self.log, stdout=self.log)
		self.d.wait_ready()

	def lines(self):
		self.log.seek(0)
		return self.log.read().decode("utf-8", "backslashreplace").splitlines()

	def wait_line(self, pattern):
		wait_until(lambda: any(re.search(pattern, x) for x in self.lines()), "a line with %r" % pattern)

	def test_a_file_that_is_cut_short(self):
		self.serve_into("log")
		for i, word in enumerate(HARM):
			ask(self.endpoint, word)
			self.assertEqual(talk(self.echo, b"x" * (1000 + i)), b"x" * (1000 + i))
		for i in range(len(HARM)):
			self.wait_line("echo .* %d bytes in" % (1000 + i))
		self.assertIn("started:", "\n".join(self.lines()))

	def test_lines_stay_whole_and_in_order(self):
		self.serve_into("log")
		for i in range(60):
			with Talk(self.endpoint) as t:
				t.s.sendall(b"".join(b"print %d.%d %s\n" % (i, k, b"z" * 60) for k in range(20)))
				for _ in range(20):
					self.assertTrue(t.f.readline())
		self.wait_line("^59.19 z{60}$")
		printed = [x for x in self.lines() if x.endswith("z")]
		self.assertEqual(printed, ["%d.%d %s" % (i, k, "z" * 60) for i in range(60) for k in range(20)])

	def test_upgrade(self):
		"""Workers of before write on, and what they wrote during the upgrade is there."""
		self.serve_into("log")
		with Talk(self.endpoint) as t:
			t.ask("print before")
			self.assertEqual(self.d.ctl("upgrade").returncode, 0)
			t.ask("print after")
			t.ask("log after all")
			self.wait_line("^after$")
			self.wait_line(r"mod: after all$")
		self.wait_line("^before$")
		ask(self.endpoint, "print new")
		self.wait_line("^new$")


class Listener(SharedCase):
	def test_one_that_resets_its_clients(self):
		"""It listens as before, but each connection is shut down from its beginning."""
		self.serve()
		with Talk(self.endpoint) as t:
			t.ask("taint")

		wait_until(self.is_answered, "an answer", 2 if FULL else 20)
		self.d.wait_log("it listens again")


class Wild(SharedCase):
	"""A worker that does at random all that it can."""

	SECONDS = 60 if FULL else 4
	WORKERS = {"min": 4, "max": 8, "max_spare": 8}

	def services(self):
		return {**self.service(self.path("m.so"), workers=self.WORKERS),
			"echo": {"handler": "echo", "listen": self.echo.text}}

	def order(self, *words):
		"""Is carried out, or refused, but soon. A worker that does not say that it has heard the order is
		waited for, but for HEARING seconds."""
		start = time.monotonic()
		done = self.d.ctl(*words)
		self.assertLess(time.monotonic() - start, SOON + (HEARING if words[0] == "resize" else 0), words)
		self.assertIn(done.returncode, (0, 1), done.stderr)

	def run_wild(self, seconds):
		"""One more worker that runs wild for so long. One before it may have shut the listener down."""
		def start():
			try:
				t = Talk(self.endpoint)
				self.addCleanup(t.__exit__)
				t.s.sendall(b"wild %d\n" % (seconds * 1000))
				return t
			except OSError:
				return None
		return wait_until(start, "a worker to run wild")

	def test_others_do_not_notice(self):
		"""Other services are served, orders are answered, and the log is complete."""
		d = self.serve(top={"log": {"connections": "all"}})
		rounds = 0
		end = time.monotonic() + self.SECONDS
		wild = self.run_wild(self.SECONDS)
		while time.monotonic() < end:
			if select.select([wild.s], [], [], 0)[0]:	# it has ended: the master may kill it
				wild = self.run_wild(end - time.monotonic() + 1)
			data = b"x" * (100000 + rounds)
			self.assertEqual(talk(self.echo, data), data)
			for words in (("status",), ("resize", "mod", "4", "7"), ("pause", "echo"),
				      ("resume", "echo"), ("resize", "mod", "4", "8"), ("status", "mod")):
				self.order(*words)
			rounds += 1
			if rounds % 10 == 0:
				self.assertEqual(d.reload().returncode, 0)
		all_sizes = set(range(100000, 100000 + rounds))

		def logged():
			return {int(x.group(1)) for x in map(DONE.search, d.lines()) if x}
		wait_until(lambda: logged() >= all_sizes, "a line for each client", every=0.5)
		wait_until(lambda: len(d.grep("pause echo: ordered by")) == rounds, "%d orders in the log" % rounds,
			   every=0.5)
		self.assertGreater(rounds, 0)

	def test_whole_again_two_seconds_later(self):
		"""After the worker that ran wild is gone: until then it is one of those that serve."""
		d = self.serve()
		with Talk(self.endpoint) as t:
			pid = int(t.ask("who?").split(":")[0])
			t.s.sendall(b"wild 2000\n")
			try:
				t.f.readline()
			except OSError:
				pass	# the master may have ended it
		with contextlib.suppress(ProcessLookupError):
			os.kill(pid, signal.SIGKILL)

		def is_whole():
			service = d.admin.service("mod")
			n = service["workers"]
			return service["state"] == "serving" and n["idle"] >= 4 and n["idle"] + n["busy"] <= 8 \
				and self.is_answered()
		wait_until(is_whole, "a whole service", 2 if FULL else 20)
		for i in range(20):
			self.assertEqual(len(ask(self.endpoint, "still there?")), 1)
		self.assertEqual(d.ctl("restart", "mod").returncode, 0)
		self.assertEqual(len(ask(self.endpoint, "and now?")), 1)


if __name__ == "__main__":
	main()
