#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""preforkctl: how it prints the state of the daemon."""

import sys
sys.dont_write_bytecode = True

import json

from harness import *
from harness.ctl_case import CtlCase, ECHO, OK, STATUS, WORKERS, changed


class Status(CtlCase):
	def test_table(self):
		self.fake({"ok": True, "status": STATUS})
		self.expect(self.ctl("status"), OK, out=(
			"preforkd 0.1.0 is serving, pid 4711, up 3 h 25 min, generation 3\n"
			"SERVICE  HANDLER  STATE    IDLE  BUSY  MAX   QUEUE   RATE  ACCEPTED  "
			"REFUSED  FAILED  DROPS  CRASH\n"
			"echo     echo     serving     2     1   64  0/4096  1.5/s        10  "
			"      0       3      0      0\n"))

	def test_one_service_shows_its_listeners(self):
		self.fake({"ok": True, "status": STATUS})
		self.assertIn("    127.0.0.1:7  queue 0/4096, 0 dropped\n", self.ctl("status", "echo").stdout)

	def test_json_is_what_was_sent(self):
		status = changed(uptime=123.4, last_reload={"success": True, "text": "a\nb\u009b", "age": 12.5})
		self.fake({"ok": True, "status": status})
		done = self.ctl("status", "--json")
		self.expect(done, OK)
		self.assertEqual(json.loads(done.stdout), status)
		self.assertEqual(list(json.loads(done.stdout)), list(status), "in the same order")
		self.assertIn('"uptime": 123.4,\n', done.stdout)
		self.assertTrue(done.stdout.isascii())

	def test_hostile_text(self):
		"""Control characters do not reach the terminal."""
		evil = "\x1b[2J\x07\n\u009b31m\x7f"
		service = dict(ECHO, name=evil, handler=evil, state=evil,
			       connections={"accepted": 1, "active": 0, "refused": {evil: 3}},
			       listeners=[dict(ECHO["listeners"][0], address=evil)] * 2)
		self.fake({"ok": True, "status": changed(version=evil, state=evil, services=[service],
				last_reload={"success": False, "text": evil, "age": 1})})
		done = self.ctl("status")
		self.expect(done, OK)
		for character in "\x1b\x07\u009b\x7f":
			self.assertNotIn(character, done.stdout)
		self.assertIn("3 \\x1b[2J\\x07\\x0a\\xc2\\x9b31m\\x7f", done.stdout)

	def test_dashes_for_what_is_not_known(self):
		self.fake({"ok": True, "status": {"services": [{}, None]}})
		self.expect(self.ctl("status"), OK, out=(
			"preforkd - is -, pid -, up -, generation -\n"
			"SERVICE  HANDLER  STATE  IDLE  BUSY  MAX  QUEUE  RATE  ACCEPTED  "
			"REFUSED  FAILED  DROPS  CRASH\n"
			"-        -        -         -     -    -    -/-     -         -  "
			"      -       -      -      -\n"
			"-        -        -         -     -    -    -/-     -         -  "
			"      -       -      -      -\n"))

	def test_workers(self):
		self.fake({"ok": True, "workers": WORKERS})
		self.expect(self.ctl("workers"), OK, out=(
			"SERVICE  PID  STATE    FOR    AGE  REQUESTS  IN    OUT  GEN  LISTENER     PEER\n"
			"echo      12  busy      1s  3m20s        10   1  2.00k    3  127.0.0.1:7  192.0.2.7:4711\n"
			"echo      13  idle   1m30s  3m20s         0   0      0    3  127.0.0.1:7  -\n"))
		done = self.ctl("workers", "echo", "--json")
		self.assertEqual(json.loads(done.stdout), {"workers": WORKERS})


main()
