#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The systemd that other tests boot: is of its own, and leaves nothing behind."""

import sys
sys.dont_write_bytecode = True

import json
import os
import signal
import subprocess

from harness import *

# A test program that boots one and then waits to be killed.
VICTIM = """
import json, os, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, %r)
from harness import *
s = Sandbox()
print(json.dumps([s.pid, s.tree, s.place]), flush=True)
time.sleep(1000)
"""


class TheSandbox(SystemdCase):
	def test_is_of_its_own(self):
		"""No unit but ours and what a boot needs; what is written there is not here."""
		units = self.systemctl("list-units", "--type=service", "--no-legend", "--plain").stdout.split("\n")
		self.assertEqual({line.split()[0] for line in units if line} - {"dbus.service"},
				 {"systemd-journald.service"})
		marker = "/etc/preforkd-test-%d" % os.getpid()
		self.sandbox.write(marker, "x")
		self.assertEqual(self.run("cat", marker).stdout, "x")
		self.assertFalse(os.path.exists(marker))
		self.assertTrue(self.tcp(7).refuses())

	def test_two_at_once(self):
		"""On the same port, with the same names."""
		first = self.sandbox
		second = self.boot()
		for sandbox, word in ((first, "echo"), (second, "daytime")):
			sandbox.write(first.installed("preforkd/preforkd.conf"), libconfig({
				"user": "preforkd", "services": {"x": {"handler": word, "listen": "127.0.0.1:7"}}}))
			sandbox.systemctl("start", "preforkd")
		self.assertEqual(talk(first.tcp(7), b"hello"), b"hello")
		self.assertRegex(talk(second.tcp(7)), rb"\d\d:\d\d")
		second.close()
		self.assertEqual(talk(first.tcp(7), b"again"), b"again")

	def test_nothing_is_left_of_a_test_that_is_killed(self):
		script = VICTIM % os.path.dirname(os.path.abspath(__file__))
		with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as victim:
			pid, *folders = json.loads(victim.stdout.readline())
			self.assertTrue(proc.alive(pid))
			victim.send_signal(signal.SIGKILL)
		wait_until(lambda: not proc.alive(pid), "no systemd left")
		wait_until(lambda: not any(map(os.path.exists, folders)), "no files left")
		for folder, inner, _ in os.walk("/sys/fs/cgroup"):
			self.assertNotIn(os.path.basename(folders[-1]), inner, folder)


main()
