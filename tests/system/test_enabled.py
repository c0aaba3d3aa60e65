#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Services that are configured and not opened: enabled = false."""

import sys
sys.dont_write_bytecode = True

from harness import *
from harness.order_case import FAILED, OK, OrderCase

CONFIG = 78


class Disabled(OrderCase):
	def services(self, enabled):
		return {"echo": {"handler": "echo", "listen": self.kept.text},
			"other": {"handler": "echo", "listen": self.switched.text, "enabled": enabled}}

	def setUp(self):
		super().setUp()
		self.kept, self.switched = Endpoint.v4(), Endpoint.v4()

	def test_start(self):
		"""The others serve; the status lists it, and an order for it says why it cannot be done."""
		d = self.daemon(Config(self.services(False)))
		self.assertEqual(talk(self.kept, b"x"), b"x")
		self.assertTrue(self.switched.refuses())
		self.assertEqual(self.state(d, "other"), "disabled")
		self.assertEqual(set(d.admin.service("other")), set(d.admin.service("echo")))
		self.assertEqual([s["name"] for s in d.admin.status()["services"]], ["echo", "other"])
		text = d.ctl("status").stdout
		self.assertRegex(text, r"(?m)^other +echo +disabled ")
		self.assertIn("disabled", d.ctl("status", "other").stdout)
		for order in (("pause", "other"), ("resume", "other"), ("restart", "other"),
			      ("resize", "other", "1", "2"), ("workers", "other"), ("explain", "127.0.0.1", "other")):
			self.ordered(d, *order, status=FAILED,
				     said='the service "other" is disabled (enabled = false)')
		self.ordered(d, "explain", "127.0.0.1")
		self.ordered(d, "drain")
		self.ordered(d, "undrain")
		self.assertEqual(self.state(d, "other"), "disabled")
		self.assertEqual(d.stop(), 0)

	def test_reload(self):
		"""It goes like a removed one, and comes back likewise."""
		d = self.daemon(Config(self.services(True)))
		with hold(self.switched) as client:
			done = d.reload(Config(self.services(False)))
			self.assertEqual((done.returncode, done.stdout),
					 (OK, "generation 2: 0 services changed, 0 added, 1 removed\n"))
			self.assertTrue(self.switched.refuses())
			self.assertEqual(self.state(d, "other"), "disabled")
			client.sendall(b"still")
			self.assertEqual(recv_exact(client, 5), b"still")
		done = d.reload(Config(self.services(True)))
		self.assertEqual((done.returncode, done.stdout),
				 (OK, "generation 3: 0 services changed, 1 added, 0 removed\n"))
		self.assertEqual(talk(self.switched, b"x"), b"x")
		self.assertEqual(self.state(d, "other"), "serving")

	def test_status_has_disabled_services_as_they_were_read_last(self):
		services = self.services(True)
		del services["other"]
		d = self.daemon(Config(services))
		d.reload(Config(self.services(False)))
		self.assertEqual(self.state(d, "other"), "disabled")
		d.reload(Config(services))
		self.assertEqual([s["name"] for s in d.admin.status()["services"]], ["echo"])

	def test_upgrade(self):
		d = self.daemon(Config(self.services(False)))
		self.ordered(d, "upgrade")
		self.assertEqual(self.state(d, "other"), "disabled")
		self.assertEqual(talk(self.kept, b"x"), b"x")

	def test_address_of_another_service(self):
		"""The one may stand in for the other."""
		services = self.services(False)
		services["other"]["listen"] = self.kept.text
		d = self.daemon(Config(services))
		services["echo"]["enabled"], services["other"]["enabled"] = False, True
		done = d.reload(Config(services))
		self.assertEqual(done.returncode, OK, done.stderr)
		self.assertEqual((self.state(d, "echo"), self.state(d, "other")), ("disabled", "serving"))
		self.assertEqual(talk(self.kept, b"x"), b"x")


main()
