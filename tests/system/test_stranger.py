#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that nobody trusts, behind the walls that preforkd-programs(7) shows: what it tries is denied or ended, the
others are served meanwhile, and nothing is left of it."""

import sys
sys.dont_write_bytecode = True

import os
import shutil
import socket
import tempfile
import unittest

from harness import *
from harness.listen_case import PYTHON

STRANGER = "games"	# a user of its own
TASKS, TMP_MOST, FSIZE = 60, 256 << 20, 512 << 20
DENIED, REFUSED, READ_ONLY = "Permission denied", "Operation not permitted", "Read-only file system"
CODE = [path for path in ("/usr", "/lib", "/lib64", os.path.dirname(os.path.dirname(PYTHON))) if os.path.exists(path)]

# Reads what to try from its client, one a line, and answers each with "done", or the reason why not.
PROGRAM = r"""
import ctypes, os, signal, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)

def check(result):
	if result < 0:
		code = ctypes.get_errno()
		raise OSError(code, os.strerror(code))

def read(path):
	open(path).read()

def write(path):
	open(path, "w").write("x")

def connect(port):
	socket.create_connection(("127.0.0.1", int(port)), 5).close()

def datagram(port):
	socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", int(port)))

def listen(port):
	s = socket.socket()
	s.bind(("127.0.0.1", int(port)))
	s.listen()

def terminal(_):
	os.close(os.open("/dev/tty", os.O_RDWR))

def attach(pid):
	check(libc.ptrace(16, int(pid), None, None))

def signal_to(pid):
	os.kill(int(pid), 0)

def mount(_):
	check(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))

def become_root(_):
	os.setuid(0)

def forks(_):
	n = 0
	try:
		while n < 10000:
			if os.fork() == 0:
				os.closerange(0, 3)
				time.sleep(1000)
			n += 1
	finally:
		print(n)

def fill(path):
	n = 0
	try:
		with open(path, "wb", buffering=0) as f:
			while n < 1 << 30:
				n += f.write(bytes(1 << 20))
	finally:
		print(n)

def allocate(_):
	keep = []
	while len(keep) < 1 << 14:
		keep.append(bytearray(os.urandom(1)) * (1 << 20))

def remain(name):
	if os.fork() != 0:
		return
	os.setsid()
	if os.fork() != 0:
		os._exit(0)
	for sig in range(1, 65):
		try:
			signal.signal(sig, signal.SIG_IGN)
		except (OSError, ValueError):
			pass
	os.closerange(0, 1000)
	while True:
		time.sleep(1000)

def spin(_):
	while True:
		pass

def crash(_):
	os.abort()

for line in sys.stdin:
	verb, _, what = line.rstrip().partition(" ")
	try:
		globals()[verb](what)
		print("done", flush=True)
	except MemoryError:
		print("no memory", flush=True)
	except OSError as e:
		print(os.strerror(e.errno) if e.errno else type(e).__name__, flush=True)
"""


@unittest.skipUnless(IS_ROOT, "needs root (services of several users)")
class StrangerCase(Case):
	"""One service for the stranger, and one for those who must not notice."""

	def setUp(self):
		super().setUp()
		self.echo, self.endpoint = Endpoint.v4(), Endpoint.v4()
		# not below /tmp, which the stranger does not see
		self.shared = tempfile.mkdtemp(prefix="preforkd-test-", dir="/dev/shm")
		self.addCleanup(shutil.rmtree, self.shared)
		os.chmod(self.shared, 0o755)
		self.cache = self.folder_of_all("cache")

	def folder_of_all(self, name):
		path = os.path.join(self.shared, name)
		os.mkdir(path)
		os.chmod(path, 0o777)
		return path

	def services(self):
		return {
			"echo": {"handler": "echo", "listen": self.echo.text},
			"stranger": {
				"handler": "exec", "listen": self.endpoint.text, "user": STRANGER,
				"command": [PYTHON, "-I", "-S", "-c", PROGRAM],
				"workers": {"min": 2, "max": 4},
				"timeouts": {"idle": "60s", "total": "60s"},
				"program": {"umask": "0077", "nice": 5},
				"limits": {"cpu": "3s", "as": "512M", "fsize": "512M", "nofile": 64, "nproc": TASKS,
					   "core": 0},
				"sandbox": self.walls(),
			},
		}

	def walls(self):
		return {
			"required": True, "level": "strict", "private_network": True, "private_pids": True,
			"private_tmp": True, "read_only": True,
			"read": [*CODE, "/etc", "/proc"], "write": [self.cache],
			"execute": CODE, "tcp_connect": [], "tcp_bind": [],
		}

	def call(self):
		s = self.endpoint.connect()
		self.addCleanup(s.close)
		f = s.makefile("rw")
		self.addCleanup(f.close)
		return s, f

	def tell(self, f, text):
		"""The lines of its answer."""
		lines = []
		print(text, file=f, flush=True)
		while True:
			try:
				line = f.readline()
			except ConnectionResetError:
				line = ""
			if not line:
				return lines + ["gone"]
			lines.append(line.strip())
			if not lines[-1].isdigit():
				return lines

	def expect(self, f, text, *answers):
		self.assertIn(self.tell(f, text)[-1], answers, text)



class Stranger(StrangerCase):
	def setUp(self):
		super().setUp()
		self.d = self.daemon(self.services())

	def strangers(self):
		"""All processes of the daemon but itself and its workers; what has lost its parent is the daemon's."""
		return [pid for pid in proc.tree(self.d.pid) if pid != self.d.pid and
			not proc.title(pid).startswith("preforkd: ")]

	def assert_nothing_is_left(self):
		wait_until(lambda: not self.strangers(), "nothing is left")
		wait_until(lambda: self.d.admin.service("stranger")["workers"]["busy"] == 0, "all workers are idle")

	def assert_others_are_served(self):
		for _ in range(20):
			self.assertEqual(talk(self.echo, b"here?"), b"here?")

	def test_files(self):
		outside = os.path.join(self.folder_of_all("outside"), "x")
		with open(outside, "w", encoding="ascii") as f:
			f.write("x")
		os.chmod(outside, 0o666)	# the walls stand behind the modes
		_, f = self.call()
		self.expect(f, "read /etc/shadow", DENIED)
		self.expect(f, "read " + outside, DENIED)
		self.expect(f, "write " + outside, DENIED, READ_ONLY)
		self.expect(f, "write /usr/x", DENIED, READ_ONLY)
		self.expect(f, "write /etc/x", DENIED, READ_ONLY)
		self.expect(f, "write %s/x" % self.cache, "done")
		self.assertEqual(os.stat(self.cache + "/x").st_mode & 0o777, 0o600)
		self.expect(f, "write /tmp/mine", "done")
		self.assertFalse(os.path.exists("/tmp/mine"))
		self.expect(f, "terminal", "No such device or address", DENIED)
		self.assert_others_are_served()

	def test_rights(self):
		_, f = self.call()
		self.expect(f, "become_root", REFUSED)
		self.expect(f, "mount", REFUSED)
		self.d.wait_log("mount.*")
		self.assertEqual(self.d.admin.service("stranger")["violations"], 1)

	def test_network(self):
		with socket.create_server(("127.0.0.1", 0)) as listener:
			listener.settimeout(0.1)
			_, f = self.call()
			self.expect(f, "connect %d" % listener.getsockname()[1], DENIED, "Connection refused")
			with self.assertRaises(TimeoutError):
				listener.accept()
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
			s.bind(("127.0.0.1", 0))
			_ = self.tell(f, "datagram %d" % s.getsockname()[1])
			with self.assertRaises(BlockingIOError):
				s.recv(1, socket.MSG_DONTWAIT)
		self.expect(f, "listen 0", DENIED)

	def test_siblings(self):
		_, first = self.call()
		self.expect(first, "write /tmp/mine", "done")
		sibling, = self.strangers()
		_, f = self.call()
		self.expect(f, "read /tmp/mine", "No such file or directory")
		self.expect(f, "attach %d" % sibling, REFUSED, "No such process")
		self.expect(f, "signal_to %d" % sibling, REFUSED, "No such process")
		self.expect(f, "signal_to %d" % self.d.pid, REFUSED, "No such process")
		self.expect(first, "write /tmp/mine", "done")

	def test_what_it_leaves_running(self):
		s, f = self.call()
		self.expect(f, "remain", "done")
		s.shutdown(socket.SHUT_WR)
		self.assertEqual(f.read(), "")
		self.assert_nothing_is_left()
		self.assert_others_are_served()

	def test_forks_without_end(self):
		s, f = self.call()
		n, reason = self.tell(f, "forks")
		self.assertLess(int(n), TASKS)
		self.assertEqual(reason, "Resource temporarily unavailable")
		self.assert_others_are_served()
		s.close()
		f.close()
		self.assert_nothing_is_left()

	def test_fills_its_folder(self):
		_, f = self.call()
		n, reason = self.tell(f, "fill /tmp/x")
		self.assertLess(int(n), TMP_MOST)
		self.assertEqual(reason, "No space left on device")
		self.assert_others_are_served()

	def test_fills_a_file(self):
		_, f = self.call()
		self.assertIn(self.tell(f, "fill %s/x" % self.cache)[-1], ("File too large", "gone"))
		self.assertLessEqual(os.stat(self.cache + "/x").st_size, FSIZE)

	def test_memory_without_end(self):
		_, f = self.call()
		self.expect(f, "allocate", "no memory", "gone")
		self.assert_others_are_served()

	def test_spins(self):
		_, f = self.call()
		self.expect(f, "spin", "gone")
		self.d.wait_log("limits.cpu")
		self.assert_nothing_is_left()

	def test_leaves_a_core(self):
		_, f = self.call()
		self.expect(f, "crash", "gone")
		self.d.wait_log("SIGABRT")
		self.assertFalse(self.d.grep("core dumped"))
		self.assertEqual(self.d.admin.service("stranger")["deaths"][0]["signal"], "SIGABRT")


@unittest.skipUnless(IS_ROOT, "needs root (services of several users)")
class Without(StrangerCase):
	"""On a host that has neither Landlock nor filters of system calls."""

	LACKING = {"refuse": {"landlock_create_ruleset": None, "seccomp": None}}
	KEYS = ("sandbox.level", "sandbox.read", "sandbox.write", "sandbox.execute", "sandbox.tcp_connect",
		"sandbox.tcp_bind")

	def test_is_not_served(self):
		d = self.daemon(self.services(), how=self.LACKING, start=False).launch()
		self.assertEqual(d.wait(), 71)
		for key in self.KEYS:
			self.assertTrue(d.grep(r"service \"stranger\": .*%s" % key), key)

	def test_is_served_with_what_is_left(self):
		"""The missing walls are named, once, and the others stand."""
		services = self.services()
		services["stranger"]["sandbox"]["required"] = False
		self.d = self.daemon(services, how=self.LACKING)
		for key in self.KEYS:
			self.assertEqual(len(self.d.grep(r"services\.stranger\.%s\b" % key)), 1, key)
		_, f = self.call()
		self.expect(f, "read /etc/shadow", DENIED)
		self.expect(f, "write /usr/x", DENIED, READ_ONLY)
		self.expect(f, "become_root", REFUSED)
		self.expect(f, "connect %d" % self.echo.port, "Connection refused")


if __name__ == "__main__":
	main()
