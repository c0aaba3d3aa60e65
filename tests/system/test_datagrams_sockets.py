#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Datagrams: which socket and address an answer is sent from."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import socket
import struct
import subprocess
import threading

from harness import *
from harness.datagram_case import DatagramCase, gram, needs_namespace


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
				all_of_them = Endpoint("udp:%s:%d" % (bound, port), socket.AF_INET,
						       ("127.255.255.255", port))
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
				a.socket.sendmsg([b"2"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
							   struct.pack("20i", *[0] * 20))], 0,
						 endpoint.address)
				self.assertEqual(a.take(), b"2")
			self.assertEqual(a.ask(b"3"), b"3")
			self.assertEqual(count(), before)

	def test_who_takes_nothing_blocks_no_worker(self):
		endpoint = gram(Endpoint.unix(self.path("d0", "s")))
		d = self.daemon(self.service("echo", [endpoint], workers={"min": 1, "max": 1},
					     socket={"sndbuf": "128K"}))
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


if __name__ == "__main__":
	main()
