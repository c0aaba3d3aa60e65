#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of sources of each service: whose it is, how long it is kept, and what status tells of it."""

import sys
sys.dont_write_bytecode = True

import os
import shutil
import signal
import socket
import threading
import time

from harness import *
from harness.gate import *

REASONS = ["denied", "not_allowed", "penalty", "per_source", "per_source_rate", "rate", "reserved", "full",
	   "queued_silent", "evicted", "proxy_missing", "proxy_malformed", "proxy_timeout", "proxy_untrusted",
	   "answer_port", "answer_size", "time", "load"]
POOL = {"min": 2, "max": 4, "min_spare": 1, "max_spare": 4}


def echo(endpoint, **more):
	return {"handler": "echo", "listen": endpoint.text, "workers": POOL, **more}


def descriptors(pid):
	"""The open descriptors of PID: {number: what it is}."""
	folder, found = "/proc/%d/fd" % pid, {}
	for fd in os.listdir(folder):
		try:
			found[int(fd)] = os.readlink(os.path.join(folder, fd))
		except FileNotFoundError:
			pass # open for a moment only
	return found


def tables(pid):
	"""The inodes of the tables that a process holds open."""
	found = []
	for fd, what in descriptors(pid).items():
		try:
			if "preforkd-sources" in what:
				found.append(os.stat("/proc/%d/fd/%d" % (pid, fd)).st_ino)
		except FileNotFoundError:
			pass # closed since
	return sorted(found)


def mapped(pid):
	"""The inodes of those that it has mapped."""
	with open("/proc/%d/maps" % pid, encoding="utf-8") as f:
		return sorted(int(line.split()[4]) for line in f if "preforkd-sources" in line)


class SourcesCase(Case):
	def start(self, names=("a", "b"), **options):
		self.endpoints = {name: Endpoint.v4() for name in names}
		self.services = {name: echo(endpoint) for name, endpoint in self.endpoints.items()}
		self.d = self.daemon(Config(self.services), **options)
		return self.d

	def workers_of(self, name):
		return [w["pid"] for w in self.d.admin.workers(name)]

	def reload(self):
		done = self.d.reload(Config(self.services))
		self.assertEqual(done.returncode, 0, done.stderr)
		newest = self.d.admin.status()["generation"]
		wait_until(lambda: {w["generation"] for w in self.d.admin.workers()} == {newest}, "the others are gone")


class Tables(SourcesCase):
	def test_status(self):
		d = self.start()
		self.assertEqual(talk(self.endpoints["a"], b"x"), b"x")
		for service in d.admin.status()["services"]:
			self.assertEqual(service["connections"]["refused"], dict.fromkeys(REASONS, 0))
			self.assertEqual(service["connections"]["probes"], 0)
			self.assertEqual(service["sources"], {"untracked": 0, "penalized": 0})
		d.wait_log("started: .*, 0 refused")

	def test_each_service_has_one_and_its_workers_no_other(self):
		d = self.start()
		mine = tables(d.pid)
		self.assertEqual(len(mine), 2)
		seen = set()
		for name in self.services:
			found = {tuple(mapped(pid)) for pid in self.workers_of(name)}
			self.assertEqual(len(found), 1, "all workers of %s have the same" % name)
			one, = found
			self.assertEqual(len(one), 1)
			seen.update(one)
			for pid in self.workers_of(name):
				self.assertEqual(tables(pid), [], "and keep no descriptor of it")
		self.assertEqual(sorted(seen), mine)

	def test_a_reload_keeps_it(self):
		"""New workers, new boards, and the same table; nothing is left of a generation."""
		d = self.start()
		before, fds = tables(d.pid), descriptors(d.pid)
		for i in range(20):
			self.services["a"]["timeouts"] = {"idle": "%ds" % (100 + i)}
			self.reload()
			self.assertEqual(tables(d.pid), before)
		wait_until(lambda: len(descriptors(d.pid)) <= len(fds), "no descriptor more than before")
		for name in self.services:
			for pid in self.workers_of(name):
				self.assertEqual(len(mapped(pid)), 1)
				self.assertIn(mapped(pid)[0], before)
		self.assertEqual(talk(self.endpoints["a"], b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_another_size_is_another_table(self):
		d = self.start()
		before, fds = tables(d.pid), descriptors(d.pid)
		self.services["a"]["access"] = {"sources": 1000}
		with hold(self.endpoints["a"]) as s:
			done = d.reload(Config(self.services))
			self.assertEqual(done.returncode, 0, done.stderr)
			self.assertEqual(len(tables(d.pid)), 3, "the old one stays for its workers")
			s.sendall(b"still")
			self.assertEqual(recv_exact(s, 5), b"still")
		wait_until(lambda: len(tables(d.pid)) == 2, "and goes with the last of them")
		wait_until(lambda: len(descriptors(d.pid)) <= len(fds), "no descriptor more than before")
		self.assertEqual(len(set(tables(d.pid)) & set(before)), 1)

	def test_a_resize_keeps_it(self):
		d = self.start()
		before = tables(d.pid)
		for most in (3, 30, 300):	# in place, and with a board that has more room
			verdict = d.admin.order("resize", service="a", min=2, max=most)
			self.assertTrue(verdict["success"], verdict)
			self.assertEqual(tables(d.pid), before)
		self.assertEqual(talk(self.endpoints["a"], b"x"), b"x")

	def test_a_rejected_reload_leaves_none(self):
		d = self.start()
		before, fds = tables(d.pid), descriptors(d.pid)
		self.services["a"]["access"] = {"sources": 2000}
		taken = Endpoint.v4()
		self.services["c"] = echo(taken)	# which fails when a has its new table
		with socket.socket() as other:
			other.bind(taken.address)
			other.listen(1)
			for _ in range(3):
				self.assertEqual(d.reload(Config(self.services)).returncode, 1)
		wait_until(lambda: tables(d.pid) == before, "the new one is gone")
		wait_until(lambda: len(descriptors(d.pid)) <= len(fds), "no descriptor more than before")

	def test_killed_workers(self):
		"""Many times as many as there are seats at a time: each gets one, and it is given back."""
		d = self.start(names=("a",))
		for _ in range(30):
			killed = self.workers_of("a")
			for pid in killed:
				os.kill(pid, signal.SIGKILL)
			wait_until(lambda: not set(killed) & set(self.workers_of("a")), "they are reaped")
			wait_until(lambda: d.admin.service("a")["workers"]["idle"] >= 2, "others are there")
		self.assertEqual(talk(self.endpoints["a"], b"x"), b"x")
		self.assertEqual(d.stop(), 0)


class Seats(Case):
	LIMIT = 4

	def kill_all(self, d):
		killed = set()
		for worker in d.admin.workers("echo"):
			try:
				os.kill(worker["pid"], signal.SIGKILL)
				killed.add(worker["pid"])
			except ProcessLookupError:
				pass	# it has left meanwhile
		return killed

	def wait_reaped(self, d, killed):
		wait_until(lambda: not killed & {w["pid"] for w in d.admin.workers("echo")}, "the killed are gone")

	def test_killed_while_clients_come_and_go(self):
		"""Workers are killed at any moment of a client's visit: no count stays, and no client comes in beyond
		it."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "access": {"per_source": self.LIMIT},
					  "workers": {"min": 8, "min_spare": 4, "max_spare": 16, "max": 32}}})
		over = threading.Event()
		counts = {}
		lock = threading.Lock()

		def come_again():
			while not over.is_set():
				try:
					s, what = visit(endpoint)
					if s is not None:
						s.close()
				except OSError as e:	# its worker was killed just then
					what = type(e).__name__
				with lock:
					counts[what] = counts.get(what, 0) + 1

		threads = [threading.Thread(target=come_again) for _ in range(3 * self.LIMIT)]
		for t in threads:
			t.start()
		try:
			killed = set()
			while len(killed) < 200:
				killed |= self.kill_all(d)
		finally:
			over.set()
			for t in threads:
				t.join()
		self.assertGreater(counts.get(SERVED, 0), 0, counts)
		self.wait_reaped(d, killed)
		wait_seated(d, "127.0.0.1", 0)
		held = []
		for _ in range(self.LIMIT):	# as many as may, and no more
			held.append(hold(endpoint))
		self.assertEqual(listens(endpoint), b"")
		self.assertEqual(seated(d, "127.0.0.1"), self.LIMIT)
		begin = time.monotonic()
		killed = self.kill_all(d)	# those that hold seats, all at the same time
		wait_seated(d, "127.0.0.1", 0)
		self.assertLess(time.monotonic() - begin, 1 if not SANITIZED else 5)
		for s in held:
			s.close()
		self.wait_reaped(d, killed)
		held = [hold(endpoint) for _ in range(self.LIMIT)]
		self.assertEqual(listens(endpoint), b"")
		for s in held:
			s.close()
		self.assertEqual(d.stop(), 0)


class Upgrade(SourcesCase):
	def setUp(self):
		super().setUp()
		self.binary = os.path.join(self.folder("bin"), "preforkd")
		self.put()

	def put(self):
		shutil.copy(PREFORKD, self.binary + ".new")
		os.rename(self.binary + ".new", self.binary)

	def test_an_upgrade_keeps_it(self):
		d = self.start(binary=self.binary)
		before = tables(d.pid)
		with hold(self.endpoints["a"]) as s:
			count = None
			for _ in range(3):
				self.put()
				done = d.ctl("upgrade")
				self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
				self.assertEqual(tables(d.pid), before)
				count = count or len(descriptors(d.pid))
			s.sendall(b"still")
			self.assertEqual(recv_exact(s, 5), b"still")
			newest = d.admin.status()["generation"]
			wait_until(lambda: all(w["generation"] in (0, newest) for w in d.admin.workers()),
				   "the others are gone")
			for pid in self.workers_of("a"):
				self.assertEqual(len(mapped(pid)), 1)
				self.assertIn(mapped(pid)[0], before)
		wait_until(lambda: len(self.d.workers()) == 4, "the client's worker is gone")
		self.assertLessEqual(len(descriptors(d.pid)), count)
		self.assertEqual(d.grep("table of sources"), [], "nothing to say about it")
		self.reload()
		self.assertEqual(tables(d.pid), before)
		self.assertEqual(d.stop(), 0)


main()
