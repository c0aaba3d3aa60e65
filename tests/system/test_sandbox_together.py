#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Walls of a sandbox that meet each other."""

import sys
sys.dont_write_bytecode = True

import os
import shutil

from harness import *
from harness import namespaces
from harness.private_case import PrivateCase

SYSTEM = [path for path in ("/usr", "/bin", "/lib", "/lib64", "/etc", "/proc") if os.path.exists(path)]
CODE = [path for path in ("/usr", "/bin", "/lib", "/lib64") if os.path.exists(path)]
LISTS = {"read": SYSTEM, "write": [], "execute": CODE}
NO_ADMIN = [shutil.which("setpriv"), "--bounding-set=-sys_admin"]


class Lists(PrivateCase):
	USE = ("for d in /tmp /var/tmp; do echo x >$d/a && cat $d/a && mkdir $d/b && mv $d/a $d/b/c && ls $d/b; done;"
	       "(echo x >%s) 2>&1 | sed 's/.*: //'")

	def test_private_tmp_is_always_allowed(self):
		outside = "/dev/shm/preforkd-test-%d" % os.getpid()
		for more in ({}, {"read_only": True}):
			self.serve(self.USE % outside, private_tmp=True, **LISTS, **more)
			for _ in range(2):
				self.assertIn(self.ask(), ["x\nc\n" * 2 + why + "\n" for why in
							   ("Permission denied", "Read-only file system")])
			self.assertFalse(os.path.exists(outside))
			self.assertEqual(self.d.stop(), 0)

	def test_of_the_host_it_is_not(self):
		"""Where the private one cannot be had."""
		service = self.program("(echo x >/tmp/x) 2>&1", sandbox={"private_tmp": True, **LISTS})
		self.d = self.daemon({"x": service}, how={"refuse": {"unshare": None}})
		self.assertIn("Permission denied", self.ask())


class Hidden(PrivateCase):
	"""Files of the host in folders that are private to the service: it could not find them."""

	def test_the_check(self):
		folder = self.folder("data", for_workers=True)
		self.write("program", "#!/bin/sh\n")
		os.chmod(self.tmp + "/program", 0o755)
		if not os.path.realpath(self.tmp).startswith("/tmp/"):
			self.skipTest("the files of the test are not in /tmp")
		service = self.program("echo", sandbox={"private_tmp": True, "read": ["/", "/tmp"], "write": [folder]})
		self.assertRegex(self.check(service).stderr, r':\d+: services.x.sandbox.write: ".*/data" cannot be '
				 "seen with sandbox.private_tmp")
		service = self.program([self.tmp + "/program"], sandbox={"private_tmp": True})
		self.assertRegex(self.check(service).stderr, r':\d+: services.x.command: ".*/program" cannot be seen')
		service["sandbox"] = {}
		self.assertEqual(self.check(service).returncode, 0)
		service = self.program("echo", sandbox={"private_tmp": True}, program={"directory": folder})
		self.assertRegex(self.check(service).stderr,
				 r':\d+: services.x.program.directory: ".*/data" cannot be seen')


@needs_root()
@needs_tool("setpriv")
class WithoutAdmin(PrivateCase):
	"""The daemon is started as root, and has no right to make namespaces."""

	def setUp(self):
		super().setUp()
		why = namespaces.no_user_namespace()
		if why:
			self.skipTest(why)

	def start_it(self, **more):
		service = self.program("grep CapEff /proc/self/status", sandbox={
			"private_tmp": True, "capabilities": ["net_bind_service"], **more})
		return self.daemon({"x": service}, start=False, prefix=NO_ADMIN)

	def test_capabilities_of_a_user_namespace(self):
		d = self.start_it().start()
		self.assertEqual(self.ask().split(), ["CapEff:", "0000000000000400"])
		line, = d.grep("sandbox.capabilities")
		self.assertRegex(line, "services.x.sandbox.capabilities: .*not for the host: the daemon lacks "
				 "CAP_SYS_ADMIN")

	def test_required(self):
		d = self.start_it(required=True).launch()
		self.assertEqual(d.wait(), 71)
		self.assertTrue(d.grep(r"sandbox.capabilities: .*CAP_SYS_ADMIN.*\(sandbox.required\)"), d.lines())

	def test_no_capability_is_no_lack(self):
		d = self.start_it(required=True, capabilities=[]).start()
		self.assertEqual(self.ask().split(), ["CapEff:", "0000000000000000"])
		self.assertEqual(d.grep("sandbox.capabilities"), [])


main()
