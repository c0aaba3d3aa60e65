#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A root folder of its own (sandbox.root) together with the other walls of the sandbox."""

import sys
sys.dont_write_bytecode = True

import os
import shutil
import subprocess

from harness import *
from harness import namespaces
from harness.private_case import PrivateCase

# Tries one thing for each argument.
TOOL = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <dirent.h>
#include <unistd.h>

static void write_to(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	printf("%s\n", fd < 0 ? strerror(errno) : "good");
}

static void list(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			printf("%s ", e->d_name);
	printf("%s\n", d == NULL ? strerror(errno) : "end");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == 'w')
			write_to(argv[i] + 1);
		else if (argv[i][0] == 'l')
			list(argv[i] + 1);
		else
			printf("%d\n", (int)getpid());
	}
	fprintf(stderr, "said in the jail\n");
	return 0;
}
"""
NO_ADMIN = [shutil.which("setpriv"), "--bounding-set=-sys_admin"]
READ_ONLY, DENIED, MISSING = "Read-only file system", "Permission denied", "No such file or directory"
ALL = {"private_tmp": True, "private_pids": True, "private_network": True, "read_only": True}


@needs_root()
@needs_tool("gcc", "setpriv")
class JailCase(PrivateCase):
	def setUp(self):
		super().setUp()
		self.jail = self.folder("jail")
		for name in ("bin", "tmp", "var", "data", "open"):
			os.mkdir(os.path.join(self.jail, name))
		for name in ("tmp", "data", "open"):
			os.chmod(os.path.join(self.jail, name), 0o1777)
		self.write("jail/tmp/marker", "")
		os.chmod(self.tmp, 0o755)
		done = subprocess.run(["gcc", "-static", "-o", self.jail + "/bin/tool", self.write("tool.c", TOOL)],
				      capture_output=True, text=True, check=False)
		if done.returncode != 0:
			self.skipTest("no program can be linked statically: " + done.stderr[-200:])

	def jailed(self, *words, **sandbox):
		return self.program(["/bin/tool", *words], sandbox={"root": self.jail, **sandbox})

	def each(self, *words, **sandbox):
		"""With the rights of the master, and in a user namespace."""
		for prefix in ((), NO_ADMIN):
			if prefix and namespaces.no_user_namespace():
				continue
			with self.subTest("without CAP_SYS_ADMIN" if prefix else "with all rights"):
				self.d = self.daemon({"x": self.jailed(*words, **sandbox)}, prefix=prefix)
				for _ in range(2):
					yield self.ask().splitlines()
				wait_until(lambda: len(self.d.grep("said in the jail")) == 2, "the log has it")
				self.assertEqual(self.d.grep("cannot be had|worker leaves"), [])
				worker, = self.d.workers()
				self.assertEqual(os.readlink("/proc/%d/root" % worker), os.path.realpath(self.jail))
				self.assertEqual(self.d.stop(), 0)


class Programs(JailCase):
	def test_private_tmp(self):
		for lines in self.each("l/tmp", "w/tmp/x", "l/tmp", "w/data/x", private_tmp=True):
			self.assertEqual(lines, ["end", "good", "x end", "good"])
			os.unlink(self.jail + "/data/x")
		self.assertEqual(os.listdir(self.jail + "/tmp"), ["marker"])

	def test_private_tmp_by_a_link(self):
		"""The link is one of the root folder, and not of the host."""
		os.symlink("/data", self.jail + "/var/tmp")
		self.write("jail/data/marker", "")
		for lines in self.each("l/tmp", "l/data", "w/var/tmp/x", private_tmp=True):
			self.assertEqual(lines, ["end", "end", "good"])
		self.assertEqual(os.listdir(self.jail + "/data"), ["marker"])

	def test_private_pids(self):
		for lines in self.each("p", "l/proc", private_pids=True):
			self.assertGreater(int(lines[0]), 1)
			self.assertEqual(lines[1], MISSING)
		os.mkdir(self.jail + "/proc")
		for lines in self.each("p", "l/proc", private_pids=True):
			self.assertEqual([w for w in lines[1].split() if w.isdigit()], ["1", lines[0]])
		self.assertEqual(os.listdir(self.jail + "/proc"), [])

	def test_read_only(self):
		os.mkdir(self.jail + "/proc")
		os.chmod(self.jail + "/proc", 0o777)
		for lines in self.each("w/data/x", "w/open/x", "w/tmp/x", "w/proc/x", read_only=True,
				       write=["/open"], read=["/"], execute=["/bin"]):
			self.assertEqual(lines, [READ_ONLY, "good", READ_ONLY, READ_ONLY])
			os.unlink(self.jail + "/open/x")

	def test_lists(self):
		for lines in self.each("w/data/x", "w/open/x", "w/tmp/x", "l/data", "l/open", private_tmp=True,
				       write=["/open"], read=["/bin"], execute=["/bin"]):
			self.assertEqual(lines, [DENIED, "good", "good", DENIED, "x end"])

	def test_all_and_strict(self):
		os.mkdir(self.jail + "/proc")
		for lines in self.each("w/data/x", "w/open/x", "w/tmp/x", "l/proc/1", "p", **ALL, level="strict",
				       required=True, write=["/open"], read=["/bin"], execute=["/bin"],
				       tcp_connect=[], tcp_bind=[], capabilities=[]):
			self.assertEqual(lines[:4], [READ_ONLY, "good", "good", DENIED])
			os.unlink(self.jail + "/open/x")


class Others(JailCase):
	def test_a_built_in_service(self):
		for prefix in ((), NO_ADMIN):
			if prefix and namespaces.no_user_namespace():
				continue
			self.endpoint = Endpoint.v4()
			d = self.daemon({"x": {"handler": "echo", "listen": self.endpoint.text,
					       "workers": {"min": 1, "max": 1},
					       "sandbox": {**ALL, "private_pids": False, "root": self.jail,
							   "level": "strict", "read": [], "write": [], "execute": [],
							   "required": True}}}, prefix=prefix)
			self.assertEqual(self.ask(b"hello"), "hello")
			worker, = d.workers()
			self.assertEqual(os.readlink("/proc/%d/root" % worker), os.path.realpath(self.jail))
			self.assertEqual([fd for fd in os.listdir("/proc/%d/fd" % worker)
					  if os.path.isdir("/proc/%d/fd/%s" % (worker, fd)) and not prefix and
					  os.path.exists("/proc/%d/fd/%s/../etc/passwd" % (worker, fd))], [])
			self.assertEqual(d.stop(), 0)

	def test_a_program_that_accepts(self):
		service = self.jailed("w/tmp/x", "w/data/x", **{**ALL, "private_pids": False}, required=True)
		service.update(handler="listen", workers={"min": 1}, timeouts={"start": "50ms", "prove": 0})
		service["command"] = ["/bin/tool", "w/tmp/x", "w/data/x"]
		d = self.daemon({"x": service}, start=False).launch()
		wait_until(lambda: d.grep("Read-only file system"), "it has run")


class TheCheck(JailCase):
	def errors(self, *words, **sandbox):
		done = self.check(self.jailed(*words, **sandbox))
		self.assertIn(done.returncode, (0, 78))
		return done.stderr

	def test_a_root_without_tmp(self):
		self.assertEqual(self.errors(private_tmp=True), "")
		shutil.rmtree(self.jail + "/tmp")
		self.assertRegex(self.errors(private_tmp=True), r":\d+: services.x.sandbox.\S+: sandbox.private_tmp "
				 r"needs a folder tmp or var/tmp in .*/jail")

	def test_lists_and_the_program(self):
		os.symlink("/bin/tool", self.jail + "/link")
		for program in ("/bin/tool", "/link"):
			service = self.jailed(read=["/data"], execute=["/data"])
			service["command"] = [program]
			self.assertIn('sandbox.execute: the program could not run: add "/bin/tool"',
				      self.check(service).stderr)
		self.assertIn('sandbox.read: the program could not run: add "/bin/tool"', self.errors(read=["/data"]))
		self.assertEqual(self.errors(read=["/data"], execute=["/link"]), "")
		self.assertRegex(self.errors(read=["/", "/usr"]),
				 r':\d+: services.x.sandbox.read: "/usr" in .*/jail: No such')


main()
