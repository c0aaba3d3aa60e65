#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Modules that are refused, and the message that says why."""

import sys
sys.dont_write_bytecode = True

import os
import re
import subprocess

from harness import *
from harness import modules
from harness.module_case import ModuleCase


class Refused(ModuleCase):
	"""By --check, with the line of the configuration."""

	def test_what_is_no_module(self):
		self.refused(self.path("none.so"), r"module \S+/none\.so: No such file or directory")
		self.refused(self.write("text.so", "no ELF\n"),
			     r"module \S+/text\.so: .*(invalid ELF header|file too short)")
		self.refused(self.write("empty.so", ""), r"module \S+/empty\.so: 0 bytes are no module")
		self.refused(self.folder("folder.so"), r"module \S+/folder\.so: not a file")
		self.refused("some/where.so", r'"some/where\.so" must be a full path')
		self.refused(self.build("int x;\n"), r"module \S+/m\.so: it does not define preforkd_module")
		self.refused(self.build(modules.small("extern int preforkd_frob(void);\n",
						      ".worker_start = preforkd_frob,")),
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
			(modules.small(more=".abi = 2,"),
			 "built for version 2 of the module interface, this is version 1"),
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
			(modules.small(spoiled(1, "(size_t)-8"), with_options),
			 "option n: the offset 18446744073709551608"),
			(modules.small(spoiled(3, "-1"), with_options), "option n: min is more than max"),
			(modules.small(spoiled(4, '{ .name = "n" },'), with_options), "there are two options n"),
			(modules.small(spoiled(4, '{ .name = "x-y" },'), with_options), "the name of option 1"),
			(modules.small(spoiled(4, '{ .name = "m", .type = PREFORKD_BOOL, .offset = 7 },'),
				       with_options),
			 "the options n and m are put into the same member"),
			(modules.small(spoiled(4, '{ .name = "m", .offset = 8, .help = "a\\nb" },').replace("char c",
				"int64_t m"),
				       with_options), "option m: help, zero or preset is longer than 4095 bytes, or"),
			(modules.small(spoiled(2, "(char *)7"), with_options), "crashed (SIGSEGV) while it was loaded"),
			(modules.small(spoiled(4, '{ .name = (char *)7 },'), with_options),
			 "crashed (SIGSEGV) while it was loaded"),
			(modules.small('static const struct preforkd_counter c[] = {{.name = "c", .help = "a\\tb"}, '
				       '{}};\n',
				       ".counters = c,"), "counter c: help is longer than 4095 bytes, or not one line"),
			(modules.small(more='.summary = "a\\rb",'),
			 "its summary is longer than 4095 bytes, or not one line"),
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
		self.assertIn(
			'options: {\n\t\t\tnumber = -3;\n\t\t\twait = "3s";\n\t\t\tsize = "4K";\n\t\t\ttext = "a '
			'\\"b\\"";',
			      first.stdout)
		again = run_preforkd("-T", "-c", self.write("again.conf", first.stdout))
		self.assertEqual(again.stdout, first.stdout, again.stderr)
		for topic in ("options", "services.mod.options", "services.mod.options.wait"):
			done = run_preforkd("-c", self.path("again.conf"), "--help-config", topic)
			self.assertIn(
				"services.mod.options.wait\n    A time.\n    duration, 1ms to 1min, or 0: for ever\n"
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
		links = [os.path.join(front, x) for x in ("m.so", "folder/m.so", "folder/../middle/m.so",
							  "../front/./m.so")]
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
			self.refused(links[0],
				     r"module \S+: \S+/middle/m\.so belongs to the user 65534, who could change it")

	@needs_root()
	@needs_tool("unshare")
	def test_where_nothing_may_be_run(self):
		"""A module from a file system that is mounted so is none; a kernel that lets no copy be run is of no
		matter."""
		folder = self.folder("mounted")
		config = self.write("c.conf", Config(self.service(os.path.join(folder, "m.so"))).text())
		here = self.build(modules.small())
		for prepare, pattern in (
			("mount -t tmpfs -o mode=755 none %s" % folder, None),
			("mount -t tmpfs -o mode=755,noexec none %s" % folder,
			 r"module \S+: it is on a file system .* \(noexec\)"),
			("mount -t tmpfs -o mode=755 none %s && { [ ! -e /proc/sys/vm/memfd_noexec ] || "
			 "echo 2 > /proc/sys/vm/memfd_noexec; }" % folder, None),
		):
			with self.subTest(prepare):
				done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh",
						       "-ec",
						       prepare + ' && cp %s %s && exec "$@"' % (here, folder),
						       "sh", PREFORKD, "--check", "-c", config], timeout=PATIENCE,
						       text=True,
						      stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
				self.assertEqual(done.returncode, 78 if pattern else 0, done.stderr)
				self.assertRegex(done.stderr, pattern or "^$")

	@needs_root()
	def test_whose_it_is(self):
		path = self.build(modules.small())
		os.chown(path, 65534, -1)
		self.refused(path, r"module \S+: \S+/m\.so belongs to the user 65534, who could change it")


main()
