#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The small services over datagrams, of every family: what is answered, to whom, from where, and what is not."""

import sys
sys.dont_write_bytecode = True

import ast
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from harness import *
from harness.gate import SERVED, explain, outcome

no_namespace = no_namespaces()
needs_namespace = unittest.skipIf(no_namespace, no_namespace)


class Asker:
	"""A client of one endpoint: sends datagrams, and takes answers."""

	def __init__(self, endpoint, folder, bind=None):
		self.socket = socket.socket(endpoint.family, socket.SOCK_DGRAM)
		self.path = None
		if bind is not None:
			self.socket.bind(bind)
		elif endpoint.family == socket.AF_UNIX:
			self.path = os.path.join(folder, "asker-%d" % random.getrandbits(48))
			self.socket.bind(self.path)
			os.chmod(self.path, 0o777)
		self.socket.settimeout(PATIENCE)
		self.address = endpoint.address

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self.socket.close()
		if self.path is not None and os.path.exists(self.path):
			os.unlink(self.path)

	def send(self, data):
		self.socket.sendto(data, self.address)

	def take(self):
		return self.socket.recv(70000)

	def ask(self, data):
		self.send(data)
		return self.take()


def gram(endpoint):
	"""The same address for datagrams."""
	if endpoint.text.startswith("unix:"):
		return Endpoint("unixgram:" + endpoint.text[len("unix:"):], endpoint.family, endpoint.address)
	return Endpoint("udp:" + endpoint.text, endpoint.family, endpoint.address)


class DatagramCase(Case):
	def asker(self, endpoint, **more):
		a = Asker(endpoint, os.path.dirname(self.path("x")), **more)
		self.addCleanup(a.__exit__)
		return a

	def service(self, handler, endpoints, **more):
		more.setdefault("access", {"per_source_rate": 0})
		return {handler: {"handler": handler, "listen": [e.text for e in endpoints],
				  "workers": {"min": 1, "max": 8}, **more}}

	def status(self, d):
		return d.admin.status()["services"][0]

	def refused(self, d, reason, count):
		wait_until(lambda: self.status(d)["connections"]["refused"][reason] == count,
			   "%d refused for %s" % (count, reason))


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
		"""Of each family what can come can go back, and what does not fit is refused, not cut."""
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
	"""No amplifier, and no loop."""

	def one(self, handler, **more):
		endpoint = gram(Endpoint.v4())
		return self.daemon(self.service(handler, [endpoint], **more)), endpoint

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
		d = self.daemon(self.service("echo", [tcp, udp], access={"per_source": 1, "per_source_rate": 0, "reserve": 7,
									 "reserve_for": "192.0.2.1"}))
		with hold(tcp), self.asker(udp) as a:
			self.assertEqual(a.ask(b"x"), b"x")
			self.assertEqual(explain(d, "127.0.0.1")[1]["reason"], "per_source")
		self.assertEqual(sum(self.status(d)["connections"]["refused"].values()), 0)

	def test_rules_for_users_hold(self):
		"""Who has sent a datagram the kernel tells with it."""
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


class Sockets(DatagramCase):
	def test_a_wildcard_answers_from_the_address_that_was_asked(self):
		base = Endpoint.v4()
		star = Endpoint("udp:*:%d" % base.port, socket.AF_INET, base.address)
		self.daemon(self.service("echo", [star]))
		for host in ("127.0.0.1", "127.0.0.9", "127.8.7.6"):
			with self.asker(Endpoint("", socket.AF_INET, (host, base.port))) as a:
				a.send(b"who")
				self.assertEqual(a.socket.recvfrom(100), (b"who", (host, base.port)))
		if can_ipv6():
			with self.asker(Endpoint("", socket.AF_INET6, ("::1", base.port))) as a:
				self.assertEqual(a.ask(b"six"), b"six")

	def test_ipv4_wildcard_too(self):
		base = Endpoint.v4()
		star = Endpoint("udp:0.0.0.0:%d" % base.port, socket.AF_INET, base.address)
		self.daemon(self.service("echo", [star]))
		with self.asker(Endpoint("", socket.AF_INET, ("127.0.0.9", base.port))) as a:
			a.send(b"who")
			self.assertEqual(a.socket.recvfrom(100), (b"who", ("127.0.0.9", base.port)))

	@needs_namespace
	def test_what_was_sent_to_many_is_not_answered(self):
		fresh_network()
		for bound in ("0.0.0.0", "*", "127.255.255.255"):
			with self.subTest(bound):
				port = Endpoint.v4().port
				all_of_them = Endpoint("udp:%s:%d" % (bound, port), socket.AF_INET, ("127.255.255.255", port))
				d = self.daemon(self.service("echo", [all_of_them]))
				with self.asker(all_of_them) as a:
					self.not_answered(d, a)
					if bound != "127.255.255.255": # an earlier answer would come first
						a.address = ("127.0.0.1", port)
						self.assertEqual(a.ask(b"you"), b"you")
				self.assertEqual(d.grep("cannot answer"), [], "it was not even tried")

	def not_answered(self, d, a, service="echo"):
		bytes_in = lambda: d.admin.service(service)["bytes"]["in"]
		before = bytes_in()
		a.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
		a.send(b"all of you")
		wait_until(lambda: bytes_in() == before + len("all of you"), "it came")
		timeout = a.socket.gettimeout()
		a.socket.settimeout(0.05)
		self.assertRaises(TimeoutError, a.take)
		a.socket.settimeout(timeout)

	@needs_namespace
	def test_over_a_cable(self):
		"""Each of the host's addresses answers for itself, and none for what was sent to many."""
		ours = {"192.0.2.1": "/24", "192.0.2.7": "/24", "198.51.100.9": "/32"}
		asked = {"all": list(ours), "one": ["198.51.100.9"]}
		many = {"all": ["192.0.2.255"], "broadcast": ["192.0.2.255"]}
		listen = {"all": "*", "one": "198.51.100.9", "broadcast": "192.0.2.255"}
		if can_ipv6():
			ours.update({"fe80::1": "/64", "2001:db8::1": "/64", "2001:db8::7": "/128"})
			asked["all"] += ["fe80::1%far", "2001:db8::1", "2001:db8::7"]
			asked["local"] = ["fe80::1%far"]
			many["all"] += ["ff02::1%far"]
			many["group"] = ["ff02::1%far"]
			listen.update({"local": "[fe80::1%near]", "group": "[ff02::1%near]"})
		fresh_network()
		self.ip("link add near type veth peer name far", "link set near up")
		self.ip(*("addr add %s%s dev near%s" % (a, bits, " nodad" * (":" in a)) for a, bits in ours.items()))
		ports = {name: Endpoint.v4().port for name in listen}
		d = self.daemon({name: {"handler": "echo", "listen": "udp:%s:%d" % (host, ports[name]),
					"access": {"per_source_rate": 0}} for name, host in listen.items()})
		fresh_network()
		subprocess.run(["nsenter", "-t", str(d.pid), "-n", "ip", "link", "set", "far", "netns",
				str(threading.get_native_id())], check=True)
		self.ip("link set far up", "addr add 192.0.2.2/24 dev far", "route add 198.51.100.0/24 via 192.0.2.1")
		if can_ipv6():
			self.ip("addr add fe80::2/64 dev far nodad", "addr add 2001:db8::2/64 dev far nodad")
		self.addCleanup(lambda: self.assertEqual(d.grep("cannot answer"), []))
		for name, port in ports.items():
			for host in asked.get(name, []):
				with self.subTest(name, host=host), self.far(host, port) as a:
					a.send(b"you")
					self.assertEqual(a.socket.recvfrom(100), (b"you", a.address))
			for host in many.get(name, []):
				with self.subTest(name, host=host), self.far(host, port) as a:
					self.not_answered(d, a, name)

	def ip(self, *commands):
		subprocess.run(["ip", "-b", "-"], input="\n".join(commands), text=True, check=True)

	def far(self, host, port):
		family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
		return self.asker(Endpoint("", family, address))

	def test_beside_tcp_on_the_same_port(self):
		tcp = Endpoint.v4()
		udp = gram(tcp)
		d = self.daemon({"echo": {"handler": "echo", "listen": [tcp.text, udp.text],
					  "workers": {"min": 1, "max": 8}}})
		with self.asker(udp) as a:
			self.assertEqual(a.ask(b"udp"), b"udp")
		self.assertEqual(talk(tcp, b"tcp"), b"tcp")
		wait_until(lambda: self.status(d)["requests"] == 2, "both are counted")

	def test_an_unnamed_sender_is_heard_and_not_answered(self):
		endpoint = gram(Endpoint.unix(self.path("d0", "s")))
		d = self.daemon(self.service("echo", [endpoint]))
		with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
			s.sendto(b"", endpoint.address)
			s.sendto(b"nobody", endpoint.address)
		wait_until(lambda: self.status(d)["requests"] == 2, "both came")
		with self.asker(endpoint) as a:
			self.assertEqual(a.ask(b"somebody"), b"somebody")

	def test_descriptors_that_come_along_are_not_kept(self):
		endpoint = gram(Endpoint.unix(self.path("d0", "s")))
		d = self.daemon(self.service("echo", [endpoint], workers={"min": 1, "max": 1}))
		count = lambda: len(os.listdir("/proc/%d/fd" % d.workers()[0]))
		with self.asker(endpoint) as a:
			self.assertEqual(a.ask(b"1"), b"1")
			before = count()
			for _ in range(5):
				a.socket.sendmsg([b"2"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("20i", *[0] * 20))], 0,
						 endpoint.address)
				self.assertEqual(a.take(), b"2")
			self.assertEqual(a.ask(b"3"), b"3")
			self.assertEqual(count(), before)

	def test_who_takes_nothing_blocks_no_worker(self):
		endpoint = gram(Endpoint.unix(self.path("d0", "s")))
		d = self.daemon(self.service("echo", [endpoint], workers={"min": 1, "max": 1}, socket={"sndbuf": "128K"}))
		with self.asker(endpoint) as a:
			with self.asker(endpoint) as idle:
				for i in range(1, 9):
					idle.send(bytes(60000))
					wait_until(lambda i=i: self.status(d)["requests"] == i, "it was served")
				d.wait_log("cannot answer: Resource temporarily unavailable")
			self.assertEqual(a.ask(b"next"), b"next")

	def test_who_is_gone_is_no_trouble(self):
		endpoint = gram(Endpoint.unix(self.path("d0", "s")))
		d = self.daemon(self.service("echo", [endpoint], workers={"min": 1, "max": 1}))
		worker, = d.workers()
		os.kill(worker, signal.SIGSTOP)
		with self.asker(endpoint) as a:
			for _ in range(3):
				with self.asker(endpoint) as gone:
					gone.send(b"nobody")
			a.send(b"somebody")
			os.kill(worker, signal.SIGCONT)
			self.assertEqual(a.take(), b"somebody")
		self.assertEqual(d.grep("cannot answer"), [])

	def test_nobody_else_can_take_the_address(self):
		endpoint = gram(Endpoint.v4())
		self.daemon(self.service("echo", [endpoint]))
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
			s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
			self.assertRaises(OSError, s.bind, endpoint.address)

	def test_status_has_no_queue(self):
		endpoint = gram(Endpoint.v4())
		d = self.daemon(self.service("echo", [endpoint]))
		listener = self.status(d)["listeners"][0]
		self.assertIsNone(listener["queue"])
		self.assertEqual(listener["backlog"], 0)


class Life(DatagramCase):
	"""Workers come and go, configurations and images as well: what is queued is answered."""

	def start_echo(self, **more):
		self.endpoint = gram(Endpoint.v4())
		self.services = self.service("echo", [self.endpoint], **more)
		return self.daemon(self.services)

	def chatter(self, a, action, rounds=40):
		"""One question after the other, each answered, while ACTION happens."""
		for i in range(rounds):
			if i in (10, 20, 30):
				action()
			self.assertEqual(a.ask(b"%d" % i), b"%d" % i)

	def test_reload(self):
		d = self.start_echo()
		state = {"max": 8}

		def change():
			state["max"] += 1
			self.services["echo"]["workers"] = {"min": 1, "max": state["max"]}
			self.assertEqual(d.reload(Config(self.services)).returncode, 0)
		with self.asker(self.endpoint) as a:
			self.chatter(a, change)

	def test_reload_to_an_address_that_overlaps(self):
		"""It is rejected, and two reloads do it."""
		d = self.start_echo()
		wide = self.service("echo", [Endpoint("udp:*:%d" % self.endpoint.port, None, None)])
		other = self.service("echo", [gram(Endpoint.v4())])
		with self.asker(self.endpoint) as a:
			rejected = d.reload(Config(wide))
			self.assertEqual(rejected.returncode, 1)
			self.assertIn("Address already in use", rejected.stderr)
			self.assertEqual(a.ask(b"as before"), b"as before")
			for services in (other, wide, other, self.services):
				self.assertEqual(d.reload(Config(services)).returncode, 0)
			self.assertEqual(a.ask(b"there and back"), b"there and back")

	def test_upgrade(self):
		d = self.start_echo()
		with self.asker(self.endpoint) as a:
			self.chatter(a, lambda: self.assertEqual(d.ctl("upgrade").returncode, 0))

	def test_killed_workers(self):
		d = self.start_echo()
		with self.asker(self.endpoint) as a:
			for i in range(5):
				old = d.workers()
				for pid in old:
					os.kill(pid, signal.SIGKILL)
				# one that is dying may take a datagram with it
				wait_until(lambda: not set(old) & set(d.workers()), "they are gone")
				self.assertEqual(a.ask(b"%d" % i), b"%d" % i)

	def test_retired_workers_leave_at_once(self):
		d = self.start_echo()
		with self.asker(self.endpoint) as a:
			for i in range(30):
				self.assertEqual(a.ask(b"%d" % i), b"%d" % i)
				for pid in d.workers():
					os.kill(pid, signal.SIGTERM)
			self.assertEqual(a.ask(b"there"), b"there")

	def test_stop_answers_what_is_queued(self):
		d = self.start_echo(workers={"min": 1, "max": 1})
		worker, = d.workers()
		os.kill(worker, signal.SIGSTOP)
		with self.asker(self.endpoint) as a:
			for i in range(20):
				a.send(b"%d" % i)
			d.kill(signal.SIGTERM)
			d.wait_log("stop")
			os.kill(worker, signal.SIGCONT)
			self.assertEqual([a.take() for _ in range(20)], [b"%d" % i for i in range(20)])
		self.assertEqual(d.wait(), 0)

	def test_drain_and_undrain(self):
		d = self.start_echo()
		with self.asker(self.endpoint) as a:
			self.assertEqual(a.ask(b"1"), b"1")
			self.assertEqual(d.ctl("drain").returncode, 0)
			a.send(b"2")
			a.socket.settimeout(0.2)
			self.assertRaises(TimeoutError, a.take)
			a.socket.settimeout(PATIENCE)
			self.assertEqual(d.ctl("undrain").returncode, 0)
			self.assertEqual(a.ask(b"3"), b"3")

	def test_max_requests(self):
		d = self.start_echo(workers={"min": 1, "max": 2, "max_requests": 10})
		first = set(d.workers())
		with self.asker(self.endpoint) as a:
			for i in range(100):
				self.assertEqual(a.ask(b"%d" % i), b"%d" % i)

			def replaced():
				# another one, that need not wait for its turn on a processor, may have had nearly all so far
				self.assertEqual(a.ask(b"more"), b"more")
				return not first & set(d.workers())
			wait_until(replaced, "the first ones were replaced")


class Programs(DatagramCase):
	"""inetd's "wait": the program has the socket, and takes what comes."""

	TAKES_ALL = """
import os, socket, sys
s = socket.socket(fileno=os.dup(0))
sys.stderr.write("begins %d\\n" % os.getpid())
s.settimeout(float(sys.argv[1]))
try:
    while True:
        data, peer = s.recvfrom(70000)
        s.sendto(b"%d " % os.getpid() + data, peer)
except TimeoutError:
    pass
"""

	def program(self, idle, **more):
		script = self.write("takes.py", self.TAKES_ALL, 0o755)
		endpoint = gram(Endpoint.v4())
		d = self.daemon({"takes": {"handler": "exec", "listen": endpoint.text,
					   "command": ["/usr/bin/python3", script, str(idle)], **more}})
		return d, endpoint

	def test_one_program_takes_many(self):
		d, endpoint = self.program(30)
		with self.asker(endpoint) as a:
			answers = [a.ask(b"%d" % i).split() for i in range(50)]
		self.assertEqual([n for _, n in answers], [b"%d" % i for i in range(50)])
		self.assertEqual(len({pid for pid, _ in answers}), 1)
		d.wait_log("begins") # what it says on its stderr comes when it comes
		self.assertEqual(len(d.grep("begins")), 1)

	def test_what_it_does_not_take_is_no_client_that_waits(self):
		"""One program is all that there can be: nobody is to be told to raise workers.max."""
		endpoint = gram(Endpoint.v4())
		d = self.daemon({"deaf": {"handler": "exec", "listen": endpoint.text, "command": ["/bin/sleep", "1000"]}})
		with self.asker(endpoint) as a:
			a.send(b"x")
		wait_until(lambda: self.status(d)["workers"]["busy"] == 1, "the program has it")
		since = d.admin.status()["uptime"]
		wait_until(lambda: d.admin.status()["uptime"] > since + 2.2, "two ticks")
		self.assertEqual(d.grep("all workers are busy"), [])

	def test_its_environment(self):
		"""It says nothing of a client: there is none."""
		says = "import os, socket; s = socket.socket(fileno=0); _, peer = s.recvfrom(9); s.sendto(repr(dict(os.environ)).encode(), peer)"
		for endpoint, said in ((gram(Endpoint.v4()), {"PROTO": "UDP", "UDPLOCALIP": "127.0.0.1", "UDPLOCALPORT": None}),
				       (gram(Endpoint.abstract()), {"PROTO": "UNIX", "UNIXLOCALPATH": None})):
			with self.subTest(endpoint.text):
				self.daemon({"env": {"handler": "exec", "listen": endpoint.text,
						     "command": ["/usr/bin/python3", "-c", says]}})
				with self.asker(endpoint) as a:
					env = ast.literal_eval(a.ask(b"x").decode())
				where = "@" + endpoint.address[1:] if said["PROTO"] == "UNIX" else str(endpoint.port)
				self.assertEqual({k: v for k, v in env.items() if re.match("PROTO|TCP|UDP|UNIX|REMOTE", k)},
						 {k: where if v is None else v for k, v in said.items()})

	def test_it_ends_and_begins_again(self):
		_, endpoint = self.program(0.05)
		with self.asker(endpoint) as a:
			pids = set()
			for _ in range(3):
				pid = a.ask(b"x").split()[0].decode()
				wait_until(lambda: not os.path.exists("/proc/" + pid), "it ends when nobody asks")
				pids.add(pid)
			self.assertEqual(len(pids), 3)

	def test_reload_asks_it_to_leave(self):
		d, endpoint = self.program(30)
		with self.asker(endpoint) as a:
			before = a.ask(b"x").split()[0]
			services = {"takes": {"handler": "exec", "listen": endpoint.text,
					      "command": ["/usr/bin/python3", os.path.join(os.path.dirname(self.path("x")), "takes.py"), "31"]}}
			self.assertEqual(d.reload(Config(services)).returncode, 0)
			wait_until(lambda: not os.path.exists("/proc/" + before.decode()), "the old one goes")
			self.assertNotEqual(a.ask(b"y").split()[0], before)

	def test_stop(self):
		d, endpoint = self.program(30)
		with self.asker(endpoint) as a:
			pid = a.ask(b"x").split()[0].decode()
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists("/proc/" + pid))

	FORKS = """
import os, socket, sys, time
s = socket.socket(fileno=os.dup(0))
data, peer = s.recvfrom(70000)
s.close()
parent = os.getpid()
if os.fork():
    os._exit(0)
os.close(0)
os.close(1)
while os.getppid() == parent:
    time.sleep(0.001)
sys.stderr.write((("x" * 999) + "\\n") * int(data))
sys.stderr.flush()
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(("127.0.0.1", 0))
own.sendto(b"%d" % os.getpid(), peer)
while own.recvfrom(100)[0] != b"end":
    pass
own.sendto(b"done", peer)
"""

	def forking(self, **more):
		"""As the tftpd of BSD: a child for each client, and it ends."""
		script = self.write("forks.py", self.FORKS, 0o755)
		endpoint = gram(Endpoint.v4())
		d = self.daemon({"forks": {"handler": "exec", "listen": endpoint.text,
					   "command": ["/usr/bin/python3", script], **more}})
		return d, endpoint

	def test_a_client_does_not_wait_for_those_before(self):
		d, endpoint = self.forking()
		askers = [self.asker(endpoint) for _ in range(3)]
		served = []
		for a in askers:
			a.send(b"0")
			pid, child = a.socket.recvfrom(100)
			served.append((a, int(pid), child))
		self.assertEqual([pid for _, pid, _ in served if not os.path.exists("/proc/%d" % pid)], [])
		for a, pid, child in served[1:]:
			a.socket.sendto(b"end", child)
			self.assertEqual(a.take(), b"done")
			wait_until(lambda pid=pid: not os.path.exists("/proc/%d" % pid), "it is buried")
		# and one that is here when all are to leave is served to the end
		a, _, child = served[0]
		d.kill(signal.SIGTERM)
		d.wait_log("stopping")
		a.socket.sendto(b"end", child)
		self.assertEqual(a.take(), b"done")
		self.assertEqual(d.wait(), 0)

	def test_what_is_left_at_work_may_say_much(self):
		_, endpoint = self.forking()
		with self.asker(endpoint) as a:
			a.send(b"200")
			_, child = a.socket.recvfrom(100)
			a.socket.sendto(b"end", child)
			self.assertEqual(a.take(), b"done")

	def test_what_is_left_at_work_ends_with_its_time(self):
		d, endpoint = self.forking(timeouts={"drain": "200ms"})
		with self.asker(endpoint) as a:
			a.send(b"0")
			pid = int(a.take())
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists("/proc/%d" % pid))

	def idler(self, command):
		endpoint = gram(Endpoint.v4())
		d = self.daemon({"idler": {"handler": "exec", "listen": endpoint.text, "command": [command],
					   "timeouts": {"drain": "100ms"}}}) # for what it will not take, either
		with self.asker(endpoint) as a:
			a.send(b"x")
		return d

	def test_one_that_takes_nothing_is_not_started_without_end(self):
		d = self.idler("/bin/true")
		d.wait_log("ends again and again")
		before, since = self.status(d)["requests"], time.monotonic()
		self.assertGreaterEqual(before, 100)
		wait_until(lambda: self.status(d)["requests"] >= before + 3, "it is started yet")
		self.assertLess(self.status(d)["requests"] - before, 10 * (time.monotonic() - since) + 2)
		self.assertEqual(d.stop(), 0)

	def test_one_that_fails_is_started_every_second(self):
		d = self.idler("/bin/false")
		d.wait_log("idler: /bin/false exited with status 1")
		since = time.monotonic()
		wait_until(lambda: len(d.grep("exited with status 1")) >= 2, "it fails again")
		self.assertGreater(time.monotonic() - since, 0.8)
		self.assertEqual(d.stop(), 0)

	def refuses(self, words, **service):
		d = self.daemon({"a": {"handler": "exec", "command": ["/bin/cat"], **service}}, start=False).launch()
		self.assertEqual(d.wait(), 78)
		self.assertTrue(d.grep(words), d.lines())

	def test_a_program_for_both_kinds_is_refused(self):
		tcp = Endpoint.v4()
		self.refuses("either connections or datagrams", listen=[tcp.text, gram(tcp).text])

	def test_rules_that_cannot_be_kept_are_refused(self):
		self.refuses("so no client can be refused", listen=gram(Endpoint.v4()).text, access={"deny": ["10.0.0.0/8"]})

	@needs_root()
	@needs_tool("in.tftpd")
	@needs_tool("tftp")
	def test_tftpd(self):
		served = self.folder("tftp")
		files = {"small": payload("s", 100), "large": payload("l", 700_000)}
		for name, data in files.items():
			with open(os.path.join(served, name), "wb") as f:
				f.write(data)
		endpoint = gram(Endpoint.v4())
		d = self.daemon({"tftp": {"handler": "exec", "listen": endpoint.text, "user": "root",
					  "command": [shutil.which("in.tftpd"), "--secure", "--user", SERVICE_USER, served]}})
		for name, data in files.items():
			got = self.path("got-" + name)
			done = subprocess.run(["tftp", "-m", "binary", "127.0.0.1", str(endpoint.port), "-c", "get", name, got],
					      timeout=PATIENCE, capture_output=True, text=True, check=False)
			self.assertEqual(done.returncode, 0, done.stderr)
			with open(got, "rb") as f:
				self.assertTrue(f.read() == data, name)
		self.assertEqual(d.stop(), 0)


if __name__ == "__main__":
	main()
