#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""git and rsync under a real systemd, with the configuration that the README shows, and the drop-in that it needs."""

import sys
sys.dont_write_bytecode = True

import os
import re
import textwrap

from harness import *


def examples():
	"""The services git and rsync, and rsyncd.conf, word for word."""
	with open(os.path.join(TOP_SRCDIR, "README"), encoding="utf-8") as f:
		chapter = f.read().split("## A service of one's own")[1]
	services = re.findall(r"^    services: \{\n.*?^    \};\n", chapter, re.DOTALL | re.MULTILINE)[:2]
	return [textwrap.dedent(text) for text in
		[*services, re.search(r"(?:^    .*\n)*^    \[data\]\n(?:^    .*\n)*", chapter, re.MULTILINE)[0]]]


@needs_tool("git", "rsync")
class Readme(SystemdCase):
	def setUp(self):
		super().setUp()
		self.git, self.rsync, self.rsyncd = examples()
		self.sandbox.write("/srv/data/file", "hello")
		self.run("sh", "-euc", """
			git init -q /srv/git/some-repository; cd /srv/git/some-repository
			echo hello >file; git add file; git -c user.name=x -c user.email=x@x commit -qm x""",
			 check=True)

	def serve(self):
		self.configure(self.git, "conf.d/git.conf")
		self.configure(self.rsync, "conf.d/rsync.conf")
		self.sandbox.write("/etc/rsyncd.conf", self.rsyncd)
		self.relax()
		self.assertEqual(self.run(self.sandbox.installed("sbin/preforkd"), "--check=host").stderr, "")
		self.systemctl("start", "preforkd")

	def clone(self):
		return self.run("git", "clone", "-q", "git://localhost/some-repository", "/tmp/clone")

	def copy(self):
		return self.run("rsync", "rsync://localhost/data/file", "/tmp/copy")

	def test_as_shown(self):
		"""The repository belongs to root, and git runs as nobody."""
		self.serve()
		self.assertEqual(self.clone().returncode, 0)
		self.assertEqual(self.run("cat", "/tmp/clone/file").stdout, "hello\n")
		self.assertEqual(self.copy().returncode, 0)
		self.assertEqual(self.run("cat", "/tmp/copy").stdout, "hello")

	def test_git_says_why_it_refuses(self):
		self.git = self.git.replace('"-c", "safe.directory=*", ', "")
		self.serve()
		self.assertNotEqual(self.clone().returncode, 0)
		self.wait_journal(r"git 127\.0\.0\.1:\d+: fatal: detected dubious ownership in repository")

	def test_rsync_that_changes_its_root_folder(self):
		self.rsync = self.rsync.replace('"nobody"', '"root"')
		self.rsyncd = self.rsyncd.replace("use chroot = no", "use chroot = yes")
		self.serve()
		done = self.copy()
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(self.run("cat", "/tmp/copy").stdout, "hello")


main()
