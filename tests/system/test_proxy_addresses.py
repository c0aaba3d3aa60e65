#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The handler proxy: an upstream whose name has several addresses, some of which do not answer."""

import sys
sys.dont_write_bytecode = True

import time
import unittest

from harness import *
from harness.names import NameServer
from harness.upstream_case import UpstreamCase

NO_NAMES = no_namespaces() or no_mounts()


@unittest.skipIf(NO_NAMES, NO_NAMES)
class Addresses(UpstreamCase):
	BAD, GOOD = "127.0.0.2", "127.0.0.3"

	def setUp(self):
		super().setUp()
		fresh_network()
		self.addCleanup(fresh_network)
		self.names = NameServer({"db.test": [self.BAD, self.GOOD]})
		self.addCleanup(self.names.close)
		self.port = Endpoint.v4().port
		self.named("good", address=(self.GOOD, self.port))

	def start(self, **keys):
		self.front("db.test:%d" % self.port, prefix=self.names.prefix(self),
			   proxy={"resolve": "1h", "pause": "1h", "connect_timeout": "10min", **keys})

	def timed(self):
		start = time.monotonic()
		self.assertEqual(self.ask(), "good")
		return time.monotonic() - start

	def upstream(self):
		(upstream,) = self.status()["upstreams"]
		return upstream

	def states(self):
		return {one["address"]: one["state"] for one in self.upstream()["addresses"]}

	def wait_log(self, what):
		self.d.wait_log(r"127\.0\.0\.2:%d, an address of the upstream db\.test:%d, %s"
				% (self.port, self.port, what))

	def test_a_silent_address_costs_one_client_a_moment(self):
		self.full((self.BAD, self.port))
		self.start()
		self.assertGreater(self.timed(), 0.24, "the first client waits before the other address is tried")
		self.assertLess(min(self.timed() for _ in range(20)), 0.24, "the others do not")
		self.wait_log("has not answered within 250 ms; it is left alone for 1h")
		self.assertEqual(len(self.d.grep("left alone")), 1, "said once")

	def test_a_refusal_is_no_failure_of_the_upstream(self):
		self.start()
		self.assertEqual({self.ask() for _ in range(10)}, {"good"})
		self.wait_log("has failed: Connection refused; it is left alone for 1h")
		self.assertEqual(self.upstream()["state"], "working")
		self.assertEqual(self.states(), {"127.0.0.2:%d" % self.port: "failed",
						 "127.0.0.3:%d" % self.port: "working"})

	def test_it_is_used_again_after_the_pause(self):
		self.start(pause="200ms")
		self.assertEqual(self.ask(), "good")
		self.named("bad", address=(self.BAD, self.port))
		wait_until(lambda: self.ask() == "bad", "the first address is tried again")
		self.wait_log("works again")
		self.assertEqual(set(self.states().values()), {"working"})

	def test_a_short_limit_is_shared_by_all_addresses(self):
		self.full((self.BAD, self.port))
		self.start(connect_timeout="100ms")
		self.assertEqual(self.ask(), "good")

	def test_nobody_answers(self):
		for host in ("127.0.0.4", "127.0.0.5"):
			self.full((host, self.port))
		self.names.addresses["db.test"] = ["127.0.0.4", "127.0.0.5"]
		self.start(connect_timeout="400ms")
		self.assert_reset()
		self.d.wait_log(r"the upstream db\.test:%d has failed: Connection timed out; it is left alone for 1h"
				% self.port)
		self.assertEqual(len(self.d.grep("left alone")), 1, "the upstream, and not each address")
		self.assertEqual(self.upstream()["state"], "failed")
		self.assertGreater(self.upstream()["left_alone"], 3000)

	def test_status_names_it(self):
		self.start()
		self.assertEqual(self.ask(), "good")
		text = self.d.ctl("status").stdout
		self.assertRegex(text, r"\n +upstream db\.test:%d: 127\.0\.0\.2:%d has failed, left alone for \d+ "
				 % (self.port, self.port))
		self.assertNotIn("127.0.0.3", text)

	def test_new_workers_know_it(self):
		self.full((self.BAD, self.port))
		self.start()
		self.timed()
		done = self.d.ctl("restart", "p")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertLess(min(self.timed() for _ in range(8)), 0.24)
		self.assertEqual(len(self.d.grep("left alone")), 1)


main()
