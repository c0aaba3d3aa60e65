# SPDX-License-Identifier: MIT
"""Tests of upgrades: a daemon that runs from a copy of the program, which tests replace."""

import os
import re
import shutil

from .daemon import PREFORKD
from .tap import Case

POOL = {"min": 2, "max": 8, "min_spare": 1, "max_spare": 4}


def echo(endpoint, **more):
	return {"handler": "echo", "listen": endpoint.text, "workers": POOL, **more}


class UpgradeCase(Case):
	"""The daemon runs from a copy of the program, in whose place others are put."""

	def setUp(self):
		super().setUp()
		self.binary = os.path.join(self.folder("bin"), "preforkd")
		self.put(PREFORKD)

	def put(self, source, mode=0o755):
		"""A file of its own in the binary's place; the one that runs stays as it is."""
		shutil.copy(source, self.binary + ".new")
		os.chmod(self.binary + ".new", mode)
		os.rename(self.binary + ".new", self.binary)

	def put_text(self, text, mode=0o755):
		self.put(self.write("script", text), mode)

	def serve(self, services, **options):
		return self.daemon(services, binary=self.binary, **options)

	def upgrade(self, d):
		"""It must go well."""
		done = d.ctl("upgrade")
		self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
		return done

	def rejected(self, d, reason):
		"""It must not go well, and for this reason."""
		done = d.ctl("upgrade")
		self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
		self.assertRegex(done.stdout + done.stderr, reason)
		return done

	def told(self, d, ready):
		"""RELOADING=1 with its time, and then READY=1 for the READY-th time. Nothing else is said of the
		process."""
		self.assertIsNotNone(d.notify.wait("READY=1", count=ready))
		reloading = d.notify.seen("RELOADING=1")
		self.assertEqual(len(reloading), ready - 1)
		self.assertTrue(any(re.fullmatch(r"MONOTONIC_USEC=\d+", x) for x in reloading[-1][2]), reloading[-1])
		self.assertGreaterEqual(d.notify.seen("READY=1")[-1][0], reloading[-1][0])
		self.assertEqual(d.notify.seen("MAINPID="), [])
		self.assertEqual({m[1] for m in d.notify.messages}, {d.pid})


def image(pid):
	"""Which file a process runs."""
	found = os.stat("/proc/%d/exe" % pid)
	return found.st_dev, found.st_ino
