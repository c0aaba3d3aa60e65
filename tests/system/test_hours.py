#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""When clients may connect: access.times, in a time zone that makes it noon, and access.max_load, beside the load that
this host really has."""

import sys
sys.dont_write_bytecode = True

import ctypes
import os
import signal
import socket
import time

from harness import *
from harness import proxy
from harness.gate import BANNER, come, explain, guarded, listens, outcome, refused, SERVED

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OPEN, CLOSED = "06:00-18:00", "18:00-06:00"


def noon():
	"""A time zone in which it is between 12:00 and 13:00 now. Nothing that is open or closed then changes for five
	hours."""
	return {"TZ": "NOON%+d" % (time.gmtime().tm_hour - 12)}


def today():
	"""The day of the week in that zone."""
	return DAYS[time.gmtime(time.time() - 3600 * (time.gmtime().tm_hour - 12)).tm_wday]


def load_now():
	"""The load average of one minute, from where the workers have it."""
	class Sysinfo(ctypes.Structure):
		_fields_ = [("uptime", ctypes.c_long), ("loads", ctypes.c_ulong * 3), ("rest", ctypes.c_char * 256)]
	info = Sysinfo()
	if ctypes.CDLL(None, use_errno=True).sysinfo(ctypes.byref(info)) < 0:
		raise OSError(ctypes.get_errno(), "sysinfo")
	return info.loads[0] / 65536


class Times(Case):
	def serve(self, access, endpoint=None, **more):
		self.endpoint = endpoint or Endpoint.v4()
		self.d = self.daemon(guarded(self.endpoint, access, **more), env=noon())
		return self.d

	def explained(self, address="127.0.0.1"):
		return explain(self.d, address)[1]

	def test_open(self):
		self.serve({"times": ["01:00-02:00", OPEN]})
		self.assertEqual(outcome(self.endpoint), SERVED)
		said = self.explained()
		self.assertTrue(said["admitted"] and said["times"]["open"])
		self.assertTrue(5 * 3600 - 60 <= said["times"]["change"] <= 6 * 3600, said["times"])
		self.assertRegex(self.d.ctl("explain", "127.0.0.1").stdout, r"times +open, for another [56] h")

	def test_closed(self):
		d = self.serve({"times": CLOSED, "banner": BANNER})
		self.assertEqual(listens(self.endpoint), BANNER.encode())
		wait_until(lambda: refused(d, "echo", "time") == 1, "one refused")
		d.wait_log(r"127\.0\.0\.1:\d+: refused: time \(outside of access\.times\)")
		said = self.explained()
		self.assertEqual((said["admitted"], said["reason"], said["times"]["open"]), (False, "time", False))
		self.assertTrue(5 * 3600 - 60 <= said["wait"] <= 6 * 3600, said["wait"])
		self.assertEqual([x["reason"] for x in said["refusals"]], ["time"])
		done = d.ctl("explain", "127.0.0.1")
		self.assertEqual(done.returncode, 1)
		self.assertRegex(done.stdout, r"refuses 127\.0\.0\.1: time, for another [56] h")
		self.assertRegex(done.stdout, r"times +closed, for another [56] h")

	def test_days(self):
		self.serve({"times": "%s %s" % (today(), OPEN)})
		self.assertEqual(outcome(self.endpoint), SERVED)
		others = ",".join(x for x in DAYS if x != today())
		self.serve({"times": "%s 00:00-24:00" % others})
		self.assertNotEqual(outcome(self.endpoint), SERVED)
		# across midnight: what began yesterday has not ended
		self.serve({"times": "%s 18:00-17:00" % DAYS[DAYS.index(today()) - 1]})
		self.assertEqual(outcome(self.endpoint), SERVED)

	def test_at_all_times(self):
		self.serve({"times": "00:00-24:00"})
		self.assertEqual(outcome(self.endpoint), SERVED)
		self.assertEqual(self.explained()["times"], {"open": True, "change": None})
		self.serve({"times": []})
		self.assertEqual(outcome(self.endpoint), SERVED)
		self.assertIsNone(self.explained()["times"])

	def test_exempt_and_probes(self):
		"""Exempt clients may always come; those that check the service find what others find."""
		d = self.serve({"times": CLOSED, "max_load": 0, "exempt": "127.0.0.2", "probes": "127.0.0.3"})
		self.assertEqual(outcome(self.endpoint, "127.0.0.2"), SERVED)
		self.assertNotEqual(outcome(self.endpoint, "127.0.0.3"), SERVED)
		self.assertTrue(self.explained("127.0.0.2")["admitted"])
		self.assertEqual(self.explained("127.0.0.3")["reason"], "time")
		wait_until(lambda: refused(d, "echo", "time") == 1, "one refused")

	def test_it_is_no_fault(self):
		"""However often it comes: nobody is penalized because a service is closed."""
		d = self.serve({"times": CLOSED}, penalty={"refusals": 2, "within": "1min", "duration": "1h"})
		for _ in range(5):
			self.assertNotEqual(outcome(self.endpoint), SERVED)
		wait_until(lambda: refused(d, "echo", "time") == 5, "five refused")
		self.assertIsNone(self.explained()["penalty"])

	def test_connections_go_on(self):
		"""A reload closes the service: whoever is connected is served to the end."""
		d = self.serve({"times": OPEN})
		with come(self.endpoint) as s:
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
			self.assertEqual(d.reload(Config(guarded(self.endpoint, {"times": CLOSED}))).returncode, 0)
			self.assertNotEqual(outcome(self.endpoint), SERVED)
			s.sendall(b"y")
			self.assertEqual(recv_exact(s, 1), b"y")
		self.assertEqual(d.reload(Config(guarded(self.endpoint, {}))).returncode, 0)
		self.assertEqual(outcome(self.endpoint), SERVED)

	def test_other_addresses(self):
		d = self.serve({"times": CLOSED}, Endpoint.unix(self.path("s")))
		self.assertNotEqual(outcome(self.endpoint), SERVED)
		wait_until(lambda: refused(d, "echo", "time") == 1, "one refused")
		d = self.serve({"times": CLOSED, "exempt": "192.0.2.7"}, proxy_protocol={"from": "127.0.0.1"})
		for source, answer in (("192.0.2.7", b"x"), ("192.0.2.8", b"")):
			self.assertEqual(talk(self.endpoint, proxy.v1(source=source) + b"x"), answer)
		wait_until(lambda: refused(d, "echo", "time") == 1, "one refused")

	def test_the_last_answer_holds_while_the_master_stands_still(self):
		d = self.serve({"times": CLOSED}, workers={"min": 1, "max": 1, "min_spare": 1, "max_spare": 1})
		os.kill(d.pid, signal.SIGSTOP)
		try:
			self.assertNotEqual(outcome(self.endpoint), SERVED)
		finally:
			os.kill(d.pid, signal.SIGCONT)


class Load(Case):
	"""The load of this host, whatever it is: it is brought above 0.05, and never reaches 100000."""

	def make_load(self):
		"""Keeps one process busy until the load shows it, for five seconds or a little more."""
		pid = os.fork()
		if pid == 0:
			while True:
				pass
		try:
			wait_until(lambda: load_now() >= 0.05, "a load", every=0.1)
		finally:
			os.kill(pid, signal.SIGKILL)
			os.waitpid(pid, 0)

	def test_above_and_below(self):
		self.make_load()
		endpoint = Endpoint.v4()
		access = {"max_load": "0.01", "exempt": "127.0.0.2"}
		d = self.daemon(guarded(endpoint, access))
		self.assertNotEqual(outcome(endpoint), SERVED)
		self.assertEqual(outcome(endpoint, "127.0.0.2"), SERVED)
		wait_until(lambda: refused(d, "echo", "load") == 1, "one refused")
		d.wait_log(r"127\.0\.0\.1:\d+: refused: load \([\d.]+, access\.max_load is 0\.01\)")
		status, said = explain(d, "127.0.0.1")
		self.assertEqual((status, said["reason"], said["load"]["limit"]), (1, "load", 0.01))
		self.assertGreaterEqual(said["load"]["now"], 0.01)
		self.assertRegex(d.ctl("explain", "127.0.0.1").stdout,
				 r"load +[\d.]+, clients are refused from 0\.01 on")
		self.assertEqual(d.reload(Config(guarded(endpoint, {"max_load": 100000}))).returncode, 0)
		self.assertEqual(outcome(endpoint), SERVED)
		self.assertEqual(explain(d, "127.0.0.1")[0], 0)
		self.assertEqual(d.reload(Config(guarded(endpoint, {"max_load": "unlimited"}))).returncode, 0)
		self.assertIsNone(explain(d, "127.0.0.1")[1]["load"])


class Datagrams(Case):
	def test_of_a_handler_of_ours(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": "udp:" + endpoint.text,
					  "access": {"times": CLOSED}}}, env=noon())
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
			s.sendto(b"x", endpoint.address)
			wait_until(lambda: refused(d, "echo", "time") == 1, "one refused")

	def test_of_a_program(self):
		file = self.write("check.conf", Config({"a": {
			"handler": "exec", "command": ["/bin/cat"], "listen": "udp:" + Endpoint.v4().text,
			"access": {"times": OPEN}}}).text())
		done = run_preforkd("--check", "-c", file)
		self.assertEqual(done.returncode, 78)
		self.assertRegex(done.stderr, r"check\.conf:\d+: services\.a\.access\.times: a program receives the "
				 "datagrams itself, so no client can be refused")

	def test_of_programs_that_accept_by_themselves(self):
		file = self.write("check.conf", Config({"a": {
			"handler": "listen", "command": ["/bin/cat"], "listen": Endpoint.v4().text,
			"access": {"times": OPEN, "max_load": 8}}}).text())
		done = run_preforkd("--check", "-c", file)
		for key in ("times", "max_load"):
			self.assertIn("services.a.access.%s: has no effect: the program accepts" % key, done.stderr)


if __name__ == "__main__":
	main()
