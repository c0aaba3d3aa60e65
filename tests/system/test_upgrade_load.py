#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Upgrades under load, and many of them one after the other."""

import sys
sys.dont_write_bytecode = True

import os
import re

from harness import *
from harness.upgrade_case import UpgradeCase, echo


class Load(UpgradeCase):
	"""Short questions and long transfers without a pause, on TCP and on unix sockets."""

	def kinds_of_fds(self, d):
		"""Its descriptors, without the numbers that change."""
		kinds = []
		for name in os.listdir("/proc/%d/fd" % d.pid):
			try:
				kinds.append(re.sub(r"\d+", "", os.readlink("/proc/%d/fd/%s" % (d.pid, name))))
			except FileNotFoundError:
				pass
		return sorted(kinds)

	def fds_at_rest(self, d):
		"""When nothing is left of former generations, and nothing comes and goes."""
		seen = []

		def same_again():
			seen.append(self.kinds_of_fds(d))
			return len(seen) > 3 and seen[-1] == seen[-2] == seen[-3]
		wait_until(lambda: all(s["workers"]["retiring"] == 0 for s in d.admin.status()["services"]),
			   "no old workers")
		wait_until(same_again, "the descriptors of a daemon at rest", every=0.3)
		return seen[-1]

	def test_20_upgrades(self):
		endpoints = [Endpoint.v4(), Endpoint.unix(self.path("socket")), Endpoint.v4()]
		services = {"tcp": echo(endpoints[0]), "unix": echo(endpoints[1]),
			    "cat": echo(endpoints[2], handler="exec", command=["/bin/cat"])}
		d = self.serve(services)
		self.upgrade(d)
		fds = self.fds_at_rest(d)
		sizes = []
		with Crowd(endpoints) as crowd:
			for _ in range(20):
				self.put(PREFORKD)
				self.upgrade(d)
				sizes.append(int(proc.status(d.pid, "VmRSS").split()[0]))
		self.assertEqual(dict(crowd.wrong), {}, crowd.examples)
		self.assertGreater(sum(crowd.done.values()), 100)
		self.assertEqual(self.fds_at_rest(d), fds)
		wait_until(lambda: proc.zombies(d.pid) == [], "all that died are reaped")
		status = d.admin.status()
		self.assertEqual(status["generation"], 22)
		wait_until(lambda: len(d.workers()) <= 4 * len(services), "no more workers than a pool at rest has")
		if not SANITIZED:
			self.assertLess(max(sizes[10:]), max(sizes[:5]) * 1.25, sizes)
		self.assertEqual(d.stop(), 0)

	def test_upgrades_and_reloads(self):
		"""Several upgrades, one after the other; each changes something."""
		endpoints = [Endpoint.v4(), Endpoint.unix(self.path("socket"))]
		d = self.serve({"tcp": echo(endpoints[0]), "unix": echo(endpoints[1])})
		with Crowd(endpoints) as crowd:
			for n in range(6):
				d.configure(Config({"tcp": echo(endpoints[0], backlog=100 + n),
						    "unix": echo(endpoints[1], timeouts={"drain": "%ds" % (20 + n)})}))
				if n % 2:
					done = d.ctl("reload")
					self.assertEqual(done.returncode, 0, done.stderr)
				else:
					self.put(PREFORKD)
					self.upgrade(d)
		self.assertEqual(dict(crowd.wrong), {}, crowd.examples)
		self.assertEqual(d.admin.service("tcp")["listeners"][0]["backlog"], 105)
		self.assertEqual(d.stop(), 0)


main()
