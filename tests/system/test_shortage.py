#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A lack of memory, descriptors or processes during a reload: it ends nothing."""

import sys
sys.dont_write_bytecode = True

import os
import resource
import unittest

from harness import *
from harness import modules
from harness.shortage import MEMORY, SYSTEM, Shortage, no_shortage

LACKS = r"memory|cannot |Too many open files|temporarily unavailable|busy|no worker could be started"


@unittest.skipIf(no_shortage(), no_shortage())
class Reload(Case):
	"""Each call of the master fails once, in a reload of its own."""

	def setUp(self):
		super().setUp()
		self.shortage = Shortage(self.folder("shortage"))
		self.echo, self.program = Endpoint.v4(), Endpoint.unix(self.path("cat"))

	def services(self, n):
		"""As many kinds of things as a reload may have to do; each N differs."""
		return {"echo": {"handler": "echo", "listen": [self.echo.text, "localhost:0"], "workers": {"max": 6},
				 "timeouts": {"total": "%ds" % (100 + n)}, "access": {"deny": ["192.0.2.0/24"]}},
			"cat": {"handler": "exec", "command": ["/bin/cat"], "listen": self.program.text,
				"access": {"per_source": 50 + n % 100}}}

	def regions(self, d):
		with open("/proc/%d/maps" % d.pid, encoding="ascii") as f:
			return f.read().count("memfd:preforkd-config")

	def each_fails(self, kinds, services):
		d = self.daemon(services(0), env=self.shortage.env)
		self.assertEqual(d.reload(Config(services(1))).returncode, 0)
		before = len(os.listdir("/proc/%d/fd" % d.pid))
		name, k, rejected = "first", 0, 0
		while name:
			k += 1
			self.shortage.begin(d.pid, kinds, k)
			done = d.reload(Config(services(2 * k)))
			_, name = self.shortage.end()
			said = (k, name, done.stdout + done.stderr)
			self.assertIsNone(d.process.poll(), said)
			if done.returncode == 1:
				rejected += 1
				self.assertRegex(done.stderr, LACKS, said)
			else:	# 64, 69: there was no memory for the request or the answer
				self.assertIn(done.returncode, (0, 64, 69), said)
			self.assertEqual(talk(self.echo, b"x"), b"x", said)
			done = d.reload(Config(services(2 * k + 1)))
			self.assertEqual(done.returncode, 0, (said, done.stdout + done.stderr))
		self.assertGreater(k, 10)
		self.assertGreater(rejected, 5)
		# `before` may have counted some of the first generation, which was leaving
		wait_until(lambda: len(os.listdir("/proc/%d/fd" % d.pid)) <= before, "no more descriptors than before")
		wait_until(lambda: self.regions(d) == 1, "the memory of one configuration")
		self.assertEqual(talk(self.program, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_memory(self):
		self.each_fails(MEMORY, self.services)

	def test_system_calls(self):
		self.each_fails(SYSTEM, self.services)

	@unittest.skipIf(modules.no_modules(), modules.no_modules())
	def test_modules(self):
		"""They are loaded in the master, too, and have options there."""
		path = modules.build(self.path("m.so"), OPTIONS)

		def services(n):
			module = {"handler": "module", "path": path, "listen": self.echo.text, "workers": {"max": 2},
				  "options": {"text": "x%d" % n}}
			return {"mod": module, "cat": self.services(n)["cat"]}

		self.each_fails(MEMORY, services)
		self.each_fails(SYSTEM, services)

	def test_a_limit_of_memory_for_the_child(self):
		"""The child has less than it needs; the daemon says so, and goes on."""
		d = self.daemon(self.services(0), env=self.shortage.env)
		networks = self.write("networks", "".join("10.%d.%d.%d\n" % (i >> 16, i >> 8 & 255, i & 255)
							  for i in range(100000)))
		services = self.services(1)
		services["echo"]["access"]["deny_file"] = networks
		size = int(proc.status(d.pid, "VmSize").split()[0]) << 10
		_, most = resource.prlimit(d.pid, resource.RLIMIT_AS)
		resource.prlimit(d.pid, resource.RLIMIT_AS, (size + (66 << 20), most))
		done = d.reload(Config(services))
		resource.prlimit(d.pid, resource.RLIMIT_AS, (most, most))
		self.assertEqual(done.returncode, 1, done.stdout)
		self.assertRegex(done.stderr, "no memory")
		self.assertEqual(d.reload(Config(services)).returncode, 0)
		self.assertEqual(d.stop(), 0)


OPTIONS = """
#include <preforkd/module.h>
#include <stddef.h>
struct options { const char *text; };
static const struct preforkd_option options[] = {
	{.name = "text", .type = PREFORKD_STRING, .offset = offsetof(struct options, text)}, {.name = NULL}};
static int init(void)
{
	return 0;
}
static int serve(struct preforkd_conn *conn)
{
	const struct options *o = preforkd_options();

	return preforkd_write(conn, o->text, 1);
}
const struct preforkd_module preforkd_module = {
	.abi = PREFORKD_MODULE_ABI, .size = sizeof(preforkd_module), .name = "small", .summary = "says x",
	.flags = PREFORKD_STREAM, .options = options, .options_size = sizeof(struct options), .init = init,
	.serve = serve,
};
"""


main()
