#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The completion of bash for preforkctl: what it offers where."""

import sys
sys.dont_write_bytecode = True

import os
import re
import subprocess
import time

from harness import *

SCRIPT = os.path.join(TOP_SRCDIR, "ctl", "preforkctl.bash")

# The words of the line, the last one being completed, are the arguments.
ASK = r"""
source "$1" || exit 1
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_preforkctl
((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}"
complete -p preforkctl >&2
"""


@needs_tool("bash")
class Completion(Case):
	def complete(self, *words):
		done = subprocess.run(["bash", "--norc", "-c", ASK, "bash", SCRIPT, PREFORKCTL, *words], text=True,
				      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
				      timeout=PATIENCE, check=False, cwd=self.tmp)
		self.assertEqual(done.stderr, "complete -F _preforkctl preforkctl\n")
		return done.stdout.splitlines()

	def services(self, *names):
		status = {"version": "1", "services": [{"name": n, "handler": "name", "listeners": [
			{"name": "not-a-service", "address": "x"}]} for n in names]}
		control = ScriptedControl(self.path("control"), lambda _: {"ok": True, "status": status})
		self.addCleanup(control.close)
		return control

	def commands(self):
		return re.findall(r"^  ([a-z]+) ", run_preforkctl("--help").stdout, re.M)

	def test_commands(self):
		self.assertIn("resize", self.commands())
		self.assertEqual(self.complete(""), self.commands())
		self.assertEqual(self.complete("re"), ["reload", "restart", "resume", "resize"])
		self.assertEqual(self.complete("-s", "/x", "sta"), ["status"])
		self.assertEqual(self.complete("--socket", "=", "/x", "--json", "w"), ["workers"])
		self.assertEqual(self.complete("nonsense", ""), [])

	def test_options(self):
		offered = self.complete("-") + self.complete("stop", "-") + self.complete("top", "-") + \
			  self.complete("reload", "-")
		known = re.findall(r"(?:^| )(--?[A-Za-z][a-z-]*)", run_preforkctl("--help").stdout)
		self.assertEqual(set(offered), set(known))
		self.assertEqual(self.complete("stop", "--n"), ["--no-color", "--now"])
		self.assertEqual(self.complete("--n"), ["--no-color"])
		self.assertEqual(self.complete("top", "-d", ""), [])

	def test_services(self):
		self.services("echo", "git", "e2e", "odd;name")
		path = self.path("control")
		for line in (("-s", path, "pause"), ("--socket", "=", path, "status"), ("resize", "-s", path),
			     ("-s", path, "restart")):
			with self.subTest(line=line):
				self.assertEqual(self.complete(*line, "e"), ["echo", "e2e"])
		self.assertEqual(self.complete("-s", path, "workers", ""), ["echo", "git", "e2e"])
		self.assertEqual(self.complete("-s", path, "workers", "git", ""), [])
		self.assertEqual(self.complete("-s", path, "explain", ""), [])
		self.assertEqual(self.complete("-s", path, "explain", "192.0.2.7", "g"), ["git"])
		self.assertEqual(self.complete("-s", path, "reload", ""), [])
		self.assertEqual(self.complete("-s", path, "cancel", ""), [])

	def test_no_daemon(self):
		self.assertEqual(self.complete("-s", self.path("none"), "pause", ""), [])

	def test_daemon_that_does_not_answer(self):
		control = ScriptedControl(self.path("control"), lambda _: time.sleep(PATIENCE))
		self.addCleanup(control.close)
		begin = time.monotonic()
		self.assertEqual(self.complete("-s", self.path("control"), "pause", ""), [])
		self.assertLess(time.monotonic() - begin, 4)

	def test_paths(self):
		self.write("control one", "")
		self.assertEqual(self.complete("-s", "cont"), ["control one"])
		self.assertEqual(self.complete("--socket", "=", "cont"), ["control one"])
		self.assertEqual(self.complete("--socket", "="), ["control one"])


main()
