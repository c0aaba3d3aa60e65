#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Modules in a reload and in an upgrade: generations of one module side by side."""

import sys
sys.dont_write_bytecode = True

import os
import shutil

from harness import *
from harness import modules
from harness.module_case import LifeCase, Talk, ask


class Reload(LifeCase):
	def versions(self, n=4):
		return {ask(self.endpoint, "version")[0] for _ in range(n)}

	def test_a_new_file_while_a_client_holds_an_old_worker(self):
		d = self.start()
		with Talk(self.endpoint) as old:
			self.assertEqual(old.ask("version"), "1")
			modules.probe(self.path("m.so"), "-DVERSION=2")
			self.assertEqual(self.versions(), {"1"}, "until it is told")
			done = d.reload()
			self.assertEqual(done.returncode, 0, done.stderr)
			self.assertEqual(self.versions(), {"2"})
			self.assertEqual(old.ask("version"), "1")
			self.assertEqual(old.ask("kept"), "kept")
			# by name: the other generation has its counters in another order
			counters = d.admin.service("mod")["counters"]
			self.assertEqual(counters["asked"], 1 + 4 + 4 + 1 + 1)
			self.assertEqual(counters["more"], 0)
			self.assertNotIn((1, d.pid), self.notes("fini"))
		wait_until(lambda: len(d.workers()) == 2, "the old one leaves")
		wait_until(lambda: (1, d.pid) in self.notes("fini"), "and then its generation")
		self.assertEqual(d.admin.service("mod")["counters"]["asked"], 11)
		self.assertEqual(d.stop(), 0)

	def test_overwritten_in_place(self):
		"""What a mapped file does not survive."""
		d = self.start()
		modules.probe(self.path("new.so"), "-DVERSION=2")
		with Talk(self.endpoint) as old:
			self.assertEqual(old.ask("version"), "1")
			with open(self.path("new.so"), "rb") as new, open(self.path("m.so"), "r+b") as f:
				f.truncate(0)
				f.write(new.read())
			self.assertEqual(old.ask("version"), "1")
			self.assertEqual(old.ask("options").split()[0], "7")
			self.assertEqual(d.reload().returncode, 0)
			self.assertEqual(old.ask("big"), "-1 EMSGSIZE")
			self.assertEqual(self.versions(), {"2"})
		self.assertEqual(d.stop(), 0)

	def test_the_master_waits_for_no_child(self):
		"""The child that reads the configuration tries the modules; the master starts no other child for it."""
		note = self.path("loads")
		source = modules.small('''
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void note(void)
{
	char line[64];
	int fd = open("%s", O_WRONLY | O_CREAT | O_APPEND, 0644);
	int n = snprintf(line, sizeof(line), "%%d %%d\\n", (int)getpid(), (int)getppid());
	if (fd >= 0 && write(fd, line, (size_t)n) == n)
		close(fd);
}
static int init(void) { return VERSION == 0; }
''' % note, ".init = init,")
		path = self.build(source, "-DVERSION=1")
		d = self.daemon(self.service(path))
		self.build(source, "-DVERSION=2")
		os.unlink(note)
		self.assertEqual(d.reload().returncode, 0)
		with open(note, encoding="ascii") as f:
			loads = [tuple(map(int, line.split())) for line in f]
		self.assertEqual(len([pid for pid, _ in loads if pid == d.pid]), 1, loads)
		self.assertEqual(len({pid for pid, parent in loads if parent == d.pid}), 1, loads)
		self.assertEqual(d.stop(), 0)

	def copies(self, d):
		"""Of the module, in the master's memory: by their inodes."""
		with open("/proc/%d/maps" % d.pid, encoding="utf-8") as f:
			return {line.split()[4] for line in f if "memfd:preforkd:m.so" in line}

	def test_many(self):
		"""Nothing is kept of generations that are gone."""
		d = self.start()
		fds = None
		for i in range(12):
			modules.probe(self.path("m.so"), "-DVERSION=%d" % (2 + i % 2))
			done = d.reload()
			self.assertEqual(done.returncode, 0, done.stderr)
			self.assertEqual(self.versions(2), {str(2 + i % 2)})
			d.wait_workers(2)
			# the generation goes a moment after its last worker
			wait_until(lambda: len(self.copies(d)) == 1, "the master has one copy")
			fds = fds or proc.descriptors(d.pid)
			wait_until(lambda: proc.descriptors(d.pid) == fds, "as many descriptors as after the first")
		self.assertEqual(d.stop(), 0)

	def test_the_same_in_a_new_file(self):
		d = self.start()
		shutil.copy(self.path("m.so"), self.path("copy.so"))
		os.rename(self.path("copy.so"), self.path("m.so"))
		workers = sorted(d.workers())
		self.assertEqual(d.reload().stdout, "nothing has changed\n")
		self.assertEqual(sorted(d.workers()), workers)

	def test_an_option(self):
		d = self.start()
		done = d.reload(Config(self.service(self.path("m.so"), {"number": 8})))
		self.assertEqual(done.returncode, 0, done.stderr)
		d.wait_log(r"mod: new generation of workers.*options")
		self.assertEqual(ask(self.endpoint, "options")[0].split()[0], "8")
		done = d.reload(Config(self.service(self.path("m.so"), {"number": 800})))
		self.assertEqual(done.returncode, 1)
		self.assertIn("services.mod.options.number: 800 is out of range", done.stderr)
		self.assertEqual(ask(self.endpoint, "options")[0].split()[0], "8")

	def test_upgrade(self):
		d = self.start()
		with Talk(self.endpoint) as old:
			self.assertEqual(old.ask("version"), "1")
			modules.probe(self.path("m.so"), "-DVERSION=2")
			done = d.ctl("upgrade")
			self.assertEqual(done.returncode, 0, done.stderr)
			self.assertEqual(self.versions(), {"2"})
			self.assertEqual(old.ask("version"), "1")
			self.assertEqual(d.admin.service("mod")["counters"]["asked"], 1 + 4 + 1)
		wait_until(lambda: len(d.workers()) == 2, "the old one leaves")
		self.assertEqual(d.admin.service("mod")["counters"]["asked"], 6)
		self.assertEqual(d.stop(), 0)
		self.assertEqual([version for version, pid in self.notes("fini") if pid == d.pid], [2])

	def test_upgrade_with_a_broken_one(self):
		d = self.start()
		self.build(modules.small('static int init(void) { return preforkd_fail(NULL, "no luck"); }\n',
					 ".init = init,"))
		d.configure(Config(self.service(self.path("m.so"))))
		done = d.ctl("upgrade")
		self.assertEqual(done.returncode, 1)
		self.assertIn("init(): no luck", done.stderr)
		self.assertEqual(self.versions(), {"1"})


main()
