#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The log: syslog and the journal read back, and a reader that does not read."""

import sys
sys.dont_write_bytecode = True

import os
import re
import signal
import socket
import struct
import time
import unittest

from harness import *
from harness import proxy
from harness.system_log import NO_MOUNTS, Reader, SystemLogCase

FACILITY_LOCAL3 = 19


class SystemLog(SystemLogCase):
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

	def test_error_that_ends_the_daemon_without_a_reader(self):
		"""It goes to standard error when nothing else takes it."""
		self.syslog.socket.close()
		os.unlink(self.path("dev", "log"))
		self.how["mounts"].append((self.folder("run"), "/run"))
		endpoint = Endpoint.v4()
		with socket.create_server(("127.0.0.1", endpoint.port)):
			for target in ("syslog", "journal"):
				d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}}, start=False,
						arguments=("-l", target), how=self.how)
				d.launch()
				self.assertEqual(d.wait(), 71)
				self.assertTrue(d.grep("Address already in use"), d.lines())

	def test_without_any_device(self):
		"""Even the check says what is missing."""
		self.how = {"mounts": [(self.folder("empty"), "/dev")]}
		for arguments in (("-t",), ("-l", "stderr")):
			d = self.daemon({"echo": {"handler": "echo", "listen": Endpoint.v4().text}}, start=False,
					arguments=arguments, how=self.how)
			d.launch()
			self.assertEqual(d.wait(), 71)
			self.assertTrue(d.grep("cannot open /dev/null: No such file"), d.lines())

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


# The meaning of each is in preforkd(8); they are never changed.
IDS = {
	"started": "39f53479d3a045ac8e11786248231fbf",
	"start failed": "be02cf6855d2428ba40df7e9d022f03d",
	"stopping": "de5b426a63be47a7b6ac3eaac82e2f6f",
	"stopped": "9d1aaa27d60140bd96365438aad20286",
	"reloading": "d34d037fff1847e6ae669a370e694725",
	"reloaded": "7b05ebc668384222baa8881179cfda54",
	"rejected": "c32d725ec1d9436d91c2a1730aeaa77c",
	"crashed": "146d4e8901624193830e96085d29c73e",
	"program died": "262dabde6ce84dbf9ea8908179e83834",
	"failed": "90a8011010684fd290611fd291e73763",
	"full": "b653beb09abf4d4bb989693a208a1a8d",
	"evicted": "6df02f0597634da3a5926466558f93dc",
	"limit": "ef36e5ded2424a4c9cbf1a26ac209fb6",
	"refused": "d2afab53c5a244fc9c9b6c88456ef12e",
	"penalized": "6ba860bf4d51b4f08e65f3140c4ae537",
}


@unittest.skipIf(NO_MOUNTS, NO_MOUNTS)
class Journal(Case):
	def setUp(self):
		super().setUp()
		run = self.folder("run")
		os.makedirs(os.path.join(run, "systemd", "journal"))
		self.reader = Reader(os.path.join(run, "systemd", "journal", "socket"))
		self.addCleanup(self.reader.socket.close)
		self.how = {"mounts": [(run, "/run")]}

	def serve(self, services, **more):
		return self.daemon(services, arguments=("-l", "journal"), how=self.how, **more)

	def lines(self):
		"""All that came, as fields."""
		return [dict(line.split("=", 1) for line in message.decode().splitlines())
			for message in self.reader.drain()]

	def wait_id(self, name, count=1):
		"""The one line (or COUNT) with this id."""
		def look():
			found = [x for x in self.lines() if x.get("MESSAGE_ID") == IDS[name]]
			return found if len(found) >= count else None
		found = wait_until(look, "%d lines that mean %s" % (count, name))
		self.assertEqual(len(found), count, found)
		return found[-1]

	def test_the_manual_has_every_id(self):
		with open(os.path.join(TOP_SRCDIR, "man", "preforkd.8"), encoding="utf-8") as f:
			manual = f.read()
		ours = set()
		with open(os.path.join(TOP_SRCDIR, "daemon", "base", "message_ids.h"), encoding="utf-8") as f:
			ours.update(re.findall(r'"([0-9a-f]{32})"', f.read()))
		self.assertGreater(len(ours), 3)
		self.assertLess(ours, set(IDS.values()))
		for name, number in IDS.items():
			self.assertIn(number, manual, name)

	def test_ids_of_a_life(self):
		endpoint = Endpoint.v4()
		d = self.serve({"echo": {"handler": "echo", "listen": endpoint.text, "workers":
					 {"min": 1, "min_spare": 1, "max_spare": 1, "max": 2}}})
		self.assertRegex(self.wait_id("started")["MESSAGE"], "^started")
		with open(d.config_file, "a", encoding="utf-8") as f:
			f.write("\n# the same\n")
		d.kill(signal.SIGHUP)
		self.wait_id("reloading")
		self.assertEqual(self.wait_id("reloaded")["PRIORITY"], "5")
		with open(d.config_file, "a", encoding="utf-8") as f:
			f.write("nonsense = 1;\n")
		d.kill(signal.SIGHUP)
		self.wait_id("reloading", 2)
		self.assertEqual(self.wait_id("rejected")["PRIORITY"], "3")
		self.assertEqual(len([x for x in self.lines() if "nonsense" in x["MESSAGE"]]), 1)
		d.stop()
		self.wait_id("stopping")
		self.assertEqual(self.wait_id("stopped")["MESSAGE"], "stopped")
		for line in self.lines():
			self.assertIn(line.get("MESSAGE_ID"), [None, *IDS.values()])

	def test_id_of_a_crash(self):
		endpoint = Endpoint.v4()
		d = self.serve({"echo": {"handler": "echo", "listen": endpoint.text}})
		with endpoint.connect() as s:
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
			port = s.getsockname()[1]
			busy, = [pid for pid in d.workers() if "127.0.0.1" in proc.title(pid)]
			os.kill(busy, signal.SIGKILL)
			line = self.wait_id("crashed")
		self.assertEqual((line["SERVICE"], line["WORKER_PID"], line["PEER"], line["PRIORITY"]),
				 ("echo", str(busy), "127.0.0.1:%d" % port, "3"))
		self.assertEqual((line["DEATH_KIND"], line["DEATH_PID"], line["DEATH_PHASE"], line["EXIT_SIGNAL"],
				  line["CORE_DUMPED"], line["BYTES_IN"], line["BYTES_OUT"]),
				 ("worker", str(busy), "serving", "SIGKILL", "0", "1", "1"))
		self.assertTrue(all(line[key].isdigit() for key in ("AGE_MSEC", "CPU_USEC", "MAX_RSS")))
		d.stop()	# and those that are told to leave have not crashed
		self.wait_id("crashed")

	def test_id_of_a_program(self):
		"""The worker logs the death of a program of exec."""
		endpoint = Endpoint.v4()
		self.serve({"prog": {"handler": "exec", "listen": endpoint.text, "command": ["/bin/sh", "-c", "exit 3"],
				     "proxy_protocol": {"from": ["127.0.0.1"]}}})
		with endpoint.connect() as s:
			s.sendall(proxy.v1() + b"x")
			near = "127.0.0.1:%d" % s.getsockname()[1]
			read_all(s)
			line = self.wait_id("program died")
		self.assertEqual((line["SERVICE"], line["PEER"], line["VIA"], line["DEATH_KIND"], line["EXIT_STATUS"]),
				 ("prog", "192.0.2.7:4711", near, "program", "3"))
		self.assertNotIn("EXIT_SIGNAL", line)

	def test_ids_of_the_gate(self):
		endpoint = Endpoint.v4()
		d = self.serve({"echo": {"handler": "echo", "listen": endpoint.text, "access": {"per_source": 1},
					 "penalty": {"refusals": 2}}})
		with hold(endpoint):
			for _ in range(2):
				with endpoint.connect() as s:
					self.assertEqual(read_all(s), b"")
			line = self.wait_id("penalized")
		self.assertEqual((line["SERVICE"], line["PRIORITY"]), ("echo", "5"))
		self.assertRegex(line["PEER"], r"^127\.0\.0\.1:\d+$")
		line = self.wait_id("refused")
		self.assertEqual((line["SERVICE"], line["PRIORITY"]), ("echo", "5"))
		self.assertRegex(line["MESSAGE"], "refused: per_source")
		d.stop()

	def test_id_of_a_full_pool(self):
		endpoint = Endpoint.v4()
		d = self.serve({"echo": {"handler": "echo", "listen": endpoint.text, "workers":
					 {"min": 1, "min_spare": 1, "max_spare": 1, "max": 1}}})
		with endpoint.connect(), endpoint.connect():
			line = self.wait_id("full")
		self.assertEqual((line["SERVICE"], line["PRIORITY"]), ("echo", "4"))
		d.stop()

	def test_id_of_a_failed_start(self):
		endpoint = Endpoint.v4()
		with socket.create_server(endpoint.address):
			d = self.serve({"echo": {"handler": "echo", "listen": endpoint.text}}, start=False)
			d.launch()
			self.assertEqual(d.wait(), 71)
		self.assertIn(endpoint.text, self.wait_id("start failed")["MESSAGE"])

	def test_fields(self):
		reader = self.reader
		endpoint = Endpoint.v4()
		d = self.serve({"sh": {"handler": "exec", "listen": endpoint.text,
				       "command": ["/bin/sh", "-c", r"printf 'oops\033[1m\nPRIORITY=0\n' >&2"]}})
		with endpoint.connect() as s:
			port = s.getsockname()[1]
			read_all(s)
		message = reader.wait(rb"MESSAGE=.*oops")
		fields = dict(line.split("=", 1) for line in message.decode().splitlines())
		self.assertEqual(fields["SERVICE"], "sh")
		self.assertIn(int(fields["WORKER_PID"]), d.workers())
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
