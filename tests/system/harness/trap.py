# SPDX-License-Identifier: MIT
"""Daemons whose workers fail, hang or take their time where the test wants it (trap.c)."""

import os
import shutil
import subprocess

from .daemon import PREFORKD, TOP_SRCDIR


def no_trap():
	"""Why there can be none, or None."""
	if shutil.which("cc") is None:
		return "not installed: cc"
	with open(PREFORKD, "rb") as f:
		if b"__interceptor_prctl" in f.read():	# clang has its sanitizers inside the program
			return "the sanitizer's own functions come before those of LD_PRELOAD"
	return None


class Trap:
	"""Lies in FOLDER; `env` is what a daemon needs that shall step into it."""

	def __init__(self, folder):
		self.folder = folder
		library = os.path.join(folder, "trap.so")
		source = os.path.join(TOP_SRCDIR, "tests", "system", "trap.c")
		subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True, timeout=60)
		asan = os.environ.get("ASAN_OPTIONS", "")
		self.env = {"LD_PRELOAD": library, "PREFORKD_TEST_TRAP": folder,
			    "ASAN_OPTIONS": ":".join(x for x in (asan, "verify_asan_link_order=0") if x)}

	def set(self, name, what):
		"""As a whole, and at once."""
		path = os.path.join(self.folder, name)
		with open(path + ".new", "w", encoding="ascii") as f:
			f.write(what)
		os.chmod(path + ".new", 0o644)
		os.rename(path + ".new", path)

	def is_met(self, name):
		"""In a folder that workers may write to."""
		return os.path.exists(os.path.join(self.folder, name + ".met"))

	def clear(self, name):
		os.unlink(os.path.join(self.folder, name))
