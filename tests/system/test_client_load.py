#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""preforkc load: every kind of outcome from real servers, thousands of connections, and what it reports."""

import sys
sys.dont_write_bytecode = True

import json
import os
import pty
import re
import resource
import signal
import socket
import subprocess
import time

from harness import *

OK, LOST, USAGE, OS_ERROR = 0, 1, 64, 71
MANY = 10_000


class LoadCase(Case):
	def serve(self, serve, **options):
		server = Scripted(serve, **options)
		self.addCleanup(server.close)
		return server.text

	def echo(self, **workers):
		endpoint = Endpoint.v4()
		self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "workers": {
			"min": 4, "max": 8, "min_spare": 1, "max_spare": 8, **workers}}})
		return endpoint.text

	def load(self, *arguments, status=OK):
		done = run_preforkc("load", "--json", *arguments)
		self.assertEqual(done.returncode, status, done.stdout.decode() + done.stderr)
		return json.loads(done.stdout)

	def expect_only(self, report, outcome, count):
		wanted = dict.fromkeys(report["outcomes"], 0)
		wanted[outcome] = count
		self.assertEqual(report["outcomes"], wanted)
		self.assertEqual(report["lost"], 0 if outcome == "ok" else count)


class Outcomes(LoadCase):
	def test_ok(self):
		report = self.load("-c", "8", "-n", "500", self.echo())
		self.expect_only(report, "ok", 500)
		self.assertEqual(report["connections"], 500)
		self.assertEqual(report["bytes"], {"out": 32000, "in": 32000})

	def test_reset(self):
		def serve(c):
			c.recv(64)
			reset_at_close(c)
		self.expect_only(self.load("-n", "5", self.serve(serve), status=LOST), "reset", 5)

	def test_cut_in_the_middle(self):
		def serve(c):
			c.sendall(c.recv(64)[:32])
			reset_at_close(c)
		self.expect_only(self.load("-n", "5", self.serve(serve), status=LOST), "cut", 5)

	def test_closes_early(self):
		report = self.load("-n", "5", self.serve(lambda c: c.sendall(c.recv(64)[:32])), status=LOST)
		self.expect_only(report, "short", 5)

	def test_never_answers(self):
		report = self.load("-c", "5", "-n", "5", "--timeout", "200ms",
				   self.serve(lambda c: time.sleep(PATIENCE)), status=LOST)
		self.expect_only(report, "timeout", 5)
		self.assertIsNone(report["latency_ms"])

	def test_wrong(self):
		report = self.load("-n", "5", self.serve(lambda c: c.sendall(c.recv(64)[::-1])), status=LOST)
		self.expect_only(report, "wrong", 5)

	def test_refused(self):
		self.expect_only(self.load("-n", "5", Endpoint.v4().text, status=LOST), "refused", 5)

	def test_unix_queue_full(self):
		with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as filler:
			full.bind(self.path("full"))
			full.listen(0)
			filler.connect(self.path("full"))
			report = self.load("-n", "5", "unix:" + self.path("full"), status=LOST)
			self.expect_only(report, "full", 5)


class Modes(LoadCase):
	def test_keep(self):
		report = self.load("-c", "4", "-n", "1000", "--keep", self.echo())
		self.expect_only(report, "ok", 1000)
		self.assertEqual(report["connections"], 4)

	def test_threads(self):
		report = self.load("-c", "8", "-n", "1001", "--threads", "3", self.echo())
		self.expect_only(report, "ok", 1001)
		self.assertEqual(report["threads"], 3)

	def test_rate(self):
		report = self.load("-c", "8", "-t", "1s", "--rate", "200/s", self.echo())
		self.expect_only(report, "ok", 200)
		self.assertAlmostEqual(report["seconds"], 0.995, delta=0.2 if not SANITIZED else 1)

	def test_rate_counts_from_when_it_should_have_started(self):
		"""A server that takes 50 ms for each serves 20 a second; at 40 the queue grows all the time."""
		def serve(c):
			while data := c.recv(64):
				time.sleep(0.05)
				c.sendall(data)
		report = self.load("-c", "1", "-n", "20", "--keep", "--rate", "40", self.serve(serve))
		self.assertGreater(report["latency_ms"]["max"], 400)
		report = self.load("-c", "1", "-n", "20", "--keep", self.serve(serve))
		self.assertLess(report["latency_ms"]["p50"], 200)

	def test_send(self):
		report = self.load("-n", "3", "--send", r"twelve byte\n", "-r", "echo", self.echo())
		self.expect_only(report, "ok", 3)
		self.assertEqual(report["bytes"]["out"], 36)

	def test_file(self):
		path = self.write("request", "x" * 100_000)
		report = self.load("-n", "3", "--file", path, self.echo())
		self.expect_only(report, "ok", 3)
		self.assertEqual(report["bytes"]["in"], 300_000)

	def test_reply_to_the_end(self):
		endpoint = Endpoint.v4()
		self.daemon({"sum": {"handler": "exec", "listen": endpoint.text, "command": ["/usr/bin/wc", "-c"]}})
		report = self.load("-n", "3", "-s", "1000", "-r", "eof", endpoint.text)
		self.expect_only(report, "ok", 3)
		self.assertEqual(report["bytes"]["in"], 3 * len("1000\n"))

	def test_interrupted(self):
		with subprocess.Popen([PREFORKC, "load", "--json", "--threads", "2", "-c", "4", "-t", "1h",
				       self.echo()],
				      stdout=subprocess.PIPE) as process:
			wait_until(lambda: proc.stat(process.pid).ticks > 10, "it is at work")
			process.send_signal(signal.SIGINT)
			report = json.loads(process.communicate(timeout=PATIENCE)[0])
		self.assertGreater(report["outcomes"]["ok"], 0)
		self.assertEqual(report["lost"], 0)

	def test_usage(self):
		for arguments in (("-s", "1", "--send", "x"), ("--send", "\\q"), ("--rate", "fast"),
				  ("--rate", "0"), ("--threads", "2"), ("--hold", "--rate", "1"),
				  ("--file", "/nonexistent"), ("--hold", "--keep")):
			with self.subTest(arguments=arguments):
				done = run_preforkc("load", *arguments, "127.0.0.1:1")
				self.assertEqual(done.returncode, USAGE, done.stderr)
		self.assertEqual(run_preforkc("load", "udp:127.0.0.1:1").returncode, USAGE)


class Many(LoadCase):
	def test_held_connections(self):
		"""One listener that accepts them all; our own limit of files is the soft one until it is raised."""
		soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
		if not lift_fd_limit(MANY + 100):
			self.skipTest("the limit of open files is %d" % hard)
		server = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE)
		self.addCleanup(lambda: (server.kill(), server.wait(), server.stdout.close()))
		resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
		port = int(server.stdout.readline())
		low = ["prlimit", "--nofile=256:%d" % hard]
		done = run_preforkc("load", "--json", "-c", str(MANY), "--hold", "--sources", "16", "-s", "1",
				    "127.0.0.1:%d" % port, prefix=low)
		self.assertEqual(done.returncode, OK, done.stderr)
		self.expect_only(json.loads(done.stdout), "ok", MANY)

	def test_limit_of_files_is_named(self):
		prefix = ["prlimit", "--nofile=64:64"]
		if IS_ROOT:	# who may raise the hard limit does so
			prefix += ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]
		done = run_preforkc("load", "-c", "100", "127.0.0.1:1", prefix=prefix)
		self.assertEqual(done.returncode, OS_ERROR, done.stderr)
		self.assertIn("limit of open files (RLIMIT_NOFILE) is 64", done.stderr)

	def test_ports_that_run_out_are_named(self):
		reason = no_namespaces()
		if reason:
			self.skipTest(reason)
		self.addCleanup(fresh_network)	# the tests that follow get their ports back
		done = self.hold_60_with_50_ports()
		self.assertEqual(done.returncode, OS_ERROR, done.stderr)
		self.assertIn("50000 to 50049", done.stderr)
		self.assertIn("--sources", done.stderr)
		done = self.hold_60_with_50_ports("--sources", "2")
		self.assertEqual(done.returncode, OK, done.stderr)

	def hold_60_with_50_ports(self, *arguments):
		fresh_network()
		with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as f:
			f.write("50000 50049")
		text = self.serve(lambda c: [c.sendall(c.recv(64)), c.recv(1)], address=("127.0.0.1", 40000))
		return run_preforkc("load", "-c", "60", "--hold", *arguments, text)



HOLDER = """
import selectors, socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(4096)
print(s.getsockname()[1], flush=True)
wait = selectors.DefaultSelector()
wait.register(s, selectors.EVENT_READ)
while True:
	for key, _ in wait.select():
		if key.fileobj is s:
			c = s.accept()[0]
			c.setblocking(False)
			wait.register(c, selectors.EVENT_READ)
			continue
		data = key.fileobj.recv(64)
		if data:
			key.fileobj.send(data)
		else:
			wait.unregister(key.fileobj)
			key.fileobj.close()
"""


class Report(LoadCase):
	def test_text(self):
		done = run_preforkc("load", "-n", "200", "--histogram", self.echo())
		text = done.stdout.decode()
		self.assertRegex(text, r"exchanges    200 ok, 0 lost in [\d.]+ s: [\d.]+/s\n")
		self.assertRegex(text, r"p50 [\d.]+  p90 [\d.]+  p99 [\d.]+  p99\.9 [\d.]+  max [\d.]+\n")
		bars = re.findall(r"^ +\S+ +(\d+) +[\d.]+% #*$", text, re.M)
		self.assertEqual(sum(map(int, bars)), 200)
		self.assertEqual(done.stderr, "")	# no terminal, no progress

	def test_progress_on_a_terminal(self):
		master, slave = pty.openpty()
		self.addCleanup(os.close, master)
		with subprocess.Popen([PREFORKC, "load", "-c", "2", "-t", "2500ms", "--rate", "100", self.echo()],
				      stdout=subprocess.DEVNULL, stderr=slave) as process:
			os.close(slave)
			self.assertEqual(process.wait(PATIENCE), OK)
		seen = os.read(master, 65536).decode()
		self.assertRegex(seen, r"\r\033\[K1 s: \d+ ok, 0 lost, \d+/s\r\033\[K2 s: \d+ ok")
		self.assertTrue(seen.endswith("\r\033[K"), repr(seen))


main()
