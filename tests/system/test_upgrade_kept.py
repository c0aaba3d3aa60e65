#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is the same after an upgrade as before it."""

import sys
sys.dont_write_bytecode = True

import os
import signal

from harness import *
from harness.upgrade_case import POOL, UpgradeCase, echo


class Kept(UpgradeCase):
	"""Orders and counters survive the exec of the new image."""

	def test_counters(self):
		a, b = Endpoint.v4(), Endpoint.unix(self.path("socket"))
		d = self.serve({"tcp": echo(a), "unix": echo(b)})
		for _ in range(7):
			talk(a, b"12345")
		talk(b, b"123")

		def busy():
			return [w["pid"] for w in d.admin.workers("tcp") if w["state"] == "busy"]
		with hold(a, b"crash"):
			# the worker of the last one may not have noticed its end
			wait_until(lambda: len(busy()) == 1, "one is busy")
			os.kill(busy()[0], signal.SIGKILL)
			wait_until(lambda: d.admin.service("tcp")["crashes"] == 1, "the crash is counted")
		with hold(a, b"held"):
			before = wait_until(lambda: d.admin.service("tcp") if
					    d.admin.service("tcp")["connections"]["active"] == 1 else None,
					    "one active")
			for _ in range(2):
				self.put(PREFORKD)
				self.upgrade(d)
			after = d.admin.service("tcp")
			for key in ("connections", "bytes", "crashes", "requests"):
				self.assertEqual(after[key], before[key], key)
		self.assertEqual(d.admin.service("unix")["bytes"], {"in": 3, "out": 3})
		wait_until(lambda: d.admin.service("tcp")["connections"]["active"] == 0, "the client is gone")
		after = d.admin.service("tcp")
		self.assertEqual(after["connections"]["accepted"], before["connections"]["accepted"])
		talk(a, b"12345")
		wait_until(lambda: d.admin.service("tcp")["bytes"]["in"] == after["bytes"]["in"] + 5, "counted on")
		self.assertGreaterEqual(d.admin.status()["uptime"], 0)
		self.assertEqual(d.stop(), 0)

	def test_uptime(self):
		d = self.serve({"echo": echo(Endpoint.v4())})
		wait_until(lambda: d.admin.status()["uptime"] > 0.3, "a while")
		before = d.admin.status()["uptime"]
		self.upgrade(d)
		self.assertGreaterEqual(d.admin.status()["uptime"], before)

	def test_paused(self):
		a, b = Endpoint.v4(), Endpoint.unix(self.path("socket"))
		d = self.serve({"tcp": echo(a), "unix": echo(b)})
		for name in ("tcp", "unix"):
			self.assertTrue(d.admin.order("pause", service=name)["success"])
		with a.connect() as s, b.connect() as t:
			for c in (s, t):
				c.sendall(b"x")
			for _ in range(2):
				self.put(PREFORKD)
				self.upgrade(d)
				self.assertEqual({x["state"] for x in d.admin.status()["services"]}, {"paused"})
			self.assertEqual(d.workers(), [])
			for name, c in (("tcp", s), ("unix", t)):
				self.assertTrue(d.admin.order("resume", service=name)["success"])
				self.assertEqual(recv_exact(c, 1), b"x")
		self.assertEqual(d.stop(), 0)

	def resized(self, least, most):
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		verdict = d.admin.order("resize", service="echo", min=least, max=most)
		self.assertTrue(verdict["success"], verdict)
		for _ in range(2):
			self.put(PREFORKD)
			self.upgrade(d)
			workers = d.admin.service("echo")["workers"]
			self.assertEqual((workers["min"], workers["max"]), (least, most))
			wait_until(lambda: least <= len(d.workers()) <= most, "as many workers as were ordered")
		self.assertEqual(d.reload().returncode, 0)
		workers = d.admin.service("echo")["workers"]
		self.assertEqual((workers["min"], workers["max"]), (POOL["min"], POOL["max"]))
		self.assertEqual(d.stop(), 0)

	def test_resized_smaller(self):
		self.resized(1, 2)

	def test_resized_larger(self):
		self.resized(12, 40)

	def test_drained(self):
		endpoints = [Endpoint.v4(), Endpoint.unix(self.path("socket")), Endpoint.abstract()]
		d = self.serve({"s%d" % i: echo(e) for i, e in enumerate(endpoints)})
		self.assertTrue(d.admin.order("drain")["success"])
		for _ in range(2):
			self.put(PREFORKD)
			self.upgrade(d)
			self.assertEqual({x["state"] for x in d.admin.status()["services"]}, {"drained"})
			for endpoint in endpoints:
				self.assertTrue(endpoint.refuses(), endpoint.text)
		verdict = d.admin.order("undrain")
		self.assertTrue(verdict["success"], verdict)
		for endpoint in endpoints:
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.upgrade(d)
		for endpoint in endpoints:
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_a_drain_that_has_not_come_about(self):
		"""Somebody is queued at the only worker: its verdict comes from the new image."""
		for endpoint in (Endpoint.v4(), Endpoint.unix(self.path("socket"))):
			with self.subTest(endpoint.text):
				d = self.serve({"echo": echo(endpoint, workers={"min": 1, "max": 1, "max_spare": 1})})
				with hold(endpoint) as s, endpoint.connect() as queued:
					queued.sendall(b"question")
					job = d.admin.told("drain")["job"]
					self.assertFalse(d.admin.told("job", job=job)["done"])
					self.put(PREFORKD)
					self.upgrade(d)
					self.assertEqual(recv_exact(queued, 8), b"question")
					s.sendall(b"x")
					self.assertEqual(recv_exact(s, 1), b"x")
				verdict = d.admin.verdict(job)
				self.assertTrue(verdict["success"], verdict)
				self.assertTrue(endpoint.refuses())
				self.assertTrue(d.admin.order("undrain")["success"])
				self.assertEqual(talk(endpoint, b"x"), b"x")
				self.assertEqual(d.stop(), 0)

	def test_verdicts(self):
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		good = d.admin.told("reload")["job"]
		before = d.admin.verdict(good)
		d.configure("nonsense = 1;")
		bad = d.admin.told("reload")["job"]
		reasons = d.admin.verdict(bad)
		self.assertFalse(reasons["success"])
		d.configure(Config({"echo": echo(a)}))
		upgrade = d.admin.told("upgrade")["job"]
		wait_until(lambda: d.grep("upgraded: "), "the upgrade")
		self.assertTrue(d.admin.verdict(upgrade)["success"])
		self.assertEqual(d.admin.verdict(good), before)
		self.assertEqual(d.admin.verdict(bad), reasons)
		self.assertGreater(d.admin.told("reload")["job"], upgrade)
		self.assertEqual(d.stop(), 0)

	def test_former_generations(self):
		"""Clients of many upgrades ago are served on, and end."""
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		held = []
		for n in range(8):
			held.append(hold(a))
			self.put(PREFORKD)
			self.upgrade(d)
		for s in held:
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		self.assertEqual(d.admin.service("echo")["connections"]["active"], 8)
		for s in held:
			s.close()
		wait_until(lambda: d.admin.service("echo")["workers"]["retiring"] == 0, "the old workers leave")
		self.assertEqual(d.admin.service("echo")["connections"]["accepted"], 8)
		self.assertEqual(d.stop(), 0)


main()
