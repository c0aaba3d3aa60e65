#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A boot at which interfaces, names and ports come late, under a real systemd."""

import sys
sys.dont_write_bytecode = True

import re
import shlex
import socket
import unittest

from harness import *

LATE = {"interface": {"handler": "echo", "optional": True, "listen": "[fe80::1%late0]:71"},
	"name": {"handler": "echo", "optional": True, "listen": "late.example:72"},
	"port": {"handler": "echo", "optional": True, "listen": "127.0.0.1:73"}}


@unittest.skipUnless(can_ipv6(), "no IPv6 here")
class Late(SystemdCase):
	def boot_with(self, services, before=""):
		"""The unit is enabled, and the configuration there, before the first process runs."""
		path = self.sandbox.installed("preforkd/preforkd.conf")
		text = Config(services, user="preforkd", group=None).text()
		self.boot("systemd-sysusers; systemctl -q enable preforkd; printf %%s %s >%s; %s" %
			  (shlex.quote(text), shlex.quote(path), before))

	def add_interface(self):
		self.run("ip", "link", "add", "late0", "type", "veth", "peer", "name", "late1", check=True)
		self.run("ip", "link", "set", "late1", "up", check=True)
		self.run("ip", "addr", "add", "fe80::1/64", "dev", "late0", "nodad", check=True)
		self.run("ip", "link", "set", "late0", "up", check=True)

	def wait_status(self, pattern):
		wait_until(lambda: re.search(pattern, self.show("StatusText")), pattern)

	def wait_served(self, name):
		self.wait_journal("%s: it has waited for .*, and serves now" % name)

	@needs_tool("ip")
	def test_optional_services(self):
		"""The others serve from the beginning; each of these does as soon as it can be had."""
		self.boot_with({"echo": {"handler": "echo", "listen": "127.0.0.1:7"}, **LATE},
			       "echo 127.0.0.1 localhost >/etc/hosts")
		self.wait_state("active")
		self.wait_status("^serving: 2 services, .*; 2 services wait: ")
		self.assertEqual(talk(self.tcp(7), b"x"), b"x")
		self.systemctl("stop", "preforkd")
		with self.sandbox.network():
			busy = socket.create_server(("127.0.0.1", 73))
		self.addCleanup(busy.close)
		self.systemctl("start", "preforkd")
		self.assertEqual(talk(self.tcp(7), b"x"), b"x")
		self.wait_status("^serving: 1 service, .*; 3 services wait: ")
		self.assertIn("3 services wait: ", self.systemctl("status", "preforkd").stdout)
		self.wait_journal("interface: .*there is no interface late0")
		self.wait_journal("name: .*cannot resolve late.example")
		self.wait_journal("port: .*Address already in use")
		self.systemctl("reload", "preforkd")
		self.add_interface()
		self.wait_served("interface")
		self.wait_status("; 2 services wait: ")
		self.sandbox.write("/etc/hosts", "127.0.0.1 localhost\n127.0.0.1 late.example\n")
		self.wait_served("name")
		self.assertEqual(talk(self.tcp(72), b"x"), b"x")
		busy.close()
		self.wait_served("port")
		self.assertEqual(talk(self.tcp(73), b"x"), b"x")
		self.wait_status("^serving: 4 services, [^;]*$")
		self.assertEqual(self.show("NRestarts"), "0")

	@needs_tool("ip")
	def test_service_that_is_not_optional(self):
		"""The start fails, and is tried again: the exit status does not keep systemd from it."""
		self.boot_with({"late": {"handler": "echo", "listen": ["[fe80::1%late0]:71", "127.0.0.1:7"]}})
		self.wait_journal("there is no interface late0", count=2)
		self.assertEqual(self.show("ExecMainStatus"), "71")
		self.add_interface()
		self.wait_state("active")
		self.assertEqual(talk(self.tcp(7), b"x"), b"x")


main()
