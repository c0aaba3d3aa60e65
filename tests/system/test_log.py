#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The log: syslog and the journal read back, and a reader that does not read."""

import sys
sys.dont_write_bytecode = True

import os
import re
import socket
import struct
import time
import unittest

from harness import *

FACILITY_LOCAL3 = 19
NO_MOUNTS = no_mounts()


class Reader:
	"""A datagram socket in the place of the system's log."""

	def __init__(self, path):
		self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		self.socket.bind(path)
		os.chmod(path, 0o666)
		self.messages = []

	def drain(self):
		"""Takes all that is there now."""
		while True:
			try:
				self.messages.append(self.socket.recv(1 << 17, socket.MSG_DONTWAIT))
			except BlockingIOError:
				return self.messages

	def wait(self, pattern):
		def look():
			return [m for m in self.drain() if re.search(pattern, m)]
		return wait_until(look, "a message with %r" % pattern)[0]


@unittest.skipIf(NO_MOUNTS, NO_MOUNTS)
class SystemLog(Case):
	def setUp(self):
		super().setUp()
		dev = self.folder("dev")
		self.syslog = Reader(os.path.join(dev, "log"))
		self.addCleanup(self.syslog.socket.close)
		mounts = []
		for name in ("null", "zero", "full", "random", "urandom", "tty"):
			with open(os.path.join(dev, name), "w", encoding="ascii"):
				pass
			mounts.append(("/dev/" + name, os.path.join(dev, name)))
		self.how = {"mounts": mounts + [(dev, "/dev")]}

	def serve(self, services, target="syslog", **log):
		return self.daemon(services, arguments=("-l", target), how=self.how,
				   top={"log": {"facility": "local3", **log}})

	def test_syslog(self):
		endpoint = Endpoint.v4()
		d = self.serve({"sh": {"handler": "exec", "listen": endpoint.text,
				       "command": ["/bin/sh", "-c", r"printf 'oops\033[1m\n' >&2; exit 9"]}})
		with endpoint.connect() as s:
			port = s.getsockname()[1]
			read_all(s)
		pattern = r"^<(\d+)>\w\w\w [ \d]\d \d\d:\d\d:\d\d preforkd\[(\d+)\]: (.*)\n?\0?$"
		line = self.syslog.wait(b"oops").decode()
		found = re.match(pattern, line)
		self.assertTrue(found, line)
		self.assertEqual(int(found[1]) >> 3, FACILITY_LOCAL3)
		self.assertIn(int(found[2]), [d.pid] + d.workers())
		self.assertRegex(found[3], r"sh 127\.0\.0\.1:%d: .*oops" % port)
		self.assertNotIn("\033", line)
		self.syslog.wait(rb"sh 127\.0\.0\.1:%d: .*\b9\b" % port)
		d.stop()
		for message in self.syslog.drain():
			self.assertRegex(message.decode(), pattern)
		self.assertEqual(d.lines(), [], "nothing on standard error")

	def test_a_stalled_reader_does_not_stop_the_service(self):
		endpoint = Endpoint.v4()
		d = self.serve({"echo": {"handler": "echo", "listen": endpoint.text,
					 "workers": {"min": 2, "max": 4}}}, connections="all")
		self.syslog.drain()
		start = time.monotonic()
		for i in range(900):	# far more lines than the socket holds
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertLess(time.monotonic() - start, 20)
		self.syslog.drain()
		for _ in range(20):	# now lines get through again, and say what was lost
			talk(endpoint, b"x")
		lost = self.syslog.wait(rb"(?i)\b\d+ .*(lost|dropped)").decode()
		self.assertGreater(int(re.search(r"(\d+) (?:\w+ )*?(?:lines?|messages?)", lost)[1]), 0)
		self.assertEqual(d.stop(), 0)

	def test_no_reader_at_all(self):
		self.syslog.socket.close()
		os.unlink(self.path("dev", "log"))
		endpoint = Endpoint.v4()
		d = self.serve({"echo": {"handler": "echo", "listen": endpoint.text}}, connections="all")
		for _ in range(20):
			self.assertEqual(talk(endpoint, b"x"), b"x")
		# and one that comes later is found
		reader = Reader(self.path("dev", "log"))
		self.addCleanup(reader.socket.close)

		def again():
			talk(endpoint, b"x")
			return reader.drain()
		wait_until(again, "a line", every=0.1)
		self.assertEqual(d.stop(), 0)

	def test_a_reader_that_is_restarted(self):
		endpoint = Endpoint.v4()
		d = self.serve({"echo": {"handler": "echo", "listen": endpoint.text}}, connections="all")
		talk(endpoint, b"x")
		self.syslog.wait(b"echo 127")
		self.syslog.socket.close()
		os.unlink(self.path("dev", "log"))
		talk(endpoint, b"x")
		reader = Reader(self.path("dev", "log"))
		self.addCleanup(reader.socket.close)

		def again():
			talk(endpoint, b"x")
			return reader.drain()
		wait_until(again, "a line", every=0.1)
		self.assertEqual(d.stop(), 0)


@unittest.skipIf(NO_MOUNTS, NO_MOUNTS)
class Journal(Case):
	def test_fields(self):
		run = self.folder("run")
		os.makedirs(os.path.join(run, "systemd", "journal"))
		reader = Reader(os.path.join(run, "systemd", "journal", "socket"))
		self.addCleanup(reader.socket.close)
		endpoint = Endpoint.v4()
		d = self.daemon({"sh": {"handler": "exec", "listen": endpoint.text,
					"command": ["/bin/sh", "-c", r"printf 'oops\033[1m\nPRIORITY=0\n' >&2"]}},
				arguments=("-l", "journal"), how={"mounts": [(run, "/run")]})
		with endpoint.connect() as s:
			port = s.getsockname()[1]
			read_all(s)
		message = reader.wait(rb"MESSAGE=.*oops")
		fields = dict(line.split("=", 1) for line in message.decode().splitlines())
		self.assertEqual(fields["SERVICE"], "sh")
		self.assertIn("127.0.0.1:%d" % port, fields["PEER"])
		self.assertEqual(fields["SYSLOG_IDENTIFIER"], "preforkd")
		self.assertIn(fields["PRIORITY"], "01234567")
		self.assertNotIn("\033", message.decode())
		forged = reader.wait(rb"MESSAGE=.*PRIORITY=0")
		self.assertEqual(len([x for x in forged.splitlines() if x.startswith(b"PRIORITY=")]), 1)
		d.stop()


class StandardError(Case):
	def serve(self, **more):
		endpoint = Endpoint.v4()
		d = self.daemon({"sh": {"handler": "exec", "listen": endpoint.text,
					"command": ["/bin/sh", "-c", "echo oops >&2"]}}, **more)
		talk(endpoint)
		return d.wait_log("oops")

	def test_plain(self):
		self.assertNotRegex(self.serve(), r"^<\d>")

	def test_priorities_for_systemd(self):
		"""Where systemd reads standard error, a line starts with its priority."""
		reading, writing = os.pipe()
		self.addCleanup(os.close, reading)
		s = os.fstat(writing)
		endpoint = Endpoint.v4()
		d = self.daemon({"sh": {"handler": "exec", "listen": endpoint.text,
					"command": ["/bin/sh", "-c", "echo oops >&2"]}}, start=False,
				env={"JOURNAL_STREAM": "%d:%d" % (s.st_dev, s.st_ino)})
		d.start(stderr=writing)
		os.close(writing)
		talk(endpoint)
		d.stop()
		with os.fdopen(os.dup(reading), "rb") as f:
			lines = f.read().splitlines()
		self.assertTrue([x for x in lines if b"oops" in x], lines)
		for line in lines:
			self.assertRegex(line, rb"^<\d>")

	def test_level(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}},
				top={"log": {"level": "err"}})
		talk(endpoint, b"x")
		d.stop()
		self.assertEqual(d.lines(), [])

	def test_probes_are_not_worth_a_line(self):
		"""Health checks connect and go, with an end or with a reset."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}})
		for i in range(100):
			with endpoint.connect() as s:
				if i % 2:
					s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		talk(endpoint, b"x")
		self.assertEqual(d.stop(), 0)
		self.assertEqual(d.grep(r"echo 127\.0\.0\.1:\d+"), [])

	def test_a_reader_of_standard_error_that_does_not_read(self):
		"""A full pipe must not stop the service."""
		reading, writing = os.pipe()
		self.addCleanup(os.close, reading)
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 2, "max": 4}}}, start=False,
				top={"log": {"connections": "all", "level": "debug"}})
		d.start(stderr=writing)
		os.close(writing)
		for _ in range(1500):
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_standard_error_that_is_closed(self):
		"""Lines into a pipe without a reader fail; nobody dies of SIGPIPE."""
		reading, writing = os.pipe()
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}}, start=False,
				top={"log": {"connections": "all"}})
		d.start(stderr=writing)
		os.close(writing)
		os.close(reading)
		workers = d.workers()
		for _ in range(20):
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertTrue(set(workers) & set(d.workers()))
		self.assertEqual(d.stop(), 0)


main()
