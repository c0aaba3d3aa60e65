#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What one source may take of a service: connections, rates, reserved workers, penalties."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import *
from harness.gate import *

NO_NETWORK = no_namespaces()
WIDE = {"min": 8, "min_spare": 8, "max_spare": 16, "max": 96}


def limited(endpoint, access, **more):
	return {"echo": {"handler": "echo", "listen": endpoint.text, "workers": WIDE, "access": access, **more}}


class Counted(Case):
	def once(self, d, reason, address, text):
		"""It happened once: the counter, one line in the log, and explain all say so."""
		wait_until(lambda: refused(d, "echo", reason) == 1, "one that was refused: " + reason)
		self.assertEqual(refused(d, "echo"), 1)
		self.assertRegex(d.wait_log("refused: " + reason), text)
		self.assertEqual(len(d.grep("refused: ")), 1)
		said = explain(d, address)[1]
		self.assertEqual([x["reason"] for x in said["refusals"]], [reason])
		self.assertLess(said["refusals"][0]["age"], PATIENCE)
		self.assertIn(reason, d.ctl("explain", address).stdout)
		return said


class PerSource(Counted):
	def test_refused_and_told(self):
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"per_source": 2}))
		held = [hold(endpoint) for _ in range(2)]
		self.assertEqual(listens(endpoint), b"")
		said = self.once(d, "per_source", "127.0.0.1", r"127\.0\.0\.1.*refused: per_source \(limit 2\)")
		self.assertFalse(said["admitted"])
		self.assertEqual(said["reason"], "per_source")
		self.assertEqual(said["connections"], {"source": 2, "limit": 2, "all": 2})
		self.assertEqual(explain(d, "127.0.0.2")[0], 0)
		held.pop().close()
		wait_seated(d, "127.0.0.1", 1)
		self.assertEqual(outcome(endpoint), SERVED)
		held.pop().close()

		def done():
			now = d.admin.service("echo")["connections"]
			return now["active"] == 0 and now["accepted"]
		self.assertEqual(wait_until(done, "all gone"), 3, "the one that was refused is not among them")

	def test_exactly_so_many_at_the_same_time(self):
		endpoint = Endpoint.v4()
		self.daemon(limited(endpoint, {"per_source": 5}))
		sources = ["127.0.0.%d" % n for n in (11, 12, 13)]
		start = threading.Barrier(len(sources) * 20)
		results, lock = {source: [] for source in sources}, threading.Lock()

		def one(source):
			start.wait(PATIENCE)
			s, what = visit(endpoint, source)
			with lock:
				results[source].append((s, what))

		for _ in range(3):
			threads = [threading.Thread(target=one, args=(source,)) for source in sources
				   for _ in range(20)]
			for thread in threads:
				thread.start()
			for thread in threads:
				thread.join(2 * PATIENCE)
			for source in sources:
				served = [s for s, what in results[source] if what == SERVED]
				self.assertEqual(len(results[source]), 20)
				self.assertEqual(len(served), 5, source)
				for s in served:
					s.close()
			wait_until(lambda: [seated(self.daemons[0], x) for x in sources] == [0, 0, 0], "all seats free")
			for source in sources:
				results[source].clear()

	def test_one_after_the_other(self):
		"""A client that waits for the end of its connection may connect again, even where one is allowed."""
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"per_source": 1}))
		for i in range(300):
			with endpoint.connect() as s:
				s.sendall(b"%d" % i)
				s.shutdown(socket.SHUT_WR)
				self.assertEqual(read_all(s), b"%d" % i)
		self.assertEqual(refused(d, "echo"), 0)

	def test_killed_workers_leak_no_count(self):
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"per_source": 3}))
		for _ in range(3):
			held = [hold(endpoint) for _ in range(3)]
			busy = [x["pid"] for x in d.admin.workers() if x["state"] == "busy"]
			self.assertEqual(len(busy), 3)
			for pid in busy:
				os.kill(pid, signal.SIGKILL)
			wait_until(lambda: seated(d, "127.0.0.1") == 0, "no connections counted", 2)
			for s in held:
				s.close()
		self.assertEqual(refused(d, "echo"), 0)

	def test_over_reload_and_upgrade(self):
		"""Connections of a former generation, and of the program before, still count."""
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"per_source": 2}))
		first = hold(endpoint)
		self.assertEqual(d.reload(Config(limited(endpoint, {"per_source": 2, "banner": "no\n"}))).returncode, 0)
		second = hold(endpoint)
		self.assertEqual(listens(endpoint), b"no\n")
		self.assertEqual(d.ctl("upgrade").returncode, 0)
		self.assertEqual(listens(endpoint), b"no\n")
		first.close()
		wait_seated(d, "127.0.0.1", 1)
		self.assertEqual(outcome(endpoint), SERVED)
		second.close()

	def test_prefix(self):
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"per_source": 1, "prefix4": 24}))
		with come(endpoint, "127.0.1.1") as s:
			s.sendall(b"hello")
			recv_exact(s, 5)
			self.assertEqual(listens(endpoint, "127.0.1.200"), b"")
			self.assertEqual(outcome(endpoint, "127.0.2.1"), SERVED)
			self.assertEqual(explain(d, "127.0.1.99")[1]["source"], "127.0.1.0/24")

	@unittest.skipIf(NO_NETWORK, NO_NETWORK)
	def test_real_addresses(self):
		"""An IPv6 client has a network of its own, and counts with all of it."""
		fresh_network()
		self.addCleanup(fresh_network)
		for address in ("192.0.2.1/32", "192.0.2.2/32", "198.51.100.1/32", "2001:db8:0:1::1/128",
				"2001:db8:0:1:ffff::2/128", "2001:db8:0:2::1/128", "2001:db8::1/128"):
			subprocess.run(["ip", "address", "add", address, "dev", "lo",
					*(["nodad"] if ":" in address else [])],
				       check=True)
		port = Endpoint.v4().port
		four = Endpoint.v4("198.51.100.1", port)
		six = Endpoint.v6("2001:db8::1", port)
		d = self.daemon({"echo": {"handler": "echo", "listen": "*:%d" % port, "workers": WIDE,
					  "access": {"per_source": 1}}})
		for endpoint, one, same, other, source in (
				(six, "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1",
				 "2001:db8:0:1::/64"),
				(four, "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1")):
			s, what = visit(endpoint, one)
			self.assertEqual(what, SERVED)
			self.assertEqual(listens(endpoint, same), b"")
			self.assertEqual(outcome(endpoint, other), SERVED)
			said = explain(d, same)[1]
			self.assertEqual((said["source"], said["reason"]), (source, "per_source"))
			s.close()
		# an IPv4 client at the IPv6 socket, asked for in both ways
		with come(four, "192.0.2.1"):
			wait_seated(d, "::ffff:192.0.2.1", 1)

	def test_unix_clients_count_by_user(self):
		endpoint = Endpoint.unix(self.path("socket"))
		d = self.daemon(limited(endpoint, {"per_source": 1}))
		me = "unix:uid=%d" % os.geteuid()
		with hold(endpoint):
			self.assertEqual(listens(endpoint), b"")
			self.once(d, "per_source", me, "refused: per_source")
			self.assertEqual(explain(d, "unix:uid=54321")[0], 0)

	def test_exempt(self):
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"per_source": 1, "per_source_rate": "1/1h",
						   "exempt": ["127.0.0.7"]}))
		held = [visit(endpoint, "127.0.0.7") for _ in range(6)]
		self.assertEqual([what for _, what in held], [SERVED] * 6)
		self.assertTrue(explain(d, "127.0.0.7")[1]["exempt"])
		self.assertEqual(refused(d, "echo"), 0)
		for s, _ in held:
			s.close()


class Reserve(Counted):
	def test_the_last_workers_are_for_the_listed(self):
		endpoint = Endpoint.v4()
		fixed = {"min": 4, "min_spare": 1, "max_spare": 4, "max": 4}
		d = self.daemon(limited(endpoint, {"reserve": 1, "reserve_for": ["127.0.0.9"]}, workers=fixed))
		held = [hold(endpoint) for _ in range(3)]
		self.assertEqual(listens(endpoint), b"")
		said = self.once(d, "reserved", "127.0.0.1", r"reserved \(3 connections, 1 workers are reserved\)")
		self.assertEqual(said["reason"], "reserved")
		self.assertEqual((said["workers"]["reserve"], said["reserve_for"]), (1, False))
		status, said = explain(d, "127.0.0.9")
		self.assertEqual((status, said["reserve_for"]), (0, True))
		for _ in range(10):	# a probe, again and again
			self.assertEqual(outcome(endpoint, "127.0.0.9"), SERVED)
		self.assertEqual(refused(d, "echo"), 1)
		held.pop().close()
		wait_until(lambda: outcome(endpoint) == SERVED, "others get in again")
		held += [s for s, _ in (visit(endpoint, "127.0.0.9") for _ in range(2))]
		self.assertEqual(len(held), 4)
		for s in held:
			s.close()


class Rates(Counted):
	def test_of_a_source(self):
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"per_source_rate": "2/1h"}))
		self.assertEqual([outcome(endpoint) for _ in range(2)], [SERVED] * 2)
		self.assertEqual(listens(endpoint), b"")
		said = self.once(d, "per_source_rate", "127.0.0.1", r"per_source_rate \(limit 2/1h; room in ")
		self.assertEqual(said["reason"], "per_source_rate")
		self.assertEqual(said["rates"]["source"]["limit"], "2/1h")
		self.assertGreater(said["wait"], 1700)
		self.assertEqual(outcome(endpoint, "127.0.0.2"), SERVED)

	def test_of_the_service(self):
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"rate": "2/1h", "per_source_rate": "1000/1h"}))
		self.assertEqual([outcome(endpoint, "127.0.0.%d" % n) for n in (1, 2)], [SERVED] * 2)
		self.assertEqual(listens(endpoint, "127.0.0.3"), b"")
		said = self.once(d, "rate", "127.0.0.3", r"refused: rate \(limit 2/1h; room in ")
		self.assertEqual(said["reason"], "rate")
		self.assertEqual(said["rates"]["source"]["wait"], 0)

	def test_a_burst_closes_nothing(self):
		"""Ten times as many as the rate allows: some are refused, and right afterwards all is as before."""
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"rate": "20/1s"}))
		results = [outcome(endpoint) for _ in range(200)]
		self.assertGreaterEqual(results.count(SERVED), 20)
		self.assertGreater(refused(d, "echo", "rate"), 0)
		wait_until(lambda: outcome(endpoint) == SERVED, "the service is there again", 1)
		# one refused after the other does not keep it shut
		end, served = time.monotonic() + 2, 0
		while time.monotonic() < end:
			served += outcome(endpoint) == SERVED
		self.assertGreater(served, 25)
		self.assertLess(served, 70)

	def test_more_sources_than_are_remembered(self):
		"""Whoever has no entry is let in, which status counts; those that have one are held to it."""
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"per_source_rate": "1/1h", "sources": 256}))
		sources = ["127.0.%d.%d" % (n // 200, 1 + n % 200) for n in range(600)]
		self.assertEqual({outcome(endpoint, source) for source in sources}, {SERVED})
		status = d.admin.service("echo")
		self.assertGreaterEqual(status["sources"]["untracked"], 600 - 256)
		self.assertLess(status["sources"]["untracked"], 600)
		self.assertEqual(sum(status["connections"]["refused"].values()), 0)
		self.assertEqual(outcome(endpoint, sources[0]), b"")
		self.assertIn(outcome(endpoint, sources[-1]), (SERVED, b""))

	def test_the_log_tells_how_many_it_does_not_show(self):
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"per_source_rate": "1/1h"}))
		for _ in range(50):
			outcome(endpoint)
		wait_until(lambda: refused(d, "echo") == 49, "49 refused")
		d.stop()
		self.assertEqual(len(d.grep("refused: per_source_rate")), 1)


class Penalties(Counted):
	def crash(self, d, endpoint, source):
		"""A client of SOURCE crashes its worker."""
		s, what = visit(endpoint, source)
		self.assertEqual(what, SERVED)
		victim, = [x["pid"] for x in d.admin.workers() if (x["peer"] or "").startswith(source + ":")]
		mark = d.mark()
		os.kill(victim, signal.SIGABRT)
		d.wait_log("worker %d" % victim, mark)
		s.close()

	def test_for_crashes(self):
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"exempt": ["127.0.0.7"]},
					penalty={"crashes": 2, "within": "1min", "duration": "2s"}))
		for source in ("127.0.0.2", "127.0.0.7"):
			self.crash(d, endpoint, source)
			self.assertEqual(explain(d, source)[0], 0)
			self.crash(d, endpoint, source)
		d.wait_log(r"127\.0\.0\.2.*its source is refused for 2s: crashed 2 workers within 1min")
		self.assertEqual(listens(endpoint, "127.0.0.2"), b"")
		said = self.once(d, "penalty", "127.0.0.2", r"refused: penalty \(for another ")
		self.assertEqual((said["reason"], said["penalty"]["reason"]), ("penalty", "crashes"))
		self.assertTrue(0 < said["penalty"]["remaining"] <= 2, said)
		self.assertEqual(d.admin.service("echo")["sources"]["penalized"], 1)
		self.assertEqual(outcome(endpoint, "127.0.0.3"), SERVED)
		self.assertEqual(outcome(endpoint, "127.0.0.7"), SERVED)
		wait_until(lambda: outcome(endpoint, "127.0.0.2") == SERVED, "it is over", 5)
		status, said = explain(d, "127.0.0.2")
		self.assertEqual((status, said["penalty"]), (0, None))
		self.assertEqual(len(d.grep("its source is refused")), 1)

	def test_for_crashes_of_a_user(self):
		"""On a unix socket the source is the user."""
		me = "unix:uid=%d" % os.geteuid()
		for exempt in ([], [me]):
			endpoint = Endpoint.unix(self.path("d%d" % len(self.daemons), "s"))
			d = self.daemon(limited(endpoint, {"exempt": exempt}, penalty={"crashes": 1}))
			with hold(endpoint):
				victim, = [x["pid"] for x in d.admin.workers() if x["state"] == "busy"]
				os.kill(victim, signal.SIGABRT)
				d.wait_log("worker %d" % victim)
			said = explain(d, me)[1]
			if exempt:
				self.assertIsNone(said["penalty"])
				self.assertEqual(outcome(endpoint), SERVED)
			else:
				self.assertEqual(said["penalty"]["reason"], "crashes")
				self.assertEqual(listens(endpoint), b"")
				self.once(d, "penalty", me, "refused: penalty")

	def test_for_refusals(self):
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {"per_source": 1, "exempt": ["127.0.0.7"]},
					penalty={"refusals": 3, "within": "1min", "duration": "2s"}))
		held = hold(endpoint)
		for _ in range(3):
			self.assertEqual(listens(endpoint), b"")
		held.close()
		wait_seated(d, "127.0.0.1", 0)
		self.assertEqual(listens(endpoint), b"")
		self.assertEqual(refused(d, "echo", "penalty"), 1)
		self.assertEqual(explain(d, "127.0.0.1")[1]["penalty"]["reason"], "refusals")
		wait_until(lambda: outcome(endpoint) == SERVED, "it is over, however often it asked", 5)

	def test_none_by_default(self):
		"""A hundred behind one address, and one that does harm: the others do not suffer for it."""
		endpoint = Endpoint.v4()
		d = self.daemon(limited(endpoint, {}, workers={**WIDE, "min_spare": 16, "max": 128}))
		held = [hold(endpoint) for _ in range(100)]
		workers = {x["peer"]: x["pid"] for x in d.admin.workers() if x["state"] == "busy"}
		for _ in range(5):
			bad = hold(endpoint)
			name = "%s:%d" % bad.getsockname()
			victim = wait_until(lambda: [x["pid"] for x in d.admin.workers() if x["peer"] == name],
					    "its worker")
			os.kill(victim[0], signal.SIGABRT)
			bad.close()
		self.assertEqual(len(workers), 100)
		for i, s in enumerate(held):
			s.sendall(b"still%d" % i)
			self.assertEqual(recv_exact(s, len(b"still%d" % i)), b"still%d" % i)
			s.close()
		self.assertEqual([outcome(endpoint) for _ in range(100)], [SERVED] * 100)
		self.assertEqual(refused(d, "echo"), 0)


main()
