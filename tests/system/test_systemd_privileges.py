#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rights that the installed unit takes from workers and programs. One user for all, the daemon's own."""

import sys
sys.dont_write_bytecode = True

import errno
import os
import shutil
import unittest

from harness import *
from harness import modules
from harness.module_case import ask


class Default(SystemdCase):
	def attack(self):
		"""A module's workers, one after the other, try to write to the master and to each other."""
		everybody = [proc.status(pid, "NSpid").split()[-1] for pid in self.sandbox.pids()]
		for pid in everybody:
			said = {line for _ in range(6) for line in ask(self.tcp(70), pid)}
			self.assertLessEqual(said, {"itself", "Operation not permitted, Permission denied"}, pid)

	@unittest.skipIf(modules.no_modules(), modules.no_modules())
	def test_workers_cannot_write_to_others(self):
		"""With the filter of the unit, and without it."""
		module = modules.build(self.path("m.so"), modules.ATTACK, "-D_GNU_SOURCE")
		os.makedirs(self.sandbox.path("/usr/local/lib/attack"))
		shutil.copy(module, self.sandbox.path("/usr/local/lib/attack/m.so"))
		self.configure({"mod": {"handler": "module", "path": "/usr/local/lib/attack/m.so",
					"listen": "127.0.0.1:70"}})
		self.systemctl("start", "preforkd")
		self.attack()
		self.drop_in("[Service]\nSystemCallFilter=\n")
		self.systemctl("restart", "preforkd")
		self.attack()

	def test_what_is_left_to_workers(self):
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:7", "workers": {"min": 2}}})
		self.systemctl("start", "preforkd")
		master, *workers = self.sandbox.pids()
		self.assertEqual(int(proc.status(master, "CapPrm"), 16), 1 << 10)
		self.assertEqual(len(workers), 2)
		for pid in workers:
			for key in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
				self.assertEqual(int(proc.status(pid, key), 16), 0, key)
			with open("/proc/%d/limits" % pid, encoding="ascii") as f:
				self.assertRegex(f.read(), r"Max core file size +0 +0 ")

	def test_built_in_services(self):
		"""The unit forbids more system calls than a sandbox does; all serve, and no warning is logged."""
		kinds = ("echo", "discard", "daytime", "chargen", "time")
		services = {}
		for n, level in enumerate(("default", "strict")):
			port = lambda k, n=n: "127.0.0.1:%d" % (7000 + 10 * n + k)
			common = {"sandbox": {"level": level, "required": True}}
			for k, kind in enumerate(kinds):
				services["%s-%s" % (kind, level)] = {
					"handler": kind, "listen": [port(k), "udp:" + port(k)], **common}
			services["cat-" + level] = {
				"handler": "exec", "command": ["/bin/cat"], "listen": port(5), **common}
			services["proxy-" + level] = {
				"handler": "proxy", "upstream": "127.0.0.1:7000", "listen": port(6), **common}
		self.configure(services)
		self.systemctl("start", "preforkd")
		for base in (7000, 7010):
			for port in (0, 5, 6):
				self.assertEqual(talk(self.tcp(base + port), b"hello"), b"hello")
			self.assertEqual(talk(self.tcp(base + 1), b"hello"), b"")
			self.assertRegex(talk(self.tcp(base + 2)), rb" \d{4} .*\r\n")
			self.assertEqual(len(talk(self.tcp(base + 4))), 4)
			with self.tcp(base + 3).connect() as client:
				self.assertTrue(client.recv(100))
		self.systemctl("reload", "preforkd")
		self.systemctl("stop", "preforkd")
		self.assertEqual([entry["MESSAGE"] for entry in self.journal() if int(entry["PRIORITY"]) <= 4], [])

	def test_landlock(self):
		"""The filter of the unit allows the system calls of Landlock: 444 is landlock_create_ruleset()."""
		program = "import ctypes; ctypes.CDLL(None, use_errno=True).syscall(444, 0, 0, 1); " \
			"print(ctypes.get_errno())"
		self.configure({"py": {"handler": "exec", "listen": "127.0.0.1:70",
				       "command": ["/usr/bin/python3", "-c", program]}})
		self.systemctl("start", "preforkd")
		self.assertNotEqual(int(talk(self.tcp(70))), errno.EPERM)

	def test_what_was_written_cannot_be_executed(self):
		places = ("/tmp", "/var/tmp", "/dev/shm", "/run/preforkd")
		tries = "".join("cp /bin/true %s/x; %s/x && echo %s; " % (place, place, place) for place in places)
		self.configure({"sh": {"handler": "exec", "listen": "127.0.0.1:70",
				       "command": ["/bin/sh", "-c", tries + "/bin/true && echo /bin"]}})
		self.systemctl("start", "preforkd")
		self.assertEqual(talk(self.tcp(70)).decode().split(), ["/bin"])
		self.drop_in("[Service]\nNoExecPaths=\n")
		self.systemctl("restart", "preforkd")
		self.assertEqual(talk(self.tcp(70)).decode().split(), [*places, "/bin"])


main()
