#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that see only the processes of their own connection (sandbox.private_pids), which all end with it."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import socket

from harness import *
from harness.private_case import PrivateCase

PROCESSES = "cd /proc; echo [0-9]*"	# the shell does it itself
# Leaves a process that has left its group, its session and its parents, and ignores all that can be ignored.
HIDE = """import os, signal, time
for n in range(1, 32):
	if n not in (9, 19): signal.signal(n, signal.SIG_IGN)
for i in range(3):
	if os.fork(): os._exit(0)
	os.setsid()
for fd in range(3): os.close(fd)
time.sleep(1000)
"""


class PidsCase(PrivateCase):
	def serve(self, script, endpoint=None, **more):
		more.setdefault("sandbox", {"private_pids": True})
		self.d = self.daemon({"x": self.program(script, endpoint, **more)})

	def init_of(self, worker):
		"""The first process of its namespace."""
		pid, = proc.children_at_once(worker)
		return pid


class Sight(PidsCase):
	def test_only_its_own_family(self):
		self.serve("echo $$; %s; cat /proc/1/comm; readlink /proc/self" % PROCESSES)
		for _ in range(3):
			me, *rest = self.ask().split()
			pids, comm, reader = {int(p) for p in rest[:-2]}, rest[-2], int(rest[-1])
			self.assertLessEqual({1, int(me)}, pids)
			self.assertEqual(len(pids), 2, "the first process, and the shell")
			self.assertEqual(comm, "preforkd")
			self.assertEqual(reader, int(me), "the shell has become readlink")

	def test_parallel_clients(self):
		self.serve("echo; read x; %s" % PROCESSES, most=8)
		clients = [self.endpoint.connect() for _ in range(8)]
		for s in clients:
			recv_exact(s, 1)
		for s in clients:
			s.sendall(b"\n")
			self.assertEqual(len(read_all(s).split()), 2)
			s.close()

	def test_no_other_process_can_be_signalled(self):
		"""Not even its first process, and not by one with the same user."""
		self.serve("kill -9 -1; kill -9 1; kill -9 %d; kill -0 1 && echo here" % os.getpid())
		before = self.d.workers()
		for _ in range(3):
			self.assertIn(self.ask(), ("here\n", ""))
		self.assertEqual(self.d.workers(), before)

	def test_every_kind_of_socket(self):
		for endpoint in (*([Endpoint.v6()] if can_ipv6() else []),
				 Endpoint.unix(self.folder("s", for_workers=True) + "/s")):
			self.serve("read x; echo $x; %s" % PROCESSES, endpoint)
			self.assertEqual(self.ask(b"hello\n").split()[:2], ["hello", "1"])
			self.assertEqual(self.d.stop(), 0)

	def test_with_all_the_others(self):
		self.serve(PROCESSES + "; ls -A /tmp; touch /tmp/x; cd self; echo 7 >oom_score_adj; cat oom_score_adj",
			   sandbox={"private_pids": True, "private_tmp": True, "private_network": True,
					       "read_only": True})
		for _ in range(2):
			self.assertRegex(self.ask(), r"^1 \d+\n7\n$")


class End(PidsCase):
	def hidden(self):
		"""The processes of the programs, seen from outside: children of the first processes."""
		return [child for worker in self.d.workers() for init in proc.children_at_once(worker)
			for child in proc.children_at_once(init)]

	def test_nothing_outlives_a_connection(self):
		self.serve(["/usr/bin/python3", "-I", "-S", "-c", HIDE])
		before = self.d.workers()
		for _ in range(5):
			self.assertEqual(self.ask(), "")
			wait_until(lambda: self.d.admin.service("x")["workers"]["busy"] == 0, "the worker is free")
			self.assertEqual(self.hidden(), [])
		self.assertEqual(self.d.workers(), before)
		self.assertTrue(self.d.grep("left 1 process behind"), self.d.lines())

	def test_a_helper_with_the_connection_may_finish(self):
		self.serve("(sleep 0.3; echo tail) & echo head")
		for _ in range(3):
			self.assertEqual(self.ask(), "head\ntail\n")
		self.serve("setsid sh -c 'sleep 0.1; echo tail' & exec > >(sed s/a/b/); echo aaa")
		for _ in range(3):
			self.assertEqual(sorted(self.ask().split()), ["baa", "tail"])
		self.assertEqual(self.d.grep("x .*:"), [])

	def test_a_flood_of_processes(self):
		"""They fork while they are killed; until then nobody can tell that none has the connection."""
		self.serve("f() { while :; do (setsid sleep 1000 &); done; }; "
			   "(f & f &) >/dev/null 2>&1 </dev/null; sleep 0.2", timeouts={"total": "1s"})
		with self.endpoint.connect() as s:
			try:
				read_all(s)
			except ConnectionResetError:
				pass
		wait_until(lambda: self.d.admin.service("x")["workers"]["busy"] == 0, "the worker is free")
		self.assertEqual(self.hidden(), [])

	def test_a_killed_worker_leaves_nothing(self):
		self.serve("setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo; exec sleep 1001")
		with self.endpoint.connect() as s:
			recv_exact(s, 1)
			worker, = self.d.workers()
			family = proc.tree(worker)
			self.assertGreaterEqual(len(family), 4)
			os.kill(worker, signal.SIGKILL)
			wait_until(lambda: not any(map(proc.alive, family)), "all have ended")
		wait_until(lambda: self.d.workers(), "another worker")
		self.assertEqual(self.d.grep("was left behind by a program"), [])

	@needs_root()
	def test_a_killed_first_process(self):
		"""The worker that has lost its namespace serves no other client."""
		self.serve("echo here")
		self.assertEqual(self.ask(), "here\n")
		worker, = self.d.workers()
		os.kill(self.init_of(worker), signal.SIGKILL)
		try:
			self.assertEqual(self.ask(), "")
		except ConnectionResetError:
			pass
		self.assertEqual(self.ask(), "here\n")
		self.assertNotIn(worker, self.d.workers())
		self.assertTrue(self.d.grep("first process of its pid namespace was ended"), self.d.lines())

	def test_a_stop_leaves_nothing(self):
		self.serve("echo here", workers={"min": 4})
		inits = [self.init_of(worker) for worker in self.d.workers()]
		self.assertEqual(len(inits), 4)
		self.assertEqual({proc.title(pid) for pid in inits}, {"preforkd: x [init]"})
		self.assertEqual(self.d.stop(), 0)
		self.assertFalse(any(map(proc.alive, inits)))

	def test_reload_and_upgrade(self):
		service = self.program("echo; read x; %s" % PROCESSES, most=8, sandbox={"private_pids": True})
		self.d = self.daemon({"x": service})
		with self.endpoint.connect() as old:
			recv_exact(old, 1)
			other = {**service, "timeouts": {"idle": "1h"}}
			self.assertEqual(self.d.reload(Config({"x": other})).returncode, 0)
			done = self.d.ctl("upgrade")
			self.assertEqual(done.returncode, 0, done.stderr)
			self.assertEqual(len(self.ask(b"\n").split()), 2)
			old.sendall(b"\n")
			self.assertEqual(len(read_all(old).split()), 2)
		self.assertEqual(self.d.stop(), 0)

	def test_datagrams(self):
		"""A program of a datagram socket leaves a process that serves on."""
		code = ("import os, socket, time; s = socket.socket(fileno=os.dup(0))\n"
			"data, peer = s.recvfrom(100); s.sendto(str(os.getppid()).encode(), peer)\n"
			"if os.fork(): os._exit(0)\n"
			"time.sleep(0.3); s.sendto(b'late', peer)\n")
		self.endpoint = Endpoint.v4()
		self.d = self.daemon({"x": {"handler": "exec", "listen": "udp:" + self.endpoint.text,
					    "workers": {"min": 1, "max": 1, "max_spare": 1},
					    "command": ["/usr/bin/python3", "-I", "-S", "-c", code],
					    "sandbox": {"private_pids": True}}})
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
			s.settimeout(PATIENCE)
			s.connect(self.endpoint.address)
			s.send(b"x")
			self.assertEqual(s.recv(100), b"0")
			self.assertEqual(s.recv(100), b"late")


class Refused(PidsCase):
	def test_listen(self):
		done = self.check({"handler": "listen", "listen": "127.0.0.1:0", "command": ["/bin/sleep", "1000"],
				   "sandbox": {"private_pids": True}})
		self.assertEqual(done.returncode, 78)
		self.assertRegex(done.stderr, r":\d+: services.x.sandbox.private_pids: is not available for")

	def test_without_programs(self):
		done = self.check({"handler": "echo", "listen": "127.0.0.1:0", "sandbox": {"private_pids": True}})
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertRegex(done.stderr, r":\d+: services.x.sandbox.private_pids: has no effect")

	def test_a_host_that_lacks_it(self):
		service = self.program("echo here", sandbox={"private_pids": True})
		d = self.daemon({"x": service}, how={"refuse": {"unshare": None}})
		self.assertEqual(self.ask(), "here\n")
		line, = d.grep("sandbox.private_pids")
		self.assertRegex(line, "cannot be had, its programs see all processes of the host: .*not permitted")
		service["sandbox"]["required"] = True
		d = self.daemon({"x": service}, how={"refuse": {"unshare": None}}, start=False).launch()
		self.assertEqual(d.wait(), 71)


main()
