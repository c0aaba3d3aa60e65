#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Modules: what they are built with, and the examples that the manual and the tree have."""

import sys
sys.dont_write_bytecode = True

import fcntl
import os
import re
import shutil
import signal
import subprocess
import threading

from harness import *
from harness import modules
from harness.daemon import TOP_BUILDDIR
from harness.module_case import ModuleCase, Talk, ask


class Building(ModuleCase):
	def serves(self, path):
		d = self.daemon(self.service(path))
		self.assertEqual(talk(self.endpoint), b"hello")
		self.assertEqual(d.admin.service("mod")["module"], "small")
		self.assertEqual(d.admin.service("mod")["handler"], "module")
		self.assertEqual(d.stop(), 0)

	def test_c(self):
		for standard in ("c99", "c11", "gnu17"):
			self.build(modules.small(), "-std=" + standard, "-pedantic")
		self.serves(self.path("m.so"))

	@needs_tool("g++")
	def test_cxx(self):
		options = """#include <cstddef>
struct options { int64_t n; };
static const struct preforkd_option table[] = {
	{"n", PREFORKD_INTEGER, offsetof(options, n), "5", 0, 9, nullptr, false, "a number", {0, 0}}, {}};
static int worker_start() { return static_cast<const options *>(preforkd_options())->n == 5 ? 0 : -1; }
"""
		source = modules.small(options, ".worker_start = worker_start, .options = table, "
				       ".options_size = sizeof(options),")
		self.build(source, "-std=c++20", "-fvisibility=hidden", compiler="g++")
		self.serves(self.path("m.so"))

	def test_against_what_is_installed(self):
		"""With nothing but what make install leaves, and of it only what pkg-config names."""
		root = self.folder("root")
		env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
		subprocess.run(["make", "-s", "-C", TOP_BUILDDIR, "install", "DESTDIR=" + root], check=True, env=env,
			       timeout=100, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		pc, = [os.path.join(at, "preforkd.pc") for at, _, names in os.walk(root) if "preforkd.pc" in names]
		flags = modules.flags(os.path.dirname(pc), root)
		self.assertTrue(all(x.startswith("-I" + root) for x in flags), flags)
		self.serves(self.build(modules.small(), include=flags))
		shipped = subprocess.run(["pkg-config", "--variable=moduledir", "preforkd"], text=True, timeout=60,
					 check=True, env={**env, "PKG_CONFIG_PATH": os.path.dirname(pc)},
					 stdout=subprocess.PIPE).stdout.strip()
		self.assertTrue(os.path.exists(root + shipped + "/hello.so"), shipped)

	def test_the_example(self):
		source = os.path.join(TOP_SRCDIR, "modules", "hello.c")
		self.daemon(self.service(self.build(source)))
		self.assertRegex("".join(ask(self.endpoint, "Joe")), r"Who are you\?Hello, Joe, at 127\.0\.0\.1:\d+\.")

	def test_the_manual_has_it(self):
		with open(os.path.join(TOP_SRCDIR, "man", "preforkd-module.3"), encoding="utf-8") as f:
			said = f.read().split(".EX\n")[1].split("\n.EE")[0].replace("\\-", "-").replace("\\e", "\\")
		with open(os.path.join(TOP_SRCDIR, "modules", "hello.c"), encoding="utf-8") as f:
			real = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
		self.assertEqual(said.split(), real.split())

	def test_what_else_the_manual_prints(self):
		"""Compiles, fits together, and does what is said beside it."""
		with open(os.path.join(TOP_SRCDIR, "man", "preforkd-module.3"), encoding="utf-8") as f:
			parts = [x.split("\n.EE")[0].replace("\\-", "-").replace("\\e", "\\")
				 for x in f.read().split(".EX\n")[1:]]
		hello, config, options, answer = parts
		members = ("\t.answer = answer, .options = table, .options_size = sizeof(struct options),\n"
			   "\t.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM,\n")
		source = hello.replace("static int serve", options + "\n" + answer + "\nstatic int serve", 1)
		path = self.build("#include <string.h>\n" + source.replace("\t.flags = PREFORKD_STREAM,\n", members))
		config = self.write("c.conf", ('user = "root";\n' if os.geteuid() == 0 else "") +
				    config.replace("/usr/local/lib/preforkd/hello.so", path))
		done = run_preforkd("-c", config, "--help-config", "options")
		self.assertIn(
			"services.hello.options.patience\n    How long it may take to say a name.\n    duration, 1ms "
			"to 1min, "
			      "or 0: for ever\n    default: 10s;", done.stdout, done.stderr)
		done = run_preforkd("-c", config, "--check", "-o", "services.hello.options.patience=2min")
		self.assertRegex(done.stderr, r"services\.hello\.options\.patience: .*out of range")

	def test_an_older_module(self):
		"""Built when the struct was shorter."""
		include = self.folder("include")
		os.mkdir(os.path.join(include, "preforkd"))
		shutil.copy(os.path.join(TOP_SRCDIR, "tests", "system", "old_module.h"),
			    os.path.join(include, "preforkd", "module.h"))
		self.serves(self.build(modules.small(), include=["-I", include]))

	def test_a_newer_module(self):
		"""A longer struct is no matter, unless there is something in what we do not know."""
		head = """
#include <preforkd/module.h>
static int serve(struct preforkd_conn *conn) { return preforkd_write(conn, "hello", 5); }
struct newer { struct preforkd_module m; void *more; };
#define preforkd_module preforkd_module_newer
"""
		body = """
const struct newer module __asm__("preforkd_module") = { .m = {
	.abi = PREFORKD_MODULE_ABI, .size = sizeof(struct newer), .name = "small", .summary = "",
	.flags = PREFORKD_STREAM, .serve = serve }, .more = %s };
"""
		head = head.replace("#define preforkd_module preforkd_module_newer\n", "")
		self.build(head + body % "(void *)1", name="new.so")
		self.refused(self.path("new.so"), r"module \S+/new\.so: built for a newer preforkd")
		self.serves(self.build(head + body % "0"))


class KeyValue(ModuleCase):
	def setUp(self):
		super().setUp()
		built = os.path.join(TOP_BUILDDIR, "modules", "kv.so")
		if not os.path.exists(built):
			self.skipTest("built without SQLite")
		shutil.copy(built, self.path("kv.so"))
		os.chmod(self.path("kv.so"), 0o755)
		self.db = os.path.join(self.folder("db", for_workers=True), "kv.db")

	def start(self, **more):
		return self.daemon(self.service(self.path("kv.so"), {"file": self.db, "max_value": "1K"}, **more),
				   env=modules.CRASHING)

	def test_protocol(self):
		# of two that close the file in the same moment neither is the last to SQLite
		d = self.start(workers={"min": 1, "max": 1, "max_spare": 1})
		self.assertEqual(
			ask(self.endpoint, "GET a", "SET a one two", "GET a", "SET a ", "GET a", "SET b x", "COUNT",
			    "DEL a", "DEL a",
			    "COUNT", "NIX", "SET a", "GET", "GET x y", "SET c " + "v" * 1025, "SET c " + "v" * 1024,
			    "QUIT", "GET c"),
			["NONE", "OK", "VALUE one two", "OK", "VALUE ", "OK", "COUNT 2", "OK", "NONE", "COUNT 1"] +
			["ERROR a request is SET KEY VALUE, GET KEY, DEL KEY, COUNT or QUIT"] * 4 +
			["ERROR the value is too long", "OK", "BYE"])
		self.assertEqual(d.admin.service("mod")["counters"],
				 {"gets": 3, "hits": 2, "sets": 4, "deletes": 1, "errors": 5})
		self.assertEqual(d.stop(), 0)
		self.assertEqual(os.listdir(os.path.dirname(self.db)), ["kv.db"], "the last worker tidied up")

	def test_many_writers_and_a_crash(self):
		"""Each has the file open for itself; what was answered is there."""
		d = self.start(workers={"min": 8, "max": 8, "max_spare": 8})
		clients = [Talk(self.endpoint) for _ in range(8)]
		stored = []

		def write(i, c):
			for k in range(20):
				try:
					if c.ask("SET key-%d-%d value" % (i, k)) == "OK\r":
						stored.append((i, k))
				except OSError:
					return

		threads = [threading.Thread(target=write, args=x) for x in enumerate(clients)]
		for t in threads:
			t.start()
		os.kill(d.workers()[3], signal.SIGSEGV)
		for t in threads:
			t.join()
		self.assertGreaterEqual(len(stored), 7 * 20)
		for c in clients: # the one in the crash may have been another's, so that there is no worker left
			c.__exit__()
		with Talk(self.endpoint) as c:
			for i, k in stored:
				self.assertEqual(c.ask("GET key-%d-%d" % (i, k)), "VALUE value\r")
		self.assertEqual(d.stop(), 0)

	def test_any_bytes(self):
		"""A key or a value is no text, and no SQL."""
		self.start()
		keys = [b"\0", b"a\0b", b"a\0c", b"\xff\xfe", b"'", b"');DROP", b"k" * 250]
		for i, key in enumerate(keys):
			value = b"%d \0\x80 ');DROP TABLE kv;--" % i
			self.assertEqual(talk(self.endpoint, b"SET %s %s\nGET %s\n" % (key, value, key)),
					 b"OK\r\nVALUE %s\r\n" % value)
		self.assertEqual(talk(self.endpoint, b"COUNT\nGET %s\n" % (b"k" * 251)),
				 b"COUNT %d\r\nERROR a request is SET KEY VALUE, GET KEY, DEL KEY, COUNT or QUIT\r\n"
				 % len(keys))
		# what does not fit into a line at all is answered, too
		self.assertEqual(talk(self.endpoint, b"SET a " + b"v" * 5000 + b"\n"),
				 b"ERROR the request is too long\r\n")

	def test_a_slow_client_and_many_changes(self):
		"""The journal does not grow for as long as somebody does not read what it has asked for."""
		self.daemon(self.service(self.path("kv.so"), {"file": self.db, "max_value": "1M", "sync": False}))
		with Talk(self.endpoint) as slow, Talk(self.endpoint) as c:
			self.assertEqual(slow.ask("SET big " + "v" * (1 << 20)), "OK\r")
			slow.s.sendall(b"GET big\n" * 20)
			self.assertEqual(slow.f.read(6), b"VALUE ")
			self.assertEqual(c.ask("SET key first"), "OK\r")
			for letter in "abcdefghijklmn":
				self.assertEqual(c.ask("SET key " + letter * (1 << 20)), "OK\r")
			self.assertLess(os.stat(self.db + "-wal").st_size, 8 << 20)

	def test_locked_by_others(self):
		"""A worker waits for them, but not much longer than it is told."""
		with open(self.db, "wb") as f:
			os.chmod(self.db, 0o666)
			fcntl.lockf(f, fcntl.LOCK_EX, 512, 0x40000000) # where SQLite has its locks
			d = self.daemon(self.service(self.path("kv.so"), {"file": self.db, "busy": "1s"}),
					start=False).launch()
			self.assertNotEqual(d.wait(), 0)
			d.wait_log(r"the service could not start: \S+/kv\.db: database is locked")

	def test_no_data_base(self):
		d = self.daemon(self.service(self.path("kv.so"), {"file": "/nowhere/x.db"}), start=False).launch()
		self.assertNotEqual(d.wait(), 0)
		d.wait_log(r"the service could not start: /nowhere/x\.db: unable to open database file")
		self.refused(self.path("kv.so"), r"missing: the module needs it")


main()
