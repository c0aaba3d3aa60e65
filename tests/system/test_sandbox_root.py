#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sandbox.root: workers and programs in a root folder of their own."""

import sys
sys.dont_write_bytecode = True

import os
import shutil
import subprocess

from harness import *
from harness.system_log import Reader, SystemLogCase

# Says where it is; leaves a process behind; writes to the log; waits for its client.
TOOL = r"""
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct stat root, up;
	char c;
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "wait") == 0)
		for (;;)
			pause();
	pid = fork();
	if (pid == 0) {
		(void)setsid();
		for (int fd = 0; fd < 3; fd++)
			(void)close(fd);
		for (;;)
			pause();
	}
	(void)stat("/", &root);
	(void)stat("/..", &up);
	(void)fprintf(stderr, "said in the jail\n");
	printf("%d %d %d %d %d\n", (int)getpid(), (int)pid, access("/marker", F_OK), access("/etc/passwd", F_OK),
	       root.st_ino != up.st_ino);
	(void)fflush(stdout);
	while (argc > 1 && read(0, &c, 1) > 0)
		;
	return 3;
}
"""


class RootCase:
	def make_jail(self):
		self.jail = self.folder("jail")
		os.mkdir(os.path.join(self.jail, "bin"))
		os.mkdir(os.path.join(self.jail, "tmp"))
		self.write("jail/marker", "")
		source = self.write("tool.c", TOOL)
		self.tool = os.path.join(self.jail, "bin", "tool")
		done = subprocess.run(["gcc", "-static", "-o", self.tool, source], capture_output=True, text=True,
				      check=False)
		if done.returncode != 0:
			self.skipTest("no program can be linked statically: " + done.stderr[-200:])

	def jailed(self, *words, handler="exec", root=None, sandbox=None, **more):
		self.endpoint = Endpoint.v4()
		return {"handler": handler, "listen": self.endpoint.text, "command": ["/bin/tool", *words],
			"workers": {"min": 1, "max": 1}, "sandbox": {"root": root or self.jail, **(sandbox or {})},
			**more}


@needs_root()
@needs_tool("gcc")
class Root(RootCase, Case):
	def setUp(self):
		super().setUp()
		self.make_jail()

	def numbers(self, data):
		return [int(word) for word in data.split()]

	def test_program(self):
		"""It finds the files in its root folder only, and what it leaves behind is ended."""
		for more in ({}, {"user": "root"}, {"sandbox": {"read": ["/"], "execute": ["/bin"]}}):
			self.daemon({"x": self.jailed(**more)})
			_, left, marker, passwd, way_up = self.numbers(talk(self.endpoint))
			self.assertEqual((marker, passwd, way_up), (0, -1, 0))
			wait_until(lambda pid=left: not proc.alive(pid), "it is ended")

	def test_its_root_folder(self):
		self.daemon({"x": self.jailed("serve")})
		with self.endpoint.connect() as s:
			pid = self.numbers(s.makefile().readline())[0]
			for each in (pid, proc.stat(pid).ppid):
				self.assertEqual(os.readlink("/proc/%d/root" % each), os.path.realpath(self.jail))
			self.assertEqual(proc.descriptors(pid), 3)

	def test_program_that_accepts(self):
		d = self.daemon({"x": self.jailed("wait", handler="listen", timeouts={"start": "50ms"})})
		pid = d.admin.workers("x")[0]["pid"]
		self.assertEqual(os.readlink("/proc/%d/root" % pid), os.path.realpath(self.jail))

	def test_limits_of_time(self):
		self.daemon({"x": self.jailed("serve", timeouts={"idle": "300ms"})})
		with self.endpoint.connect() as s:
			pid = self.numbers(s.makefile().readline())[0]
			wait_until(lambda: not proc.alive(pid), "it is ended")

	def test_built_in_service(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"x": {"handler": "echo", "listen": endpoint.text, "sandbox": {"root": self.jail}}})
		self.assertEqual(talk(endpoint, b"hello"), b"hello")
		pid = d.admin.workers("x")[0]["pid"]
		self.assertEqual(os.readlink("/proc/%d/root" % pid), os.path.realpath(self.jail))

	def check(self, service):
		d = self.daemon({"x": service}, start=False)
		return run_preforkd("--check", "-c", d.config_file)

	def test_the_check(self):
		self.assertRegex(self.check(self.jailed(root="jail")).stderr,
				 r"conf:\d+: services.x.sandbox.root: \"jail\" must be a full path")
		self.assertRegex(self.check(self.jailed(root="/nowhere")).stderr, r"\"/nowhere\": No such file")
		self.assertRegex(self.check(self.jailed(root=self.tool)).stderr, r"is no folder")
		self.assertRegex(self.check({**self.jailed(), "command": ["/bin/ls"]}).stderr,
				 r"x.command: \"/bin/ls\" cannot be run in .*jail: the file \"/bin/ls\": No such")
		shutil.copy("/bin/ls", os.path.join(self.jail, "bin", "ls"))
		self.assertRegex(self.check({**self.jailed(), "command": ["/bin/ls"]}).stderr,
				 r"cannot be run in .*: its loader \"/lib.*\": No such file")
		os.chmod(self.write("jail/bin/script", "#!/bin/sh\n"), 0o755)
		self.assertRegex(self.check({**self.jailed(), "command": ["/bin/script"]}).stderr,
				 r"its interpreter \"/bin/sh\": No such file")
		os.symlink("/bin/tool", os.path.join(self.jail, "bin", "link"))
		self.assertEqual(self.check({**self.jailed(), "command": ["/bin/link"]}).returncode, 0)
		os.chmod(self.jail, 0o777)
		self.assertRegex(self.check(self.jailed()).stderr, r"sandbox.root: others than root can change")

	@needs_tool("setpriv")
	def test_without_the_right(self):
		d = self.daemon({"x": self.jailed()}, start=False,
				prefix=[shutil.which("setpriv"), "--bounding-set=-sys_chroot"])
		self.assertEqual(d.launch().wait(), 78)
		self.assertTrue(d.grep(r"services.x.sandbox.root: the daemon lacks CAP_SYS_CHROOT"))


@needs_root()
@needs_tool("gcc")
class Log(RootCase, SystemLogCase):
	def setUp(self):
		super().setUp()
		self.make_jail()

	def restart(self):
		"""The reader of the log."""
		path = self.syslog.socket.getsockname()
		self.syslog.socket.close()
		os.unlink(path)
		self.syslog = Reader(path)
		self.addCleanup(self.syslog.socket.close)

	def test_lines_of_programs(self):
		for level in ("default", "strict"):
			d = self.serve({"x": self.jailed(sandbox={"level": level, "private_network": True})})
			for _ in range(2):
				talk(self.endpoint)
				self.syslog.wait(rb"said in the jail")
				self.syslog.wait(rb"exited with status 3")
				self.restart()
			d.stop()

	def test_lines_of_built_in_services(self):
		for level in ("default", "strict"):
			endpoint = Endpoint.v4()
			d = self.serve({"x": {"handler": "echo", "listen": endpoint.text,
					      "workers": {"min": 1, "max": 1},
					      "sandbox": {"root": self.jail, "level": level, "read": [],
							  "private_tmp": True}}}, connections="all")
			for _ in range(2):
				talk(endpoint, b"x")
				self.syslog.wait(rb"done after")
				self.restart()
			d.stop()


main()
