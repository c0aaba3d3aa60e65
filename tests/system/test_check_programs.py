#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that cannot run: the check says so and why, and so does the log when it happens later."""

import sys
sys.dont_write_bytecode = True

import os

from harness import *


class Check(Case):
	def program(self, text, mode=0o755):
		return self.write("program", text, mode)

	def check(self, command, status, *patterns, **keys):
		path = self.write("preforkd.conf", Config({"x": {
			"handler": "exec", "listen": Endpoint.v4().text, "command": [command], **keys}}).text())
		done = run_preforkd("-c", path, "-t")
		self.assertEqual(done.returncode, status, done.stderr)
		for pattern in patterns:
			self.assertRegex(done.stderr, r"preforkd\.conf:\d+: services\.x\.command: .*" + pattern)
		return path

	def test_good(self):
		self.check(self.program("#!/bin/sh\necho hello\n"), 0)

	def test_crlf(self):
		text = "#!/bin/sh\r\necho hello\r\n"
		path = self.check(self.program(text), 78, r'/bin/sh" with a carriage return.*CRLF')
		self.assertEqual(run_preforkd("-c", path, "-l", "stderr").returncode, 78, "the daemon checks too")

	def test_missing_interpreter(self):
		self.check(self.program("#!/no/such/perl -w\n"), 78, 'interpreter "/no/such/perl": No such file')

	def test_no_line(self):
		self.check(self.program("echo hello\n"), 78, "needs a #! line")

	@needs_root()
	def test_folder_that_the_user_cannot_enter(self):
		folder = self.folder("private")
		program = self.write("private/program", "#!/bin/sh\n", 0o755)
		os.chmod(folder, 0o700)
		self.check(program, 78, r"the user nobody cannot enter .*/private \(mode 0700, owner root\)",
			   user="nobody")
		self.check(program, 0, user="root")

	@needs_root()
	def test_program_that_the_user_cannot_run(self):
		self.check(self.program("#!/bin/sh\n", 0o750), 78, r"the user nobody cannot run .*/program \(mode 0750",
			   user="nobody")


class Later(Case):
	def test_listen(self):
		"""The interpreter goes while the daemon runs."""
		interpreter = self.path("interpreter")
		os.symlink("/bin/sh", interpreter)
		program = self.write("program", "#!%s\nexec sleep 1000\n" % interpreter, 0o755)
		d = self.daemon({"x": {"handler": "listen", "listen": Endpoint.v4().text, "command": [program],
				       "timeouts": {"start": "100ms"}, "workers": {"min": 1}}})
		os.unlink(interpreter)
		run_preforkctl("-s", d.control, "restart", "x")
		d.wait_log('cannot run .*/program: its interpreter ".*/interpreter": No such file')


main()
