#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""preforkd --unit-dropin: what it prints for a configuration. test_systemd_dropin.py starts units with it."""

import sys
sys.dont_write_bytecode = True

import os
import re

from harness import *

ECHO = {"handler": "echo", "listen": "127.0.0.1:7007"}


class Dropin(Case):
	def look(self, services, **top):
		"""The text, and its settings."""
		path = self.write("preforkd.conf", Config(services, **{"user": None, "group": None, **top}).text())
		done = run_preforkd("-c", path, "--unit-dropin")
		self.assertEqual((done.returncode, done.stderr), (0, ""))
		lines = [line for line in done.stdout.splitlines() if line and line[0] not in "#["]
		self.assertEqual(run_preforkd("-c", path, "--unit-dropin").stdout, done.stdout)
		return done.stdout, dict(line.split("=", 1) for line in lines)

	def test_nothing(self):
		"""The unit is enough: low ports, all families, sockets in its own folder, and programs of its user."""
		cat = {"handler": "exec", "command": ["/bin/cat"], "timeouts": {"idle": 0, "first_byte": 0}}
		text, settings = self.look({"echo": {**ECHO, "listen": ["*:7", "udp:*:7"]},
					    "cat": {**cat, "listen": ["unix:/run/preforkd/cat", "unix:@cat"]}})
		self.assertEqual(settings, {})
		self.assertNotIn("[Service]", text)
		self.assertIn("the unit is enough as it is", text)

	def test_user(self):
		text, settings = self.look({"a": ECHO, "b": {**ECHO, "listen": "127.0.0.1:7008"}}, user="nobody")
		self.assertEqual(settings, {"User": "root", "SystemCallFilter": "@setuid",
					    "CapabilityBoundingSet": "CAP_SETUID CAP_SETGID CAP_KILL"})
		self.assertIn("# a worker becomes the user of its service: services.a.user, services.b.user\n"
			      "User=root\n", text)

	def test_program_of_root(self):
		_, settings = self.look({"a": {**ECHO, "handler": "exec", "command": ["/bin/cat"]}}, user="root")
		self.assertEqual(set(settings["CapabilityBoundingSet"].split()),
				 {"CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_SYS_CHROOT"})
		self.assertEqual(settings["SystemCallFilter"], "@setuid chroot")

	def test_many_services(self):
		"""The comment names all of them, in lines that can be read."""
		text, _ = self.look({"service%d" % i: {**ECHO, "listen": "unix:@%d" % i} for i in range(60)},
				    user="nobody")
		for i in range(60):
			self.assertIn("services.service%d.user" % i, text)
		self.assertLess(max(map(len, text.splitlines())), 130)

	def test_new_rights(self):
		"""Only a unit that starts as root can let programs have them, and becomes its user again."""
		cat = {**ECHO, "handler": "exec", "command": ["/bin/cat"], "sandbox": {"no_new_privileges": False}}
		_, settings = self.look({"a": {**cat, "user": "nobody"}})
		self.assertEqual(settings["NoNewPrivileges"], "no")
		self.assertEqual(settings["User"], "root")

	def test_limits(self):
		many = {"handler": "exec", "command": ["/bin/cat"], "listen": "127.0.0.1:7008"}
		_, settings = self.look({"a": {**ECHO, "timeouts": {"drain": "5min"}},
					 "b": {**many, "workers": {"max": 20000}}})
		self.assertEqual(settings, {"TimeoutStopSec": "310", "TasksMax": "40017"})
		_, settings = self.look({"a": {**ECHO, "timeouts": {"drain": 0}}})
		self.assertEqual(settings, {"TimeoutStopSec": "infinity"})

	def test_namespaces(self):
		for keys, kinds, calls in (({"private_tmp": True}, "user mnt", "@mount"),
					   ({"private_network": True}, "user net", None)):
			_, settings = self.look({"a": {**ECHO, "sandbox": keys}})
			self.assertEqual(settings.get("RestrictNamespaces"), kinds)
			self.assertEqual(settings.get("SystemCallFilter"), calls)

	def test_names_the_key_that_asks(self):
		for keys in ({"read_only": True}, {"private_tmp": True}, {"read_only": True, "private_tmp": True}):
			text, _ = self.look({"a": {**ECHO, "sandbox": keys}})
			self.assertEqual(set(re.findall(r"services\.a\.sandbox\.(\w+)", text)), set(keys))

	def test_control_groups(self):
		cat = {**ECHO, "handler": "exec", "command": ["/bin/cat"]}
		groups = {"Delegate": "yes", "ProtectControlGroups": "no"}
		for limits in ({"memory": "64M"}, {"tasks": 20}):
			_, settings = self.look({"a": {**cat, "limits": limits}})
			self.assertEqual(settings, groups)
		_, settings = self.look({"a": cat})
		self.assertEqual(settings, {})

	def test_new_proc(self):
		"""The kernel wants to see the whole /proc; CAP_SYS_ADMIN would be another way, and far more."""
		cat = {**ECHO, "handler": "exec", "command": ["/bin/cat"], "sandbox": {"private_pids": True}}
		_, settings = self.look({"a": cat})
		self.assertEqual(settings, {"ProtectHostname": "no", "ProtectKernelLogs": "no",
					    "ProtectKernelTunables": "no", "RestrictNamespaces": "user pid mnt",
					    "SystemCallFilter": "@mount"})

	def test_program(self):
		_, settings = self.look({"a": {**ECHO, "program": {"nice": 5}}})
		self.assertEqual(settings, {"SystemCallFilter": "@resources"})
		_, settings = self.look({"a": {**ECHO, "program": {"nice": -5, "oom_score_adjust": -100}}})
		self.assertEqual(settings["CapabilityBoundingSet"], "CAP_SYS_NICE CAP_SYS_RESOURCE")
		cat = {**ECHO, "handler": "exec", "command": ["/bin/cat"]}
		_, settings = self.look({"a": {**cat, "limits": {"nofile": 100000, "core": "10M"}},
					 "b": {**cat, "listen": "127.0.0.1:7008", "limits": {"nofile": 90000}}})
		self.assertEqual(settings, {"LimitNOFILE": "100000", "LimitCORE": "10485760"})
		_, settings = self.look({"a": {**cat, "limits": {"nofile": 60000, "core": 0}}})
		self.assertEqual(settings, {})

	def test_files_of_a_sandbox(self):
		sandbox = {"read": ["/usr", "/tmp"], "write": ["/srv", "/tmp"]}
		_, settings = self.look({"a": {**ECHO, "sandbox": sandbox}})
		self.assertEqual(settings, {"ReadWritePaths": "/srv"})

	def test_places(self):
		_, settings = self.look({"a": {**ECHO, "listen": ["unix:/srv/a", "unix:/tmp/a"]}}, user="nobody")
		self.assertEqual(settings["PrivateTmp"], "no")
		self.assertEqual(settings["ReadWritePaths"], "/srv /tmp")

	def test_path_with_blanks(self):
		"""A unit's file has rules for them, and for percent signs."""
		folder = self.path("a %b")
		os.mkdir(folder)
		_, settings = self.look({"a": {**ECHO, "listen": "unix:%s/x" % folder}}, user="nobody")
		self.assertIn('"%s"' % folder.replace("%", "%%"), settings["ReadWritePaths"])

	def test_rights_of_an_ordinary_user(self):
		"""They are handed to it."""
		_, settings = self.look({"a": {**ECHO, "listen": "unix:/srv/a", "socket": {"owner": "nobody"}}})
		rights = "CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER"
		self.assertEqual(settings, {"CapabilityBoundingSet": rights, "AmbientCapabilities": rights,
					    "ReadWritePaths": "/srv"})

	def test_disabled_service(self):
		_, settings = self.look({"a": ECHO, "b": {**ECHO, "listen": "unix:/srv/a", "enabled": False}})
		self.assertEqual(settings, {})

	def test_bad_configuration(self):
		path = self.write("bad.conf", "services: {\n  echo: {\n    backlog = 1;\n    listen = 7;\n  };\n};\n")
		done = run_preforkd("-c", path, "--unit-dropin")
		self.assertEqual((done.returncode, done.stdout), (78, ""))
		self.assertRegex(done.stderr, re.escape(path) + r":4: services\.echo\.listen: ")

	def test_one_thing_at_a_time(self):
		for other in ("-t", "-T", "-d"):
			self.assertEqual(run_preforkd("--unit-dropin", other).returncode, 64)


main()
