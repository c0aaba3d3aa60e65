#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Modules: what they are built with, what they are given, and what they cannot spoil."""

import sys
sys.dont_write_bytecode = True

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
import unittest

from harness import *
from harness import modules
from harness.daemon import TOP_BUILDDIR

FIXED = {"min": 2, "max": 2, "max_spare": 2}


def ask(endpoint, *lines):
	"""The lines of the answer."""
	return talk(endpoint, "".join(x + "\n" for x in lines).encode()).decode().splitlines()


class Talk:
	"""One client that asks and gets its answers line by line."""

	def __init__(self, endpoint):
		self.s = endpoint.connect()
		self.f = self.s.makefile("rb")

	def ask(self, line):
		self.s.sendall(line.encode() + b"\n")
		return self.f.readline().decode().rstrip("\n")

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self.f.close()
		self.s.close()


@unittest.skipIf(modules.no_modules(), modules.no_modules())
class ModuleCase(Case):
	def setUp(self):
		super().setUp()
		self.endpoint = Endpoint.v4()

	def service(self, path, options=None, **more):
		service = {"handler": "module", "path": path, "listen": self.endpoint.text, "workers": FIXED, **more}
		return {"mod": {**service, "options": options} if options else service}

	def build(self, source, *arguments, name="m.so", **options):
		return modules.build(self.path(name), source, *arguments, **options)

	def check(self, path, *arguments, options=None, how="--check"):
		"""What --check says to a service that loads PATH."""
		file = self.write("check.conf", Config(self.service(path, options)).text())
		return run_preforkd(how, "-c", file, *arguments, timeout=40, env=modules.CRASHING)

	def refused(self, path, pattern, **options):
		done = self.check(path, **options)
		self.assertEqual(done.returncode, 78, done.stderr)
		self.assertRegex(done.stderr, r"check\.conf:\d+: services\.mod\.\S+: " + pattern)
		self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


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
			parts = [x.split("\n.EE")[0].replace("\\-", "-").replace("\\e", "\\") for x in f.read().split(".EX\n")[1:]]
		hello, config, options, answer = parts
		members = ("\t.answer = answer, .options = table, .options_size = sizeof(struct options),\n"
			   "\t.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM,\n")
		source = hello.replace("static int serve", options + "\n" + answer + "\nstatic int serve", 1)
		path = self.build("#include <string.h>\n" + source.replace("\t.flags = PREFORKD_STREAM,\n", members))
		config = self.write("c.conf", ('user = "root";\n' if os.geteuid() == 0 else "") +
				    config.replace("/usr/local/lib/preforkd/hello.so", path))
		done = run_preforkd("-c", config, "--help-config", "options")
		self.assertIn("services.hello.options.patience\n    How long it may take to say a name.\n    duration, 1ms to 1min, "
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


class Refused(ModuleCase):
	"""By --check, with the line of the configuration."""

	def test_what_is_no_module(self):
		self.refused(self.path("none.so"), r"module \S+/none\.so: No such file or directory")
		self.refused(self.write("text.so", "no ELF\n"), r"module \S+/text\.so: .*(invalid ELF header|file too short)")
		self.refused(self.write("empty.so", ""), r"module \S+/empty\.so: 0 bytes are no module")
		self.refused(self.folder("folder.so"), r"module \S+/folder\.so: not a file")
		self.refused("some/where.so", r'"some/where\.so" must be a full path')
		self.refused(self.build("int x;\n"), r"module \S+/m\.so: it does not define preforkd_module")
		self.refused(self.build(modules.small("extern int preforkd_frob(void);\n", ".worker_start = preforkd_frob,")),
			     r"module \S+/m\.so: undefined symbol: preforkd_frob")
		self.refused("nothing.so", r"module /\S+/preforkd/nothing\.so: No such file")
		done = self.check(self.path("none.so"), how="--check=portable")
		self.assertEqual(done.returncode, 0, done.stderr)

	def test_keys_of_others(self):
		text = Config({"a": {"handler": "echo", "listen": "127.0.0.1:7", "path": "/x.so", "options": {"x": 1}},
			       "b": {"handler": "module", "listen": "127.0.0.1:8"}}).text()
		done = run_preforkd("--check", "-c", self.write("c.conf", text))
		self.assertEqual(done.returncode, 78)
		self.assertRegex(done.stderr, r'services\.a\.path: the handler "echo" takes no path')
		self.assertRegex(done.stderr, r'services\.a\.options\.x: the handler "echo" takes no options')
		self.assertRegex(done.stderr, r'services\.b\.path: missing: the handler "module" needs the file')
		done = run_preforkd("--check", "-c", self.write("c.conf", text), "-o", "defaults.options.x=1")
		self.assertRegex(done.stderr, r"defaults\.options\.x: belongs to one service")

	def test_tables(self):
		option = """#include <stddef.h>
struct o { int64_t n; char c; };
static const struct preforkd_option table[] = { { .name = "n", .type = %s, .offset = %s, .preset = %s,
	.max = %s, .help = "" }, %s { .name = NULL } };
"""
		with_options = ".options = table, .options_size = sizeof(struct o),"
		good = ("PREFORKD_INTEGER", "0", '"1"', "9", "")

		def spoiled(at, value):
			return option % (good[:at] + (value,) + good[at + 1:])

		rows = [
			(modules.small(more=".abi = 2,"), "built for version 2 of the module interface, this is version 1"),
			(modules.small(more=".size = 8,"), "its size member, 8, is not"),
			(modules.small(more='.name = "a b",'), "its name is missing"),
			(modules.small(more=".flags = 64,"), "its flags, 0x40"),
			(modules.small(more=".flags = PREFORKD_STREAM | PREFORKD_COMMAND,"), "its flags, 0x5"),
			(modules.small(more=".flags = PREFORKD_SPEAKS_FIRST,"), "its flags, 0x8"),
			(modules.small(more=".flags = 16 | PREFORKD_STREAM,"), "its flags, 0x11"),
			(modules.small(more=".flags = PREFORKD_STREAM | PREFORKD_DATAGRAM,"),
			 "it has PREFORKD_DATAGRAM in its flags, but no answer()"),
			(modules.small(more=".serve = NULL,"), "it has no serve()"),
			(modules.small("static void t(void) {}\n", ".timer = t,"), "timer_ms is 0, less than 10"),
			(modules.small(spoiled(0, "17"), with_options), "option n: there is no type 17"),
			(modules.small(spoiled(1, "12"), with_options), "option n: the offset 12 does not lie in"),
			(modules.small(spoiled(1, "16"), with_options), "option n: the offset 16 does not lie in"),
			(modules.small(spoiled(1, "(size_t)-8"), with_options), "option n: the offset 18446744073709551608"),
			(modules.small(spoiled(3, "-1"), with_options), "option n: min is more than max"),
			(modules.small(spoiled(4, '{ .name = "n" },'), with_options), "there are two options n"),
			(modules.small(spoiled(4, '{ .name = "x-y" },'), with_options), "the name of option 1"),
			(modules.small(spoiled(4, '{ .name = "m", .type = PREFORKD_BOOL, .offset = 7 },'), with_options),
			 "the options n and m are put into the same member"),
			(modules.small(spoiled(4, '{ .name = "m", .offset = 8, .help = "a\\nb" },').replace("char c", "int64_t m"),
				       with_options), "option m: help, zero or preset is longer than 4095 bytes, or"),
			(modules.small(spoiled(2, "(char *)7"), with_options), "crashed (SIGSEGV) while it was loaded"),
			(modules.small(spoiled(4, '{ .name = (char *)7 },'), with_options), "crashed (SIGSEGV) while it was loaded"),
			(modules.small('static const struct preforkd_counter c[] = {{.name = "c", .help = "a\\tb"}, {}};\n',
				       ".counters = c,"), "counter c: help is longer than 4095 bytes, or not one line"),
			(modules.small(more='.summary = "a\\rb",'), "its summary is longer than 4095 bytes, or not one line"),
			(modules.small(spoiled(2, '"x"'), with_options), "the module's own default is wrong"),
			(modules.small("static const struct preforkd_counter c[9] = { %s };\n" %
				       ", ".join('{ .name = "c%d" }' % i for i in range(9)), ".counters = c,"),
			 "more than 8 counters"),
		]
		for source, pattern in rows:
			source = source.replace(".abi = PREFORKD_MODULE_ABI,", "") if ".abi = 2" in source else source
			path = self.build(source, "-Wno-override-init", strict=False)
			with self.subTest(pattern):
				self.refused(path, ".*" + re.escape(pattern))

	def test_options(self):
		path = modules.probe(self.path("m.so"))
		for option, pattern in (
			({"numbr": 1}, r'the module "probe" has no such option; did you mean number\?'),
			({"zzz": 1}, r'the module "probe" has no such option'),
			({"number": 101}, r"101 is out of range: -5 to 100"),
			({"number": "x"}, r"must be a number, without quotes"),
			({"wait": "2min"}, r"2min is out of range: 1ms to 1min, or 0: for ever"),
			({"flag": "yes"}, r"must be true or false"),
			({"list": 5}, r"must be a string or a list of strings"),
			({"text": {"more": 1}}, r"an option of a module is a value, not a group"),
		):
			with self.subTest(pattern):
				self.refused(path, pattern, options=option)
		done = self.check(path, "-o", "services.mod.options.number=1000")
		self.assertRegex(done.stderr, r"^-o: services\.mod\.options\.number: 1000 is out of range")

	def test_print_and_help(self):
		path = modules.probe(self.path("m.so"))
		said = {"number": -3, "text": 'a "b"', "list": ["x", "y"]}
		first = self.check(path, options=said, how="--print-config")
		self.assertEqual(first.returncode, 0, first.stderr)
		self.assertIn('options: {\n\t\t\tnumber = -3;\n\t\t\twait = "3s";\n\t\t\tsize = "4K";\n\t\t\ttext = "a \\"b\\"";',
			      first.stdout)
		again = run_preforkd("-T", "-c", self.write("again.conf", first.stdout))
		self.assertEqual(again.stdout, first.stdout, again.stderr)
		for topic in ("options", "services.mod.options", "services.mod.options.wait"):
			done = run_preforkd("-c", self.path("again.conf"), "--help-config", topic)
			self.assertIn("services.mod.options.wait\n    A time.\n    duration, 1ms to 1min, or 0: for ever\n"
				      "    default: 3s; a change needs: workers\n", done.stdout)
			self.assertEqual("options.size" in done.stdout, "wait" not in topic)
		self.assertEqual(run_preforkd("-c", self.path("again.conf"), "--help-config",
					      "services.mod.options.nix").returncode, 64)

	def test_who_could_change_it(self):
		folder = self.folder("modules")
		path = modules.build(os.path.join(folder, "m.so"), modules.small())
		self.assertEqual(self.check(path).returncode, 0)
		os.chmod(path, 0o775)
		self.refused(path, r"module \S+: \S+/modules/m\.so can be written by its group \(mode 0775\)")
		os.chmod(path, 0o757)
		self.refused(path, r"module \S+: \S+/modules/m\.so can be written by everybody")
		os.chmod(path, 0o755)
		os.chmod(folder, 0o777)
		self.refused(path, r"module \S+: \S+/modules can be written by everybody")
		os.chmod(folder, 0o1777)
		self.assertEqual(self.check(path).returncode, 0)
		# where a link is, and where it leads
		other = self.folder("links")
		link = os.path.join(other, "l.so")
		os.symlink(path, link)
		self.assertEqual(self.check(link).returncode, 0)
		os.chmod(other, 0o777)
		self.refused(link, r"module \S+: \S+/links can be written")
		os.chmod(other, 0o755)
		os.chmod(folder, 0o777)
		self.refused(link, r"module \S+: \S+/modules can be written")

	def test_who_could_change_a_link(self):
		"""Every one on the way, of folders as well."""
		path = self.build(modules.small())
		middle, front = self.folder("middle"), self.folder("front")
		os.symlink(path, os.path.join(middle, "m.so"))
		os.symlink(os.path.join("..", "middle", "m.so"), os.path.join(front, "m.so"))
		os.symlink(middle, os.path.join(front, "folder"))
		os.symlink("endless", os.path.join(front, "endless"))
		links = [os.path.join(front, x) for x in ("m.so", "folder/m.so", "folder/../middle/m.so", "../front/./m.so")]
		for link in links:
			self.assertEqual(self.check(link).returncode, 0)
		os.chmod(middle, 0o777)
		for link in links:
			with self.subTest(link):
				self.refused(link, r"module \S+: \S+/middle can be written by everybody")
		self.refused(os.path.join(front, "endless"), r"module \S+: Too many levels of symbolic links")
		if os.geteuid() == 0:
			os.chmod(middle, 0o1777)
			os.chown(os.path.join(middle, "m.so"), 65534, -1, follow_symlinks=False)
			self.refused(links[0], r"module \S+: \S+/middle/m\.so belongs to the user 65534, who could change it")

	@needs_root()
	@needs_tool("unshare")
	def test_where_nothing_may_be_run(self):
		"""A module from a file system that is mounted so is none; a kernel that lets no copy be run is of no matter."""
		folder = self.folder("mounted")
		config = self.write("c.conf", Config(self.service(os.path.join(folder, "m.so"))).text())
		here = self.build(modules.small())
		for prepare, pattern in (
			("mount -t tmpfs -o mode=755 none %s" % folder, None),
			("mount -t tmpfs -o mode=755,noexec none %s" % folder, r"module \S+: it is on a file system .* \(noexec\)"),
			("mount -t tmpfs -o mode=755 none %s && { [ ! -e /proc/sys/vm/memfd_noexec ] || "
			 "echo 2 > /proc/sys/vm/memfd_noexec; }" % folder, None),
		):
			with self.subTest(prepare):
				done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec",
						       prepare + ' && cp %s %s && exec "$@"' % (here, folder),
						       "sh", PREFORKD, "--check", "-c", config], timeout=PATIENCE, text=True,
						      stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
				self.assertEqual(done.returncode, 78 if pattern else 0, done.stderr)
				self.assertRegex(done.stderr, pattern or "^$")

	@needs_root()
	def test_whose_it_is(self):
		path = self.build(modules.small())
		os.chown(path, 65534, -1)
		self.refused(path, r"module \S+: \S+/m\.so belongs to the user 65534, who could change it")


# What a constructor, or init(), may do that it must not, and what is said of it.
TROUBLE = [
	("segv", "raise(SIGSEGV);", r"crashed \(SIGSEGV\) {when}"),
	("null", "*(volatile int *)0 = 1;", r"crashed \(SIG(SEGV|ILL|TRAP)\) {when}"),
	("abort", "abort();", r"crashed \(SIGABRT\) {when}"),
	("exit", "exit(0);", r"ended the process \(exit status 0\) {when}"),
	("exit3", "_exit(3);", r"ended the process \(exit status 3\) {when}"),
	("thread", "pthread_t t; if (pthread_create(&t, NULL, idle, NULL) != 0) abort();",
	 r"{who} left 1 thread running"),
	("busy thread", "pthread_t t; if (pthread_create(&t, NULL, busy, NULL) != 0) abort(); while (!at_work) continue;",
	 r"{who} left 1 thread running"), # it would crash if its code were unmapped
	("connected", "int s = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in a = { .sin_family = AF_INET, "
	 ".sin_port = htons(PORT), .sin_addr = { htonl(INADDR_LOOPBACK) } }; "
	 "if (connect(s, (struct sockaddr *)&a, sizeof(a)) < 0) abort();",
	 r"{who} left the connection to 127\.0\.0\.1:{port} open \(descriptor \d+\)"),
	("file", 'if (open("/etc/passwd", O_RDONLY) < 0) abort();',
	 r"{who} left the descriptor \d+ open \(/etc/passwd\): close it{keep}$"),
	("process", "if (fork() == 0) for (;;) pause();", r"{who} left a process running"),
	("daemon", "if (fork() == 0) { setsid(); if (fork() == 0) for (;;) pause(); _exit(0); } wait(NULL);",
	 r"{who} left a process running"),
	("umask", "umask(0);", r"{who} changed the umask"),
	("chdir", 'if (chdir("/tmp") < 0) abort();', r"{who} changed the working directory"),
	("sigchld", "signal(SIGCHLD, SIG_IGN);", r"{who} changed the handling of SIGCHLD"),
	("mask", "sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, NULL);", r"{who} changed the mask of signals"),
	("locale", 'if (setlocale(LC_ALL, "C.UTF-8") == NULL) abort();', r"{who} changed the locale"),
	("all closed", "for (int fd = 3; fd < 64; fd++) close(fd);", r"closed descriptors that were not its own, {when}"),
	("closed", "close(2);", r"{who} closed the descriptor 2, which was not its own"),
]

if os.geteuid() == 0:
	TROUBLE.append(("user", "if (seteuid(65534) < 0) abort();",
			r"{who} changed the user or group, which is that of the whole daemon"))

INCLUDES = """
#include <arpa/inet.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static void *idle(void *arg) { (void)arg; for (;;) pause(); return NULL; }
static volatile int at_work;
static void *busy(void *arg) { at_work = 1; while (at_work) continue; return arg; }
void *(*const unused[])(void *) = { idle, busy };
"""


class Trouble(ModuleCase):
	"""In the constructor and in init(): a message, and everything else unharmed."""

	def setUp(self):
		super().setUp()
		self.listener = socket.create_server(("127.0.0.1", 0))
		self.addCleanup(self.listener.close)
		self.port = self.listener.getsockname()[1]

	def trouble(self, what, in_init, name="m.so"):
		before = INCLUDES + ("static int init(void) { %s return 0; }\n" if in_init else
				     "__attribute__((constructor)) static void begin(void) { %s }\n") % what
		return self.build(modules.small(before, ".init = init," if in_init else ""), "-DPORT=%d" % self.port,
				  "-pthread", "-fno-delete-null-pointer-checks", name=name, strict=False)

	def pattern(self, text, in_init):
		return r"module \S+/\w+\.so: " + text.replace("{port}", str(self.port)).replace(
			"{when}", r"in init\(\)" if in_init else "while it was loaded").replace(
			"{who}", r"init\(\)" if in_init else "loading it").replace(
			"{keep}", r", or give it to preforkd_keep\(\)" if in_init else "")

	def test_constructor(self):
		for name, what, text in TROUBLE:
			with self.subTest(name):
				self.refused(self.trouble(what, False), self.pattern(text, False))

	def test_init_at_the_start(self):
		for name, what, text in TROUBLE:
			path = self.trouble(what, True)
			with self.subTest(name):
				# --check does not call it
				self.assertEqual(self.check(path).returncode, 0)
				done = run_preforkd("-c", self.path("check.conf"), "-l", "stderr", timeout=40,
						    env=modules.CRASHING)
				self.assertEqual(done.returncode, 78, done.stderr)
				self.assertRegex(done.stderr, r"check\.conf:\d+: services\.mod\.path: " +
						 self.pattern(text, True))
				self.assertTrue(self.endpoint.refuses())

	def test_reload_is_rejected(self):
		d = self.daemon(self.service(self.build(modules.small())), env=modules.CRASHING)
		workers = d.workers()
		fds = None
		for in_init in (False, True):
			for name, what, text in TROUBLE:
				self.trouble(what, in_init)
				with self.subTest("%s %s" % (name, in_init)):
					done = d.reload()
					self.assertEqual(done.returncode, 1, done.stdout)
					self.assertRegex(done.stderr, self.pattern(text, in_init))
					self.assertEqual(d.workers(), workers)
					self.assertEqual(talk(self.endpoint), b"hello")
				if fds is None: # what a start leaves behind for a moment has gone by now
					fds = proc.descriptors(d.pid)
		self.assertEqual(os.listdir("/proc/%d/task" % d.pid), [str(d.pid)])
		wait_until(lambda: proc.descriptors(d.pid) <= fds, "no more descriptors than before")
		self.build(modules.small())
		self.assertEqual(d.reload().stdout, "nothing has changed\n")
		self.assertEqual(d.stop(), 0)

	def test_init_refuses(self):
		refuse = self.build(modules.small('static int init(void) { return preforkd_fail(NULL, "no %s", "luck"); }\n',
						  ".init = init,"))
		d = self.daemon(self.service(refuse), start=False).launch()
		self.assertEqual(d.wait(), 78)
		d.wait_log(r"services\.mod\.path: module \S+/m\.so: init\(\): no luck")

	def test_kept_and_not_open(self):
		"""The number would be given to another descriptor, which the workers would then have."""
		for what in ("int fd = dup(1); preforkd_keep(fd); close(fd);", "preforkd_keep(1);"):
			self.trouble(what, True)
			d = self.daemon(self.service(self.path("m.so")), start=False).launch()
			self.assertEqual(d.wait(), 78)
			d.wait_log(r"init\(\) gave the descriptor \d+ to preforkd_keep\(\), which it has not left open")

	def test_what_cannot_be_kept(self):
		"""More than there is room for, and a connection that all workers would talk through."""
		for what, text in (
			("for (int i = 0; i < 17; i++) if (preforkd_keep(dup(1)) < 0) return preforkd_fail(NULL, \"%d\", i);",
			 "16$"),
			("int s[2]; if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0 || preforkd_keep(s[0]) < 0 || "
			 "preforkd_keep(s[1]) < 0) return -1;", "left the connection to .* open"),
		):
			self.trouble(what, True)
			d = self.daemon(self.service(self.path("m.so")), start=False).launch()
			self.assertEqual(d.wait(), 78)
			d.wait_log(r"init\(\):? " + text)

	def test_worker_start_refuses(self):
		self.build(modules.small('static int start(void) { return preforkd_fail(NULL, "no %s", "luck"); }\n',
					 ".worker_start = start,"))
		d = self.daemon(self.service(self.path("m.so")), start=False).launch()
		self.assertNotEqual(d.wait(), 0)
		d.wait_log(r"mod: worker leaves: the service could not start: no luck")

	def test_endless_init(self):
		"""Nobody else waits for it: clients are served meanwhile, and it is ended."""
		d = self.daemon(self.service(self.build(modules.small())))
		self.trouble("for (;;) pause();", True)
		done = []
		reload = threading.Thread(target=lambda: done.append(d.reload(timeout=60)))
		reload.start()
		while not done:
			start = time.monotonic()
			self.assertEqual(talk(self.endpoint), b"hello")
			self.assertLess(time.monotonic() - start, 5)
			reload.join(0.2)
		self.assertEqual(done[0].returncode, 1)
		self.assertRegex(done[0].stderr, r"module \S+/m\.so: did not return within 10s in init\(\)")

	def test_what_it_leaves_running_is_ended(self):
		"""Also what holds the pipe of a child that crashed."""
		path = self.trouble("if (fork() == 0) for (;;) pause(); raise(SIGSEGV);", False)
		start = time.monotonic()
		self.refused(path, self.pattern(r"crashed \(SIGSEGV\) {when}", False))
		self.assertLess(time.monotonic() - start, 8)


class Life(ModuleCase):
	def setUp(self):
		super().setUp()
		self.note = self.write("note", "", 0o666)

	def start(self, options=None, name="m.so", **more):
		modules.probe(self.path(name))
		self.d = self.daemon(self.service(self.path(name), {"note": self.note, **(options or {})}, **more))
		return self.d

	def notes(self, what):
		with open(self.note, encoding="ascii") as f:
			return [tuple(map(int, line.split()[1:])) for line in f if line.startswith(what + " ")]

	def test_options_arrive(self):
		self.start({"number": -3, "wait": 0, "size": "64K", "text": "", "list": ["a", "b"], "flag": False})
		self.assertEqual(ask(self.endpoint, "options"), ["-3 0 65536 - mod 2:b 0"])

	def test_presets_and_command_line(self):
		modules.probe(self.path("m.so"))
		self.daemon(self.service(self.path("m.so")),
			    arguments=["-l", "stderr", "-o", "services.mod.options.list=one"])
		self.assertEqual(ask(self.endpoint, "options"), ["7 3000 4096 some text mod 1:one 1"])

	def test_begin_and_end(self):
		d = self.start()
		workers = sorted(d.wait_workers(2))
		inits = self.notes("init")
		self.assertEqual(inits[-1], (1, d.pid), "at last in the master")
		self.assertTrue(all(pid != d.pid for _, pid in inits[:-1]), "before, in children: %s" % inits)
		self.assertEqual(sorted(pid for _, pid in self.notes("start")), workers)
		os.kill(workers[0], signal.SIGKILL)
		wait_until(lambda: len(self.notes("start")) == 3, "another one")
		d.wait_workers(2)
		left = sorted(d.workers())
		self.assertNotIn((1, d.pid), self.notes("fini"))
		self.assertEqual(d.stop(), 0)
		self.assertEqual(self.notes("fini")[-1], (1, d.pid), "with its options")
		self.assertEqual(sorted(pid for _, pid in self.notes("stop")), left, "but not of the one that was killed")

	def test_random_streams_differ(self):
		self.start(workers={"min": 8, "max": 8, "max_spare": 8})
		clients = [Talk(self.endpoint) for _ in range(8)]
		answers = [c.ask("random").split() for c in clients]
		for c in clients:
			c.__exit__()
		for kind in zip(*answers):
			self.assertEqual(len(set(kind)), 8, kind)

	def test_kept_descriptor(self):
		self.start()
		self.assertEqual(ask(self.endpoint, "kept"), ["kept"])

	def test_lines(self):
		self.start()
		self.assertEqual(ask(self.endpoint, "a", "b\r", "", "x" * 39), ["[a]", "[b]", "[]", "[%s]" % ("x" * 39)])
		self.assertEqual(talk(self.endpoint, b"no end"), b"[no end]\n")
		self.assertEqual(talk(self.endpoint, b"x" * 40 + b"\nmore\n"), b"too long\n")
		self.assertEqual(talk(self.endpoint, b"y" * 30000), b"too long\n")
		# what was read ahead is still there for preforkd_read(), and lines come after it
		data = payload(1, 20000)
		self.assertEqual(talk(self.endpoint, b"raw 20000\n" + data + b"after\n"), data + b"[after]\n")
		self.assertEqual(ask(self.endpoint, "big"), ["-1 EMSGSIZE"])
		# bytes that come one by one
		with Talk(self.endpoint) as c:
			for byte in b"slow\r":
				c.s.sendall(bytes([byte]))
			self.assertEqual(c.ask(""), "[slow]")

	def test_nothing_of_one_client_reaches_the_next(self):
		self.start(workers={"min": 1, "max": 1, "max_spare": 1})
		self.assertEqual(talk(self.endpoint, b"fail x\nleft over\n"), b"")
		self.assertEqual(ask(self.endpoint, "mine"), ["[mine]"])

	def test_deadline(self):
		d = self.start()
		with Talk(self.endpoint) as c:
			self.assertEqual(c.ask("deadline 300"), "ok")
			start = time.monotonic()
			self.assertEqual(c.f.readline(), b"")
			self.assertGreater(time.monotonic() - start, 0.2)
			self.assertLess(time.monotonic() - start, 10)
		d.wait_log(r"mod 127\.0\.0\.1:\d+: not finished within 300ms \(the service's own limit\)")
		with Talk(self.endpoint) as c:
			self.assertEqual(c.ask("deadline 300"), "ok")
			self.assertEqual(c.ask("deadline 0"), "ok")
			c.s.settimeout(1)
			self.assertRaises(socket.timeout, c.s.recv, 1)
			c.s.settimeout(PATIENCE)
			self.assertEqual(c.ask("x"), "[x]")

	def test_deadline_before_what_was_read_ahead(self):
		"""A client that has sent much at once does not outlive its limit with it: neither what the library has read, nor
		what the kernel has."""
		d = self.start()
		for rest in ("", "nap 0\n" * 2000):
			talk(self.endpoint, ("deadline 100\nnap 200\n" + rest + "log alive\n").encode())
			wait_until(lambda: len(d.grep("not finished within 100ms")) > len(rest) // 12000, "its end")
			self.assertFalse(d.grep("alive"))

	def test_deadline_that_never_comes(self):
		"""It leaves the other limits alone."""
		d = self.start(timeouts={"idle": "200ms"})
		with Talk(self.endpoint) as c:
			self.assertEqual(c.ask("deadline %d" % (2 ** 63 - 1)), "ok")
			self.assertEqual(c.f.readline(), b"")
		d.wait_log(r"idle for 200ms \(timeouts\.idle\)$")

	def test_it_does_not_say_why(self):
		d = self.start()
		with Talk(self.endpoint) as c:
			self.assertEqual(c.ask("nothing"), "nothing")
			self.assertEqual(c.f.read(), b"")
			for _ in range(2): # to read nothing is no end of what the client sends: no reset
				c.s.sendall(b"more")
		d.wait_log(r"mod 127\.0\.0\.1:\d+: the service gave up, and does not say why$")

	def test_log(self):
		d = self.start()
		self.assertEqual(talk(self.endpoint, b"log one\nfail two\n"), b"")
		d.wait_log(r"mod 127\.0\.0\.1:\d+: one$")
		d.wait_log(r"mod: alone: one$")
		d.wait_log(r"mod 127\.0\.0\.1:\d+: two$")

	def test_timer_and_counters(self):
		d = self.start()
		ask(self.endpoint, *["x"] * 5)
		self.assertEqual(d.admin.service("mod")["counters"]["asked"], 5)
		first = d.admin.service("mod")["counters"]["ticks"]
		wait_until(lambda: d.admin.service("mod")["counters"]["ticks"] >= first + 4, "the timer goes on while nobody comes")
		# a worker that serves has no timer; its count is not lost when it goes
		worker, other = d.wait_workers(2)
		for pid in (worker, other):
			os.kill(pid, signal.SIGKILL)
		wait_until(lambda: not set(d.workers()) & {worker, other} and len(d.workers()) == 2, "others")
		self.assertEqual(d.admin.service("mod")["counters"]["asked"], 5)

	def test_threads(self):
		"""Those of worker_start() take no signal that the worker waits for: its timer's would be lost on them."""
		source = INCLUDES + """
static int start(void) { pthread_t t; return pthread_create(&t, NULL, idle, NULL); }
"""
		path = self.build(modules.small(source, ".worker_start = start,"), "-pthread", name="threads.so")
		d = self.daemon(self.service(path))
		self.assertEqual(talk(self.endpoint), b"hello")
		for pid in d.workers():
			tids = set(map(int, os.listdir("/proc/%d/task" % pid)))
			self.assertEqual(len(tids), 2)
			for tid in tids:
				with open("/proc/%d/task/%d/status" % (pid, tid), encoding="ascii") as f:
					blocked = int(re.search(r"^SigBlk:\s*([0-9a-f]+)", f.read(), re.M).group(1), 16)
				mine = {x for x in (signal.SIGALRM, signal.SIGTERM, signal.SIGUSR1, signal.SIGRTMIN)
					if blocked >> (x - 1) & 1}
				self.assertEqual(len(mine), 0 if tid == pid else 4)

	def test_two_services_of_one_file(self):
		other = Endpoint.v4()
		path = modules.probe(self.path("m.so"))
		services = self.service(path, {"text": "A"})
		services["other"] = {**services["mod"], "listen": other.text, "options": {"text": "B"}}
		d = self.daemon(services)
		self.assertIn(" A mod ", ask(self.endpoint, "options")[0])
		self.assertIn(" B other ", ask(other, "options")[0])
		self.assertEqual(d.admin.service("other")["counters"]["asked"], 1)


class Reload(Life):
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
		self.build(modules.small('static int init(void) { return preforkd_fail(NULL, "no luck"); }\n', ".init = init,"))
		d.configure(Config(self.service(self.path("m.so"))))
		done = d.ctl("upgrade")
		self.assertEqual(done.returncode, 1)
		self.assertIn("init(): no luck", done.stderr)
		self.assertEqual(self.versions(), {"1"})


class Datagrams(ModuleCase):
	"""The request turned round; "long" has an answer of 300 bytes, "none" has none."""

	SOURCE = """
#include <stddef.h>
#include <string.h>
#include <preforkd/module.h>
struct o { const char *mark; };
static const struct preforkd_option options[] = {
	{ .name = "mark", .type = PREFORKD_STRING, .offset = 0, .preset = "-", .help = "" }, { .name = NULL } };
static const struct preforkd_counter counters[] = { { .name = "answers" }, { .name = "ticks" }, { .name = NULL } };
static void timer(void) { preforkd_count(1, 1); }
static ssize_t answer(const void *request, size_t size, void *reply, size_t max)
{
	const char *in = request, *mark = ((const struct o *)preforkd_options())->mark;
	char *out = reply;

	preforkd_count(0, 1);
	if (size == 4 && memcmp(in, "none", 4) == 0)
		return -1;
	if (size == 4 && memcmp(in, "long", 4) == 0) {
		memset(out, *mark, max < 300 ? max : 300);
		return 300;
	}
	for (size_t i = 0; i < size && i < max; i++)
		out[i] = in[size - 1 - i];
	return (ssize_t)size;
}
static int serve(struct preforkd_conn *conn) { return preforkd_write(conn, "hello", 5); }
const struct preforkd_module preforkd_module = {
	.abi = PREFORKD_MODULE_ABI, .size = sizeof(preforkd_module), .name = "turned", .summary = "",
	.flags = KINDS, .serve = (KINDS & PREFORKD_STREAM) != 0 ? serve : NULL, .answer = answer,
	.options = options, .options_size = sizeof(struct o), .counters = counters, .timer = timer, .timer_ms = 20 };
"""
	BOTH = "-DKINDS=(PREFORKD_STREAM|PREFORKD_DATAGRAM|PREFORKD_SPEAKS_FIRST)"
	ALONE = "-DKINDS=PREFORKD_DATAGRAM"

	def asker(self):
		s = socket.socket(self.endpoint.family, socket.SOCK_DGRAM)
		self.addCleanup(s.close)
		s.settimeout(PATIENCE)
		s.connect(self.endpoint.address)
		return s

	def ask(self, s, data):
		s.send(data)
		return s.recv(1000)

	def count(self, d, name):
		return d.admin.service("mod")["counters"][name]

	def test_beside_connections(self):
		path = self.build(self.SOURCE, self.BOTH)
		d = self.daemon(self.service(path, listen=[self.endpoint.text, "udp:" + self.endpoint.text],
					     workers={"min": 1, "max": 4}))
		s = self.asker()
		self.assertEqual(self.ask(s, b"abc"), b"cba")
		self.assertEqual(self.ask(s, b""), b"")
		self.assertEqual(talk(self.endpoint), b"hello")
		s.send(b"none")
		s.send(b"long")
		wait_until(lambda: d.admin.service("mod")["connections"]["refused"]["answer_size"] == 1, "no amplifier")
		self.assertEqual(self.ask(s, b"xyz"), b"zyx", "and the others had no answer")
		self.assertEqual(self.count(d, "answers"), 5)
		self.assertEqual(d.stop(), 0)

	def test_alone(self):
		"""No serve() is needed; who is allowed gets more; the timer goes on; an upgrade keeps it all."""
		path = self.build(self.SOURCE, self.ALONE)
		d = self.daemon(self.service(path, {"mark": "+"}, listen="udp:" + self.endpoint.text,
					     access={"allow": "127.0.0.1"}))
		s = self.asker()
		self.assertEqual(self.ask(s, b"long"), b"+" * 300)
		first = self.count(d, "ticks")
		wait_until(lambda: self.count(d, "ticks") >= first + 4, "the timer goes on while nobody comes")
		done = d.ctl("upgrade")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(self.ask(s, b"ab"), b"ba")
		self.assertEqual(self.count(d, "answers"), 2)
		self.assertEqual(d.stop(), 0)

	def test_what_it_does_not_serve(self):
		stream = self.build(modules.small(), name="stream.so")
		alone = self.build(self.SOURCE, self.ALONE, name="alone.so")
		for path, listen, pattern in (
			(stream, "udp:127.0.0.1:7", "does not serve datagrams"),
			(stream, "udp:systemd:web", "does not serve datagrams"),
			(alone, "127.0.0.1:7", "serves datagrams only"),
			(alone, "systemd:web", "serves datagrams only"),
		):
			with self.subTest(pattern, listen=listen):
				text = Config({"mod": {**self.service(path)["mod"], "listen": listen}}).text()
				done = run_preforkd("--check", "-c", self.write("c.conf", text))
				self.assertEqual(done.returncode, 78, done.stderr)
				self.assertRegex(done.stderr, r"services\.mod\.listen\S*: .*" + pattern)


class Crash(ModuleCase):
	def test_one_of_fifty(self):
		"""A crash is one client's."""
		path = modules.probe(self.path("m.so"))
		d = self.daemon(self.service(path, workers={"min": 50, "max": 50, "max_spare": 50}), env=modules.CRASHING)
		size = 200000
		clients = [Talk(self.endpoint) for _ in range(50)]
		data = payload(2, size)
		for c in clients:
			c.s.sendall(b"raw %d\n" % size + data[:size // 2])
			self.assertEqual(recv_exact(c.s, size // 2), data[:size // 2])
		worker = next(w["pid"] for w in d.admin.workers("mod")
			      if (w["peer"] or "").endswith(":%d" % clients[17].s.getsockname()[1]))
		os.kill(worker, signal.SIGSEGV)
		wait_until(lambda: not proc.alive(worker), "it is dead")
		done = 0
		for i, c in enumerate(clients):
			try:
				c.s.sendall(data[size // 2:])
				done += recv_exact(c.s, size - size // 2) == data[size // 2:]
			except (ConnectionError, AssertionError):
				self.assertEqual(i, 17)
		self.assertEqual(done, 49)
		for c in clients:
			c.__exit__()
		d.wait_log(r"mod.*SIGSEGV")
		wait_until(lambda: len(d.workers()) == 50, "fifty again")
		self.assertEqual(d.admin.service("mod")["crashes"], 1)
		self.assertEqual(d.stop(), 0)


	def test_exit(self):
		"""A service that ends the process has crashed it, whatever the status says; one in its timer, too."""
		path = modules.probe(self.path("m.so"))
		d = self.daemon(self.service(path))
		for status in (0, 3):
			with Talk(self.endpoint) as c:
				self.assertEqual(c.ask("x"), "[x]")
				self.assertEqual(c.ask("exit %d" % status), "")
				d.wait_log(r"error: mod 127\.0\.0\.1:%d: worker \d+ ended with status %d while it served this client" %
					   (c.s.getsockname()[1], status))
		self.assertEqual(d.admin.service("mod")["crashes"], 2)
		self.build(modules.small("#include <stdlib.h>\nstatic void timer(void) { exit(0); }\n",
					 ".timer = timer, .timer_ms = 500,"))
		self.assertEqual(d.reload().returncode, 0)
		d.wait_log(r"error: mod: worker \d+ ended with status 0$")
		self.assertEqual(d.stop(), 0)


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
			ask(self.endpoint, "GET a", "SET a one two", "GET a", "SET a ", "GET a", "SET b x", "COUNT", "DEL a", "DEL a",
			    "COUNT", "NIX", "SET a", "GET", "GET x y", "SET c " + "v" * 1025, "SET c " + "v" * 1024, "QUIT", "GET c"),
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
			self.assertEqual(talk(self.endpoint, b"SET %s %s\nGET %s\n" % (key, value, key)), b"OK\r\nVALUE %s\r\n" % value)
		self.assertEqual(talk(self.endpoint, b"COUNT\nGET %s\n" % (b"k" * 251)),
				 b"COUNT %d\r\nERROR a request is SET KEY VALUE, GET KEY, DEL KEY, COUNT or QUIT\r\n" % len(keys))
		# what does not fit into a line at all is answered, too
		self.assertEqual(talk(self.endpoint, b"SET a " + b"v" * 5000 + b"\n"), b"ERROR the request is too long\r\n")

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
			d = self.daemon(self.service(self.path("kv.so"), {"file": self.db, "busy": "1s"}), start=False).launch()
			self.assertNotEqual(d.wait(), 0)
			d.wait_log(r"the service could not start: \S+/kv\.db: database is locked")

	def test_no_data_base(self):
		d = self.daemon(self.service(self.path("kv.so"), {"file": "/nowhere/x.db"}), start=False).launch()
		self.assertNotEqual(d.wait(), 0)
		d.wait_log(r"the service could not start: /nowhere/x\.db: unable to open database file")
		self.refused(self.path("kv.so"), r"missing: the module needs it")


main()
