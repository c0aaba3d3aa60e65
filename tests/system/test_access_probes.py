#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Access rules: clients that only probe, clients of proxies, and those that wait in the queue."""

import sys
sys.dont_write_bytecode = True

import os
import socket
import time

from harness import *
from harness.gate import *


class Probes(Case):
	def count(self, d):
		return d.admin.service("echo")["connections"]["probes"]

	def test_connect_and_close(self):
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {}), top={"log": {"connections": "all", "level": "info"}})
		mark = d.mark()
		for i in range(1000):
			s = endpoint.connect()
			if i % 2:
				reset_at_close(s)
			s.close()
		wait_until(lambda: self.count(d) == 1000, "1000 probes counted")
		connections = d.admin.service("echo")["connections"]
		self.assertEqual((connections["failed"], sum(connections["refused"].values())), (0, 0))
		self.assertEqual(outcome(endpoint), SERVED)
		d.wait_log("done after", mark)
		d.stop()
		self.assertEqual(len(d.grep("echo 127", mark)), 1, "the one that was none")

	def test_who_asks_is_no_probe(self):
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {}, timeouts={"first_byte": "200ms"}))
		with endpoint.connect() as s:
			self.assertEqual(read_all(s), b"")	# cut by a time limit
		d.wait_log("no first byte within")
		self.assertEqual(outcome(endpoint), SERVED)
		self.assertEqual(self.count(d), 0)

	def test_listed(self):
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {"probes": ["127.0.0.3"]}),
				top={"log": {"connections": "all", "level": "info"}})
		mark = d.mark()
		for _ in range(5):
			self.assertEqual(outcome(endpoint, "127.0.0.3"), SERVED)
		wait_until(lambda: self.count(d) == 5, "5 probes")
		self.assertTrue(explain(d, "127.0.0.3")[1]["probe"])
		self.assertFalse(explain(d, "127.0.0.1")[1]["probe"])
		self.assertEqual(outcome(endpoint), SERVED)
		d.wait_log("done after", mark)
		d.stop()
		self.assertEqual(len(d.grep("echo 127", mark)), 1)

	def test_refused_is_refused(self):
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {"probes": ["127.0.0.3"], "deny": ["127.0.0.3"]}))
		self.assertEqual(listens(endpoint, "127.0.0.3"), b"")
		wait_until(lambda: refused(d, "echo", "denied") == 1, "one refused")
		self.assertEqual(self.count(d), 0)

	@needs_tool("true")
	def test_of_a_program(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "exec", "listen": endpoint.text,
					  "command": ["/bin/sh", "-c", "read x; echo $x"]}})
		for _ in range(5):
			endpoint.connect().close()
		wait_until(lambda: d.admin.service("echo")["connections"]["accepted"] == 5, "5 connections")
		self.assertEqual(d.admin.service("echo")["connections"]["failed"], 0)

	def test_of_a_program_that_fails(self):
		"""A client that says nothing and closes does not hide it, unless it is one that checks."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "exec", "listen": endpoint.text, "workers": {"min": 1, "max": 1},
					  "command": ["/bin/sh", "-c", "read x || exit 3; echo $x"],
					  "access": {"probes": "127.0.0.3"}}})
		for _ in range(5):
			come(endpoint, "127.0.0.3").close()
		wait_until(lambda: self.count(d) == 5, "5 probes")
		self.assertEqual(talk(endpoint, b"word\n"), b"word\n")
		self.assertEqual(d.admin.service("echo")["connections"]["failed"], 0)
		for _ in range(5):
			endpoint.connect().close()
		wait_until(lambda: d.admin.service("echo")["connections"]["failed"] == 5, "5 failures")
		self.assertEqual(self.count(d), 5)
		d.wait_log(r"echo 127\.0\.0\.1:\d+: /bin/sh exited with status 3")
		d.stop()
		self.assertEqual(len(d.grep("exited with status 3")), 1)

	def test_of_a_program_that_is_killed(self):
		"""That is told, whatever the client did."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "exec", "listen": endpoint.text,
					  "command": ["/bin/sh", "-c", "kill -KILL $$"]}})
		endpoint.connect().close()
		d.wait_log(r"/bin/sh was killed by signal 9")
		wait_until(lambda: d.admin.service("echo")["connections"]["failed"] == 1, "one failed")
		self.assertEqual(self.count(d), 0)


class Proxies(Case):
	"""What is refused because of the PROXY protocol, and what is decided about clients behind a proxy."""
	LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"

	def serve(self, access=None, **more):
		endpoint = Endpoint.v4()
		return endpoint, self.daemon(
			guarded(endpoint, access or {}, proxy_protocol={"from": ["127.0.0.2"], "without": ["127.0.0.4"],
									"timeout": "300ms"}, **more),
			top={"log": {"connections": "all", "level": "info"}})

	def say(self, endpoint, data, source="127.0.0.2"):
		with come(endpoint, source) as s:
			try:
				s.sendall(data)
				s.shutdown(socket.SHUT_WR)
				return read_all(s)
			except (ConnectionResetError, BrokenPipeError, OSError):
				return RESET

	def test_each_reason(self):
		endpoint, d = self.serve()
		for reason, source, data in (("proxy_untrusted", "127.0.0.1", b"hello"),
					     ("proxy_missing", "127.0.0.2", b"hello"),
					     ("proxy_malformed", "127.0.0.2",
					      b"PROXY TCP4 1.2.3 4.5.6.7 1 2\r\nhello")):
			self.assertIn(self.say(endpoint, data, source), (b"", RESET))
			wait_until(lambda x=reason: refused(d, "echo", x) == 1, reason)
			d.wait_log("%s:\\d+: refused: %s" % (source, reason))
			self.assertEqual(explain(d, source)[1]["refusals"][0]["reason"], reason)
		self.assertIn(listens(endpoint, "127.0.0.2"), (b"", RESET))
		# at the limit the connection ends first
		wait_until(lambda: refused(d, "echo", "proxy_timeout") == 1, "it is counted")
		d.wait_log("refused: proxy_timeout")
		self.assertEqual(refused(d, "echo"), 4)
		self.assertEqual([x["reason"] for x in explain(d, "127.0.0.2")[1]["refusals"]],
				 ["proxy_timeout", "proxy_malformed", "proxy_missing"])
		self.assertEqual([explain(d, "127.0.0.%d" % n)[1]["proxy_protocol"] for n in (1, 2, 4)],
				 ["refused", "required", "optional"])

	def test_the_claimed_client_counts(self):
		endpoint, d = self.serve({"deny": ["192.0.2.7", "192.0.2.9"], "per_source": 1})
		head = b"PROXY TCP4 %s 198.51.100.1 4711 7\r\n"
		self.assertEqual(self.say(endpoint, head % b"192.0.2.8" + b"hello"), b"hello")
		self.assertIn(self.say(endpoint, head % b"192.0.2.7" + b"hello"), (b"", RESET))
		wait_until(lambda: refused(d, "echo", "denied") == 1, "one denied")
		d.wait_log(r"192\.0\.2\.7:4711: refused: denied \(192\.0\.2\.7, .*127\.0\.0\.2")
		status, said = explain(d, "192.0.2.7")
		self.assertEqual((status, said["refusals"][0]["peer"]), (1, "192.0.2.7:4711"))
		self.assertIn("through one", d.ctl("explain", "192.0.2.8").stdout)
		with come(endpoint, "127.0.0.2") as s:
			s.sendall(head % b"192.0.2.8" + b"hello")
			recv_exact(s, 5)
			self.assertEqual(seated(d, "192.0.2.8"), 1)
			self.assertEqual(self.say(endpoint, head % b"192.0.2.8" + b"hello"), b"")
			self.assertEqual(refused(d, "echo", "per_source"), 1)
			self.assertEqual(self.say(endpoint, head % b"192.0.2.10" + b"hello"), b"hello")
		self.assertEqual(outcome(endpoint, "127.0.0.4"), SERVED)

	def test_health_checks(self):
		endpoint, d = self.serve()
		mark = d.mark()
		for _ in range(20):
			self.assertEqual(self.say(endpoint, self.LOCAL), b"")
		for _ in range(20):
			self.assertEqual(self.say(endpoint, self.LOCAL + b"hello"), b"hello")
		for _ in range(20):
			self.assertEqual(self.say(endpoint, b""), b"")
		wait_until(lambda: d.admin.service("echo")["connections"]["probes"] == 60, "60 probes")
		self.assertEqual(refused(d, "echo"), 0)
		d.stop()
		self.assertEqual(d.grep(r"echo (127|192)", mark), [])


class Queue(Case):
	def test_silent_in_the_queue(self):
		"""A client that waited for the only free worker and sent nothing makes room for those that did send."""
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {"banner": BANNER},
					workers={"min": 1, "min_spare": 1, "max_spare": 1, "max": 1},
					timeouts={"first_byte": "60s", "first_byte_busy": "300ms"}))
		held = hold(endpoint)
		silent = [endpoint.connect() for _ in range(3)]
		asks = endpoint.connect()
		asks.sendall(b"hello")
		time.sleep(0.5)	# that is what it is about: they have waited so long
		held.close()
		for s in silent:
			self.assertEqual(read_all(s), BANNER.encode())
			s.close()
		self.assertEqual(recv_exact(asks, 5), b"hello")
		asks.close()
		self.assertEqual(refused(d, "echo", "queued_silent"), 3)
		d.wait_log(r"refused: queued_silent \(no first byte within 300ms, timeouts\.first_byte_busy\)")
		self.assertEqual([x["reason"] for x in explain(d, "127.0.0.1")[1]["refusals"]], ["queued_silent"] * 3)

	def test_probes_in_the_queue(self):
		"""A client that has left before a worker accepts it is not counted as refused, and not logged."""
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {}, workers={"min": 1, "min_spare": 1, "max_spare": 1, "max": 1},
					timeouts={"first_byte": "60s", "first_byte_busy": "100ms"}))
		held = hold(endpoint)
		for n in range(10):
			with endpoint.connect() as s:
				if n % 2:
					reset_at_close(s)
		with endpoint.connect() as asks:
			asks.sendall(b"hello")
			time.sleep(0.3)	# that is what it is about: they have waited so long
			held.close()
			self.assertEqual(recv_exact(asks, 5), b"hello")
		probes = d.admin.service("echo")["connections"]["probes"]
		self.assertEqual((refused(d, "echo"), probes), (0, 10))
		self.assertEqual(d.grep("queued_silent"), [])

	def test_who_waits_for_a_program_to_speak_first(self):
		"""Silence in the queue says nothing about a client that is to be greeted."""
		endpoint = Endpoint.v4()
		d = self.daemon({"mail": {"handler": "exec", "command": ["/bin/sh", "-c", "echo 220; read x; echo 250"],
					  "listen": endpoint.text,
					  "workers": {"min": 1, "min_spare": 1, "max_spare": 1, "max": 1},
					  "timeouts": {"first_byte": "60s", "first_byte_busy": "600ms"}}})
		held = endpoint.connect()
		self.assertEqual(recv_exact(held, 4), b"220\n")
		held.sendall(b"h")	# has spoken: may stay
		waiting = [endpoint.connect() for _ in range(3)]
		time.sleep(1)	# that is what it is about: they have waited so long
		held.close()
		for s in waiting:
			self.assertEqual(recv_exact(s, 4), b"220\n")
			s.sendall(b"helo\n")
			self.assertEqual(read_all(s), b"250\n")
			s.close()
		self.assertEqual(refused(d, "mail"), 0)
		self.assertEqual(d.grep(r"\(timeouts\."), [])

	def test_who_speaks_later_is_not_refused(self):
		"""A service whose clients never say anything refuses nobody for that."""
		endpoint = Endpoint.v4()
		d = self.daemon({"daytime": {"handler": "daytime", "listen": endpoint.text,
					     "workers": {"min": 1, "min_spare": 1, "max_spare": 1, "max": 1},
					     "timeouts": {"first_byte": "60s", "first_byte_busy": "100ms"}}})
		worker, = d.wait_workers(1)
		os.kill(worker, 19)	# SIGSTOP
		waiting = [endpoint.connect() for _ in range(4)]
		time.sleep(0.3)
		os.kill(worker, 18)	# SIGCONT
		for s in waiting:
			self.assertNotEqual(read_all(s), b"")
			s.close()
		self.assertEqual(refused(d, "daytime"), 0)


main()
