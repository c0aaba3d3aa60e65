#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Modules: the calls that they get, and what each call is given."""

import sys
sys.dont_write_bytecode = True

import os
import re
import signal
import socket
import time

from harness import *
from harness import modules
from harness.module_case import INCLUDES, LifeCase, Talk, ask


class Life(LifeCase):
	def test_options_arrive(self):
		self.start({"number": -3, "wait": 0, "size": "64K", "text": "", "list": ["a", "b"], "flag": False})
		self.assertEqual(ask(self.endpoint, "options"), ["-3 0 65536 - mod 2:b 0"])

	def test_presets_and_command_line(self):
		modules.probe(self.path("m.so"))
		self.daemon(self.service(self.path("m.so")),
			    arguments=["-l", "stderr", "-o", "services.mod.options.list=one"])
		self.assertEqual(ask(self.endpoint, "options"), ["7 3000 4096 some text mod 1:one 1"])

	def test_begin_and_end(self):
		d = self.start()
		workers = sorted(d.wait_workers(2))
		inits = self.notes("init")
		self.assertEqual(inits[-1], (1, d.pid), "at last in the master")
		self.assertTrue(all(pid != d.pid for _, pid in inits[:-1]), "before, in children: %s" % inits)
		self.assertEqual(sorted(pid for _, pid in self.notes("start")), workers)
		os.kill(workers[0], signal.SIGKILL)
		wait_until(lambda: len(self.notes("start")) == 3, "another one")
		d.wait_workers(2)
		left = sorted(d.workers())
		self.assertNotIn((1, d.pid), self.notes("fini"))
		self.assertEqual(d.stop(), 0)
		self.assertEqual(self.notes("fini")[-1], (1, d.pid), "with its options")
		self.assertEqual(sorted(pid for _, pid in self.notes("stop")), left,
				 "but not of the one that was killed")

	def test_random_streams_differ(self):
		self.start(workers={"min": 8, "max": 8, "max_spare": 8})
		clients = [Talk(self.endpoint) for _ in range(8)]
		answers = [c.ask("random").split() for c in clients]
		for c in clients:
			c.__exit__()
		for kind in zip(*answers):
			self.assertEqual(len(set(kind)), 8, kind)

	def test_kept_descriptor(self):
		self.start()
		self.assertEqual(ask(self.endpoint, "kept"), ["kept"])

	def test_lines(self):
		self.start()
		self.assertEqual(ask(self.endpoint, "a", "b\r", "", "x" * 39),
				 ["[a]", "[b]", "[]", "[%s]" % ("x" * 39)])
		self.assertEqual(talk(self.endpoint, b"no end"), b"[no end]\n")
		self.assertEqual(talk(self.endpoint, b"x" * 40 + b"\nmore\n"), b"too long\n")
		self.assertEqual(talk(self.endpoint, b"y" * 30000), b"too long\n")
		# what was read ahead is still there for preforkd_read(), and lines come after it
		data = payload(1, 20000)
		self.assertEqual(talk(self.endpoint, b"raw 20000\n" + data + b"after\n"), data + b"[after]\n")
		self.assertEqual(ask(self.endpoint, "big"), ["-1 EMSGSIZE"])
		# bytes that come one by one
		with Talk(self.endpoint) as c:
			for byte in b"slow\r":
				c.s.sendall(bytes([byte]))
			self.assertEqual(c.ask(""), "[slow]")

	def test_nothing_of_one_client_reaches_the_next(self):
		self.start(workers={"min": 1, "max": 1, "max_spare": 1})
		self.assertEqual(talk(self.endpoint, b"fail x\nleft over\n"), b"")
		self.assertEqual(ask(self.endpoint, "mine"), ["[mine]"])

	def test_deadline(self):
		d = self.start()
		with Talk(self.endpoint) as c:
			self.assertEqual(c.ask("deadline 300"), "ok")
			start = time.monotonic()
			self.assertRaises(ConnectionResetError, c.f.readline)
			self.assertGreater(time.monotonic() - start, 0.2)
			self.assertLess(time.monotonic() - start, 10)
		d.wait_log(r"mod 127\.0\.0\.1:\d+: not finished within 300ms \(the service's own limit\)")
		with Talk(self.endpoint) as c:
			self.assertEqual(c.ask("deadline 300"), "ok")
			self.assertEqual(c.ask("deadline 0"), "ok")
			c.s.settimeout(1)
			self.assertRaises(socket.timeout, c.s.recv, 1)
			c.s.settimeout(PATIENCE)
			self.assertEqual(c.ask("x"), "[x]")

	def test_deadline_before_what_was_read_ahead(self):
		"""
		A client that has sent much at once does not outlive its limit with it: neither with what the library
		has read, nor with what the kernel has.
		"""
		d = self.start()
		for rest in ("", "nap 0\n" * 2000):
			with self.endpoint.connect() as s:
				s.sendall(("deadline 100\nnap 200\n" + rest + "log alive\n").encode())
				self.assertRaises(ConnectionResetError, read_all, s)
			wait_until(lambda: len(d.grep("not finished within 100ms")) > len(rest) // 12000, "its end")
			self.assertFalse(d.grep("alive"))

	def test_deadline_that_never_comes(self):
		"""It leaves the other limits alone."""
		d = self.start(timeouts={"idle": "200ms"})
		with Talk(self.endpoint) as c:
			self.assertEqual(c.ask("deadline %d" % (2 ** 63 - 1)), "ok")
			self.assertRaises(ConnectionResetError, c.f.readline)
		d.wait_log(r"idle for 200ms \(timeouts\.idle\)$")

	def test_it_does_not_say_why(self):
		d = self.start()
		with Talk(self.endpoint) as c:
			self.assertEqual(c.ask("nothing"), "nothing")
			self.assertEqual(c.f.read(), b"")
			for _ in range(2): # to read nothing is no end of what the client sends: no reset
				c.s.sendall(b"more")
		d.wait_log(r"mod 127\.0\.0\.1:\d+: the service gave up, and does not say why$")

	def test_log(self):
		d = self.start()
		self.assertEqual(talk(self.endpoint, b"log one\nfail two\n"), b"")
		d.wait_log(r"mod 127\.0\.0\.1:\d+: one$")
		d.wait_log(r"mod: alone: one$")
		d.wait_log(r"mod 127\.0\.0\.1:\d+: two$")

	def test_timer_and_counters(self):
		d = self.start()
		ask(self.endpoint, *["x"] * 5)
		self.assertEqual(d.admin.service("mod")["counters"]["asked"], 5)
		first = d.admin.service("mod")["counters"]["ticks"]
		wait_until(lambda: d.admin.service("mod")["counters"]["ticks"] >= first + 4,
			   "the timer goes on while nobody comes")
		# a worker that serves has no timer; its count is not lost when it goes
		worker, other = d.wait_workers(2)
		for pid in (worker, other):
			os.kill(pid, signal.SIGKILL)
		wait_until(lambda: not set(d.workers()) & {worker, other} and len(d.workers()) == 2, "others")
		self.assertEqual(d.admin.service("mod")["counters"]["asked"], 5)

	def test_threads(self):
		"""Those of worker_start() take no signal that the worker waits for: its timer's would be lost on
		them."""
		source = INCLUDES + """
static int start(void) { pthread_t t; return pthread_create(&t, NULL, idle, NULL); }
"""
		path = self.build(modules.small(source, ".worker_start = start,"), "-pthread", name="threads.so")
		d = self.daemon(self.service(path))
		self.assertEqual(talk(self.endpoint), b"hello")
		for pid in d.workers():
			tids = set(map(int, os.listdir("/proc/%d/task" % pid)))
			self.assertEqual(len(tids), 2)
			for tid in tids:
				with open("/proc/%d/task/%d/status" % (pid, tid), encoding="ascii") as f:
					blocked = int(re.search(r"^SigBlk:\s*([0-9a-f]+)", f.read(), re.M).group(1), 16)
				mine = {x for x in (signal.SIGALRM, signal.SIGTERM, signal.SIGUSR1, signal.SIGRTMIN)
					if blocked >> (x - 1) & 1}
				self.assertEqual(len(mine), 0 if tid == pid else 4)

	def test_two_services_of_one_file(self):
		other = Endpoint.v4()
		path = modules.probe(self.path("m.so"))
		services = self.service(path, {"text": "A"})
		services["other"] = {**services["mod"], "listen": other.text, "options": {"text": "B"}}
		d = self.daemon(services)
		self.assertIn(" A mod ", ask(self.endpoint, "options")[0])
		self.assertIn(" B other ", ask(other, "options")[0])
		self.assertEqual(d.admin.service("other")["counters"]["asked"], 1)


main()
