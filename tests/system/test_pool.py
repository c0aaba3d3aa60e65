#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pool: it grows at once, shrinks slowly, renews itself, and goes where the clients are."""

import sys
sys.dont_write_bytecode = True

import collections
import fcntl
import os
import re
import select
import signal
import socket
import threading
import time

from harness import *


class Size(Case):
	def test_grows_by_a_burst(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 2, "min_spare": 2, "max_spare": 8, "max": 40}}})
		self.assertLessEqual(len(d.workers()), 8)
		start = time.monotonic()
		clients = [endpoint.connect() for _ in range(36)]
		for s in clients:
			s.sendall(b"hello")
		for s in clients:
			self.assertEqual(recv_exact(s, 5), b"hello")
		self.assertLess(time.monotonic() - start, 3 * (5 if SANITIZED else 1), "not at the timer's pace")
		self.assertLessEqual(len(d.workers()), 40)
		self.assertGreaterEqual(len(d.workers()), 36)
		for s in clients:
			s.close()

	def test_grows_when_the_last_spare_one_is_taken(self):
		"""At once, not at the next tick. Four times, because a tick may come by chance."""
		took = 0
		for _ in range(4):
			endpoint = Endpoint.v4()
			d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
						  "workers": {"min": 1, "min_spare": 1, "max_spare": 1, "max": 4}}})
			d.wait_workers(1)
			with hold(endpoint):
				start = time.monotonic()
				hold(endpoint).close()
				took += time.monotonic() - start
		self.assertLess(took, 2)

	def test_never_more_than_max(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 1, "min_spare": 1, "max_spare": 4, "max": 6}}})
		clients = [endpoint.connect() for _ in range(20)]
		for s in clients:
			s.sendall(b"x")
		answered = lambda: [s for s in clients if select.select([s], [], [], 0)[0]]
		wait_until(lambda: len(answered()) >= 6, "six served")
		for _ in range(20):
			self.assertLessEqual(len(d.workers()), 6)
			time.sleep(0.05)
		self.assertEqual(len(answered()), 6)
		for s in clients:	# and the queue is served in turn
			self.assertEqual(recv_exact(s, 1), b"x")
			s.close()

	def test_shrinks(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 2, "min_spare": 1, "max_spare": 3, "max": 20}}})
		clients = [hold(endpoint) for _ in range(15)]
		wait_until(lambda: len(d.workers()) >= 15, "15 workers")
		for s in clients:
			s.close()
		wait_until(lambda: len(d.workers()) <= 3, "three workers", 60)
		self.assertGreaterEqual(len(d.workers()), 2)
		self.assertEqual(talk(endpoint, b"x"), b"x")
		wait_until(lambda: not proc.zombies(d.pid), "no zombie")

	def test_replaces_what_leaves(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 3, "max": 3, "max_spare": 3}}})
		first = d.wait_workers(3)
		os.kill(first[0], 15)
		wait_until(lambda: len(set(d.workers()) - set(first)) == 1 and len(d.workers()) == 3, "a new one")


class Renewal(Case):
	def test_max_requests(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"pid": {"handler": "exec", "listen": endpoint.text,
					 "command": ["/bin/sh", "-c", "echo $PPID"],
					 "workers": {"min": 2, "min_spare": 1, "max_spare": 2, "max": 2,
						     "max_requests": 5}}})
		wait_until(lambda: len(d.workers()) >= 2, "workers")
		fewest, over = [99], threading.Event()

		def watch():
			while not over.is_set():
				# if nobody came between the two looks, then these are all that there were
				seen = proc.children_at_once(d.pid)
				living = sum(map(proc.alive, seen or []))
				if seen and seen == proc.children_at_once(d.pid):
					fewest[0] = min(fewest[0], living)
				time.sleep(0.0002)
		watcher = threading.Thread(target=watch)
		watcher.start()
		try:
			served = collections.Counter(int(talk(endpoint)) for _ in range(60))
		finally:
			over.set()
			watcher.join()
		self.assertGreaterEqual(len(served), 6, "they are replaced")
		self.assertLessEqual(max(served.values()), 10, "near the limit, with jitter")
		self.assertGreaterEqual(fewest[0], 2, "the replacement is there first")
		wait_until(lambda: not proc.zombies(d.pid), "no zombie")
		self.assertEqual(d.stop(), 0)

	def test_no_limit_no_replacement(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 2, "max": 2, "max_spare": 2}}})
		first = d.wait_workers(2)
		for _ in range(100):
			talk(endpoint, b"x")
		self.assertEqual(d.workers(), first)


class Lanes(Case):
	def test_a_flooded_address_gets_the_others_idle_workers(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": [a.text, b.text],
					  "workers": {"min": 1, "min_spare": 1, "max_spare": 8, "max": 8}}})
		on_b = [hold(b) for _ in range(7)]
		for s in on_b:
			s.close()
		# Now nearly all that max allows are idle, and blocked on b.
		on_a = [a.connect() for _ in range(7)]
		for s in on_a:
			s.sendall(b"hello")
		for s in on_a:
			self.assertEqual(recv_exact(s, 5), b"hello")
		self.assertLessEqual(len(d.workers()), 8 + 1)
		self.assertEqual(talk(b, b"x"), b"x", "one stayed there")
		for s in on_a:
			s.close()
		self.assertEqual(d.stop(), 0)

	def test_every_address_has_a_worker_from_the_first_moment(self):
		"""Though spare workers are wanted, and there is not room for all."""
		a, b, c = Endpoint.v4(), Endpoint.v4(), Endpoint.v4()
		self.daemon({"echo": {"handler": "echo", "listen": [a.text, b.text, c.text],
				      "workers": {"min": 1, "max": 3}}})
		for endpoint in (a, b, c):
			self.assertEqual(talk(endpoint, b"x"), b"x")

	def test_a_flood_does_not_take_a_crashed_ones_place(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": [a.text, b.text],
					  "workers": {"min": 2, "min_spare": 1, "max_spare": 8, "max": 6}}})
		clients = [a.connect() for _ in range(20)]
		for s in clients:
			s.sendall(b"x")
		def idle():
			return [w for w in d.workers() if "idle" in proc.title(w)]
		wait_until(lambda: len(d.workers()) == 6 and len(idle()) == 2, "a flooded, b idle")
		victims = idle()
		for w in victims:
			os.kill(w, signal.SIGKILL)
		wait_until(lambda: not any(map(proc.alive, victims)), "they are dead")
		self.assertEqual(talk(b, b"y"), b"y")
		for s in clients:
			s.close()

	def test_min_for_each_address(self):
		a, b = Endpoint.v4(), Endpoint.unix(self.path("d0", "s"))
		d = self.daemon({"echo": {"handler": "echo", "listen": [a.text, b.text],
					  "workers": {"min": 3, "max": 10, "max_spare": 3}}})
		d.wait_workers(6)
		self.assertEqual(talk(a, b"x"), b"x")
		self.assertEqual(talk(b, b"x"), b"x")

	def test_clients_are_spread_evenly(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"pid": {"handler": "exec", "listen": endpoint.text,
					 "command": ["/bin/sh", "-c", "echo $PPID"],
					 "workers": {"min": 4, "max": 4, "max_spare": 4}}})
		d.wait_workers(4)
		served = collections.Counter(talk(endpoint) for _ in range(80))
		self.assertEqual(len(served), 4)
		self.assertGreaterEqual(min(served.values()), 8, served)

	def test_a_service_does_not_starve_another(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		self.daemon({"a": {"handler": "echo", "listen": a.text,
				   "workers": {"min": 1, "max": 2, "max_spare": 2}},
			     "b": {"handler": "echo", "listen": b.text,
				   "workers": {"min": 1, "max": 2, "max_spare": 2}}})
		held = [hold(a), hold(a)] + [a.connect() for _ in range(5)]
		self.assertEqual(talk(b, b"x"), b"x")
		for s in held:
			s.close()


class Waiting(Case):
	def inherited(self):
		with socket.socket() as s:
			s.bind(("127.0.0.1", Endpoint.v4().port))
			s.listen(100)
			self.listener = s.dup()
		self.addCleanup(self.listener.close)
		endpoint = Endpoint.v4(port=self.listener.getsockname()[1])
		d = self.daemon({"echo": {"handler": "echo", "listen": "systemd:web",
					  "workers": {"min": 2, "max": 6}}},
				how={"fds": [self.listener.fileno()]}, env={"LISTEN_FDNAMES": "web"})
		return d, endpoint

	def check_quiet(self, d, endpoint):
		for _ in range(6):
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertLess(proc.cpu_share([d.pid] + d.workers(), 1.5), 0.05)
		with hold(endpoint):
			self.assertEqual(talk(endpoint, b"y"), b"y")
		self.assertEqual(d.stop(), 0)
		self.assertEqual(d.grep("(?i)temporarily unavailable|EAGAIN"), [])

	def test_listener_made_nonblocking_from_outside(self):
		d, endpoint = self.inherited()
		self.assertEqual(talk(endpoint, b"x"), b"x")
		flags = fcntl.fcntl(self.listener, fcntl.F_GETFL)
		fcntl.fcntl(self.listener, fcntl.F_SETFL, flags | os.O_NONBLOCK)
		self.check_quiet(d, endpoint)

	def test_nonblocking_then_blocking_again(self):
		d, endpoint = self.inherited()
		flags = fcntl.fcntl(self.listener, fcntl.F_GETFL)
		for _ in range(5):
			fcntl.fcntl(self.listener, fcntl.F_SETFL, flags | os.O_NONBLOCK)
			self.assertEqual(talk(endpoint, b"x"), b"x")
			self.assertEqual(talk(endpoint, b"x"), b"x")
			fcntl.fcntl(self.listener, fcntl.F_SETFL, flags & ~os.O_NONBLOCK)
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.check_quiet(d, endpoint)

	def test_idle_costs_nothing(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 8, "max": 8, "max_spare": 8}}})
		d.wait_workers(8)
		with hold(endpoint):
			self.assertLess(proc.cpu_share([d.pid] + d.workers(), 1.5), 0.03)


class Titles(Case):
	def test_titles(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"my-echo": {"handler": "echo", "listen": endpoint.text,
					     "workers": {"min": 2, "max": 2, "max_spare": 2}}})
		workers = d.wait_workers(2)
		self.assertTrue(proc.title(d.pid).startswith("preforkd: master"), proc.title(d.pid))
		titles = lambda: [proc.title(pid) for pid in workers]
		idle = re.compile(r"^preforkd: my-echo\b.*\[idle\]$")
		wait_until(lambda: all(map(idle.match, titles())), "all idle")
		with hold(endpoint):
			busy = wait_until(lambda: [t for t in titles() if "127.0.0.1" in t], "the peer")
			self.assertEqual(len(busy), 1)
			self.assertRegex(busy[0], r"^preforkd: my-echo\b.*127\.0\.0\.1")
		wait_until(lambda: all(map(idle.match, titles())), "all idle again")


main()
