#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All walls of a sandbox at once: what a service with them does, and what a program tries behind them."""

import sys
sys.dont_write_bytecode = True

import itertools
import json
import os
import signal
import socket

from harness import *
from harness.listen_case import PYTHON
from harness.private_case import PrivateCase

PLACES = [path for path in ("/usr", "/bin", "/lib", "/lib64", "/etc") if os.path.exists(path)]
WALLS = {"level": "strict", "private_tmp": True, "private_network": True, "private_pids": True, "read_only": True,
	 "read": [*PLACES, "/proc"], "write": [], "execute": PLACES, "tcp_connect": [], "tcp_bind": [],
	 "capabilities": [], "required": True}
LIMITS = {"nofile": 64, "as": "512M", "core": 0}
ECHO = "read x; echo \"$x\" >/tmp/x; cat /tmp/x; echo done >&2"

# Tries to get at what is outside; says what it got.
ATTACK = r"""
import ctypes, errno, json, os, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def attempt(what, *args):
	try:
		return what(*args) or "done"
	except OSError as e:
		return errno.errorcode[e.errno]
def call(name, *args):
	if getattr(libc, name)(*args) < 0:
		raise OSError(ctypes.get_errno(), "")
def connect(name):
	socket.socket(socket.AF_UNIX).connect(name)
def tcp():
	socket.socket().connect(("127.0.0.1", int(sys.argv[2])))
me = os.getpid()
found = {"fds": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1]}
tries = {
	"ptrace": (call, "ptrace", 16, 1, 0, 0), "unshare": (call, "unshare", 0x10000000),
	"mount": (call, "mount", b"x", b"/tmp", b"tmpfs", 0, 0),
	"memory": (open, "/proc/1/mem", "r+b"),
	"environment": (open, "/proc/1/environ"), "files": (os.listdir, "/proc/1/fd"),
	"root": (os.listdir, "/proc/1/root/"), "descriptor": (call, "syscall", 438, os.pidfd_open(1), 0, 0),
	"abstract": (connect, b"\0" + sys.argv[1].encode()), "tcp": (tcp,), "signal": (os.kill, 1, 9),
	"all": (os.kill, -1, 0),
	"network": (open, "/proc/1/ns/net"), "sysctl": (open, "/proc/sys/kernel/core_pattern", "w"),
	"disk": (open, "/usr/x", "w"), "passwords": (open, "/var/lib"),
}
for name, how in tries.items():
	what = attempt(*how)
	found[name] = what if isinstance(what, str) else "open"
found["pids"] = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
found["me"], found["parent"] = me, os.getppid()
print(json.dumps(found))
"""


def mounts():
	with open("/proc/self/mountinfo", encoding="utf-8") as f:
		return f.read()


class AllCase(PrivateCase):
	def service(self, script, endpoint=None, most=1, **more):
		self.endpoint = endpoint or Endpoint.v4()
		return {**self.program(script, self.endpoint, most, limits=LIMITS, sandbox=WALLS), **more}

	def run_service(self, *args, **more):
		self.d = self.daemon({"x": self.service(*args, **more)}, top={"log": {"connections": "all"}})


class Life(AllCase):
	def test_every_kind_of_socket(self):
		for endpoint in (Endpoint.v4(), *([Endpoint.v6()] if can_ipv6() else []),
				 Endpoint.unix(self.folder("s", for_workers=True) + "/s")):
			self.run_service(ECHO, endpoint)
			for _ in range(3):
				self.assertEqual(self.ask(b"hello\n"), "hello\n")
			wait_until(lambda: len(self.d.grep("done$")) == 3, "the log has what the programs said")
			wait_until(lambda: len(self.d.grep(": done after")) == 3, "the log has the connections")
			self.assertEqual(self.d.stop(), 0)

	def test_many_at_once(self):
		self.run_service(ECHO, most=50)
		clients = [self.endpoint.connect() for _ in range(50)]
		wait_until(lambda: self.d.admin.service("x")["workers"]["busy"] == 50, "all are served")
		for i, s in enumerate(clients):
			s.sendall(b"%d\n" % i)
		for i, s in enumerate(clients):
			self.assertEqual(read_all(s), b"%d\n" % i)
			s.close()
		wait_until(lambda: len(self.d.grep(": done after")) == 50, "the log has all connections")
		self.assertEqual(len(self.d.grep(r"\d: done$")), 50)
		family = proc.tree(self.d.pid)
		self.assertEqual(self.d.stop(), 0)
		wait_until(lambda: not any(map(proc.alive, family)), "all have ended")

	def test_reloads_leave_nothing(self):
		before = mounts()
		self.run_service(ECHO)
		service = self.service(ECHO, self.endpoint)
		self.ask(b"x\n")
		descriptors = proc.descriptors(self.d.pid)
		for i in range(30):
			other = {**service, "sandbox": {**WALLS, "tcp_connect": [i + 1]}} if i % 3 else service
			self.assertEqual(self.d.reload(Config({"x": other}, log={"connections": "all"})).returncode, 0)
		self.assertEqual(self.ask(b"x\n"), "x\n")
		self.d.wait_workers(1)
		wait_until(lambda: len(proc.tree(self.d.pid)) == 3, "a master, a worker and its first process")
		self.assertEqual(proc.descriptors(self.d.pid), descriptors)
		done = self.d.ctl("upgrade")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(self.ask(b"x\n"), "x\n")
		self.assertEqual(self.d.stop(), 0)
		self.assertEqual(mounts(), before)

	def test_a_killed_worker(self):
		self.run_service("setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo; exec sleep 1001")
		with self.endpoint.connect() as s:
			recv_exact(s, 1)
			worker, = self.d.workers()
			family = proc.tree(worker)
			os.kill(worker, signal.SIGKILL)
			wait_until(lambda: not any(map(proc.alive, family)), "all have ended")
		self.d.wait_workers(1)


class Limits(AllCase):
	def limited(self, script, **limits):
		self.run_service(script, limits=limits)
		return self.ask().split()

	def test_numbers(self):
		script = "ulimit -n; ulimit -u; ulimit -v; ulimit -t; ulimit -c"
		self.assertEqual(self.limited(script, nofile=64, nproc=50000, cpu="7s", core=0, **{"as": "512M"}),
				 ["64", "50000", "524288", "7", "0"])

	def test_memory(self):
		script = "x=$(head -c 200M /dev/zero | tr '\\0' x); echo ${#x}"
		self.assertEqual(self.limited(script, **{"as": "64M"}), [])

	def test_processes(self):
		"""Those of other programs of the user count, too, except where each worker has a user namespace."""
		code = ("import os, time\nn = 0\ntry:\n"
			" while n < 100:\n"
			"  if os.fork() == 0: [os.close(fd) for fd in range(3)]; time.sleep(1000)\n"
			"  n += 1\nexcept OSError as e: print(n, e.strerror)")
		said = self.limited([PYTHON, "-I", "-S", "-c", code], nproc=20)
		self.assertEqual(said[1:], ["Resource", "temporarily", "unavailable"])
		self.assertLess(int(said[0]), 20)
		if os.geteuid() != 0:
			self.assertEqual(int(said[0]), 17, "the worker, its first process and the program count")

	def test_time(self):
		self.run_service("while :; do :; done", limits={"cpu": "1s"})
		with self.endpoint.connect():
			wait_until(lambda: self.d.grep("SIGXCPU"), "it is killed")


class Attack(AllCase):
	def test_nothing_outside_can_be_reached(self):
		name = "preforkd-test-%d" % os.getpid()
		with socket.socket(socket.AF_UNIX) as abstract, socket.create_server(("127.0.0.1", 0)) as tcp:
			abstract.bind("\0" + name)
			abstract.listen()
			self.run_service([PYTHON, "-I", "-S", "-c", ATTACK, name, str(tcp.getsockname()[1])])
			worker, = self.d.workers()
			found = json.loads(self.ask())
			self.assertEqual(json.loads(self.ask())["me"], found["me"] + 1)
		self.assertEqual(self.d.workers(), [worker])
		self.assertEqual(found.pop("fds"), [0, 1, 2])
		self.assertEqual(found.pop("pids"), [1, found.pop("me")])
		self.assertEqual(found.pop("parent"), 0)
		for name, what in found.items():
			self.assertIn(what, ("EPERM", "EACCES", "ECONNREFUSED", "ESRCH", "EROFS"), (name, found))


class Descriptors(AllCase):
	def combinations(self, parts):
		for n in range(len(parts) + 1):
			yield from itertools.combinations(parts, n)

	def test_of_every_combination(self):
		"""A program has its connection and its log, and nothing else."""
		parts = [{"private_tmp": True}, {"private_network": True}, {"private_pids": True}, {"read_only": True},
			 {"read": ["/"], "write": [], "execute": PLACES, "tcp_bind": []}, {"level": "strict"}]
		services, endpoints = {}, []
		for i, chosen in enumerate(self.combinations(parts)):
			sandbox = {key: value for part in chosen for key, value in part.items()}
			services["x%d" % i] = self.program("cd /proc/self/fd; echo *", sandbox=sandbox)
			endpoints.append((self.endpoint, sandbox))
		self.d = self.daemon(services)
		for endpoint, sandbox in endpoints:
			with self.subTest(sandbox):
				self.assertIn(talk(endpoint).split()[:3], [[b"0", b"1", b"2"]])
				fds = talk(endpoint).split()
				self.assertLessEqual(len(fds), 4, fds)	# the shell has the folder open


main()
