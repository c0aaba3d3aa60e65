#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Chains of programs as for tcpserver, whose first link may end before the last one: byte for byte the same answers."""

import sys
sys.dont_write_bytecode = True

import concurrent.futures
import os
import subprocess

from harness import *

FULL = os.environ.get("PREFORKD_TEST_FULL", "") not in ("", "0")
CLIENTS = 300 if FULL else 30	# of each chain
AT_ONCE = 8

LINES = b"first\nsecond\nthe last one\n"
ANSWER_LINES = "while read x; do echo \"got $x\"; done; echo bye"


@needs_tool("tcpserver", "fixcrio", "recordio", "rblsmtpd", "bash")
class Chains(Case):
	def check(self, command, data=LINES):
		with Tcpserver(command) as other:
			wanted = talk(other.endpoint, data)
			self.assertEqual(talk(other.endpoint, data), wanted)
		self.assertTrue(wanted)
		endpoint = Endpoint.v4()
		d = self.daemon({"chain": {"handler": "exec", "listen": str(endpoint), "command": command}})
		with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as clients:
			for answer in clients.map(lambda _: talk(endpoint, data, 60), range(CLIENTS)):
				self.assertTrue(answer == wanted, "%d of %d bytes" % (len(answer), len(wanted)))
		wait_until(lambda: d.admin.service("chain")["workers"]["busy"] == 0, "the workers are free")
		wait_until(lambda: not any(proc.children_at_once(w) for w in d.workers()), "no process is left")
		self.assertEqual(d.admin.service("chain")["connections"]["failed"], 0)

	def test_fixcrio(self):
		self.check(["/usr/bin/fixcrio", "/bin/sh", "-c", ANSWER_LINES])

	def test_fixcrio_and_a_large_answer(self):
		self.check(["/usr/bin/fixcrio", "/bin/sh", "-c", "seq 150000"], b"")

	def test_recordio(self):
		self.check(["/usr/bin/recordio", "/bin/sh", "-c", ANSWER_LINES])

	def test_recordio_in_fixcrio(self):
		self.check(["/usr/bin/fixcrio", "/usr/bin/recordio", "/bin/sh", "-c", ANSWER_LINES])

	def test_rblsmtpd_in_fixcrio(self):
		self.check(["/usr/bin/env", "RBLSMTPD=-not today", "/usr/bin/fixcrio", "/usr/bin/rblsmtpd", "-b",
			    "/bin/true"], b"EHLO there\nMAIL FROM:<>\nRCPT TO:<x@example.org>\nQUIT\n")

	def test_a_filter_of_the_output(self):
		self.check(["/bin/bash", "-c", "exec > >(sed s/a/b/); echo aaa"], b"")

	def test_filters_of_both_directions(self):
		self.check(["/bin/bash", "-c", "exec < <(tr a-z A-Z) > >(sed s/T/t/); cat"], LINES)

	def test_a_child_in_the_background(self):
		self.check(["/bin/sh", "-c", "( while kill -0 $$; do sleep 0.01; done; echo tail ) & echo head"], b"")

	def test_a_large_answer_of_a_child_in_the_background(self):
		self.check(["/bin/sh", "-c", "( while kill -0 $$; do sleep 0.01; done; seq 150000 ) & echo head"], b"")


class Tcpserver:
	def __init__(self, command):
		self.endpoint = Endpoint.v4()
		self.process = subprocess.Popen(["tcpserver", "-q", "-HRl0", "127.0.0.1", str(self.endpoint.port),
						 *command], stderr=subprocess.DEVNULL)

	def __enter__(self):
		wait_until(lambda: not self.endpoint.refuses(), "tcpserver listens")
		return self

	def __exit__(self, *_):
		self.process.terminate()
		self.process.wait()


main()
