#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""preforkctl: its command line, a daemon that cannot be reached, and one that answers nonsense."""

import sys
sys.dont_write_bytecode = True

import os
import socket
import subprocess
import threading
import time

from harness import *
from harness.ctl_case import CtlCase, NOT_PERMITTED, OK, SILENCE, STATUS, SYSTEM, UNREACHABLE, USAGE, WORKERS


class CommandLine(CtlCase):
	def test_usage(self):
		for arguments in ((), ("nonsense",), ("-x",), ("status", "a", "b"), ("pause",), ("restart",),
				  ("cancel", "echo"),
				  ("resize", "echo", "1"), ("reload", "x"), ("--now", "reload"), ("-d", "1", "status"),
				  ("top", "-d", "soon"),
				  ("top", "-d", "0"), ("top", "--json"), ("resize", "echo", "one", "2"),
				  ("resize", "--", "echo", "-1", "2"), ("pause", b"\xff"), ("-s", "", "status"),
				  ("-s", "x" * 200, "status")):
			with self.subTest(arguments=str(arguments)[:60]):
				done = run_preforkctl(*arguments)
				self.expect(done, USAGE, out="")
				self.assertNotEqual(done.stderr, "")

	def test_help_and_version(self):
		done = run_preforkctl("--help")
		self.expect(done, OK)
		self.assertIn("resize SERVICE MIN MAX", done.stdout)
		self.assertEqual(done.stderr, "")
		self.assertRegex(run_preforkctl("-V").stdout, r"^preforkctl \d+\.\d+\.\d+\n$")

	def test_output_that_cannot_be_written(self):
		self.fake({"ok": True, "status": STATUS})
		with open("/dev/full", "wb") as full:
			for arguments in (("status",), ("--json", "status"), ("--help",)):
				with self.subTest(arguments=arguments):
					done = subprocess.run([PREFORKCTL, "-s", self.path("control"), *arguments],
							      stdout=full,
							      stderr=subprocess.PIPE, text=True, check=False)
					self.assertEqual(done.returncode, SYSTEM)
					self.assertIn("cannot write", done.stderr)

	def test_top_needs_a_terminal(self):
		self.failed(self.ctl("top"), USAGE, "status")


class Unreachable(CtlCase):
	def test_no_socket(self):
		self.failed(self.ctl("status"), UNREACHABLE, "no such socket")

	def test_nobody_listens(self):
		with socket.socket(socket.AF_UNIX) as s:
			s.bind(self.path("control"))
		self.failed(self.ctl("reload"), UNREACHABLE, "nobody listens")

	def test_other_kind_of_socket(self):
		with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
			s.bind(self.path("control"))
			self.failed(self.ctl("status"), UNREACHABLE, "wrong type")

	def test_not_permitted_by_the_mode(self):
		less = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")
		self.fake({"ok": True})
		os.chmod(self.path("control"), 0)
		self.failed(self.ctl("status", prefix=less if IS_ROOT else ()), NOT_PERMITTED, "not permitted")

	def test_closed_without_an_answer(self):
		self.fake(None)
		self.failed(self.ctl("status"), UNREACHABLE, "without an answer")

	def test_closed_before_the_request_is_read(self):
		server = Scripted(lambda c: None, family=socket.AF_UNIX, address=self.path("control"))
		self.addCleanup(server.close)
		self.failed(self.ctl("status"), UNREACHABLE, "without an answer")

	def test_silent(self):
		"""Five seconds, and it says which process it was."""
		self.fake(lambda _: time.sleep(PATIENCE))
		begin = time.monotonic()
		done = self.ctl("status")
		self.assertGreaterEqual(time.monotonic() - begin, SILENCE - 0.1)
		self.failed(done, UNREACHABLE, "the daemon (pid %d) does not answer: it has been silent for 5 s"
			    % os.getpid())

	def test_drips(self):
		"""The limit is for the whole answer, not for a byte of it."""
		def serve(c):
			for byte in frame(b" " * 4096):
				c.sendall(bytes([byte]))
				time.sleep(0.1)
		server = Scripted(serve, family=socket.AF_UNIX, address=self.path("control"))
		self.addCleanup(server.close)
		self.failed(self.ctl("status", timeout=SILENCE + PATIENCE), UNREACHABLE,
			    "has not finished its answer within 5 s")

	def test_queue_that_stays_full(self):
		with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as filler:
			full.bind(self.path("control"))
			full.listen(0)
			filler.connect(self.path("control"))
			self.failed(self.ctl("status"), UNREACHABLE, "the daemon does not answer")

	def test_queue_that_was_full(self):
		with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as filler:
			full.bind(self.path("control"))
			full.listen(0)
			filler.connect(self.path("control"))

			def later():
				time.sleep(0.3)
				full.accept()[0].close()
				with full.accept()[0] as c:
					c.recv(1 << 16)
					c.sendall(frame({"ok": True, "workers": []}))
			thread = threading.Thread(target=later, daemon=True)
			thread.start()
			self.expect(self.ctl("--json", "workers"), OK)
			thread.join()


class Protocol(CtlCase):
	def test_wrong(self):
		nested = b"[" * 100000
		for reply, said in (
				(frame({"ok": True}, version=2), "version 2 of the protocol, this one version 1"),
				(frame({"ok": True}, magic=b"HTT"), "not the protocol"),
				(b"HTTP/1.1 400 Bad Request\r\n\r\n", "not the protocol"),
				(frame(b"", length=(64 << 20) + 1), "longer than"),
				(frame(b"", length=64 << 20), "in the middle of its answer"),
				(b"PFD", "in the middle of its answer"),
				(frame(b""), "not JSON"),
				(frame(b"{\"ok\":true"), "not JSON"),
				(frame(b"{\"ok\":true,\"ok\":false}"), "not JSON"),
				(frame(b"{\"ok\":true,\"x\":\"\xff\"}"), "not JSON"),
				(frame(nested), "not JSON"),
				(frame([]), "whether all is well"),
				(frame({"ok": 1}), "whether all is well"),
				(frame({}), "whether all is well"),
				(frame({"ok": True}), "no status"),
				(frame({"ok": True, "status": []}), "no status")):
			with self.subTest(reply=reply[:60]):
				control = self.fake(reply)
				self.failed(self.ctl("status"), UNREACHABLE, said)
				control.close()
				os.unlink(self.path("control"))

	def test_large_reply(self):
		"""A reply of some megabytes is taken, in pieces."""
		workers = [dict(WORKERS[0], pid=n) for n in range(40000)]
		self.fake({"ok": True, "workers": workers})
		done = self.ctl("workers")
		self.expect(done, OK)
		self.assertEqual(done.stdout.count("\n"), 1 + len(workers))

	def test_more_behind_the_reply_is_nothing_to_us(self):
		self.fake(frame({"ok": True, "workers": []}) + b"more")
		self.expect(self.ctl("--json", "workers"), OK)

	def test_request_that_is_too_long(self):
		self.fake({"ok": True, "job": 7})
		self.failed(self.ctl("pause", "x" * 70000), USAGE, "too long")

	def test_says_no(self):
		for exit_status, expected in ((1, 1), (64, 64), (77, 77), (0, 1), (255, 1), ("x", 1), (None, 1)):
			with self.subTest(exit=exit_status):
				control = self.fake({"ok": False, "exit": exit_status, "error": "so it is"})
				for command in (("status",), ("reload",), ("stop",)):
					self.failed(self.ctl(*command), expected, "preforkctl: so it is")
				control.close()
				os.unlink(self.path("control"))

	def test_says_no_before_it_reads(self):
		"""A peer that may not is told so at once; the request is never taken."""
		def serve(c):
			c.sendall(frame({"ok": False, "exit": 77, "error": "only for root"}))
		server = Scripted(serve, family=socket.AF_UNIX, address=self.path("control"))
		self.addCleanup(server.close)
		for _ in range(20):
			self.failed(self.ctl("reload"), NOT_PERMITTED, "only for root")

	@needs_tool("strace")
	def test_says_no_and_is_gone_before_it_is_asked(self):
		server = Scripted(lambda c: c.sendall(frame({"ok": False, "exit": 77, "error": "only for root"})),
				  family=socket.AF_UNIX, address=self.path("control"))
		self.addCleanup(server.close)
		trace = ("strace", "-o", self.path("trace"), "-e", "trace=sendto", "-e", "inject=sendto:error=EPIPE")
		self.failed(self.ctl("reload", prefix=trace, env={"ASAN_OPTIONS": "detect_leaks=0"}), NOT_PERMITTED,
			    "only for root")

	def test_requests(self):
		"""What goes over the wire."""
		control = self.fake(lambda r: {"ok": True, "done": True, "success": True, "text": "done", "job": 7,
					       "status": STATUS, "workers": []})
		for arguments, request in (
				(("status",), {"command": "status"}),
				(("status", "echo"), {"command": "status", "service": "echo"}),
				(("workers", "gr\u00fc\u00df"), {"command": "workers", "service": "gr\u00fc\u00df"}),
				(("pause", "echo"), {"command": "pause", "service": "echo"}),
				(("resize", "echo", "2", "20"),
				 {"command": "resize", "service": "echo", "min": 2, "max": 20}),
				(("restart", "echo"), {"command": "restart", "service": "echo"}),
				(("cancel",), {"command": "cancel"}),
				(("drain",), {"command": "drain"})):
			with self.subTest(arguments=arguments):
				del control.requests[:]
				self.expect(self.ctl(*arguments), OK)
				self.assertEqual(control.requests[0], request)


main()
