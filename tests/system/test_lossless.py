#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Under load, whatever an administrator does: no client is refused, reset, cut, or told anything wrong."""

import sys
sys.dont_write_bytecode = True

import copy
import os
import random
import time

from harness import *

OK, FAILED = 0, 1
FULL = os.environ.get("PREFORKD_TEST_FULL", "") not in ("", "0")
SCALE = 3 if FULL else 1	# how much longer it runs


class Lossless(Case):
	def setUp(self):
		super().setUp()
		self.endpoints = [Endpoint.v4(), Endpoint.unix(self.path("s"))]
		if can_ipv6():
			self.endpoints.append(Endpoint.v6())
		self.services = {}
		for i, endpoint in enumerate(self.endpoints):
			self.services["s%d" % i] = {
				"handler": "echo", "listen": endpoint.text, "backlog": 1024,
				"workers": {"min": 4, "min_spare": 2, "max_spare": 8, "max": 32},
				"timeouts": {"idle": "60s", "drain": "30s"},
			}
		self.config = Config(self.services, log={"level": "warning"})
		self.d = self.daemon(self.config)

	# What is compared before and after

	def fds(self):
		return proc.descriptors(self.d.pid)

	def memory(self):
		"""Memory of the master, in KiB, without what it shares with other processes (the boards)."""
		return int(proc.status(self.d.pid, "RssAnon").split()[0])

	def settled(self):
		"""No former generation is left, and every pool is at rest."""
		return all(s["workers"]["retiring"] == s["workers"]["starting"] == s["workers"]["busy"] == 0
			   for s in self.d.admin.status()["services"])

	def figures(self):
		wait_until(self.settled, "at rest")
		return self.fds(), self.memory()

	def check(self, crowd, before, least):
		print("# served: %s; bad: %s" % (dict(crowd.done), dict(crowd.wrong)))
		self.assertEqual(dict(crowd.wrong), {}, "\n".join(crowd.examples))
		self.assertGreaterEqual(sum(crowd.done.values()), least, "was there a load at all?")
		self.assertEqual(set(crowd.done), {"quick", "half", "slow"})
		wait_until(lambda: not proc.zombies(self.d.pid), "no zombie")
		fds, memory = self.figures()
		print("# fds: %d, before %d; RssAnon: %d KiB, before %d" % (fds, before[0], memory, before[1]))
		self.assertEqual(fds, before[0], "descriptors of the master")
		# The heap keeps some room, verdicts of jobs stay; a configuration that is not freed is 100 KiB, a
		# hundred of them are more than this. A sanitizer keeps what is freed for a while.
		self.assertLess(memory - before[1], 2048 if not SANITIZED else 1 << 17, "memory of the master, in KiB")
		wait_until(lambda: len(self.d.workers()) <= 8 * len(self.services), "no more workers than max_spare")
		# all were counted, across all generations
		accepted = sum(s["connections"]["accepted"] for s in self.d.admin.status()["services"])
		self.assertEqual(accepted, sum(crowd.done.values()))
		self.assertEqual([s["crashes"] for s in self.d.admin.status()["services"]], [0] * len(self.services))
		self.assertEqual(self.d.stop(), 0)

	@staticmethod
	def rounds(count, length):
		"""COUNT rounds in about LENGTH seconds: the pace of what is done, not a wait for anything."""
		start = time.monotonic()
		for i in range(count):
			yield i
			time.sleep(max(0, start + (i + 1) * length / count - time.monotonic()))

	# Reloads

	def change(self, services, dice):
		"""One service, at random; the kind of change is returned."""
		service = dice.choice(list(services.values()))
		kind = dice.choice(("backlog", "sizes", "spare", "handler", "timeouts", "nodelay"))
		if kind == "backlog":
			service["backlog"] = dice.choice((512, 1024, 2048))
		elif kind == "sizes":
			service["workers"]["max"] = dice.choice((24, 32, 40))
		elif kind == "spare":
			service["workers"].update(min=dice.choice((2, 4)), min_spare=dice.choice((1, 2, 3)))
		elif kind == "handler":
			if service["handler"] == "echo":
				service.update(handler="exec", command=["/bin/cat"])
			else:
				service.update(handler="echo")
				del service["command"]
		elif kind == "timeouts":
			service["timeouts"].update(idle="%ds" % dice.randint(40, 80),
						   drain="%ds" % dice.randint(20, 40))
		else:
			service["socket"] = {"nodelay": dice.choice((True, False))}
		return kind

	def broken(self, services, dice):
		bad = copy.deepcopy(services)
		kind = dice.choice(("syntax", "handler", "key", "address", "user"))
		service = dice.choice(list(bad.values()))
		if kind == "syntax":
			return self.config.text(control={"path": self.d.control}) + "}}"
		if kind == "handler":
			service["handler"] = "nosuch"
		elif kind == "key":
			service["bakclog"] = 7
		elif kind == "address":
			service["listen"] = "unix:%s/nosuch/s" % self.tmp
		else:
			service["user"] = "no-such-user"
		return Config(bad)

	def test_reloads(self):
		"""Half of the reloads change something; some of the others are wrong."""
		dice = random.Random(1)
		count = 100 * SCALE // 3
		before = self.figures()
		generation = 1
		with Crowd(self.endpoints) as crowd:
			for i in self.rounds(count, 10 * SCALE):
				if i % 2 == 0:
					self.change(self.services, dice)
					done = self.d.reload(Config(self.services, log={"level": "warning"}))
					self.assertEqual(done.returncode, OK, done.stderr)
					generation = self.d.admin.status()["generation"]
				elif i % 6 == 1:
					done = self.d.reload(self.broken(self.services, dice))
					self.assertEqual(done.returncode, FAILED, done.stdout)
				else:
					done = self.d.reload(Config(self.services, log={"level": "warning"}))
					self.assertEqual((done.returncode, done.stdout), (OK, "nothing has changed\n"))
		self.assertGreater(generation, count // 8, "how often something changed")
		self.services_as_before()
		self.check(crowd, before, 500)

	def services_as_before(self):
		for service in self.services.values():
			service.pop("command", None)
			service.update(handler="echo", backlog=1024)
			service["workers"] = {"min": 4, "min_spare": 2, "max_spare": 8, "max": 32}
		self.assertEqual(self.d.reload(Config(self.services, log={"level": "warning"})).returncode, OK)

	def test_pause_and_resume(self):
		before = self.figures()
		with Crowd(self.endpoints) as crowd:
			for i in self.rounds(20 * SCALE, 4 * SCALE):
				name = "s%d" % (i % len(self.services))
				self.assertEqual(self.d.ctl("pause", name).returncode, OK)
				if i % 2:
					wait_until(lambda n=name: self.d.admin.service(n)["listeners"][0]["queue"] > 0,
						   "somebody waits")
				self.assertEqual(self.d.ctl("resume", name).returncode, OK)
		self.check(crowd, before, 200)

	def test_resize(self):
		before = self.figures()
		with Crowd(self.endpoints) as crowd:
			for i in self.rounds(15 * SCALE, 3 * SCALE):
				name = "s%d" % (i % len(self.services))
				size = (20, 40, 70)[i % 3]	# the last needs another board
				done = self.d.ctl("resize", name, "4", str(size))
				self.assertEqual(done.returncode, OK, done.stderr)
		self.services_as_before()
		self.check(crowd, before, 100)

	def test_others_come_and_go(self):
		"""Addresses, and whole services, are added and removed beside those under load."""
		before = self.figures()
		more = [Endpoint.v4(), Endpoint.unix(self.path("more"))]
		with Crowd(self.endpoints) as crowd:
			for i in self.rounds(8 * SCALE, 4 * SCALE):
				services = copy.deepcopy(self.services)
				service = services["s%d" % (i % len(services))]
				service["listen"] = [service["listen"], more[i % 2].text]
				services["new"] = {"handler": "echo", "listen": more[(i + 1) % 2].text}
				done = self.d.reload(Config(services, log={"level": "warning"}))
				self.assertEqual(done.returncode, OK, done.stderr)
				for endpoint in more:
					self.assertEqual(talk(endpoint, b"new"), b"new")
				done = self.d.reload(self.config)
				self.assertEqual(done.returncode, OK, done.stderr)
				for endpoint in more:
					self.assertTrue(endpoint.refuses(), endpoint)
		# these were asked, too, and one of each pair at a service that is there no longer
		crowd.done["quick"] += 8 * SCALE
		self.check(crowd, before, 100)


main()
