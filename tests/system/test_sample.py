#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The sample of "make run", as a newcomer meets it: in the build folder, with what it says can be tried."""

import sys
sys.dont_write_bytecode = True

import os
import re
import shutil
import signal
import subprocess
import unittest

from harness import *
from harness.daemon import TOP_BUILDDIR


@unittest.skipIf(no_namespaces(), no_namespaces())
class Sample(Case):
	def test_what_it_says(self):
		"""Its ports are fixed, so it gets a network of its own."""
		fresh_network()
		# root reads no configuration that another user could change, and the tree may be another user's
		config = shutil.copy(os.path.join(TOP_SRCDIR, "etc", "run.conf"), self.path("run.conf"))
		run = subprocess.Popen(
			["sh", os.path.join(TOP_SRCDIR, "etc", "run"), PREFORKD, config],
			cwd=TOP_BUILDDIR, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
			text=True, start_new_session=True)
		self.addCleanup(run.stdout.close)
		self.addCleanup(run.wait)
		self.addCleanup(run.kill)
		said = []
		for line in run.stdout:
			said.append(line)
			if "started:" in line:
				break
		text = "".join(said)
		self.assertIn("started:", text)
		self.assertNotRegex(text, "error:|warning:")
		tried = re.findall(r"^  (\w+) +127\.0\.0\.1:(\d+) ", text, re.M)
		self.assertEqual([name for name, _ in tried],
				 ["echo", "discard", "daytime", "chargen", "time", "env", "sort"])
		for name, port in tried:
			with Endpoint.v4(port=int(port)).connect() as s:
				if name in ("echo", "sort"):
					s.sendall(b"b\na\n")
					s.shutdown(1)
					self.assertEqual(read_all(s), b"b\na\n" if name == "echo" else b"a\nb\n")
				elif name != "discard":
					self.assertTrue(s.recv(1))
		control = re.search(r"preforkctl -s (\S+) top", text).group(1)
		status = run_preforkctl("-s", control, "status")
		self.assertEqual(status.returncode, 0, status.stderr)
		os.kill(run.pid, signal.SIGINT)
		self.assertEqual(run.wait(PATIENCE), 0)
		self.assertFalse(os.path.exists(control), "nothing is left")


class Manual(Case):
	def test_the_example_of_a_program_that_nobody_trusts(self):
		"""preforkd-programs(7): the check takes it, on a host that has the user and the files."""
		with open(os.path.join(TOP_SRCDIR, "man", "preforkd-programs.7"), encoding="utf-8") as f:
			example = re.search(r"^\.EX\n(.*?)^\.EE", f.read(), re.S | re.M).group(1)
		self.assertIn("private_pids", example)
		config = self.write("preforkd.conf", example.replace("\\-", "-") +
				    ('user = "nobody";\n' if IS_ROOT else ""))
		done = run_preforkd("-c", config, "--check=portable")
		self.assertEqual((done.returncode, done.stderr), (0, ""))


main()
