#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time limits, each alone and by its name: what stands still is cut, what moves is not, and who vanishes is let go."""

import sys
sys.dont_write_bytecode = True

import os
import socket
import time
import unittest

from harness import *

NONE = {"first_byte": 0, "first_byte_busy": 0, "idle": 0, "send": 0, "total": 0}
SMALL = {"sndbuf": 4096, "rcvbuf": 4096}
# a program that writes for ever, or until its client is no longer there
WRITER = ["/usr/bin/python3", "-I", "-S", "-c", "import os\nwhile True: os.write(1, b'x' * 1000)"]
NO_NAMESPACES = no_namespaces()


def wait_end(s):
	"""Until the connection is over, however it ends."""
	try:
		while s.recv(1 << 16):
			pass
	except ConnectionResetError:
		pass


class LimitCase(Case):
	def serve(self, handler, endpoint=None, workers=None, limits=None, sockets=None, **more):
		"""A service with LIMITS only."""
		self.endpoint = endpoint or Endpoint.v4()
		if isinstance(handler, list):
			more.update(command=handler)
			handler = "exec"
		listen = "*:%d" % self.endpoint.port if endpoint is None else str(endpoint)
		self.d = self.daemon({"it": {"handler": handler, "listen": listen,
					     "timeouts": {**NONE, **(limits or {})},
					     "workers": workers or {"min": 1, "max": 1, "max_spare": 1},
					     "socket": {"user_timeout": 0, **(sockets or {})}, **more}})
		return self.d

	def check_cut(self, s, start, least, reason):
		wait_end(s)
		self.assertGreaterEqual(time.monotonic() - start, least - 0.05)
		self.d.wait_log("it .*: " + reason)
		s.close()
		self.assertEqual(len(self.d.grep(r"\(timeouts\.")), 1, "one reason")

	def narrow(self):
		"""A client that has little room for what it does not read."""
		s = socket.socket(self.endpoint.family)
		s.settimeout(PATIENCE)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		s.connect(self.endpoint.address)
		return s


class Alone(LimitCase):
	"""Each limit of a built-in service, on TCP and on a unix socket, and of a program."""

	def each(self, own, program):
		yield own, None
		yield program, None
		yield own, Endpoint.unix(self.path("d%d" % len(self.daemons), "s"))

	def test_first_byte(self):
		for handler, endpoint in self.each("echo", ["/bin/cat"]):
			self.serve(handler, endpoint, limits={"first_byte": "500ms"})
			start = time.monotonic()
			self.check_cut(self.endpoint.connect(), start, 0.5,
				       r"no first byte within 500ms \(timeouts\.first_byte\)$")

	def test_idle(self):
		for handler, endpoint in self.each("echo", ["/bin/cat"]):
			self.serve(handler, endpoint, limits={"idle": "500ms"})
			s = hold(self.endpoint)
			self.check_cut(s, time.monotonic(), 0.5, r"idle for 500ms \(timeouts\.idle\)$")

	def test_total(self):
		for handler, endpoint in self.each("chargen", WRITER):
			self.serve(handler, endpoint, limits={"total": "500ms"})
			start = time.monotonic()
			self.check_cut(self.endpoint.connect(), start, 0.5,
				       r"not finished within 500ms \(timeouts\.total\)$")

	def test_send(self):
		for handler, endpoint in self.each("chargen", WRITER):
			self.serve(handler, endpoint, limits={"send": "500ms"}, sockets=SMALL)
			start = time.monotonic()
			s = self.narrow()
			self.d.wait_log(r"it .*: the client took nothing for 500ms \(timeouts\.send\)$")
			self.check_cut(s, start, 0.5, r"the client took nothing")

	def test_send_while_the_client_goes_on_sending(self):
		"""It is not idle."""
		self.serve("chargen", limits={"send": "500ms", "idle": "400ms"}, sockets=SMALL)
		with self.narrow() as s:
			end = time.monotonic() + PATIENCE
			while not self.d.grep(r"timeouts\.") and time.monotonic() < end:
				try:
					s.send(b"x")
				except OSError:
					break
				time.sleep(0.05)
			self.d.wait_log(r"it .*: the client took nothing for 500ms \(timeouts\.send\)$")

	def test_none(self):
		self.serve("echo")
		with self.endpoint.connect() as s:
			time.sleep(1.2)
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")


class Moving(LimitCase):
	"""What moves for several times the limit is left alone. Its pauses are short beside it, on a busy machine,
	too."""

	LIMITS = {"idle": "800ms", "send": "800ms"}

	def trickle_in(self, handler, endpoint=None):
		self.serve(handler, endpoint, limits=self.LIMITS)
		with self.endpoint.connect() as s:
			for _ in range(30):
				s.sendall(b"x")
				time.sleep(0.1)
			s.shutdown(socket.SHUT_WR)
			return read_all(s)

	def test_a_trickle_from_the_client(self):
		self.assertEqual(self.trickle_in("echo"), b"x" * 30)

	def test_a_trickle_from_the_client_on_a_unix_socket(self):
		self.assertEqual(self.trickle_in("discard", Endpoint.unix(self.path("d0", "s"))), b"")

	def test_a_trickle_to_a_program(self):
		self.assertEqual(self.trickle_in(["/usr/bin/wc", "-c"]), b"30\n")

	def test_a_trickle_from_a_program(self):
		self.serve(["/bin/sh", "-c", "for i in $(/usr/bin/seq 30); do printf x; sleep 0.1; done"],
			   limits=self.LIMITS)
		with self.endpoint.connect() as s:
			self.assertEqual(read_all(s), b"x" * 30)

	def slow_reader(self, handler, endpoint=None):
		"""It takes a little all the time, and there is always more for it."""
		self.serve(handler, endpoint, limits=self.LIMITS, sockets=SMALL)
		with self.narrow() as s:
			end = time.monotonic() + 3
			while time.monotonic() < end:
				self.assertTrue(s.recv(2000))
				time.sleep(0.02)
		self.assertEqual(self.d.grep(r"\(timeouts\."), [])

	def test_a_slow_reader(self):
		self.slow_reader("chargen")

	def test_a_slow_reader_on_a_unix_socket(self):
		self.slow_reader("chargen", Endpoint.unix(self.path("d0", "s")))

	def test_a_slow_reader_of_a_program(self):
		self.slow_reader(WRITER)


class Busy(LimitCase):
	"""First bytes, while all workers are busy and others wait."""

	BUSY = r"no first byte within 1s while all workers are busy and others wait \(timeouts\.first_byte_busy\)$"
	TWO = {"min": 2, "max": 2, "max_spare": 2}

	def tightened(self, handler, endpoint=None):
		self.serve(handler, endpoint, self.TWO, {"first_byte": "60s", "first_byte_busy": "1s"})
		self.d.wait_workers(2)
		silent = [self.endpoint.connect() for _ in range(2)]
		time.sleep(2)	# for as long as nobody waits, nobody is cut
		self.assertEqual(self.d.grep(r"\(timeouts\."), [])
		with self.endpoint.connect() as s:
			start = time.monotonic()
			s.sendall(b"hello")
			self.assertEqual(recv_exact(s, 5), b"hello")
			self.assertLess(time.monotonic() - start, 5)
		self.d.wait_log(self.BUSY)
		for s in silent:
			s.close()

	def test_of_a_service(self):
		self.tightened("echo")

	def test_of_a_unix_socket(self):
		self.tightened("echo", Endpoint.unix(self.path("d0", "s")))

	def test_of_a_program(self):
		self.tightened(["/bin/cat"])

	def test_the_time_in_the_queue_counts(self):
		"""Many silent ones do not keep who comes after them waiting for as many times the limit."""
		self.serve("echo", None, self.TWO, {"first_byte": "60s", "first_byte_busy": "1s"})
		self.d.wait_workers(2)
		silent = [self.endpoint.connect() for _ in range(20)]
		with self.endpoint.connect() as s:
			start = time.monotonic()
			s.sendall(b"hello")
			self.assertEqual(recv_exact(s, 5), b"hello")
			self.assertLess(time.monotonic() - start, 6)	# ten rounds of 1 s else
		for s in silent:
			s.close()

	def test_who_has_spoken_is_left_alone(self):
		self.serve("echo", None, self.TWO, {"first_byte": "60s", "first_byte_busy": "500ms"})
		self.d.wait_workers(2)
		talkers = [hold(self.endpoint) for _ in range(2)]
		with self.endpoint.connect() as waiting:
			waiting.sendall(b"x")
			time.sleep(1.5)
			for s in talkers:
				s.sendall(b"y")
				self.assertEqual(recv_exact(s, 1), b"y")
				s.close()
			self.assertEqual(recv_exact(waiting, 1), b"x")
		self.assertEqual(self.d.grep(r"\(timeouts\."), [])

	def silent_for_a_while(self, handler, **limits):
		self.serve(handler, None, self.TWO, {"first_byte_busy": "300ms", **limits})
		self.d.wait_workers(2)
		silent = [self.endpoint.connect() for _ in range(2)]
		waiting = self.endpoint.connect()
		time.sleep(1.5)
		self.assertEqual(self.d.grep(r"\(timeouts\."), [])
		return silent, waiting

	def test_where_no_first_byte_is_required(self):
		self.silent_for_a_while("echo", first_byte=0)

	def test_where_the_service_speaks_first(self):
		silent, _ = self.silent_for_a_while("chargen", first_byte="500ms")
		for s in silent:
			self.assertEqual(len(recv_exact(s, 1 << 20)), 1 << 20, "it is served on")

	def test_zero_is_never(self):
		self.silent_for_a_while("echo", first_byte="60s", first_byte_busy=0)


@unittest.skipIf(NO_NAMESPACES, NO_NAMESPACES)
class Vanished(LimitCase):
	"""The other end is no longer there, and nobody says so: the cable is out."""

	LIMITS = {"keepalive": "1s", "user_timeout": "2s"}

	def start(self, handler, sockets=None, **more):
		fresh_network()
		self.addCleanup(fresh_network)
		self.serve(handler, sockets={**self.LIMITS, **(sockets or {})}, **more)
		self.d.wait_workers(1)
		unplug = far_network(self.d.pid)
		self.endpoint = Endpoint.v4("192.0.2.1", self.endpoint.port)
		return unplug

	def check_freed(self, s, unplug, reason, since=0):
		self.assertEqual(self.d.admin.service("it")["workers"]["busy"], 1)
		unplug()
		start = time.monotonic()
		self.d.wait_log("it .*: " + reason, since, 15)
		self.assertLess(time.monotonic() - start, 8)
		wait_until(lambda: self.d.admin.service("it")["workers"]["idle"] == 1, "the worker is free")
		wait_until(lambda: not [p for w in self.d.workers() for p in proc.children(w)], "no program left", 5)
		s.close()

	def test_while_a_service_reads(self):
		unplug = self.start("echo")
		self.check_freed(hold(self.endpoint), unplug, r"the client has vanished \(socket\.keepalive\)$")

	def test_while_a_service_writes(self):
		unplug = self.start("chargen", sockets=SMALL)
		s = self.narrow()
		recv_exact(s, 1000)
		self.check_freed(s, unplug, r"the client (has vanished|took nothing for 2s) \(socket\.user_timeout\)$")

	def test_while_a_program_computes(self):
		unplug = self.start(["/bin/sh", "-c", "read x; echo $x; exec sleep 1000"])
		s = self.endpoint.connect()
		s.sendall(b"x\n")
		self.assertEqual(recv_exact(s, 2), b"x\n")
		self.check_freed(s, unplug, r"the client has vanished \(socket\.keepalive\)$")

	def test_while_a_program_has_unsent_data(self):
		"""And neither reads nor writes any more."""
		unplug = self.start(["/bin/sh", "-c", "read x; echo $x; read x; echo $x; exec sleep 1000"])
		s = self.endpoint.connect()
		s.sendall(b"x\n")
		self.assertEqual(recv_exact(s, 2), b"x\n")
		self.assertEqual(self.d.admin.service("it")["workers"]["busy"], 1)
		s.sendall(b"y\n")	# as it leaves
		self.check_freed(s, unplug, r"the client has vanished \(socket\.user_timeout\)$")

	def test_while_a_program_writes(self):
		unplug = self.start(WRITER, sockets=SMALL)
		s = self.narrow()
		recv_exact(s, 1000)
		self.check_freed(s, unplug,
				 r"the client (has vanished|took nothing for 2s) \(socket\.user_timeout\)$|the client "
				 r"is gone$|exited")


main()
