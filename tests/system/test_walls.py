#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Walls of a sandbox that the host cannot build: they are told once, or the service is not opened."""

import sys
sys.dont_write_bytecode = True

from harness import *

WITHOUT = {"refuse": {"seccomp": None}}	# as in some containers
LACK = "sandbox.level: .*seccomp"


class AHostWithoutSystemCallFilters(Case):
	def service(self, **sandbox):
		return {"handler": "echo", "listen": Endpoint.v4().text, "workers": {"min": 3}, "sandbox": sandbox}

	def test_says_so_once(self):
		d = self.daemon({"a": self.service(), "b": self.service()}, how=WITHOUT)
		self.assertEqual(len(d.grep(LACK)), 1, d.lines())
		before = d.mark()
		done = d.reload(Config({"a": self.service(level="strict"), "b": self.service(level="off")}))
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(d.stop(), 0)
		d.wait_log(LACK, before)
		line, = d.grep(LACK, before)
		self.assertIn("services.a.sandbox.level", line)

	def test_a_level_that_was_switched_off_lacks_nothing(self):
		d = self.daemon({"a": self.service(level="off", required=True)}, how=WITHOUT)
		self.assertEqual(d.grep(LACK), [])
		self.assertEqual(d.stop(), 0)

	def test_a_service_that_requires_it_fails_the_start(self):
		d = self.daemon({"a": self.service(required=True)}, how=WITHOUT, start=False).launch()
		self.assertEqual(d.wait(), 71)
		self.assertTrue(d.grep(LACK + r".*\(sandbox.required\)"), d.lines())

	def test_a_reload_that_requires_it_is_rejected(self):
		listening = self.service()
		d = self.daemon({"a": listening}, how=WITHOUT)
		done = d.reload(Config({"a": {**listening, "sandbox": {"required": True}}}))
		self.assertEqual(done.returncode, 1)
		self.assertRegex(done.stderr, LACK)
		self.assertEqual(d.stop(), 0)


main()
