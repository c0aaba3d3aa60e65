#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Control groups of services that run programs, under a real systemd that leaves its part of the tree to the unit
(Delegate=yes)."""

import sys
sys.dont_write_bytecode = True

import json
import os
import re

from harness import *

TOP = "/sys/fs/cgroup/system.slice/preforkd.service"
DELEGATE = "[Service]\nDelegate=yes\nProtectControlGroups=no\n"

# Says who it is, and leaves a process behind that has no tie to it any more.
ESCAPE = """
import os, signal, sys, time
if os.fork() == 0:
	os.setsid()
	if os.fork() == 0:
		os.setsid()
		for number in range(1, 65):
			try:
				signal.signal(number, signal.SIG_IGN)
			except (OSError, ValueError):
				pass
		pid = os.getpid()
		try:
			place = open("/proc/self/cgroup").read().split("0::")[1].strip()
		except OSError:
			place = "unknown"
		os.write(1, b"%d %s\\n" % (pid, place.encode()))
		os.closerange(0, 1024)
		while True:
			time.sleep(1000)
	os._exit(0)
os.wait()
"""


class GroupCase(SystemdCase):
	USER = "preforkd"

	def serve(self, services=None, delegate=DELEGATE, relax=False, **more):
		self.sandbox.write("/usr/local/lib/escape.py", ESCAPE)
		self.configure(services or self.services(**more))
		if relax:
			self.relax()
		if delegate:
			self.drop_in(delegate)
		self.systemctl("start", "preforkd")

	def services(self, **more):
		return {"escape": {"handler": "exec", "listen": "127.0.0.1:70", "user": self.USER,
				   "command": ["/usr/bin/python3", "/usr/local/lib/escape.py"],
				   "workers": {"min": 1, "max": 1}, **more},
			"echo": {"handler": "echo", "listen": "127.0.0.1:7"}}

	def folders(self):
		"""The groups of the unit, as paths in it. systemd runs the commands of a reload in .control."""
		out = self.run("find", TOP, "-mindepth", "1", "-type", "d", "!", "-name", ".control")
		return sorted(line[len(TOP) + 1:] for line in out.stdout.splitlines())

	def members(self, group):
		return self.run("cat", os.path.join(TOP, group, "cgroup.procs")).stdout.split()

	def wait_folders(self, is_right, what):
		return wait_until(lambda: is_right(self.folders()), what)

	def is_there(self, pid):
		return self.run("test", "-d", "/proc/" + pid).returncode == 0

	def escape(self):
		"""The pid and the group of a process that a program has tried to leave behind."""
		return talk(self.tcp(70)).decode().split()


class Programs(GroupCase):
	def test_nothing_outlives_its_connection(self):
		self.serve()
		for _ in range(3):	# its group has been killed before
			pid, place = self.escape()
			self.assertRegex(place, r"/svc-escape/programs/\d+$")
			wait_until(lambda pid=pid: not self.is_there(pid), "the end of what a program left behind")
		master = self.show("MainPID")
		self.assertIn(master, self.members("daemon"))
		self.assertEqual(self.members(""), [])
		worker = os.path.basename(place)
		self.assertEqual(self.members("svc-escape/programs/" + worker), [])
		self.assertIn(worker, self.members("svc-escape/workers"))
		self.assertNotIn("svc-echo", self.folders())

	def test_service_with_a_user_of_its_own(self):
		"""The worker has given up the rights with which its group was made."""
		self.USER = "nobody"
		self.serve(relax=True)
		for _ in range(3):
			pid, place = self.escape()
			self.assertRegex(place, r"/svc-escape/programs/\d+$")
			wait_until(lambda pid=pid: not self.is_there(pid), "the end of what a program left behind")

	def test_nothing_is_delegated(self):
		self.serve(delegate=None)
		pid, place = self.escape()
		self.assertTrue(place.endswith("preforkd.service"), place)
		wait_until(lambda: not self.is_there(pid), "the end of what a program left behind")
		self.assertEqual(self.folders(), [])

	def test_program_that_accepts_by_itself(self):
		self.serve({"own": {"handler": "listen", "listen": "127.0.0.1:71",
				    "command": ["/usr/bin/python3", "-c",
						"import socket, os, time\n"
						"s = socket.socket(fileno=3)\n"
						"if os.fork() == 0:\n"
						"  os.setsid()\n"
						"  time.sleep(1000)\n"
						"while True:\n"
						"  c = s.accept()[0]\n"
						"  c.sendall(open('/proc/self/cgroup', 'rb').read())\n"
						"  c.close()\n"],
				    "workers": {"min": 1, "max": 1}}})
		place = talk(self.tcp(71)).decode().strip()
		self.assertRegex(place, r"/svc-own/programs/\d+$")
		group = "svc-own/programs/" + os.path.basename(place)
		self.assertEqual(len(self.members(group)), 2)
		self.run("kill", "-KILL", os.path.basename(place), check=True)
		self.wait_folders(lambda all_: group not in all_, "the group to go with its program")
		self.assertNotEqual(talk(self.tcp(71)), b"")


class Limits(GroupCase):
	"""The kernel's own limits are tested with made-up groups (tests/unit/pool/check_groups.c), because not every
	host has the controllers in version 2."""

	LIMITS = {"memory": "64M", "tasks": 20}

	def controllers(self):
		return self.run("cat", TOP + "/cgroup.controllers").stdout.split()

	def test_status(self):
		self.serve(limits=self.LIMITS)
		self.escape()
		group = json.loads(self.ctl("--json", "status", "escape").stdout)["services"][0]["cgroup"]
		has = self.controllers()
		for key, value in (("memory", 64 << 20), ("tasks", 20)):
			is_there = {"memory": "memory", "tasks": "pids"}[key] in has
			self.assertEqual(group[key + "_max"], value if is_there else None)
			self.assertEqual(group[key] is None, not is_there)
		self.assertEqual(group["oom_kills"], 0 if "memory" in has else None)
		echo = json.loads(self.ctl("--json", "status", "echo").stdout)["services"][0]
		self.assertIsNone(echo["cgroup"])

	def told(self, key, reason):
		"""Once, and not by each worker."""
		pattern = r"services\.escape\.limits\.%s: programs are not limited, because .*%s.*Delegate=yes" % \
			(key, reason)
		self.wait_journal(pattern)
		self.assertEqual(len([text for text in self.messages() if re.search(pattern, text)]), 1)

	def test_without_groups(self):
		self.serve(delegate=None, limits=self.LIMITS)
		self.escape()
		self.told("memory", "no control group")
		self.told("tasks", "no control group")

	def test_tree_that_cannot_be_written(self):
		self.serve(delegate="[Service]\nDelegate=yes\n", limits=self.LIMITS)
		self.escape()
		self.told("memory", "ProtectControlGroups=no")
		self.assertEqual(self.folders(), [])

	def test_without_a_controller(self):
		self.serve(limits={"memory": "64M"})
		self.escape()
		if "memory" in self.controllers():
			self.skipTest("this host has the controller of memory in version 2")
		self.told("memory", 'controller "memory"')

	def test_printed_drop_in(self):
		"""It is all that the limits need; the check agrees before and after."""
		self.configure(self.services(limits=self.LIMITS))
		check = (self.sandbox.installed("sbin/preforkd"), "--check=host")
		before = self.run(*check)
		self.assertEqual(before.returncode, 0)
		for key in self.LIMITS:
			self.assertRegex(before.stderr, key + ": .*lacks Delegate=yes, ProtectControlGroups=no")
		self.serve(delegate=None, limits=self.LIMITS, relax=True)
		self.assertEqual(self.run(*check).stderr, "")
		self.assertRegex(self.escape()[1], r"/svc-escape/programs/\d+$")
		self.assertFalse([text for text in self.messages() if "no control group" in text])

	def test_required(self):
		self.sandbox.write("/usr/local/lib/escape.py", ESCAPE)
		self.configure(self.services(limits=self.LIMITS, sandbox={"required": True}))
		self.assertNotEqual(self.systemctl("start", "preforkd", check=False).returncode, 0)
		self.wait_journal("limits.memory: programs are not limited, .*sandbox.required")


class Life(GroupCase):
	def one_group(self, folders):
		return len([path for path in folders if path.startswith("svc-escape/programs/")]) == 1

	def test_reload_that_removes_a_service(self):
		self.serve()
		self.escape()
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:7"}})
		self.systemctl("reload", "preforkd")
		self.wait_folders(lambda all_: all_ == ["daemon"], "the groups of a removed service to go")
		self.configure(self.services())
		self.systemctl("reload", "preforkd")
		self.assertRegex(self.escape()[1], r"/svc-escape/programs/\d+$")

	def test_reload_with_new_workers(self):
		self.serve()
		self.escape()
		self.configure(self.services(timeouts={"total": "1h"}))
		self.systemctl("reload", "preforkd")
		self.wait_folders(self.one_group, "the groups of the old workers to go")
		self.assertRegex(self.escape()[1], r"/svc-escape/programs/\d+$")

	def test_upgrade(self):
		self.serve()
		self.escape()
		master = self.show("MainPID")
		done = self.ctl("upgrade")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(self.show("MainPID"), master)
		self.wait_folders(self.one_group, "the groups of the old workers to go")
		pid, place = self.escape()
		self.assertRegex(place, r"/svc-escape/programs/\d+$")
		wait_until(lambda: not self.is_there(pid), "the end of what a program left behind")
		self.assertIn(master, self.members("daemon"))

	def test_restart_and_stop(self):
		self.serve()
		self.escape()
		self.systemctl("restart", "preforkd")
		self.escape()
		self.systemctl("stop", "preforkd")
		self.assertEqual(self.show("Result"), "success")
		self.assertEqual(self.run("test", "-e", TOP).returncode, 1)

	def test_master_that_is_killed(self):
		self.serve()
		self.escape()
		self.run("kill", "-KILL", self.show("MainPID"), check=True)
		wait_until(lambda: self.show("NRestarts") == "1" and self.show("ActiveState") == "active",
			   "the restart")
		self.wait_folders(self.one_group, "the groups of the old workers to go")
		self.assertRegex(self.escape()[1], r"/svc-escape/programs/\d+$")

	def test_worker_that_is_killed(self):
		"""Its client's program goes with it, and its group."""
		self.serve()
		worker = os.path.basename(self.escape()[1])
		self.run("kill", "-KILL", worker, check=True)
		self.wait_folders(lambda all_: "svc-escape/programs/" + worker not in all_ and self.one_group(all_),
				  "the group of a killed worker to go")
		self.assertRegex(self.escape()[1], r"/svc-escape/programs/\d+$")


main()
