#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""preforkctl beside scripted daemons: what it says, its exit status, and that nothing makes it hang or crash."""

import sys
sys.dont_write_bytecode = True

import copy
import fcntl
import json
import os
import pty
import select
import socket
import struct
import subprocess
import termios
import threading
import time
import unittest

from harness import *

OK, FAILED, USAGE, UNREACHABLE, SYSTEM, NOT_PERMITTED = 0, 1, 64, 69, 71, 77
SILENCE = 5	# seconds that it waits for an answer

ECHO = {
	"name": "echo", "handler": "echo", "state": "serving",
	"workers": {"idle": 2, "busy": 1, "starting": 0, "retiring": 0, "min": 2, "max": 64},
	"listeners": [{"address": "127.0.0.1:7", "queue": 0, "backlog": 4096, "backlog_asked": 4096, "drops": 0}],
	"connections": {"accepted": 10, "active": 1, "refused": {"draining": 0}},
	"requests": 10, "bytes": {"in": 1, "out": 2}, "crashes": 0, "rate": 1.5,
}
STATUS = {
	"version": "0.1.0", "pid": 4711, "state": "serving", "generation": 3, "uptime": 12345.6,
	"last_reload": None, "log_lost": 0, "services": [ECHO],
}
WORKERS = [
	{"service": "echo", "pid": 12, "state": "busy", "peer": "192.0.2.7:4711", "listener": "127.0.0.1:7",
	 "age": 200.0, "since": 1.0, "requests": 10, "bytes": {"in": 1, "out": 2048}, "generation": 3},
	{"service": "echo", "pid": 13, "state": "idle", "peer": None, "listener": "127.0.0.1:7",
	 "age": 200.0, "since": 90.0, "requests": 0, "bytes": {"in": 0, "out": 0}, "generation": 3},
]


def changed(**members):
	"""The status with other members."""
	status = copy.deepcopy(STATUS)
	status.update(members)
	return status


class CtlCase(Case):
	def fake(self, answer, **options):
		"""A daemon that answers so, or always with this."""
		control = ScriptedControl(self.path("control"), answer if callable(answer) else lambda _: answer,
					  **options)
		self.addCleanup(control.close)
		return control

	def ctl(self, *arguments, **options):
		return run_preforkctl("-s", self.path("control"), *arguments, **options)

	def expect(self, done, status, out=None, err=None):
		self.assertEqual(done.returncode, status, done.stdout + done.stderr)
		if out is not None:
			self.assertEqual(done.stdout, out)
		if err is not None:
			self.assertIn(err, done.stderr)

	def failed(self, done, status, err):
		"""Says why on one line, and nothing else."""
		self.expect(done, status, out="", err=err)
		self.assertTrue(done.stderr.startswith("preforkctl: "), done.stderr)
		self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


class CommandLine(CtlCase):
	def test_usage(self):
		for arguments in ((), ("nonsense",), ("-x",), ("status", "a", "b"), ("pause",), ("restart",), ("cancel", "echo"),
				  ("resize", "echo", "1"), ("reload", "x"), ("--now", "reload"), ("-d", "1", "status"), ("top", "-d", "soon"),
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
					done = subprocess.run([PREFORKCTL, "-s", self.path("control"), *arguments], stdout=full,
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
				(("resize", "echo", "2", "20"), {"command": "resize", "service": "echo", "min": 2, "max": 20}),
				(("restart", "echo"), {"command": "restart", "service": "echo"}),
				(("cancel",), {"command": "cancel"}),
				(("drain",), {"command": "drain"})):
			with self.subTest(arguments=arguments):
				del control.requests[:]
				self.expect(self.ctl(*arguments), OK)
				self.assertEqual(control.requests[0], request)


class Status(CtlCase):
	def test_table(self):
		self.fake({"ok": True, "status": STATUS})
		self.expect(self.ctl("status"), OK, out=(
			"preforkd 0.1.0 is serving, pid 4711, up 3 h 25 min, generation 3\n"
			"SERVICE  HANDLER  STATE    IDLE  BUSY  MAX   QUEUE   RATE  ACCEPTED  REFUSED  DROPS  CRASH\n"
			"echo     echo     serving     2     1   64  0/4096  1.5/s        10        0      0      0\n"))

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
		"""What a terminal would obey does not reach it."""
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
			"SERVICE  HANDLER  STATE  IDLE  BUSY  MAX  QUEUE  RATE  ACCEPTED  REFUSED  DROPS  CRASH\n"
			"-        -        -         -     -    -    -/-     -         -        -      -      -\n"
			"-        -        -         -     -    -    -/-     -         -        -      -      -\n"))

	def test_workers(self):
		self.fake({"ok": True, "workers": WORKERS})
		self.expect(self.ctl("workers"), OK, out=(
			"SERVICE  PID  STATE    FOR    AGE  REQUESTS  IN    OUT  GEN  LISTENER     PEER\n"
			"echo      12  busy      1s  3m20s        10   1  2.00k    3  127.0.0.1:7  192.0.2.7:4711\n"
			"echo      13  idle   1m30s  3m20s         0   0      0    3  127.0.0.1:7  -\n"))
		done = self.ctl("workers", "echo", "--json")
		self.assertEqual(json.loads(done.stdout), {"workers": WORKERS})


def job(*replies):
	"""Answers a command with job 7, and questions for it with REPLIES, the last one again and again."""
	left = list(replies)

	def answer(request):
		if request["command"] != "job":
			return {"ok": True, "job": 7}
		assert request["job"] == 7, request
		reply = left.pop(0) if len(left) > 1 else left[0]
		return reply if reply is None or isinstance(reply, bytes) else dict({"ok": True}, **reply)
	return answer


def done(success, text, *reasons):
	return {"done": True, "success": success, "text": text, "reasons": list(reasons)}


class Jobs(CtlCase):
	def test_done(self):
		for command in self.ORDERS:
			with self.subTest(command=command):
				control = self.fake(job({"done": False, "text": "proving"}, done(True, "all is new", "f:1: odd")))
				result = self.ctl(*command)
				self.expect(result, OK, out="all is new\n")
				self.assertEqual(result.stderr, "f:1: odd\n")
				self.assertEqual(control.commands(), [command[0], "job", "job"])
				control.close()
				os.unlink(self.path("control"))

	def test_progress_on_a_terminal(self):
		"""One line, that changes and goes away."""
		self.fake(job({"done": False, "text": "one"}, {"done": False, "text": "one"},
			      {"done": False, "text": "two \x1b[2J" + "x" * 200}, done(True, "all is new")))
		clear = "\r\x1b[K"
		expected = clear + "one" + clear + "two \\x1b[2J" + "x" * 8 + clear
		master, slave = pty.openpty()
		try:
			fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 20, 0, 0))
			result = subprocess.run([PREFORKCTL, "-s", self.path("control"), "reload"], stderr=slave,
						stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
			shown = ""
			while len(shown) < len(expected):	# a terminal hands on what was written bit by bit
				self.assertTrue(select.select([master], [], [], PATIENCE)[0], repr(shown))
				shown += os.read(master, 65536).decode()
		finally:
			os.close(master)
			os.close(slave)
		self.assertEqual((result.returncode, result.stdout), (OK, "all is new\n"))
		self.assertEqual(shown, expected)

	def test_failed(self):
		self.fake(job(done(False, "the configuration is wrong", "a.conf:1: no", "b.conf:2: \x1bno")))
		result = self.ctl("reload")
		self.expect(result, FAILED, out="")
		self.assertEqual(result.stderr, "preforkctl: the configuration is wrong\na.conf:1: no\nb.conf:2: \\x1bno\n")

	def test_json(self):
		for success in (True, False):
			with self.subTest(success=success):
				final = done(success, "text", "reason")
				control = self.fake(job({"done": False, "text": "x"}, final))
				result = self.ctl("reload", "--json")
				self.expect(result, OK if success else FAILED)
				self.assertEqual(json.loads(result.stdout), final)
				self.assertEqual(result.stderr, "")
				control.close()
				os.unlink(self.path("control"))

	def test_no_storm_of_questions(self):
		"""A daemon that answers at once is not asked again at once."""
		control = self.fake(job(*[{"done": False, "text": "x"}] * 6, done(True, "done")))
		begin = time.monotonic()
		self.expect(self.ctl("reload"), OK)
		self.assertGreaterEqual(time.monotonic() - begin, 0.5)
		self.assertEqual(len(control.requests), 8)

	def test_malformed(self):
		for reply in ({}, {"done": None}, {"done": "yes"}, done(None, None), done("true", 1),
			      {"done": True, "success": True, "text": 5, "reasons": "x"},
			      {"done": True, "success": True, "reasons": [1, None, "odd"]}):
			with self.subTest(reply=reply):
				control = self.fake(job(reply))
				result = self.ctl("reload")
				if reply.get("done") is not True:
					self.failed(result, UNREACHABLE, "whether the job is done")
				else:
					self.assertEqual(result.returncode, OK if reply["success"] is True else FAILED)
				control.close()
				os.unlink(self.path("control"))

	def test_no_number(self):
		self.fake({"ok": True, "job": "7"})
		self.failed(self.ctl("reload"), UNREACHABLE, "no number of a job")

	def test_unknown_job(self):
		self.fake(job({"ok": False, "exit": 1, "error": "there is no job 7"}))
		self.failed(self.ctl("reload"), FAILED, "there is no job 7")

	ORDERS = (("reload",), ("restart", "echo"), ("upgrade",), ("cancel",), ("pause", "echo"), ("resume", "echo"),
		  ("drain",), ("undrain",), ("resize", "echo", "1", "2"))

	def test_closed_in_between(self):
		"""The exec of an upgrade closes connections, and anybody may have ordered the upgrade."""
		for command in self.ORDERS:
			with self.subTest(command=command):
				control = self.fake(job(None, None, b"PFD", done(True, "done")))
				self.expect(self.ctl(*command), OK, out="done\n")
				self.assertEqual(control.commands(), [command[0]] + ["job"] * 4)
				control.close()
				os.unlink(self.path("control"))

	def test_refused_in_between(self):
		"""The daemon goes with its socket and is there again a second later."""
		for unlinked in (False, True):
			with self.subTest(unlinked=unlinked):
				gone = threading.Event()

				def go(request):
					if request["command"] != "job":
						return {"ok": True, "job": 7}
					control.close()
					if unlinked:
						os.unlink(self.path("control"))
					gone.set()
					return None
				control = self.fake(go)

				def come_back():
					gone.wait(PATIENCE)
					time.sleep(1)
					if not unlinked:
						os.unlink(self.path("control"))
					self.fake(job({"done": False, "text": "x"}, done(True, "all is new")))
				thread = threading.Thread(target=come_back, daemon=True)
				thread.start()
				self.expect(self.ctl("drain"), OK, out="all is new\n")
				thread.join()
				os.unlink(self.path("control"))

	def test_away_for_too_long(self):
		self.fake(job(None))
		begin = time.monotonic()
		self.failed(self.ctl("pause", "echo"), UNREACHABLE, "without an answer")
		self.assertGreaterEqual(time.monotonic() - begin, 4.9)

	def test_never_comes_back(self):
		def go(request):
			if request["command"] == "job":
				control.close()
				return None
			return {"ok": True, "job": 7}
		control = self.fake(go)
		begin = time.monotonic()
		self.failed(self.ctl("drain"), UNREACHABLE, "nobody listens")
		self.assertGreaterEqual(time.monotonic() - begin, 4.9)

	def test_no_second_order(self):
		"""Without a number nobody knows whether the order was taken: it is not given again."""
		control = self.fake(None)
		self.failed(self.ctl("drain"), UNREACHABLE, "without an answer")
		self.assertEqual(control.commands(), ["drain"])

	def test_another_daemon_in_its_place(self):
		"""Its job 7 is another one."""
		other = ForkedControl(self.path("other"), lambda _: dict({"ok": True}, **done(True, "not yours")))
		self.addCleanup(other.close)

		def go(request):
			if request["command"] != "job":
				return {"ok": True, "job": 7}
			os.rename(self.path("other"), self.path("control"))
			return None
		self.fake(go)
		self.failed(self.ctl("drain"), UNREACHABLE, "the daemon (pid %d) has ended, and another one" % os.getpid())

	def test_silent_in_between(self):
		answer = job(done(True, "late"))

		def slow(request):
			if request["command"] == "job":
				time.sleep(PATIENCE)
			return answer(request)
		self.fake(slow)
		self.failed(self.ctl("upgrade"), UNREACHABLE, "has been silent for 5 s")


class Stop(CtlCase):
	"""The daemon is a process, and its end is what is waited for."""

	def stopping(self, looks, end=lambda: os._exit(0)):
		"""Stops when it was asked LOOKS times how it goes."""
		state = {"looks": -1}

		def answer(request):
			if request["command"] == "stop":
				state["now"] = request.get("now")
				state["looks"] = 0
				return {"ok": True}
			state["looks"] += 1
			if state["looks"] > looks or state["now"]:
				end()
			left = looks - state["looks"]
			service = dict(ECHO, connections={"active": left},
				       listeners=[dict(ECHO["listeners"][0], queue=left * 4)])
			return {"ok": True, "status": changed(state="stopping", services=[service])}
		control = ForkedControl(self.path("control"), answer)
		self.addCleanup(control.close)
		return control

	PROGRESS = ("waiting for 2 clients, 8 queued\nwaiting for 1 client, 4 queued\n"
		    "waiting for the processes to end\n")

	def test_waits_and_reports(self):
		self.stopping(3)
		result = self.ctl("stop")
		self.expect(result, OK, out=self.PROGRESS)
		self.assertEqual(result.stderr, "")

	def test_now(self):
		self.stopping(1000)
		self.expect(self.ctl("stop", "--now"), OK, out="")

	def test_json(self):
		self.stopping(1)
		self.assertEqual(json.loads(self.ctl("--json", "stop").stdout), {})

	def test_end_during_a_question(self):
		"""It ends while it owes an answer, and somebody else holds the connection: seen at once."""
		def end():
			if os.fork() == 0:
				time.sleep(SILENCE + 1)
				os._exit(0)
			time.sleep(0.3)
			os._exit(0)
		self.stopping(0, end)
		begin = time.monotonic()
		self.expect(self.ctl("stop"), OK)
		self.assertLess(time.monotonic() - begin, 4)

	def test_ends_without_an_answer(self):
		control = ForkedControl(self.path("control"), lambda _: os._exit(0))
		self.addCleanup(control.close)
		self.expect(self.ctl("stop"), OK, out="")

	def test_closes_and_lives_on(self):
		control = ForkedControl(self.path("control"), lambda _: None)
		self.addCleanup(control.close)
		self.failed(self.ctl("stop"), UNREACHABLE, "without an answer")

	def test_says_nothing_more(self):
		"""No progress to be had; the end still counts."""
		def answer(request):
			if request["command"] != "stop":
				os.unlink(self.path("control"))
				time.sleep(0.8)
				os._exit(0)
			return {"ok": True}
		control = ForkedControl(self.path("control"), answer)
		self.addCleanup(control.close)
		self.expect(self.ctl("stop"), OK, out="")

	@needs_tool("strace")
	def test_without_pidfds(self):
		control = self.stopping(3)
		threading.Thread(target=os.waitpid, args=(control.pid, 0), daemon=True).start()
		control.pid = 0
		trace = ("strace", "-o", self.path("trace"), "-e", "trace=pidfd_open,kill", "-e",
			 "inject=pidfd_open:error=ENOSYS")
		self.expect(self.ctl("stop", prefix=trace, env={"ASAN_OPTIONS": "detect_leaks=0"}), OK, out=self.PROGRESS)
		with open(self.path("trace"), encoding="utf-8") as f:
			self.assertRegex(f.read(), r"kill\(\d+, 0\) += -1 ESRCH")

	@needs_root()
	@unittest.skipIf(no_namespaces(), no_namespaces())
	def test_process_of_another_namespace(self):
		"""Its pid says nothing there: until nobody accepts any more."""
		self.stopping(3)
		self.expect(self.ctl("stop", prefix=("unshare", "--pid", "--fork")), OK, out=self.PROGRESS)


main()
