#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""When the machine gives no more: no busy loop, few lines, and recovery without help."""

import sys
sys.dont_write_bytecode = True

import os
import resource
import select
import shutil
import subprocess

from harness import *

BUSY = 0.05	# of one CPU


def limit(pid, what, soft):
	"""Sets a process's soft limit, or gives it back all that the hard one allows (None)."""
	code = "import resource as r; p, w, s = %r; h = r.prlimit(p, w)[1]; " \
		"r.prlimit(p, w, (h if s is None else s, h))" % ((pid, what, soft),)
	# In the name of the process's own user: even root may lack the capability to do it otherwise.
	who = {"user": int(proc.status(pid, "Uid").split()[0]), "group": int(proc.status(pid, "Gid").split()[0]),
	       "extra_groups": []} if IS_ROOT else {}
	subprocess.run(["/usr/bin/env", "python3", "-I", "-S", "-c", code], check=True, **who)


ACCEPT4 = (288, 242)	# of x86-64, and of the others


class Files(Case):
	def limit_in_accept(self, worker, soft):
		"""The accept that is under way has its descriptor already; one that is not yet has none."""
		wait_until(lambda: proc.blocked_in(worker) in (*ACCEPT4, None), "it waits in accept")
		limit(worker, resource.RLIMIT_NOFILE, soft)

	def without_descriptors(self, soft):
		endpoint = Endpoint.v4()
		# No limit in the queue: the clients are silent there for as long as the worker is watched.
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "timeouts": {"first_byte_busy": 0},
					  "workers": {"min": 1, "max": 1, "max_spare": 1}}})
		worker, = d.wait_workers(1)
		before = d.mark()
		self.limit_in_accept(worker, soft)
		talk(endpoint, b"x")
		clients = [endpoint.connect() for _ in range(5)]
		if soft:	# with none at all not even poll(2) works, and so a line may be lost
			d.wait_log("(?i)too many open files|EMFILE|descriptor", before)
		self.assertLess(proc.cpu_share([worker, d.pid], 2), BUSY)
		self.assertLessEqual(len(d.lines()[before:]), 4, "few lines")
		self.assertEqual(d.workers(), [worker], "it lives")
		limit(worker, resource.RLIMIT_NOFILE, None)
		for s in clients:
			s.sendall(b"hello")
			self.assertEqual(recv_exact(s, 5), b"hello")
			s.close()
		self.assertEqual(d.stop(), 0)

	def test_no_descriptors_left_in_a_worker(self):
		self.without_descriptors(3)

	def test_no_descriptors_at_all_in_a_worker(self):
		self.without_descriptors(0)

	def test_stop_while_there_are_none(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "timeouts": {"drain": "2s"},
					  "workers": {"min": 1, "max": 1, "max_spare": 1}}})
		worker, = d.wait_workers(1)
		self.limit_in_accept(worker, 3)
		talk(endpoint, b"x")
		clients = [endpoint.connect() for _ in range(3)]
		d.wait_log("(?i)too many open files|EMFILE|descriptor")
		d.stop()
		for s in clients:
			s.close()


class Processes(Case):
	def ordinary(self):
		"""Options for a daemon of an ordinary user, and how many processes that user has."""
		if not IS_ROOT:
			uid = os.getuid()
			listing = subprocess.run(["ps", "-L", "-o", "pid=", "-U", str(uid)], check=True,
						 stdout=subprocess.PIPE, text=True).stdout
			return {}, len(listing.split())
		# A user that nobody else is, so that only this daemon counts.
		uid = 61000 + os.getpid() % 3000
		binary = self.path("preforkd")
		shutil.copy(os.path.realpath(PREFORKD), binary)
		os.chmod(binary, 0o755)
		return {"how": {"uid": uid}, "binary": binary}, 0

	def test_no_processes_for_the_master(self):
		options, others = self.ordinary()
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 2, "min_spare": 1, "max": 32}}},
				top={"user": None, "group": None}, **options)
		wait_until(lambda: len(d.workers()) >= 2, "workers")
		# Some room at first when others share the user, none at all when we are alone.
		limit(d.pid, resource.RLIMIT_NPROC, len(d.workers()) + 1 if not others else 1)
		before = d.mark()
		clients = [endpoint.connect() for _ in range(12)]
		for s in clients:
			s.sendall(b"hello")
		d.wait_log("(?i)fork|Resource temporarily unavailable|EAGAIN", before)
		served = lambda: [s for s in clients if select.select([s], [], [], 0)[0]]
		wait_until(lambda: len(served()) >= 2, "those that it has serve on")
		self.assertLess(proc.cpu_share([d.pid] + d.workers(), 2), BUSY)
		self.assertLess(len(served()), 12)
		self.assertLessEqual(len(d.lines()[before:]), 5, "few lines")
		limit(d.pid, resource.RLIMIT_NPROC, None)
		for s in clients:
			self.assertEqual(recv_exact(s, 5), b"hello")
			s.close()
		self.assertEqual(d.stop(), 0)

	def without_programs(self, **more):
		options, _ = self.ordinary()
		self.endpoint = Endpoint.v4()
		d = self.daemon({"cat": {"handler": "exec", "listen": self.endpoint.text, "command": ["/bin/cat"],
					 "workers": {"min": 1, "max": 1, "max_spare": 1}, **more}},
				top={"user": None, "group": None}, **options)
		self.worker, = d.wait_workers(1)
		limit(self.worker, resource.RLIMIT_NPROC, 1)
		return d

	def check_recovered(self, d):
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.assertEqual(d.workers(), [self.worker])

	def test_no_processes_for_a_program(self):
		"""The client waits for better times, and does so quietly."""
		d = self.without_programs()
		with self.endpoint.connect() as s:
			s.sendall(b"hello")
			d.wait_log(r"(?i)cat 127\.0\.0\.1:\d+.*unavailable")
			before = d.mark()
			self.assertLess(proc.cpu_share([d.pid, self.worker], 1), BUSY)
			limit(self.worker, resource.RLIMIT_NPROC, None)
			self.assertEqual(recv_exact(s, 5), b"hello")
			self.assertLessEqual(len(d.lines()) - before, 1)
		self.check_recovered(d)

	def test_no_processes_for_a_program_for_too_long(self):
		"""The client is let go, the worker stays and serves the next."""
		d = self.without_programs(timeouts={"total": "1s"})
		try:
			self.assertEqual(talk(self.endpoint, b"x"), b"")
		except ConnectionResetError:
			pass
		d.wait_log(r"(?i)cat 127\.0\.0\.1:\d+.*(total|cannot)")
		limit(self.worker, resource.RLIMIT_NPROC, None)
		self.check_recovered(d)


main()
