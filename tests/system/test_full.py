#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All workers are busy: who waits, who is turned away, who gives way; and what the log says of it."""

import sys
sys.dont_write_bytecode = True

import os
import re
import select
import signal
import socket
import time

from harness import *
from harness.gate import outcome, refused, visit

SOON = 10 if SANITIZED else 3	# seconds; on an idle machine it is a hundredth of that
SILENT = 1000
BANNER = "come again\r\n"


def workers(most, on_full, **more):
	return {"min": most, "min_spare": 1, "max_spare": most, "max": most, "on_full": on_full, **more}


def ended(sockets):
	"""Those whose connection the daemon has ended."""
	poll = select.poll()
	for s in sockets:
		poll.register(s, select.POLLIN | select.POLLRDHUP)
	gone = {fd for fd, _ in poll.poll(0)}
	return [s for s in sockets if s.fileno() in gone]


def lingers(s):
	return not ended([s])


class Full(Case):
	def serve(self, most, on_full, listen=None, silence="10min", **more):
		"""Echo workers, and an endpoint of theirs. Nothing but on_full frees them of the silent."""
		self.endpoint = listen or Endpoint.v4()
		timeouts = {"first_byte": silence, "first_byte_busy": silence, "drain": "1s"}
		service = {"handler": "echo", "listen": self.endpoint.text, "workers": workers(most, on_full),
			   "timeouts": timeouts, **more}
		self.d = self.daemon({"s": service})
		self.d.wait_workers(most)
		return self.d

	def silent(self, count):
		"""Clients that connect and say nothing."""
		clients = []
		for _ in range(count):
			clients.append(self.endpoint.connect())
			self.addCleanup(clients[-1].close)
		return clients

	def busy(self, count):
		wait_until(lambda: self.status()["workers"]["busy"] == count, "%d are busy" % count)

	def status(self):
		return self.d.admin.service("s")

	def served_soon(self):
		start = time.monotonic()
		s = hold(self.endpoint)
		self.took = time.monotonic() - start
		self.addCleanup(s.close)
		self.assertLess(self.took, SOON)
		return s

	def settled(self):
		"""All workers have been as they are for a while."""
		wait_until(lambda: all(w["since"] > 0.1 for w in self.d.admin.workers()), "a moment later")


class Evict(Full):
	def test_a_thousand_silent_ones(self):
		if not lift_fd_limit(SILENT + 200):
			self.skipTest("not so many files may be open")
		self.serve(64, "evict")
		clients = self.silent(SILENT)
		self.served_soon().close()
		for _ in range(20):
			self.served_soon().close()
		# who is left has a worker, and nobody waits for that
		wait_until(lambda: self.status()["listeners"][0]["queue"] == 0, "an empty queue")
		gone = len(ended(clients))
		self.assertGreaterEqual(gone, SILENT - 64)
		wait_until(lambda: refused(self.d, "s", "evicted") == gone, "all are counted")
		counts = self.status()["connections"]
		self.assertEqual(counts["failed"], 0)
		self.assertEqual(counts["accepted"], SILENT - gone + 21)
		self.assertEqual(counts["refused"], {**counts["refused"], "evicted": gone})
		self.assertEqual(len(self.d.workers()), 64)
		self.assertEqual(len({len(os.listdir("/proc/%d/fd" % pid)) for pid in self.idle()} | {0}), 2,
				 "nothing leaks")
		self.check_log(gone)
		for s in clients:
			s.close()
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.assertEqual(self.d.stop(), 0)

	def idle(self):
		return [w["pid"] for w in self.d.admin.workers() if w["state"] == "idle"]

	def check_log(self, gone):
		def told():
			return [int(re.search(r"evicted: (\d+) clients", x)[1]) for x in self.d.grep("evicted: ")]
		wait_until(lambda: sum(told()) == gone, "all are told of", 25)
		self.assertLessEqual(len(told()), 3, "one line in ten seconds")
		self.assertEqual(self.d.grep("gave way to another client"), [], "and none for each")

	def test_the_longest_silent_goes_first(self):
		self.serve(3, "evict")
		clients = []
		for count in range(1, 4):
			clients += self.silent(1)
			self.busy(count)
			self.settled()	# for longer than the kernel's clock is wrong by
		self.served_soon()
		self.assertEqual([lingers(s) for s in clients], [False, True, True])
		self.served_soon()
		self.assertEqual([lingers(s) for s in clients], [False, False, True])

	def test_at_once_and_not_with_the_tick(self):
		self.serve(2, "evict")
		took = []
		for _ in range(7):
			self.silent(2)
			self.busy(2)
			self.settled()
			self.served_soon().close()
			took.append(self.took)
		self.assertLess(sorted(took)[3], 0.25, "the tick comes once a second")

	def test_who_has_spoken_stays(self):
		self.serve(4, "evict")
		talking = [hold(self.endpoint) for _ in range(3)]
		self.silent(20)
		for _ in range(10):
			self.served_soon().close()
			for s in talking:
				s.sendall(b"more")
				self.assertEqual(recv_exact(s, 4), b"more")
		for s in talking:
			s.close()

	def test_all_have_spoken(self):
		"""Then the next one waits, and is served in turn."""
		self.serve(2, "evict")
		talking = [hold(self.endpoint) for _ in range(2)]
		s = self.endpoint.connect()
		self.addCleanup(s.close)
		s.sendall(b"hello")
		self.d.wait_log("all workers are busy")
		self.assertTrue(lingers(s))
		self.assertTrue(all(map(lingers, talking)))
		talking[0].close()
		self.assertEqual(recv_exact(s, 5), b"hello")
		self.assertEqual(refused(self.d, "s", "evicted"), 0)
		talking[1].close()

	def test_who_speaks_while_others_wait(self):
		"""A client that was silent is not cut any more once it has sent a byte."""
		self.serve(1, "evict")
		first, = self.silent(1)
		self.busy(1)
		first.sendall(b"hello")
		self.assertEqual(recv_exact(first, 5), b"hello")
		waiting, = self.silent(1)
		self.d.wait_log("all workers are busy")
		self.assertTrue(lingers(first))
		first.close()
		waiting.sendall(b"x")
		self.assertEqual(recv_exact(waiting, 1), b"x")

	def test_no_limits(self):
		"""It does not depend on timeouts.first_byte."""
		self.serve(2, "evict", silence=0)
		self.silent(10)
		self.served_soon()

	def test_unix(self):
		self.serve(2, "evict", listen=Endpoint.unix(self.path("d0", "s")))
		self.silent(10)
		talking = self.served_soon()
		self.served_soon().close()
		self.silent(5)
		self.served_soon().close()
		self.assertTrue(lingers(talking))

	def test_behind_a_proxy(self):
		"""A header is no word of the client's, and who sends none is silent, too."""
		header = b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n"
		self.serve(2, "evict", proxy_protocol={"from": "127.0.0.1", "timeout": "10min"})
		clients = self.silent(20)
		for s in clients[::2]:
			s.sendall(header)
		for _ in range(3):
			s, = self.silent(1)
			s.sendall(header + b"hello")
			self.assertEqual(recv_exact(s, 5), b"hello")
			s.close()
		self.assertGreaterEqual(len(ended(clients)), 18)
		wait_until(lambda: self.status()["listeners"][0]["queue"] == 0, "an empty queue")
		wait_until(lambda: refused(self.d, "s") == len(ended(clients)), "all are counted")
		self.assertEqual(refused(self.d, "s", "evicted"), len(ended(clients)))

	def test_a_shared_listener_that_does_not_block(self):
		with socket.socket() as s:
			s.bind(("127.0.0.1", 0))
			s.listen(100)
			s.setblocking(False)
			shared = s.dup()
		self.addCleanup(shared.close)
		self.endpoint = Endpoint.v4(port=shared.getsockname()[1])
		self.d = self.daemon({"s": {"handler": "echo", "listen": "systemd:web",
					    "workers": workers(2, "evict")}},
				     how={"fds": [shared.fileno()]}, env={"LISTEN_FDNAMES": "web"})
		silent = self.silent(20)
		self.served_soon().close()
		for s in silent:	# else the stop waits for them, until the drain limit
			s.close()
		self.assertEqual(self.d.stop(), 0)

	def test_two_addresses(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		self.d = self.daemon({"s": {"handler": "echo", "listen": [a.text, b.text],
					    "workers": {"min": 1, "min_spare": 1, "max_spare": 4, "max": 4,
							"on_full": "evict"}}})
		self.endpoint = a
		on_a = self.silent(20)
		self.endpoint = b
		on_b = self.silent(20)
		for self.endpoint in (a, b, a, b):
			self.served_soon().close()
		self.assertGreater(len(ended(on_a)), 0)
		self.assertGreater(len(ended(on_b)), 0)

	def test_after_a_reload(self):
		self.serve(2, "evict")
		talking = hold(self.endpoint)
		self.silent(5)
		config = Config({"s": {"handler": "echo", "listen": self.endpoint.text, "workers": workers(3, "evict"),
				       "timeouts": {"first_byte": "9min", "first_byte_busy": "9min", "drain": "1s"}}})
		self.silent(10)
		self.assertEqual(self.d.reload(config).returncode, 0)
		self.silent(10)
		self.served_soon().close()
		self.assertEqual(self.d.ctl("resize", "s", "1", "2").returncode, 0)
		self.silent(10)
		self.served_soon().close()
		talking.close()
		self.assertEqual(self.d.stop(), 0)

	def test_pause_and_drain(self):
		self.serve(2, "evict")
		self.silent(10)
		self.assertEqual(self.d.ctl("pause", "s").returncode, 0)
		self.silent(10)
		self.assertEqual(self.d.ctl("resume", "s").returncode, 0)
		self.served_soon().close()
		self.silent(10)
		self.assertEqual(self.d.ctl("drain").returncode, 0)

	def test_the_master_is_quiet_while_it_is_full(self):
		"""Whether nobody waits, or somebody who is not to get in."""
		self.serve(2, "evict")
		talking = [hold(self.endpoint) for _ in range(2)]
		self.assertLess(proc.cpu_share([self.d.pid], 1), 0.02)
		self.silent(1)
		self.assertLess(proc.cpu_share([self.d.pid], 1), 0.05)
		for s in talking:
			s.close()

	def test_the_signal_is_nothing_to_others(self):
		self.serve(1, "evict")
		client, = self.silent(1)
		self.busy(1)
		for pid in self.d.workers():
			os.kill(pid, signal.SIGUSR2)
		client.sendall(b"x")
		self.assertEqual(recv_exact(client, 1), b"x")


class EvictPrograms(Full):
	def programs(self, script, most=2):
		return self.serve(most, "evict", handler="exec", command=["/bin/sh", "-c", script])

	def test_silent_ones(self):
		self.programs("exec cat")
		clients = self.silent(20)
		self.busy(2)
		talking = self.served_soon()
		self.served_soon().close()
		self.silent(10)
		self.served_soon().close()
		self.assertTrue(lingers(talking))
		talking.sendall(b"x")
		self.assertEqual(recv_exact(talking, 1), b"x")
		self.assertGreaterEqual(len(ended(clients)), 19)
		self.assertEqual(self.status()["connections"]["failed"], 0)

	def test_what_is_not_read_counts(self):
		"""The client has spoken, though the program does not listen."""
		self.programs("exec sleep 1000", most=1)
		first, = self.silent(1)
		first.sendall(b"hello")
		self.busy(1)
		self.silent(1)
		self.d.wait_log("all workers are busy")
		self.assertTrue(lingers(first))
		self.assertEqual(refused(self.d, "s", "evicted"), 0)

	def test_one_that_does_not_end(self):
		"""Another gives way in its place, though it is younger."""
		first = self.stubborn()
		self.silent(1)
		self.busy(2)
		third, = self.silent(1)
		third.sendall(b"hello")
		self.assertEqual(recv_exact(third, 5), b"hello")
		self.assertTrue(proc.alive(first), "it has not waited for that one")

	def stubborn(self):
		"""The first program, which does not hear; the others are echo."""
		mark = os.path.join(self.folder("marks", for_workers=True), "mark")
		self.programs("if mkdir %s 2>&-; then trap '' TERM; echo $$; while :; do sleep 1; done; fi; exec cat"
			      % mark)
		s, = self.silent(1)
		with s.makefile() as lines:
			return int(lines.readline())


class Busy(Full):
	def test_first_byte_busy(self):
		"""With nothing but the defaults, made shorter."""
		if not lift_fd_limit(500):
			self.skipTest("not so many files may be open")
		self.serve(8, "queue", timeouts={"first_byte_busy": "500ms"})
		clients = self.silent(100)
		start = time.monotonic()
		s = hold(self.endpoint)
		took = time.monotonic() - start
		self.assertLess(took, 2 * 0.5 + SOON)
		s.close()
		self.assertGreaterEqual(len(ended(clients)), 100 - 8)


class Refuse(Full):
	def refuse(self, most, **more):
		return self.serve(most, "refuse", access={"banner": BANNER}, **more)

	def test_at_once_and_with_the_banner(self):
		self.refuse(2)
		talking = [hold(self.endpoint) for _ in range(2)]
		for _ in range(20):
			start = time.monotonic()
			self.assertEqual(outcome(self.endpoint), BANNER.encode())
			self.assertLess(time.monotonic() - start, SOON)
		self.assertEqual(refused(self.d, "s"), 20)
		self.assertEqual(refused(self.d, "s", "full"), 20)
		status = self.status()
		self.assertEqual((status["workers"]["max"], status["connections"]["active"]), (2, 2))
		self.assertEqual(len(self.d.workers()), 3)
		for s in talking:
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		talking[0].close()
		wait_until(lambda: self.status()["connections"]["active"] == 1, "one is gone")
		s, what = visit(self.endpoint)
		self.assertEqual(what, "served")
		self.assertEqual(outcome(self.endpoint), BANNER.encode())
		s.close()
		talking[1].close()
		self.d.wait_log(r"all workers are busy \(workers\.max = 2\).* \d+ were turned away")
		self.assertEqual(self.d.stop(), 0)

	def test_grows_up_to_max_first(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"s": {"handler": "echo", "listen": endpoint.text, "access": {"banner": BANNER},
				       "workers": {"min": 1, "min_spare": 1, "max_spare": 1, "max": 5,
						   "on_full": "refuse"}}})
		talking = [hold(endpoint) for _ in range(5)]
		wait_until(lambda: len(d.workers()) == 6, "one more, which turns away")
		self.assertEqual(outcome(endpoint), BANNER.encode())
		for s in talking:
			s.close()

	def test_after_a_resize(self):
		"""The limit is the one in force."""
		self.refuse(1)
		self.assertEqual(self.d.ctl("resize", "s", "1", "3").returncode, 0)
		talking = [hold(self.endpoint) for _ in range(3)]
		self.assertEqual(outcome(self.endpoint), BANNER.encode())
		self.assertEqual(self.d.ctl("resize", "s", "1", "2").returncode, 0)
		talking.pop().close()
		wait_until(lambda: self.status()["connections"]["active"] == 2, "one is gone")
		self.assertEqual(outcome(self.endpoint), BANNER.encode())
		for s in talking:
			s.close()

	def test_each_address_has_one(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"s": {"handler": "echo", "listen": [a.text, b.text], "access": {"banner": BANNER},
				       "workers": {"min": 1, "min_spare": 1, "max_spare": 4, "max": 4,
						   "on_full": "refuse"}}})
		talking = [hold(a) for _ in range(4)]
		for endpoint in (a, b):
			self.assertEqual(outcome(endpoint), BANNER.encode())
		for s in talking[:2]:
			s.close()
		wait_until(lambda: d.admin.service("s")["connections"]["active"] == 2, "two are gone")
		talking[:2] = [hold(b), hold(b)]
		wait_until(lambda: {w["listener"] for w in d.admin.workers() if w["state"] == "idle"} == {a.text,
													  b.text},
			   "one that turns away at each")
		for endpoint in (b, a):
			self.assertEqual(outcome(endpoint), BANNER.encode())
		for s in talking:
			s.close()


class TurnedAway(Full):
	"""Where nobody waits, because the others are turned away, the silent do not stay for longer."""

	def check(self, most, on_full, **more):
		self.serve(most, on_full, timeouts={"first_byte": "10min", "first_byte_busy": "300ms"}, **more)
		clients = self.silent(2)
		self.busy(2)
		time.sleep(0.6)	# for as long as nobody is turned away, they may be silent
		self.assertTrue(all(map(lingers, clients)))
		wait_until(lambda: outcome(self.endpoint) == "served", "room again", SOON)
		self.d.wait_log(r"timeouts\.first_byte_busy")

	def test_where_the_full_refuse(self):
		self.check(2, "refuse")

	def test_where_workers_are_reserved(self):
		self.check(4, "queue", access={"reserve": 2, "reserve_for": ["192.0.2.1"]})


class Advice(Full):
	def uptime(self):
		return self.d.admin.status()["uptime"]

	def test_it_names_the_setting_and_who_waits(self):
		self.serve(1, "queue")
		start = time.monotonic()
		with hold(self.endpoint):
			self.silent(17)
			self.d.wait_log(
				r"all workers are busy \(workers\.max = 1\): 17 clients wait in the queue now, "
				r"17 at most in the last \d+s; raise workers\.max, or see workers\.on_full")
			self.silent(5)
			wait_until(lambda: self.status()["listeners"][0]["queue"] == 22, "they wait")
			for _ in range(3):	# ticks
				up = self.uptime()
				wait_until(lambda: self.uptime() > up + 1, "a second has passed")
		self.assertEqual(self.d.stop(), 0)
		if time.monotonic() - start < 60:
			self.assertEqual(len(self.d.grep("all workers are busy")), 1)


main()
