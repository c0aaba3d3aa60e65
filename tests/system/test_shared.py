#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Workers that somebody else has taken over: what they do to all that they share with the master hurts their own
service at most, and that one no longer than they live."""

import sys
sys.dont_write_bytecode = True

import os
import time

from harness import *
from harness import modules
from harness.module_case import ModuleCase, Talk, ask

SOON = 5 if SANITIZED else 1	# seconds for an answer of the master


class SharedCase(ModuleCase):
	"""Two services: one of workers that run wild when they are told to, one that must not notice."""

	def setUp(self):
		super().setUp()
		self.echo = Endpoint.v4()
		modules.build(self.path("m.so"), os.path.join(TOP_SRCDIR, "tests", "system", "module_wild.c"),
			      "-D_GNU_SOURCE")

	def serve(self, top=None, **options):
		self.d = self.daemon(self.services(), top=top, **options)
		return self.d

	def services(self):
		return {**self.service(self.path("m.so")), "echo": {"handler": "echo", "listen": self.echo.text}}

	def assert_answered(self):
		"""The master answers, and the other service is served."""
		start = time.monotonic()
		self.assertEqual(self.d.admin.service("mod")["state"], "serving")
		self.assertEqual(talk(self.echo, b"here?"), b"here?")
		self.assertLess(time.monotonic() - start, SOON)


class Ring(SharedCase):
	def test_one_that_blocks(self):
		self.serve()
		ask(self.endpoint, "block")
		time.sleep(1.2)	# the tick looks at all rings
		self.assert_answered()


class Memory(SharedCase):
	def test_heads_heal(self):
		"""Whatever is in the memory that the workers of a service share: new workers find their way."""
		small = {"defaults": {"workers": {"min": 4, "max": 8}}}
		d = self.serve(top=small)
		for byte in (255, 0, 127, 128, 1):
			areas, = {x for x in ask(self.endpoint, "fill %d" % byte) if x.endswith("areas")}
			self.assertEqual(areas, "2 areas")	# the board and the sources
			self.assert_answered()
			lines = {"connections": "all" if byte % 2 else "errors"}
			self.assertEqual(d.reload(Config(self.services(), log=lines, **small)).returncode, 0)
			self.assertRegex(ask(self.endpoint, "still there?")[0], r"^\d+: still there\?$")
		self.assertFalse(d.grep("damaged"))


if __name__ == "__main__":
	main()
