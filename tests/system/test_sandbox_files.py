#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lists of files and ports that a service may use (Landlock)."""

import sys
sys.dont_write_bytecode = True

import os
import socket

from harness import *
from harness.listen_case import PYTHON

NONE = {"refuse": {"landlock_create_ruleset": None}}	# as on a kernel without Landlock
SYSTEM = [path for path in ("/usr", "/lib", "/lib64", "/etc", "/proc") if os.path.exists(path)]
CODE = [path for path in ("/usr", "/lib", "/lib64") if os.path.exists(path)]
DENIED, GOOD = "Permission denied", "good"

# Reads orders from its client, one a line, and answers each with "good" or the reason.
PROGRAM = """
import os, socket, subprocess, sys
def truncate(path): os.truncate(path, 0)
def read(path): open(path).read()
def write(path): open(path, "w").write("x")
def rename(pair): os.rename(*pair.split(","))
def run(path): subprocess.run([path], check=True)
def connect(port): socket.create_connection(("127.0.0.1", int(port))).close()
def bind(port):
	with socket.socket() as s:
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("127.0.0.1", int(port)))
def kill(pid): os.kill(int(pid) or os.getppid(), 0)
def obey(line):
	verb, what = line.split(" ", 1)
	try:
		globals()[verb](what)
		return "good"
	except OSError as e:
		return e.strerror
"""
ONE_CLIENT = PROGRAM + """
for line in sys.stdin:
	print(obey(line.rstrip()), flush=True)
"""
ACCEPTS = PROGRAM + """
listener = socket.socket(fileno=3)
while True:
	connection, _ = listener.accept()
	with connection, connection.makefile("rw") as f:
		for line in f:
			print(obey(line.rstrip()), file=f, flush=True)
"""


class ListsCase(Case):
	"""A program that tries what it is told to, as an ordinary user; INSIDE is what its lists allow."""

	def setUp(self):
		super().setUp()
		self.inside, self.outside = (self.folder(name, for_workers=True) for name in ("inside", "outside"))
		for folder in (self.inside, self.outside):
			for name in ("a", "b"):
				path = os.path.join(folder, name)
				with open(path, "w", encoding="ascii") as f:
					f.write("#!/bin/sh\n")
				os.chmod(path, 0o777)

	def service(self, handler, **sandbox):
		self.endpoint = Endpoint.v4()
		code = self.write("program.py", ACCEPTS if handler == "listen" else ONE_CLIENT)
		more = {"timeouts": {"start": "100ms"}} if handler == "listen" else {}
		return {"handler": handler, "listen": self.endpoint.text, "workers": {"min": 1, "max": 1},
			"command": [PYTHON, "-I", "-S", code], "sandbox": sandbox, **more}

	def start(self, handler, how=None, **sandbox):
		d = self.daemon({"x": self.service(handler, **sandbox)}, how=how or {})
		self.client = self.endpoint.connect()
		self.addCleanup(self.client.close)
		self.stream = self.client.makefile("rw")
		self.addCleanup(self.stream.close)
		return d

	def tell(self, order, *what):
		print(order, ",".join(str(item) for item in what), file=self.stream, flush=True)
		return self.stream.readline().strip()

	def expect(self, answer, order, *what):
		self.assertEqual(self.tell(order, *what), answer, (order, what))

	def within(self, name="a"):
		return os.path.join(self.inside, name)

	def beyond(self, name="a"):
		return os.path.join(self.outside, name)


class Files(ListsCase):
	def each(self, **sandbox):
		for handler in ("exec", "listen"):
			with self.subTest(handler):
				yield self.start(handler, **sandbox)

	def test_read(self):
		for _ in self.each(read=[*SYSTEM, self.tmp + "/program.py", self.inside]):
			self.expect(GOOD, "read", self.within())
			self.expect(DENIED, "read", self.beyond())
			self.expect(GOOD, "write", self.beyond("new"))	# this right is not limited
			self.expect(GOOD, "rename", self.beyond("new"), self.beyond("newer"))
			self.expect(GOOD, "run", "/bin/true")
			self.expect(GOOD, "read", "/dev/null")

	def test_write(self):
		for _ in self.each(write=[self.inside]):
			self.expect(GOOD, "write", self.within())
			self.expect(GOOD, "write", self.within("new"))
			self.expect(GOOD, "rename", self.within("new"), self.within("newer"))
			self.expect(GOOD, "write", "/dev/null")
			self.expect(DENIED, "write", self.beyond())
			self.expect(DENIED, "write", self.beyond("new"))
			self.expect(DENIED, "truncate", self.beyond())
			self.expect(DENIED, "rename", self.beyond("a"), self.beyond("c"))
			self.expect(GOOD, "read", self.beyond("a"))

	def test_execute(self):
		for _ in self.each(execute=[*CODE, self.inside]):
			self.expect(GOOD, "run", "/bin/true")
			self.expect(GOOD, "run", self.within())
			self.expect(DENIED, "run", self.beyond())
			self.expect(GOOD, "read", self.beyond())
			self.expect(GOOD, "write", self.beyond())

	def test_a_file_stands_for_itself(self):
		self.start("exec", write=[self.within("a")])
		self.expect(GOOD, "write", self.within("a"))
		self.expect(DENIED, "write", self.within("b"))

	@needs_root()
	def test_limits_root_too(self):
		endpoint = Endpoint.v4()
		self.daemon({"x": {"handler": "exec", "listen": endpoint.text, "user": "root", "sandbox":
				   {"read": [path for path in SYSTEM if path != "/etc"]},
				   "command": ["/bin/sh", "-c", "cat /etc/shadow; echo end"]}})
		self.assertEqual(talk(endpoint), b"end\n")

	def test_programs_cannot_send_signals_out(self):
		"""Neither to their worker, which may have the same user."""
		for _ in self.each(write=[]):
			self.expect("Operation not permitted", "kill", 0)

	def test_worker_ends_what_is_left_behind(self):
		"""It is outside the limits of its program, and sees it in /proc."""
		endpoint = Endpoint.v4()
		self.daemon({"x": {"handler": "exec", "listen": endpoint.text, "sandbox": {"read": SYSTEM},
				   "command": ["/bin/sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & echo $!"]}})
		pid = int(talk(endpoint))
		wait_until(lambda: not proc.alive(pid), "it is ended")


class Ports(ListsCase):
	def listener(self):
		s = socket.create_server(("127.0.0.1", 0))
		self.addCleanup(s.close)
		return s.getsockname()[1]

	def test_connect(self):
		good, bad = self.listener(), self.listener()
		for handler in ("exec", "listen"):
			with self.subTest(handler):
				self.start(handler, tcp_connect=[good])
				self.expect(GOOD, "connect", good)
				self.expect(DENIED, "connect", bad)
				self.expect(GOOD, "bind", 0)

	def test_bind(self):
		good = Endpoint.v4().port
		for handler in ("exec", "listen"):
			with self.subTest(handler):
				self.start(handler, tcp_bind=[good])
				self.expect(GOOD, "bind", good)
				self.expect(DENIED, "bind", 0)
				self.expect(GOOD, "connect", self.listener())

	def test_built_in_services_too(self):
		"""A proxy binds no port but those in the list."""
		for allowed in (True, False):
			echo, front = Endpoint.v4(), Endpoint.v4()
			d = self.daemon({"echo": {"handler": "echo", "listen": echo.text},
					 "front": {"handler": "proxy", "listen": front.text, "upstream": echo.text,
						   "proxy": {"bind": "127.0.0.1"},
						   "sandbox": {"read": [], "write": [], "execute": [],
							       "tcp_bind": [0] if allowed else [],
							       "tcp_connect": [echo.port]}}})
			if allowed:
				self.assertEqual(talk(front, b"x"), b"x")
			else:
				wait_until(lambda: ask_once(front) and d.grep(r"Permission denied"), "it is denied")


def ask_once(endpoint):
	try:
		with endpoint.connect() as s:
			s.sendall(b"x")
			s.recv(1)
	except OSError:
		pass
	return True


class WithoutLandlock(ListsCase):
	def test_says_what_is_missing(self):
		d = self.start("exec", how=NONE, read=SYSTEM + [self.tmp + "/program.py"], tcp_bind=[])
		for key in ("read", "tcp_bind"):
			self.assertEqual(len(d.grep(r"services.x.sandbox.%s: nothing is limited: this kernel has no "
						    r"Landlock" % key)), 1, d.lines())
		self.expect(GOOD, "read", self.beyond())

	def test_required(self):
		d = self.daemon({"x": self.service("exec", tcp_bind=[], required=True)}, how=NONE, start=False)
		self.assertEqual(d.launch().wait(), 71)
		self.assertTrue(d.grep(r"sandbox.tcp_bind: nothing is limited: .*\(sandbox.required\)"), d.lines())


class TheCheck(ListsCase):
	def check(self, handler="exec", **sandbox):
		d = self.daemon({"x": self.service(handler, **sandbox)}, start=False)
		done = run_preforkd("--check", "-c", d.config_file)
		self.assertNotEqual(done.returncode, 0, done.stderr)
		return done.stderr

	def test_paths(self):
		self.assertRegex(self.check(read=["/", "/nowhere"]),
				 r"conf:\d+: services.x.sandbox.read: \"/nowhere\": No such file or directory")
		self.assertRegex(self.check(write="srv"), r"sandbox.write: \"srv\" must be a full path")

	def test_ports(self):
		self.assertRegex(self.check(tcp_connect=[443, 65536]),
				 r"conf:\d+: services.x.sandbox.tcp_connect: 65536 is out of range: 1 to 65535")
		self.assertRegex(self.check(tcp_bind=["http"]), r"sandbox.tcp_bind: must be a number, without quotes")

	def test_program(self):
		"""Itself, its loader, and what a script needs."""
		python = os.path.realpath(PYTHON)
		self.assertIn('sandbox.execute: the program could not run: add "%s"' % python, self.check(execute=[]))
		self.assertRegex(self.check(execute=[python]), r'could not run: add "/.*/ld-.*"')
		self.assertIn('sandbox.read: the program could not run: add "%s"' % python, self.check(read=["/etc"]))

	def test_ports_of_upstreams(self):
		service = {"handler": "proxy", "listen": "127.0.0.1:0", "upstream": ["127.0.0.1:81", "localhost:82",
										     "unix:/run/up"]}
		for ports, missing in (([], (81, 82)), ([82], (81,)), ([81, 82], ())):
			d = self.daemon({"x": {**service, "sandbox": {"tcp_connect": ports}}}, start=False)
			done = run_preforkd("--check", "-c", d.config_file)
			self.assertEqual(done.returncode, 78 if missing else 0, done.stderr)
			lines = [line for line in done.stderr.splitlines() if "could not be reached" in line]
			self.assertEqual(len(lines), len(missing), done.stderr)
			for line, port in zip(lines, missing):
				self.assertRegex(line, r"conf:\d+: services.x.\S+: upstream \".*:%d\" could not be "
						 "reached: add %d to sandbox.tcp_connect" % (port, port))

	@needs_root()
	def test_no_new_privileges(self):
		self.assertRegex(self.check(read=["/"], no_new_privileges=False),
				 r"sandbox.no_new_privileges: must be true for sandbox.read")


main()
