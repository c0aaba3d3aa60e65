#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The handler proxy: which upstream is taken, what happens when one fails, and what its name stands for."""

import sys
sys.dont_write_bytecode = True

import collections
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import *
from harness.names import NameServer
from harness.upstream_case import UpstreamCase, proxy

NO_NETWORK = no_namespaces()
NO_NAMES = NO_NETWORK or no_mounts()


def limit(pid, what, soft):
	"""Of a worker: by its own user, who may."""
	code = "import resource as r; h = r.prlimit(%d, r.RLIMIT_%s)[1]; r.prlimit(%d, r.RLIMIT_%s, (%d, h))"
	who = {"user": int(proc.status(pid, "Uid").split()[0]), "group": int(proc.status(pid, "Gid").split()[0]),
	       "extra_groups": []} if IS_ROOT else {}
	subprocess.run(["/usr/bin/env", "python3", "-I", "-S", "-c", code % (pid, what, pid, what, soft)], check=True,
		       **who)


class Balance(UpstreamCase):
	def test_round_robin(self):
		"""Over all workers together."""
		servers = [self.named(name) for name in "abc"]
		self.front([s.text for s in servers])
		self.assertEqual(collections.Counter(self.ask() for _ in range(60)), {"a": 20, "b": 20, "c": 20})

	def test_least_busy(self):
		servers = [self.named(name) for name in "ab"]
		self.front([s.text for s in servers], balance="least_busy")
		held = [self.hold() for _ in range(6)]
		self.assertEqual(collections.Counter(name for _, name in held), {"a": 3, "b": 3})
		for s, name in held:
			if name == "a":
				s.close()
		wait_until(lambda: self.status()["workers"]["busy"] == 3, "a's clients have gone")
		self.assertEqual([self.hold()[1] for _ in range(3)], ["a", "a", "a"])

	def test_least_busy_forgets_the_dead(self):
		servers = [self.named(name) for name in "ab"]
		self.front([s.text for s in servers], balance="least_busy", workers={"min": 2, "max": 8})
		before = {self.hold()[1] for _ in range(2)}
		self.assertEqual(before, {"a", "b"})
		busy = [pid for pid in self.d.workers() if proc.title(pid).endswith("127.0.0.1")]
		self.assertEqual(len(busy), 2)
		for pid in busy:
			os.kill(pid, signal.SIGKILL)
		wait_until(lambda: self.status()["workers"]["busy"] == 0, "the master has seen it")
		self.assertEqual(collections.Counter(self.hold()[1] for _ in range(6)), {"a": 3, "b": 3})

	def test_source(self):
		servers = [self.named(name) for name in "abcd"]
		self.front([s.text for s in servers], balance="source")

		def ask_from(address):
			with socket.socket() as s:
				s.settimeout(PATIENCE)
				s.bind((address, 0))
				s.connect(self.endpoint.address)
				s.shutdown(socket.SHUT_WR)
				return read_all(s).decode()
		first = {i: ask_from("127.0.1.%d" % i) for i in range(1, 41)}
		self.assertEqual(set(first.values()), set("abcd"), "40 clients, 4 upstreams")
		self.assertEqual({i: ask_from("127.0.1.%d" % i) for i in first}, first)
		servers[1].close()
		second = {i: ask_from("127.0.1.%d" % i) for i in first}
		self.assertTrue(all(second[i] == first[i] for i in first if first[i] != "b"),
				"the others stay where they were")
		self.assertGreater(len({second[i] for i in first if first[i] == "b"}), 1, "and its clients spread")

	def test_failover(self):
		a, b = self.named("a"), self.named("b")
		self.front([a.text, b.text], balance="failover", proxy={"pause": "200ms"})
		self.assertEqual({self.ask() for _ in range(10)}, {"a"})
		host, port = "127.0.0.1", a.port
		a.close()
		self.assertEqual({self.ask() for _ in range(10)}, {"b"})
		self.named("a", address=(host, port))
		wait_until(lambda: self.ask() == "a", "the first one is back")
		self.d.wait_log(r"%s:%d works again" % (re.escape(host), port))


class Failure(UpstreamCase):
	def test_the_next_one_is_tried(self):
		dead, b = self.nobody(), self.named("b")
		self.front([dead, b.text])
		self.assertEqual({self.ask() for _ in range(20)}, {"b"})
		self.d.stop()
		self.assertEqual(len(self.d.grep(r"%s has failed: Connection refused; it is left alone for 10s"
						 % re.escape(dead))), 1,
				 "said once, by one of the workers")

	def test_who_does_not_accept_in_time(self):
		text, b = self.full(), self.named("b")
		self.front([text, b.text], balance="failover", proxy={"connect_timeout": "300ms", "pause": "1h"})
		start = time.monotonic()
		self.assertEqual(self.ask(), "b")
		self.assertGreater(time.monotonic() - start, 0.29)
		start = time.monotonic()
		self.assertEqual({self.ask() for _ in range(10)}, {"b"})
		self.assertLess(time.monotonic() - start, 2, "it is left alone now: nobody waits for it")
		self.d.wait_log(r"%s has failed: Connection timed out; it is left alone for 1h" % re.escape(text))

	def test_none_works(self):
		dead = [self.nobody(), self.nobody(), "unix:/nowhere"]
		self.front(dead)
		for _ in range(3):	# also those that are left alone are tried
			self.assert_reset()
		line = self.d.wait_log("no upstream takes the connection")
		for text, why in zip(dead, ("Connection refused", "Connection refused", "No such file or directory")):
			self.assertIn("%s: %s" % (text, why), line)
		self.assertEqual(self.status()["connections"]["accepted"], 3)

	def test_all_left_alone_and_one_is_back(self):
		a = Endpoint.v4()
		self.front([a.text, self.nobody()], proxy={"pause": "1h"})
		self.assert_reset()
		self.named("a", address=a.address)
		self.assertEqual(self.ask(), "a")

	def test_one_connection_tries_it_after_the_pause(self):
		"""While it has not succeeded the others do not wait for it, too."""
		text, b = self.full(), self.named("b")
		self.front([text, b.text], balance="failover", proxy={"connect_timeout": "1s", "pause": "1s"})
		self.assertEqual(self.ask(), "b")
		times = []

		def one():
			start = time.monotonic()
			self.assertEqual(self.ask(), "b")
			times.append(time.monotonic() - start)
		time.sleep(1.1)	# the pause is over
		threads = [threading.Thread(target=one) for _ in range(8)]
		for t in threads:
			t.start()
		for t in threads:
			t.join()
		self.assertEqual(len([t for t in times if t > 0.9]), 1, times)

	def test_a_client_that_goes_while_it_tries_leaves_it_to_the_next(self):
		name, b = "preforkd-test-try-%d" % os.getpid(), self.named("b")
		self.front(["unix:@" + name, b.text], balance="failover",
			   proxy={"connect_timeout": "1h", "pause": "100ms"})
		self.assertEqual(self.ask(), "b")
		with socket.socket(socket.AF_UNIX) as a, socket.socket(socket.AF_UNIX) as first:
			a.bind("\0" + name)
			a.listen(0)
			first.connect("\0" + name)	# its queue is full now

			def tries():
				with self.endpoint.connect() as s:
					reset_at_close(s)
					return not select.select([s], [], [], 0.2)[0]
			wait_until(tries, "the pause is over")
			wait_until(lambda: self.status()["workers"]["busy"] == 0, "its client has gone")
			a.settimeout(PATIENCE)
			a.accept()[0].close()
			with self.endpoint.connect():
				a.accept()[0].close()

	def test_lack_of_descriptors_is_not_the_upstreams_fault(self):
		a = self.named("a")
		self.front(a.text)
		with self.hold()[0]:
			pass
		wait_until(lambda: self.status()["workers"]["busy"] == 0, "its worker has closed all of it")
		for pid in self.d.workers():
			taken = {int(fd) for fd in os.listdir("/proc/%d/fd" % pid)}
			free = min(set(range(100)) - taken)
			limit(pid, "NOFILE", free + 1)	# room for the client, and no more
		self.assert_reset()
		self.d.wait_log(r"no upstream takes the connection: .*Too many open files")
		self.assertEqual(self.d.grep("left alone"), [])

	def test_source_address(self):
		who = []
		def note(connection):
			who.append(connection.getpeername()[0])
		server = Scripted(note)
		self.addCleanup(server.close)
		self.front(server.text, proxy={"bind": "127.0.0.77"})
		self.ask()
		wait_until(lambda: who == ["127.0.0.77"], "it comes from there")

	def vanish(self, sockets, word):
		"""The cable to the upstream is out; of what it did for its client, WORD is the last."""
		fresh_network()
		self.addCleanup(fresh_network)
		self.endpoint = Endpoint.unix(self.path("front"))	# not in any network
		port = Endpoint.v4().port
		self.d = self.daemon(proxy(self.endpoint.text, "192.0.2.2:%d" % port, timeouts={"idle": 0},
					   socket=sockets))
		unplug = far_network(self.d.pid)
		server = self.named("far", ("192.0.2.2", port))
		s, name = self.hold()
		self.assertEqual(name, "far")
		unplug()
		s.sendall(word)
		self.assertEqual(read_all(s), b"")
		self.d.wait_log(
			r"the connection to the upstream 192\.0\.2\.2:%d has failed: (Connection timed out|No route to "
			r"host)" % port)
		wait_until(lambda: self.status()["workers"]["busy"] == 0, "the worker is free")
		server.close()

	@unittest.skipIf(NO_NETWORK, NO_NETWORK)
	def test_it_vanishes_in_silence(self):
		self.vanish({"keepalive": "1s", "user_timeout": "1s"}, b"")

	@unittest.skipIf(NO_NETWORK, NO_NETWORK)
	def test_it_vanishes_while_it_is_sent_something(self):
		self.vanish({"keepalive": 0, "user_timeout": "1s"}, b"hello?")

	@unittest.skipIf(NO_NETWORK, NO_NETWORK)
	def test_never_to_itself(self):
		"""A port that nobody listens at, and that the kernel may choose for the other end."""
		fresh_network()
		self.addCleanup(fresh_network)
		for port, host in ((40000, "127.0.0.1"), (15000, "127.0.0.1"), (15000, "0.0.0.0")):
			with self.subTest(port=port, host=host):
				with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as f:
					f.write("%d %d" % (port, port + 1))
				self.endpoint = Endpoint.v4()
				self.d = self.daemon(proxy(self.endpoint.text, "%s:%d" % (host, port)))
				self.never_to_itself()
				self.assertEqual(self.d.stop(), 0)

	def never_to_itself(self):
		for i in range(8):
			with socket.socket() as s:
				s.settimeout(PATIENCE)
				s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
				s.bind(("127.0.0.1", 39000 + i))
				try:
					s.connect(self.endpoint.address)
					s.sendall(b"hello")
					self.assertEqual(s.recv(5), b"")
				except (BrokenPipeError, ConnectionResetError):
					pass


@unittest.skipIf(NO_NAMES, NO_NAMES)
class Names(UpstreamCase):
	def setUp(self):
		super().setUp()
		fresh_network()
		self.names = NameServer({"app.test": ["127.0.0.2"]})
		self.addCleanup(self.names.close)
		self.port = Endpoint.v4().port
		for i in (2, 3):
			self.named("at %d" % i, address=("127.0.0.%d" % i, self.port))

	def start(self, **more):
		more.setdefault("proxy", {})
		more["proxy"] = {"resolve": "1s", **more["proxy"]}
		return self.front("app.test:%d" % self.port, prefix=self.names.prefix(self), **more)

	def test_a_changed_address_is_used(self):
		self.start()
		s, name = self.hold()
		self.assertEqual(name, "at 2")
		self.names.addresses["app.test"] = ["127.0.0.3"]
		start = time.monotonic()
		wait_until(lambda: self.ask() == "at 3", "the new address")
		self.assertLess(time.monotonic() - start, 3)
		self.assertEqual({self.ask() for _ in range(8)}, {"at 3"}, "all workers know it")
		self.d.wait_log(r"the upstream app\.test:%d is at 127\.0\.0\.3:%d now" % (self.port, self.port))
		# the running connection is where it was
		s.sendall(b"x")
		s.shutdown(socket.SHUT_WR)
		self.assertEqual(read_all(s), b"")

	def test_it_is_asked_for_once_in_an_interval(self):
		self.start(proxy={"resolve": "1h"})
		self.assertEqual({self.ask() for _ in range(30)}, {"at 2"})
		self.assertLessEqual(self.names.asked, 2 * 4,
				     "A and AAAA, of as many workers as began at the same time")

	def test_the_resolver_is_down(self):
		self.start()
		self.assertEqual(self.ask(), "at 2")
		self.names.silent = True
		end = time.monotonic() + 4
		slowest = 0
		while time.monotonic() < end:
			start = time.monotonic()
			self.assertEqual(self.ask(), "at 2")
			slowest = max(slowest, time.monotonic() - start)
			time.sleep(0.05)
		self.assertLess(slowest, 2, "bounded")
		self.names.silent = False
		self.names.addresses["app.test"] = ["127.0.0.3"]
		wait_until(lambda: self.ask() == "at 3", "it goes on")
		self.d.wait_log("can be resolved again")
		self.d.stop()
		self.assertEqual(len(self.d.grep(r"app\.test.*cannot resolve.*its last address is kept")), 1,
				 "said once")

	def test_a_slow_resolver_takes_none_of_the_time_to_connect(self):
		self.full(("127.0.0.4", self.port))
		self.names.addresses["app.test"] = ["127.0.0.4"]
		self.names.delay = 0.5
		self.start(proxy={"connect_timeout": "700ms"})
		start = time.monotonic()
		self.assert_reset()
		self.assertGreater(time.monotonic() - start, 1.19)

	def test_the_name_is_gone(self):
		self.start()
		self.assertEqual(self.ask(), "at 2")
		del self.names.addresses["app.test"]
		self.assertTrue(wait_until(lambda: self.ask() == "at 2" and self.d.grep("its last address is kept"),
					   "kept"))

	def test_down_at_the_start_and_at_a_reload(self):
		self.names.silent = True
		start = time.monotonic()
		self.start(proxy={"connect_timeout": "3s"})
		self.assertLess(time.monotonic() - start, 5, "a start does not wait for it")
		self.assert_reset()
		self.d.wait_log(r"no upstream takes the connection: app\.test.*cannot resolve")
		self.names.silent = False
		self.assertEqual(self.ask(), "at 2")
		self.names.silent = True
		config = proxy(self.endpoint.text, "app.test:%d" % self.port, balance="failover",
			       proxy={"resolve": "1s"})
		done = self.d.reload(Config(config))
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(self.ask(), "at 2", "the new workers know what the former knew")

	def test_down_at_an_upgrade(self):
		self.start()
		self.assertEqual(self.ask(), "at 2")
		self.names.silent = True
		for _ in range(2):	# the second one takes over what the first one was given
			before = set(self.d.workers())
			done = self.d.ctl("upgrade")
			self.assertEqual(done.returncode, 0, done.stderr)
			wait_until(lambda: before.isdisjoint(self.d.workers()), "new workers")
			self.assertEqual(self.ask(), "at 2", "they know what the former knew")
		self.assertEqual(len([fd for fd in os.listdir("/proc/%d/fd" % self.d.pid)
				      if "preforkd-targets" in os.readlink("/proc/%d/fd/%s" % (self.d.pid, fd))]), 1)

	def test_several_addresses(self):
		self.names.addresses["app.test"] = ["127.0.0.9", "127.0.0.3"]
		self.start()
		self.assertEqual({self.ask() for _ in range(5)}, {"at 3"}, "the one that answers")
		self.assertEqual(self.d.grep("p: the upstream"), [])

	def test_lack_of_processes_is_not_the_upstreams_fault(self):
		self.start()
		for pid in self.d.workers():
			limit(pid, "NPROC", 1)
		self.assert_reset()
		self.d.wait_log(
			r"no upstream takes the connection: .*cannot look it up: no process: Resource temporarily "
			r"unavailable")
		self.assertEqual(self.d.grep("left alone"), [])

	@unittest.skipUnless(can_ipv6(), "no IPv6")
	def test_addresses_that_a_source_address_does_not_fit(self):
		"""They are none: what is said is what became of the others."""
		self.names.addresses["app.test"] = ["127.0.0.9", "::1"]
		self.start(proxy={"bind": "::1"})
		self.assert_reset()
		self.d.wait_log(r"no upstream takes the connection: app\.test:%d: Connection refused" % self.port)
		self.names.addresses["app.test"] = ["127.0.0.3"]
		def none():
			self.assert_reset()
			return self.d.grep(r"app\.test:%d: Address family not supported" % self.port)
		wait_until(none, "no address fits")

	def test_check_warns(self):
		path = self.write("c.conf",
				  'user = "nobody";\nservices: { p: { handler = "proxy"; listen = "127.0.0.1:0";\n'
				  'upstream = [ "127.0.0.1:1",\n"nowhere.test:80" ]; }; };\n')
		done = subprocess.run([*self.names.prefix(self), PREFORKD, "--check=host", "-c", path],
				      stdout=subprocess.PIPE,
				      stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE)
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertRegex(done.stderr, r"c\.conf:4: services\.p\.upstream: .*cannot resolve nowhere\.test")


main()
