#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tests' own tools: a failure must be seen, and a prepared process must be what was asked for."""

import sys
sys.dont_write_bytecode = True

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import unittest

from harness import *

NO_MOUNTS = no_mounts()
HERE = os.path.dirname(os.path.abspath(__file__))
LAUNCH = os.path.join(HERE, "harness", "launch.py")

SAMPLE = '''
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, %r)
import time, unittest
from harness import *
from harness import tap

class A(Case):
	def test_good(self):
		pass
	def test_bad(self):
		self.assertEqual(1, 2, "numbers\\nshould agree")
	def test_error(self):
		raise OSError("gone")
	def test_sub(self):
		for i in range(3):
			with self.subTest(i):
				self.assertNotEqual(i, 1)
	@unittest.skip("not today")
	def test_skipped(self):
		pass
	def test_skips_itself(self):
		self.skipTest("not here")
	def test_clean_up_that_fails(self):
		self.addCleanup(self.fail, "late")
	def test_yields(self):
		yield self.fail("never comes here")
	@unittest.skip("")
	def test_left_out_without_a_word(self):
		pass
	def test_slow(self):
		tap.TEST_LIMIT = 1
		self.setUp()
		time.sleep(20)
main()
'''


class Tap(Case):
	def setUp(self):
		super().setUp()
		self.sample = self.write("sample.py", SAMPLE % HERE)

	def run_sample(self, *names):
		done = subprocess.run([sys.executable, self.sample, *names], stdout=subprocess.PIPE, text=True,
				      check=False, timeout=PATIENCE)
		return done.returncode, done.stdout.splitlines()

	def test_every_outcome(self):
		status, lines = self.run_sample()
		self.assertEqual(status, 1)
		self.assertEqual(lines[0], "1..10")
		self.assertEqual([x for x in lines[1:] if not x.startswith("#")], [
			"ok 1 - A.test_good", "not ok 2 - A.test_bad", "not ok 3 - A.test_error",
			"not ok 4 - A.test_sub", "ok 5 - A.test_skipped # SKIP not today",
			"ok 6 - A.test_skips_itself # SKIP not here", "not ok 7 - A.test_clean_up_that_fails",
			"not ok 8 - A.test_yields", "not ok 9 - A.test_left_out_without_a_word",
			"not ok 10 - A.test_slow"])
		comments = "\n".join(x for x in lines if x.startswith("#"))
		for text in ("1 != 2", "should agree", "gone", "late", "it has not run", "says why", "more than 1 s"):
			self.assertIn(text, comments)

	def test_choice_and_success(self):
		status, lines = self.run_sample("good", "A.test_skipped")
		self.assertEqual(status, 0)
		self.assertEqual(lines, ["1..2", "ok 1 - A.test_good", "ok 2 - A.test_skipped # SKIP not today"])

	def test_no_program(self):
		env = {**os.environ, "PREFORKD": "/nonexistent/preforkd"}
		done = subprocess.run([sys.executable, self.sample, "good"], stdout=subprocess.PIPE, text=True,
				      check=False, timeout=PATIENCE, env=env)
		self.assertEqual(done.returncode, 1)
		self.assertIn("Bail out!", done.stdout)


class Launch(Case):
	def launch(self, how, script, **options):
		return self.command(how, ["/bin/sh", "-c", script], **options)

	def command(self, how, command, **options):
		return subprocess.run([sys.executable, "-I", "-S", LAUNCH, json.dumps(how), *command],
				      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True,
				      timeout=PATIENCE, **options).stdout

	def test_descriptors(self):
		names = [self.write(x, x) for x in "abc"]
		files = [open(name, encoding="ascii") for name in names]
		out = self.launch({"fds": [f.fileno() for f in reversed(files)]},
				  "cat <&3; cat <&4; cat <&5; echo; ls /proc/self/fd | wc -l; echo $$ $LISTEN_PID "
				  "$LISTEN_FDS",
				  pass_fds=[f.fileno() for f in files])
		for f in files:
			f.close()
		first, count, last = out.splitlines()
		self.assertEqual(first, "cba")
		self.assertEqual(int(count), 7, "0 to 5, and the folder that ls reads")
		pid, listen_pid, listen_fds = last.split()
		self.assertEqual((pid, "3"), (listen_pid, listen_fds))

	def signals(self, how):
		rows = dict(x.split(":\t") for x in
			    self.command(how, ["/bin/grep", "^Sig", "/proc/self/status"]).splitlines())
		# 32 and 33 are the C library's own, and stay as whoever started us had them
		others = ~(1 << 31 | 1 << 32)
		return int(rows["SigBlk"], 16) & others, int(rows["SigIgn"], 16) & others

	def test_signals(self):
		self.assertEqual(self.signals({}), (0, 0))
		self.assertEqual(self.signals({"block": [signal.SIGUSR2], "ignore": [signal.SIGPIPE]}),
				 (1 << (signal.SIGUSR2 - 1), 1 << (signal.SIGPIPE - 1)))

	def test_no_ipv6(self):
		python = "exec %s -c 'import socket; socket.socket(socket.AF_INET); socket.socket(socket.AF_INET6)'"
		with self.assertRaises(subprocess.CalledProcessError) as caught:
			self.launch({"no_ipv6": True}, python % sys.executable)
		self.assertIn("Address family not supported", caught.exception.stderr)

	@needs_root()
	def test_other_user(self):
		self.assertEqual(self.launch({"uid": 61234}, "id -u; id -g; id -G").split(), ["61234"] * 3)

	@unittest.skipIf(NO_MOUNTS, NO_MOUNTS)
	def test_mounts(self):
		a, b = self.folder("a"), self.folder("b")
		self.write("a/inside", "x")
		self.assertEqual(self.launch({"mounts": [[a, b]]}, "ls %s" % b).split(), ["inside"])
		self.assertEqual(os.listdir(b), [])

	def test_dies_with_its_parent(self):
		parent = "import subprocess, sys, time\n" \
			"subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)\ntime.sleep(100)\n"
		with subprocess.Popen([sys.executable, "-c", parent, sys.executable, "-I", "-S", LAUNCH, "{}",
				       "/bin/sh", "-c", "echo $$; sleep 100 & wait"], stdout=subprocess.PIPE) as p:
			child = int(p.stdout.readline())
			self.assertTrue(proc.alive(child))
			p.kill()
			wait_until(lambda: not proc.alive(child), "it died too")
			for s in proc.everything():	# the sleep, which came to us
				if s.ppid == os.getpid() and s.name == "sleep":
					os.kill(s.pid, signal.SIGKILL)


class Helpers(Case):
	def test_wait_until(self):
		values = iter([0, None, "", 7])
		self.assertEqual(wait_until(lambda: next(values), "seven"), 7)
		with self.assertRaisesRegex(AssertionError, "pigs fly.*False"):
			wait_until(lambda: False, "pigs fly", 0.1)

	def test_libconfig(self):
		text = libconfig({"a": True, "n": 5, "big": 2**40, "s": 'x"\\', "l": ["p", "q"], "g": {"k": {"m": 1}}})
		self.assertEqual(text, 'a = true;\nn = 5;\nbig = 1099511627776L;\ns = "x\\"\\\\";\n'
				 'l = [ "p", "q" ];\ng = {\n\tk = {\n\t\tm = 1;\n\t};\n};\n')

	def control_path(self, config, folder=None, **options):
		"""Where a daemon that is made of this has its control socket."""
		d = Daemon(folder or self.folder("c%d" % len(os.listdir(self.tmp))), config, notify=False,
			   **options)
		done = run_preforkd("-T", "-c", d.config_file, *d.arguments[2:])
		self.assertEqual(done.returncode, 0, done.stderr)
		return d, re.search(r'control: {\s+path = "(.*)";', done.stdout).group(1)

	def test_control_socket_in_the_daemons_folder(self):
		services = {"a": {"handler": "echo", "listen": "127.0.0.1:7"}}
		raw = Config(services).text()
		for config in (Config(services), raw):
			d, path = self.control_path(config)
			self.assertEqual((path, d.control), (os.path.join(d.folder, "control"),) * 2)
			d, path = self.control_path(config, folder=self.folder("x" * (110 - len(d.folder))))
			self.assertEqual((path, d.control), ("", ""))
			shutil.rmtree(d.folder)
		own = {"path": "/run/x"}
		self.assertEqual(self.control_path(Config(services, control=own))[1], "/run/x")
		self.assertEqual(self.control_path(raw + 'control: { path = "/run/x"; };')[1], "/run/x")
		self.assertEqual(self.control_path(raw, arguments=("-l", "stderr", "-o", "control.path=/x"))[1],
				 "/x")

	def test_ports_are_not_given_twice(self):
		ports = [Endpoint.v4().port for _ in range(200)]
		self.assertEqual(len(set(ports)), 200)
		self.assertTrue(Endpoint.v4(port=ports[0]).refuses())

	def test_talk(self):
		"""Against a server that echoes, and one that cuts."""
		endpoint = Endpoint.v4()
		with socket.socket() as listener:
			listener.bind(endpoint.address)
			listener.listen()
			server = os.fork()
			if server == 0:
				try:
					with listener.accept()[0] as s:
						while part := s.recv(65536):
							s.sendall(part)
					with listener.accept()[0] as s:
						s.recv(2)
				finally:
					os._exit(0)
			data = payload("talk", 1_000_000)
			self.assertTrue(talk(endpoint, data) == data)
			with self.assertRaises((AssertionError, ConnectionError)):
				with endpoint.connect() as s:
					s.sendall(b"four")
					recv_exact(s, 4)
			os.waitpid(server, 0)

	def test_processes(self):
		with subprocess.Popen(["/bin/sh", "-c", "setsid sleep 100 & exec sleep 100"]) as p:
			wait_until(lambda: [proc.stat(x).name for x in proc.tree(p.pid)] == ["sleep"] * 2, "both")
			child, = proc.children(p.pid)
			self.assertEqual(proc.title(child), "sleep 100")
			self.assertLess(proc.cpu_share([p.pid], 0.2), 0.05)
			self.assertEqual(proc.tree(p.pid), sorted([p.pid, child]))
			p.kill()
			wait_until(lambda: child in proc.orphans(), "it has lost its parent, and comes to us")
			self.assertNotIn(child, proc.orphans([child]))
			os.kill(child, signal.SIGKILL)
			wait_until(lambda: not proc.tree(p.pid, child), "none")

	def test_cpu_share_sees_a_busy_process(self):
		with subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) as p:
			try:
				self.assertGreater(proc.cpu_share([p.pid], 1), 0.1)
			finally:
				p.kill()

	def test_notify(self):
		notify = NotifySocket(self.path("n"))
		with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
			s.sendto(b"READY=1\nSTATUS=fine", self.path("n"))
		self.assertEqual(notify.wait("STATUS=")[1:], (os.getpid(), ["READY=1", "STATUS=fine"]))
		self.assertIsNone(notify.wait("STOPPING", timeout=0.1))
		notify.close()


main()
