#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An upgrade that is refused leaves everything as it was."""

import sys
sys.dont_write_bytecode = True

import os
import shutil
import signal
import socket
import struct
import time

from harness import *
from harness.upgrade_case import UpgradeCase, echo, image


class Rejected(UpgradeCase):
	"""The old binary goes on; no client notices."""

	def try_it(self, spoil, reason):
		a, b = Endpoint.v4(), Endpoint.unix(self.path("socket"))
		d = self.serve({"tcp": echo(a), "unix": echo(b), "cat": echo(Endpoint.v4(), handler="exec",
										command=["/bin/cat"])})
		workers, before = d.workers(), image(d.pid)
		with hold(a) as s, hold(b) as t:
			spoil(d)
			self.rejected(d, reason)
			for c in (s, t):
				c.sendall(b"undisturbed")
				self.assertEqual(recv_exact(c, 11), b"undisturbed")
		self.assertEqual(image(d.pid), before)
		self.told(d, 2)
		self.assertEqual(set(workers) - set(d.workers()), set())
		wait_until(lambda: proc.zombies(d.pid) == [], "all that died are reaped")
		status = d.admin.status()
		self.assertEqual((status["state"], status["last_reload"]["success"]), ("serving", False))
		self.assertRegex(status["last_reload"]["text"], reason)
		d.wait_log("the old binary goes on")
		for endpoint in (a, b):
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.put(PREFORKD)	# and as if nothing had been, the next one
		d.configure(Config({"tcp": echo(a), "unix": echo(b)}))
		self.upgrade(d)
		self.assertNotEqual(image(d.pid), before)
		self.assertEqual(d.stop(), 0)

	def test_missing(self):
		self.try_it(lambda d: os.unlink(self.binary), "(?i)no such file")

	def test_not_executable(self):
		self.try_it(lambda d: os.chmod(self.binary, 0o644), "(?i)permission denied")

	def test_a_folder(self):
		a = Endpoint.v4()
		d = self.serve({"tcp": echo(a)})
		os.unlink(self.binary)
		os.mkdir(self.binary)
		self.rejected(d, "(?i)permission denied")
		self.assertEqual(talk(a, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_text(self):
		self.try_it(lambda d: self.put_text("no program\n"), "(?i)exec format error")

	def test_an_empty_file(self):
		self.try_it(lambda d: self.put_text(""), "(?i)exec format error")

	def test_of_another_machine(self):
		def spoil(_):
			with open(self.path("foreign"), "wb") as f:
				f.write(b"\x7fELF\x02\x01\x01" + bytes(9))
				f.write(struct.pack("<HHIQQQIHHHHHH", 2, 0x4321, 1, 0x400000, 64, 0, 0, 64, 56, 1, 0, 0,
						    0))
				f.write(struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 4096, 4096, 4096))
				f.write(bytes(4096))
			self.put(self.path("foreign"))
		self.try_it(spoil, "(?i)exec format error")

	def test_a_part_of_it(self):
		"""A copy that was interrupted."""
		def spoil(_):
			with open(PREFORKD, "rb") as whole, open(self.path("half"), "wb") as f:
				f.write(whole.read(12288))
			self.put(self.path("half"))
		self.try_it(spoil, "in rehearsal")

	def test_exits_at_once(self):
		self.try_it(lambda d: self.put(shutil.which("true")), "ended with status 0 in rehearsal")

	def test_fails_at_once(self):
		self.try_it(lambda d: self.put_text("#!/bin/sh\nexit 3\n"), "3 in rehearsal")

	def test_dies_at_once(self):
		self.try_it(lambda d: self.put_text("#!/bin/sh\nkill -SEGV $$\n"), "(?i)signal 11|segmentation")

	def test_says_nonsense(self):
		self.try_it(lambda d: self.put_text("#!/bin/sh\necho 'who are you?' >&2\nexit 0\n"), "in rehearsal")

	def test_says_far_too_much(self):
		self.try_it(lambda d: self.put_text("#!/bin/sh\nyes nonsense | head -c 3000000 >&2\n"), "in rehearsal")

	def test_says_bytes_that_are_no_text(self):
		self.try_it(lambda d: self.put_text("#!/bin/sh\nhead -c 3000 /dev/urandom >&2\nexit 9\n"),
			    "in rehearsal")

	def test_hangs(self):
		def spoil(_):
			self.put_text("#!/bin/sh\nexec sleep 600\n")
		start = time.monotonic()
		self.try_it(spoil, "it took too long")
		self.assertGreater(time.monotonic() - start, 9)
		self.assertLess(time.monotonic() - start, 25)

	def leave_behind(self, services):
		"""It goes into the background and says nothing more: the verdict does not wait for that to end."""
		d = self.serve(services)
		pid_file = self.path("left")
		self.put_text("#!/bin/sh\nsetsid sh -c 'echo $$ > %s; exec sleep 300' &\n"
			      "while ! [ -s %s ]; do :; done\nexit 4\n" % (pid_file, pid_file))
		start = time.monotonic()
		self.rejected(d, "ended with status 4 in rehearsal")
		self.assertLess(time.monotonic() - start, 20)
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		d.kill(signal.SIGTERM)	# what was left behind may outlive the daemon
		self.assertEqual(d.wait(), 0)
		with open(pid_file, encoding="ascii") as f:
			return int(f.read())

	def test_leaves_something_that_holds_the_pipe(self):
		self.endpoint = Endpoint.v4()
		left = self.leave_behind({"echo": echo(self.endpoint)})
		try:
			os.kill(left, signal.SIGKILL)
		except ProcessLookupError:
			pass

	def test_leaves_something_beside_programs(self):
		self.endpoint = Endpoint.v4()
		left = self.leave_behind({"cat": echo(self.endpoint, handler="exec", command=["/bin/cat"])})
		self.assertFalse(proc.alive(left))

	def test_a_configuration_with_a_mistake(self):
		def spoil(d):
			with open(d.config_file, "a", encoding="utf-8") as f:
				f.write("nonsense = 1;\n")
			self.put(PREFORKD)
		self.try_it(spoil, r"preforkd\.conf:\d+: .*nonsense")

	def test_an_address_that_is_taken(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		with socket.socket() as other:
			other.bind(b.address)
			other.listen(1)
			d.configure(Config({"echo": echo(a), "second": echo(b)}))
			self.put(PREFORKD)
			self.rejected(d, "second.*(?i:in use)")
		self.assertEqual(talk(a, b"x"), b"x")
		self.upgrade(d)
		self.assertEqual(talk(b, b"x"), b"x")

	def test_a_control_socket_that_cannot_be(self):
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		before = image(d.pid)
		d.configure(Config({"echo": echo(a)}, control={"path": self.path("missing", "control")}))
		self.put(PREFORKD)
		with hold(a) as s:
			self.rejected(d, "missing/control.*(?i:no such)")
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		self.assertEqual(image(d.pid), before)
		self.assertEqual(d.stop(), 0)

	@needs_root()
	@needs_tool("setpriv")
	def test_workers_that_cannot_start(self):
		"""The program is all right, but its workers cannot become whom the configuration wants."""
		a, b = Endpoint.v4(), Endpoint.v4()
		services = {"echo": echo(a), "other": echo(b)}
		d = self.serve(services, top={"user": "root", "group": "root"},
			       prefix=[shutil.which("setpriv"), "--bounding-set=-setuid", "--inh-caps=-setuid"])
		before = image(d.pid)
		services["other"]["user"] = SERVICE_USER
		d.configure(Config(services, user="root", group="root"))
		self.put(PREFORKD)
		with hold(a) as s:
			self.rejected(d, "other.*cannot become user")
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		self.assertEqual(image(d.pid), before)
		for endpoint in (a, b):
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_too_few_descriptors(self):
		"""A limit that is too low for the new image is found before the exec."""
		endpoints = [Endpoint.v4() for _ in range(12)]
		services = {"s%d" % i: echo(e, workers={"min": 1, "max": 2, "max_spare": 1})
			    for i, e in enumerate(endpoints)}
		for limit in range(60, 108, 4):
			with self.subTest(limit=limit):
				d = self.serve(services, how={"limits": {"RLIMIT_NOFILE": [limit, limit]}}, start=False)
				d.launch()
				if not wait_until(lambda: d.notify.seen("READY=1") or d.process.poll(), "a start"):
					continue
				if d.process.poll() is not None:
					continue
				with hold(endpoints[0]) as s:
					self.put(PREFORKD)
					done = d.ctl("upgrade")
					self.assertIn(done.returncode, (0, 1), done.stderr)
					s.sendall(b"x")
					self.assertEqual(recv_exact(s, 1), b"x")
				for endpoint in endpoints:
					self.assertEqual(talk(endpoint, b"x"), b"x")
				self.assertEqual(d.stop(), 0)


main()
