#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Access rules: which clients are let in, what the others are told, and how `explain` accounts for it."""

import sys
sys.dont_write_bytecode = True

import json
import os
import re
import time

from harness import *
from harness.gate import *

NOBODY = 65534


class Rules(Case):
	def test_deny(self):
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {"deny": ["127.0.0.2"]}))
		self.assertEqual(listens(endpoint, "127.0.0.2"), b"")
		self.assertEqual(outcome(endpoint), SERVED)
		wait_until(lambda: refused(d, "echo", "denied") == 1, "one refused")
		line = d.wait_log("refused: denied")
		self.assertRegex(line, r"127\.0\.0\.2:\d+: refused: denied \(127\.0\.0\.2, %s:\d+\)" % d.config_file)
		number = int(line.rsplit(":", 1)[1].rstrip(")"))
		with open(d.config_file, encoding="utf-8") as f:
			self.assertIn("deny", f.read().splitlines()[number - 1])
		status, said = explain(d, "127.0.0.2")
		self.assertEqual((status, said["admitted"], said["reason"]), (1, False, "denied"))
		self.assertEqual(said["rule"], {"allow": False, "text": "127.0.0.2", "file": d.config_file,
						"line": number})
		self.assertEqual([x["reason"] for x in said["refusals"]], ["denied"])
		text = d.ctl("explain", "127.0.0.2")
		self.assertEqual(text.returncode, 1)
		self.assertIn("echo: refuses 127.0.0.2: denied", text.stdout)
		self.assertIn("%s:%d" % (d.config_file, number), text.stdout)
		text = d.ctl("explain", "127.0.0.1", "echo")
		self.assertEqual(text.returncode, 0)
		self.assertIn("echo: lets 127.0.0.1 in", text.stdout)

	def test_what_keeps_those_who_get_in_waiting(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 1, "max": 1, "min_spare": 1, "max_spare": 1}}})
		def said():
			return d.ctl("explain", "127.0.0.1").stdout
		self.assertNotIn("but", said())
		with endpoint.connect() as first, endpoint.connect():
			first.sendall(b"x")
			self.assertEqual(first.recv(1), b"x")
			wait_until(lambda: re.search("lets 127.0.0.1 in\n +but +all workers are busy: clients wait in "
						     "the queue, 1 now", said()), "all are busy")
			self.assertEqual(d.ctl("--json", "workers").stdout.count('"busy"'), 1)
			d.ctl("pause", "echo")
			self.assertRegex(said(), "but +clients wait in the queue until it is resumed")
			d.ctl("resume", "echo")
		d.ctl("drain")
		self.assertRegex(said(), "but +it takes no new clients until")

	def test_only_those_allowed(self):
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {"allow": ["127.0.0.8/29"]}))
		self.assertEqual(listens(endpoint), b"")
		self.assertEqual(outcome(endpoint, "127.0.0.9"), SERVED)
		wait_until(lambda: refused(d, "echo", "not_allowed") == 1, "one refused")
		d.wait_log(r"127\.0\.0\.1:\d+: refused: not_allowed")
		said = explain(d, "127.0.0.1")[1]
		self.assertEqual((said["reason"], said["rule"], said["only_allowed"]), ("not_allowed", None, True))
		self.assertEqual([x["reason"] for x in said["refusals"]], ["not_allowed"])
		self.assertEqual(explain(d, "127.0.0.9")[1]["rule"]["text"], "127.0.0.8/29")

	def test_the_most_specific_counts(self):
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {"deny": ["127.0.0.0/8", "127.0.0.5", "127.0.0.6"],
						   "allow": ["127.0.0.4/30", "127.0.0.6"]}))
		for source, admitted in (("127.0.0.1", False), ("127.0.0.4", True), ("127.0.0.5", False),
					 ("127.0.0.6", False), ("127.0.0.7", True)):
			self.assertEqual(outcome(endpoint, source) == SERVED, admitted, source)
			self.assertEqual(explain(d, source)[1]["admitted"], admitted, source)

	def test_mapped_addresses(self):
		"""An IPv4 client at an IPv6 socket is the IPv4 client."""
		port = Endpoint.v4().port
		endpoint = Endpoint.v4(port=port)
		d = self.daemon({"echo": {"handler": "echo", "listen": "*:%d" % port,
					  "access": {"deny": ["127.0.0.2"], "per_source": 1}}})
		self.assertEqual(listens(endpoint, "127.0.0.2"), b"")
		self.assertEqual(outcome(endpoint), SERVED)
		wait_until(lambda: refused(d, "echo", "denied") == 1, "one refused")
		self.assertNotIn("ffff", d.wait_log(r"127\.0\.0\.2:\d+: refused: denied"))
		for text in ("127.0.0.2", "::ffff:127.0.0.2", "::ffff:7f00:2"):
			said = explain(d, text)[1]
			self.assertEqual((said["reason"], said["source"]), ("denied", "127.0.0.2"))
			self.assertRegex(said["refusals"][0]["peer"], r"^127\.0\.0\.2:\d+$")

	def unix_as(self, endpoint, uid, more=()):
		"""What a process of UID, and MORE groups, hears that connects: the kernel keeps who it was at that
		moment."""
		groups = os.getgroups()
		os.setgroups(more)
		os.setegid(uid)
		os.seteuid(uid)
		try:
			return outcome(endpoint)
		finally:
			os.seteuid(0)
			os.setegid(0)
			os.setgroups(groups)

	@needs_root()
	def test_unix_users(self):
		endpoint = Endpoint.unix(self.path("socket"))
		d = self.daemon(guarded(endpoint, {"allow": ["unix:uid=root"]}))
		self.assertEqual(self.unix_as(endpoint, 0), SERVED)
		self.assertNotEqual(self.unix_as(endpoint, NOBODY), SERVED)
		wait_until(lambda: refused(d, "echo", "not_allowed") == 1, "one refused")
		self.assertEqual(explain(d, "unix:uid=0")[0], 0)
		self.assertEqual(explain(d, "unix:uid=root")[0], 0)
		status, said = explain(d, "unix:uid=%d" % NOBODY)
		self.assertEqual((status, said["source"]), (1, "unix:uid=%d" % NOBODY))
		self.assertEqual([x["reason"] for x in said["refusals"]], ["not_allowed"])
		d.wait_log(r"unix:uid=%d,pid=\d+: refused: not_allowed" % NOBODY)

	@needs_root()
	def test_unix_groups(self):
		endpoint = Endpoint.unix(self.path("socket"))
		d = self.daemon(guarded(endpoint, {"deny": ["unix:gid=%d" % NOBODY], "allow": ["unix:"]}))
		self.assertNotEqual(self.unix_as(endpoint, NOBODY), SERVED)
		self.assertEqual(self.unix_as(endpoint, 54321), SERVED)
		self.assertEqual(explain(d, "unix:uid=54321/gid=%d" % NOBODY)[0], 1)
		self.assertEqual(explain(d, "unix:uid=54321/gid=54321")[0], 0)
		many = list(range(1000, 1300))
		self.assertEqual(self.unix_as(endpoint, 54321, many), SERVED)
		self.assertNotEqual(self.unix_as(endpoint, 54321, many + [NOBODY]), SERVED)
		for groups, admitted in ((many, True), (many + [NOBODY], False)):
			said = d.admin.ask("explain", address="unix:uid=54321", groups=groups)["explain"]
			self.assertEqual(said["services"][0]["admitted"], admitted)

	def test_files_are_read_again(self):
		endpoint = Endpoint.v4()
		listed = self.write("denied", "# those\n127.0.0.2\n")
		d = self.daemon(guarded(endpoint, {"deny_file": [listed]}))
		self.assertEqual([outcome(endpoint, x) == SERVED for x in ("127.0.0.2", "127.0.0.3")], [False, True])
		self.assertEqual(explain(d, "127.0.0.2")[1]["rule"]["file"], listed)
		self.assertEqual(explain(d, "127.0.0.2")[1]["rule"]["line"], 2)
		d.wait_log(r"refused: denied \(127\.0\.0\.2, %s:2\)" % listed)
		self.write("denied", "127.0.0.3\n")
		self.assertEqual([outcome(endpoint, x) == SERVED for x in ("127.0.0.2", "127.0.0.3")], [False, True])
		self.assertEqual(d.reload().returncode, 0)
		self.assertEqual([outcome(endpoint, x) == SERVED for x in ("127.0.0.2", "127.0.0.3")], [True, False])
		self.write("denied", "127.0.0.400\n")
		self.assertEqual(d.reload().returncode, 1)
		self.assertEqual([outcome(endpoint, x) == SERVED for x in ("127.0.0.2", "127.0.0.3")], [True, False])


class Endings(Case):
	def refuse(self, **access):
		endpoint = Endpoint.v4()
		self.daemon(guarded(endpoint, {"deny": ["127.0.0.2"], **access}))
		return endpoint

	def test_silent_close(self):
		self.assertEqual(listens(self.refuse(), "127.0.0.2"), b"")

	def test_reset(self):
		self.assertEqual(listens(self.refuse(refusal="reset"), "127.0.0.2"), RESET)

	def test_banner(self):
		endpoint = self.refuse(banner=BANNER)
		self.assertEqual(listens(endpoint, "127.0.0.2"), BANNER.encode())
		self.assertEqual(outcome(endpoint), SERVED)

	def test_banner_to_who_has_spoken(self):
		"""What a refused client has sent does not cost it the banner."""
		endpoint = self.refuse(banner=BANNER)
		for _ in range(20):
			self.assertEqual(outcome(endpoint, "127.0.0.2"), BANNER.encode())

	def test_banner_and_reset(self):
		endpoint = self.refuse(banner=BANNER, refusal="reset")

		def connected():
			try:
				return come(endpoint, "127.0.0.2")
			except ConnectionResetError: # before it knew that it was connected
				return None
		with wait_until(connected, "a client that sees its connection") as s:
			self.assertEqual(recv_exact(s, len(BANNER)), BANNER.encode())
			with self.assertRaises(ConnectionResetError):
				s.recv(1)

	def test_unix(self):
		endpoint = Endpoint.unix(self.path("socket"))
		self.daemon(guarded(endpoint, {"deny": ["unix:"], "banner": BANNER}))
		with endpoint.connect() as s:
			self.assertEqual(read_all(s), BANNER.encode())

	def test_those_that_stay_do_not_keep_others_out(self):
		"""Refused clients that never close hold no worker for long, and none while others wait."""
		endpoint = Endpoint.v4()
		self.daemon(guarded(endpoint, {"deny": ["127.0.0.2"], "banner": BANNER},
				    workers={"min": 2, "min_spare": 1, "max_spare": 2, "max": 2}))
		stay = [come(endpoint, "127.0.0.2") for _ in range(200)]
		start = time.monotonic()
		self.assertEqual(outcome(endpoint), SERVED)
		self.assertLess(time.monotonic() - start, 5, "200 times 100 ms would be 10 s for two workers")
		for s in stay:
			self.assertEqual(read_all(s), BANNER.encode())
			s.close()

	def test_max_requests_are_of_those_served(self):
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {"deny": ["127.0.0.2"]},
					workers={"min": 1, "min_spare": 1, "max_spare": 1, "max": 2,
						 "max_requests": 3}))
		worker, = d.wait_workers(1)
		for _ in range(20):
			listens(endpoint, "127.0.0.2")
		wait_until(lambda: refused(d, "echo") == 20, "20 refused")
		self.assertIn(worker, d.workers())


class Explain(Case):
	def test_addresses_that_are_none(self):
		d = self.daemon(guarded(Endpoint.v4(), {}))
		for text in ("10.0.0.0/8", "2001:db8::/64", "unix:", "unix:gid=0", "example", "127.0.0.1:80", "",
			     "1.2.3",
			     "unix:uid=no-such-user"):
			done = d.ctl("explain", text)
			self.assertEqual((done.returncode, done.stdout), (64, ""), text)
			self.assertRegex(done.stderr, "^preforkctl: .")
			self.assertFalse(d.admin.ask("explain", address=text)["ok"], text)
		self.assertEqual(d.ctl("explain").returncode, 64)
		self.assertEqual(d.ctl("explain", "127.0.0.1", "none").returncode, 1)
		for odd in (None, 5, ["127.0.0.1"], "\n", "x" * 3000):
			self.assertFalse(d.admin.ask("explain", address=odd)["ok"], odd)
		for groups in (5, ["x"], [-1, 2 ** 40], list(range(1000))):
			self.assertTrue(d.admin.ask("explain", address="unix:uid=0", groups=groups)["ok"], groups)

	def test_all_services_and_one(self):
		one, two = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"one": {"handler": "echo", "listen": one.text, "access": {"deny": ["192.0.2.0/24"]}},
				 "two": {"handler": "daytime", "listen": two.text}})
		for address, service, status in (("192.0.2.7", None, 1), ("192.0.2.7", "one", 1),
						 ("192.0.2.7", "two", 0),
						 ("2001:db8::7", None, 0), ("198.51.100.1", "one", 0)):
			done = d.ctl("explain", address, *([service] if service else []))
			self.assertEqual(done.returncode, status, (address, service, done.stdout))
			done = d.ctl("--json", "explain", address, *([service] if service else []))
			self.assertEqual(done.returncode, status)
			said = json.loads(done.stdout)
			self.assertEqual(said["address"], address)
			self.assertEqual([x["name"] for x in said["services"]],
					 [service] if service else ["one", "two"])

	def test_takes_nothing(self):
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {"per_source": 1, "per_source_rate": "1/1h", "rate": "1/1h"}))
		for _ in range(20):
			self.assertEqual(explain(d, "127.0.0.1")[0], 0)
		self.assertEqual(outcome(endpoint), SERVED)

	def test_who_is_exempt_is_not_said_to_be_penalized(self):
		"""Nor where it is refused before the lists are looked at."""
		endpoint = Endpoint.v4()
		d = self.daemon(guarded(endpoint, {"exempt": ["127.0.0.1"]}, penalty={"refusals": 2},
					proxy_protocol={"from": ["127.0.0.9"]}))
		for source in ("127.0.0.1", "127.0.0.2"):
			for _ in range(3):
				self.assertEqual(listens(endpoint, source), b"")
		wait_until(lambda: refused(d, "echo", "proxy_untrusted") == 6, "six refused")
		self.assertIsNone(explain(d, "127.0.0.1")[1]["penalty"])
		self.assertIsNotNone(explain(d, "127.0.0.2")[1]["penalty"])

	def test_where_a_rule_stands_after_a_reload(self):
		"""Also where the reload had nothing to change but that."""
		listed = self.write("deny.list", "127.0.0.3\n")
		d = self.daemon(guarded(Endpoint.v4(), {"deny": ["127.0.0.2"], "deny_file": [listed]}))
		worker = d.workers()
		with open(d.config_file, encoding="utf-8") as f:
			text = f.read()
		was = explain(d, "127.0.0.2")[1]["rule"]
		self.write("deny.list", "# longer\n\n127.0.0.3\n")
		self.assertEqual(d.reload("# longer\n" + text).returncode, 0)
		self.assertEqual(d.workers(), worker)
		self.assertEqual(explain(d, "127.0.0.2")[1]["rule"], {**was, "line": was["line"] + 1})
		self.assertEqual(explain(d, "127.0.0.3")[1]["rule"],
				 {"allow": False, "text": "127.0.0.3", "file": listed, "line": 3})

	def test_tells_of_a_pause(self):
		d = self.daemon(guarded(Endpoint.v4(), {}))
		self.assertEqual(d.ctl("pause", "echo").returncode, 0)
		self.assertIn("it is paused", d.ctl("explain", "127.0.0.1").stdout)


main()
