# SPDX-License-Identifier: MIT
"""Daemons in which one chosen call fails for lack of memory, descriptors or processes (shortage.c)."""

import mmap
import os
import struct
import subprocess

from .daemon import SANITIZED, TOP_SRCDIR
from .trap import no_trap

MEMORY, SYSTEM = 1, 2
LAYOUT = struct.Struct("=7i36s")


def no_shortage():
	"""Why no call can be made to fail, or None."""
	return "the sanitizers have an allocator of their own" if SANITIZED else no_trap()


class Shortage:
	"""`env` is what a daemon needs that is to run short of something."""

	def __init__(self, folder):
		library = os.path.join(folder, "shortage.so")
		source = os.path.join(TOP_SRCDIR, "tests", "system", "shortage.c")
		subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True, timeout=60)
		path = os.path.join(folder, "shortage")
		with open(path, "wb") as f:
			f.write(bytes(LAYOUT.size))
		os.chmod(path, 0o666)
		with open(path, "r+b") as f:
			self._map = mmap.mmap(f.fileno(), LAYOUT.size)
		self.env = {"LD_PRELOAD": library, "PREFORKD_TEST_SHORTAGE": path}

	def begin(self, pid, kinds, first, last=None, image=0):
		"""The calls number FIRST to LAST of the process fail, counted from 1; with IMAGE 1, calls after the
		next exec."""
		self.end()
		self._map[:] = LAYOUT.pack(0, kinds, 0, image, first, last or first, 0, b"")
		self._map[0:4] = struct.pack("=i", pid)

	def end(self):
		"""No call fails any more. Returns the number of calls that were counted, and the one that failed."""
		self._map[0:4] = bytes(4)
		fields = LAYOUT.unpack(self._map[:])
		return fields[6], fields[7].rstrip(b"\0").decode()
