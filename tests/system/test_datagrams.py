#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The small services over datagrams, of every family: what is answered, to which client, and what is not."""

import sys
sys.dont_write_bytecode = True

import os
import socket
import struct
import time

from harness import *
from harness.gate import SERVED, explain, outcome
from harness.datagram_case import DatagramCase, gram, needs_namespace


class Protocols(DatagramCase):
	"""Over each family in turn. ALLOWED: the asker may have more than it sends."""

	def each(self, handler, allowed=True):
		found = [Endpoint.v4(), Endpoint.unix(self.path("d0", "s")), Endpoint.abstract()]
		found += [Endpoint.v6()] if can_ipv6() else []
		endpoints = [gram(e) for e in found]
		access = {"per_source_rate": 0}
		if allowed:
			access["allow"] = ["127.0.0.0/8", "::1", "unix:"]
		self.daemon(self.service(handler, endpoints, access=access))
		for endpoint in endpoints:
			with self.subTest(endpoint.text):
				yield endpoint

	def test_echo(self):
		for endpoint in self.each("echo", allowed=False):
			with self.asker(endpoint) as a:
				for size in (0, 1, 512, 1472, 9000, 60000):
					data = payload(size, size)
					self.assertEqual(a.ask(data), data)

	def test_the_largest_ones(self):
		"""The largest datagram of each family can be sent back; a larger one is refused, not cut."""
		for endpoint in self.each("echo", allowed=False):
			unix = endpoint.family == socket.AF_UNIX
			most = 65536 if unix else 65527 if endpoint.family == socket.AF_INET6 else 65507
			with self.asker(endpoint) as a:
				if unix:
					a.send(payload("more", most + 1))
				data = payload("most", most)
				self.assertEqual(a.ask(data), data)

	def test_discard(self):
		for endpoint in self.each("discard"):
			with self.asker(endpoint) as a:
				a.send(b"to nobody")
				a.socket.settimeout(0.2)
				self.assertRaises(TimeoutError, a.take)

	def test_chargen(self):
		ring = bytes(range(32, 127))
		for endpoint in self.each("chargen"):
			with self.asker(endpoint) as a:
				answers = [a.ask(b"") for _ in range(20)]
			self.assertGreater(len({len(x) for x in answers}), 1, "a random number of characters")
			for text in answers:
				self.assertLessEqual(len(text), 512)
				for i, line in enumerate(text.split(b"\r\n")):
					self.assertTrue((ring + ring)[i:i + 72].startswith(line.rstrip(b"\r")), line)

	def test_daytime(self):
		for endpoint in self.each("daytime"):
			with self.asker(endpoint) as a:
				self.assertRegex(a.ask(b""), rb"^\d\d \w+ \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r\n$")

	def test_time(self):
		for endpoint in self.each("time"):
			with self.asker(endpoint) as a:
				since_1900, = struct.unpack("!I", a.ask(b""))
			self.assertAlmostEqual(since_1900, (time.time() + 2208988800) % 2 ** 32, delta=5)


class Restraint(DatagramCase):
	"""The service is neither an amplifier nor one end of a loop."""

	def one(self, handler, **more):
		endpoint = gram(Endpoint.v4())
		return self.daemon(self.service(handler, [endpoint], **more)), endpoint

	def test_status(self):
		"""Its address tells it from one for connections; it has no queue of clients."""
		d, endpoint = self.one("daytime")
		listener, = self.status(d)["listeners"]
		self.assertEqual(listener["address"], str(endpoint))
		self.assertEqual((listener["queue"], listener["backlog"], listener["backlog_asked"]), (None, 0, 0))
		self.assertEqual({w["listener"] for w in d.admin.workers()}, {str(endpoint)})
		text = d.ctl("status").stdout
		self.assertNotIn("asked for", text)
		self.assertNotIn("/", text.splitlines()[-1].replace("/s", ""))

	def test_no_more_than_was_sent(self):
		d, endpoint = self.one("daytime")
		with self.asker(endpoint) as a:
			a.send(b"")
			self.refused(d, "answer_size", 1)
			a.send(b"12345678")
			self.refused(d, "answer_size", 2)
			self.assertEqual(len(a.ask(bytes(64))), len("24 Nov 2026 23:15:54 +0000\r\n"))
		# it is counted after it was answered
		wait_until(lambda: self.status(d)["requests"] == 1, "one request")
		d.wait_log("refused: answer_size")
		lines = d.grep("refused: answer_size")
		self.assertEqual(len(lines), 1, lines)

	def test_chargen_is_cut_to_the_request(self):
		_, endpoint = self.one("chargen")
		with self.asker(endpoint) as a:
			sizes = [len(a.ask(bytes(10))) if i % 2 else 10 for i in range(8)]
		self.assertLessEqual(max(sizes), 10)

	@needs_namespace
	def test_ports_of_answering_services(self):
		"""Of both families, through one socket for both as well, and of those who may have any answer."""
		fresh_network() # where nobody else has those ports
		port = Endpoint.v4().port
		hosts = {"127.0.0.1": socket.AF_INET}
		if can_ipv6():
			hosts["::1"] = socket.AF_INET6
		d = self.daemon(self.service("echo", [Endpoint("udp:*:%d" % port, socket.AF_INET, None)],
					     access={"allow": ["127.0.0.0/8", "::1"], "per_source_rate": 0}))
		count = 0
		for host, family in hosts.items():
			for source in (7, 9, 13, 19, 37, None):
				with self.subTest(host=host, port=source), \
				     self.asker(Endpoint("", family, (host, port)), bind=(host, source or 0)) as a:
					if source is None:
						self.assertEqual(a.ask(b"you"), b"you")
						continue
					a.send(b"loop")
					count += 1
					self.refused(d, "answer_port", count)
					a.socket.settimeout(0.02)
					self.assertRaises(TimeoutError, a.take)
		with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as s:
			s.sendto(struct.pack("!HHHH", 0, port, 8, 0), ("127.0.0.1", 0)) # from port 0
		self.refused(d, "answer_port", count + 1)

	def test_it_does_not_answer_its_like(self):
		"""Nor itself: who writes its own address upon a datagram has nothing answered for ever."""
		d, endpoint = self.one("echo")
		with self.asker(endpoint, bind=("127.0.0.2", endpoint.port)) as a:
			a.send(b"loop")
			self.refused(d, "answer_port", 1)

	def test_rate_is_limited_by_default(self):
		endpoint = gram(Endpoint.v4())
		d = self.daemon(self.service("echo", [endpoint], access={}))
		with self.asker(endpoint) as a:
			for i in range(150):
				a.send(b"%d" % i)
			wait_until(lambda: sum(self.status(d)["connections"]["refused"].values()) +
				   self.status(d)["requests"] == 150, "all seen")
			self.assertGreater(self.status(d)["connections"]["refused"]["per_source_rate"], 0)
			self.assertGreaterEqual(self.status(d)["requests"], 100)
			# a drop refills it: never closed for good
			a.socket.settimeout(0.05)

			def again():
				a.send(b"again")
				try:
					return a.take() == b"again"
				except socket.timeout:
					return False
			wait_until(again, "there is room again", 5)

	def test_the_limit_by_default_is_not_for_connections(self):
		"""An asker of both: all its connections are served, where so many datagrams would not be."""
		tcp = Endpoint.v4()
		udp = gram(tcp)
		d = self.daemon(self.service("echo", [tcp, udp], access={}))
		for _ in range(250):
			self.assertEqual(outcome(tcp), SERVED)
		said = explain(d, "127.0.0.1")[1]
		self.assertEqual((said["rates"]["source"], said["rates"]["datagrams"]["limit"]), (None, "100/1s"))
		with self.asker(udp) as a:
			for _ in range(150):
				a.send(b"x")
			wait_until(lambda: self.status(d)["connections"]["refused"]["per_source_rate"] > 0,
				   "some are refused")
		d.wait_log(r"refused: per_source_rate \(limit 100/1s")

	def test_a_limit_of_connections_is_for_datagrams_too(self):
		d, endpoint = self.one("echo", access={"per_source_rate": "2/1h"})
		with self.asker(endpoint) as a:
			for _ in range(5):
				a.send(b"x")
			self.refused(d, "per_source_rate", 3)

	def test_each_kind_has_a_limit_of_its_own(self):
		tcp = Endpoint.v4()
		udp = gram(tcp)
		d = self.daemon(self.service("echo", [tcp, udp], access={"per_source_rate": "1/1h",
									 "per_source_datagrams": "3/1h"}))
		self.assertEqual(outcome(tcp), SERVED)
		self.assertNotEqual(outcome(tcp), SERVED)
		self.refused(d, "per_source_rate", 1)
		with self.asker(udp) as a:
			for _ in range(5):
				a.send(b"x")
			self.refused(d, "per_source_rate", 3)

	def test_no_penalty_for_who_may_be_forged(self):
		"""It would shut out somebody who has sent nothing, over TCP as well."""
		tcp = Endpoint.v4()
		udp = gram(tcp)
		d = self.daemon(self.service("echo", [tcp, udp], access={"per_source_rate": "1/1h"},
					     penalty={"refusals": 2, "crashes": 1}))
		with self.asker(udp) as a:
			for _ in range(9):
				a.send(b"x")
			self.refused(d, "per_source_rate", 8)
		said = explain(d, "127.0.0.1")[1]
		self.assertEqual((said["penalty"], said["faults"]["refusals"]["count"]), (None, 0))
		self.assertEqual(len(said["refusals"]), 8)
		# nor are they counted as its connections: it may come, and comes
		self.assertTrue(said["admitted"], said)
		self.assertEqual(said["rates"]["source"]["wait"], 0)
		self.assertGreater(said["rates"]["datagrams"]["wait"], 3000)
		self.assertEqual(outcome(tcp), SERVED)
		self.assertIn("1/1h of the datagrams: room in ", d.ctl("explain", "127.0.0.1").stdout)

	def test_explain_of_a_service_for_datagrams_only(self):
		d, endpoint = self.one("echo", access={"per_source_rate": "1/1h"})
		with self.asker(endpoint) as a:
			self.assertEqual(a.ask(b"x"), b"x")
		status, said = explain(d, "127.0.0.1")
		self.assertEqual((status, said["reason"], said["rates"]["datagrams"]), (1, "per_source_rate", None))

	def test_a_datagram_is_no_connection(self):
		"""It is let in where its source has all connections that it may have, and takes none of them."""
		tcp = Endpoint.v4()
		udp = gram(tcp)
		d = self.daemon(self.service("echo", [tcp, udp],
					     access={"per_source": 1, "per_source_rate": 0, "reserve": 7,
									 "reserve_for": "192.0.2.1"}))
		with hold(tcp), self.asker(udp) as a:
			self.assertEqual(a.ask(b"x"), b"x")
			self.assertEqual(explain(d, "127.0.0.1")[1]["reason"], "per_source")
		self.assertEqual(sum(self.status(d)["connections"]["refused"].values()), 0)

	def test_rules_for_users_hold(self):
		"""The kernel passes the credentials of the sender together with the datagram."""
		me, other = "unix:uid=%d" % os.getuid(), "unix:uid=%d" % (os.getuid() + 1)
		for rules, reason in (({"deny": [me]}, "denied"), ({"allow": [other]}, "not_allowed"),
				      ({"allow": [me]}, None), ({"deny": [other]}, None),
				      ({"deny": ["unix:gid=%d" % os.getgid()]}, "denied")):
			with self.subTest(rules):
				endpoint = gram(Endpoint.unix(self.path("d0", "s")))
				d = self.daemon(self.service("echo", [endpoint], access=rules))
				with self.asker(endpoint) as a:
					a.send(b"x")
					if reason is None:
						self.assertEqual(a.take(), b"x")
					else:
						self.refused(d, reason, 1)
				self.assertEqual(d.stop(), 0)

	@needs_root()
	def test_users_do_not_share_a_rate(self):
		endpoint = gram(Endpoint.unix(self.path("d0", "s")))
		d = self.daemon(self.service("echo", [endpoint], access={"per_source_rate": "1/1h"},
					     penalty={"refusals": 3}))
		with self.asker(endpoint) as a:
			self.assertEqual(a.ask(b"1"), b"1")
			for i in range(1, 4):
				a.send(b"x")
				self.refused(d, "per_source_rate", i)
			a.send(b"x")
			self.refused(d, "penalty", 1)
			self.addCleanup(os.setresuid, 0, 0, 0)
			os.setresuid(65534, -1, -1)
			self.assertEqual(a.ask(b"2"), b"2")

	def test_connections_do_not_count(self):
		"""A datagram is no connection that could be one too many of its source."""
		tcp = Endpoint.v4()
		udp = gram(tcp)
		self.daemon(self.service("echo", [tcp, udp], access={"per_source_rate": 0, "per_source": 1}))
		with tcp.connect() as c, self.asker(udp) as a:
			c.sendall(b"tcp")
			self.assertEqual(recv_exact(c, 3), b"tcp")
			self.assertEqual(a.ask(b"udp"), b"udp")

	def test_denied(self):
		d, endpoint = self.one("echo", access={"deny": ["127.0.0.0/8"]})
		with self.asker(endpoint) as a:
			a.send(b"x")
			self.refused(d, "denied", 1)
		self.assertEqual(self.status(d)["requests"], 0)


if __name__ == "__main__":
	main()
