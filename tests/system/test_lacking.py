#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a host lacks at the moment: another start may find it, and so the exit status is 71; 78 is for mistakes."""

import sys
sys.dont_write_bytecode = True

import os
import socket
import unittest

from harness import *
from harness.order_case import FAILED, OK, OrderCase

OSERR, CONFIG = 71, 78


class Lacking(OrderCase):
	def fails(self, services, status, *said, env=None, top=None):
		"""The start and the check alike."""
		path = self.write("preforkd.conf", Config(services, **(top or {})).text())
		for options in (["-t"], ["-l", "stderr", "-o", "control.path="]):
			done = run_preforkd("-c", path, *options, env=env)
			self.assertEqual(done.returncode, status, done.stderr)
			for text in said:
				self.assertIn(text, done.stderr)

	def echo(self, listen, **more):
		return {"echo": {"handler": "echo", "listen": listen, **more}}

	def test_interface(self):
		self.fails(self.echo("[fe80::1%nosuchif0]:7"), OSERR, "there is no interface nosuchif0")

	@unittest.skipIf(no_trap(), no_trap())
	def test_name_server(self):
		trap = Trap(self.folder("trap"))
		trap.set("resolve", "fail")
		self.fails(self.echo("localhost:7"), OSERR, "cannot resolve localhost: Temporary failure", env=trap.env)
		self.fails({**self.echo("localhost:7"), "b": {"handler": "none", "listen": "127.0.0.1:8"}}, CONFIG,
			   "Temporary failure", 'there is no handler "none"', env=trap.env)

	@unittest.skipIf(no_trap(), no_trap())
	def test_user_data_base(self):
		trap = Trap(self.folder("trap"))
		trap.set("passwd", "fail")
		said = 'cannot look up the user "nobody": Resource temporarily unavailable'
		self.fails(self.echo("127.0.0.1:7", user="nobody"), OSERR, said, env=trap.env)
		self.fails(self.echo("127.0.0.1:7", socket={"owner": "nobody"}), OSERR, said, env=trap.env)
		self.fails(self.echo("127.0.0.1:7", access={"allow": ["unix:uid=nobody"]}), OSERR, said, env=trap.env)

	@unittest.skipIf(no_trap(), no_trap())
	def test_reload(self):
		"""Rejected: all goes on as before."""
		trap, endpoint = Trap(self.folder("trap", for_workers=True)), Endpoint.v4()
		d = self.daemon(Config(self.echo(endpoint.text)), env=trap.env)
		trap.set("resolve", "fail")
		done = d.reload(Config(self.echo([endpoint.text, "localhost:7"])))
		self.assertEqual(done.returncode, FAILED)
		self.assertIn("Temporary failure", done.stderr)
		self.assertEqual(talk(endpoint, b"x"), b"x")

	def test_mistakes(self):
		self.fails(self.echo("[fe80::1]:7"), CONFIG, "needs its interface")
		self.fails(self.echo("127.0.0.1:7", user="no-such-user"), CONFIG, 'there is no user "no-such-user"')
		self.fails(self.echo("127.0.0.1:7", user="4294967295"), CONFIG, 'there is no user "4294967295"')


class Numbers(OrderCase):
	"""A container may have no data base of users, nor one of services."""

	@needs_root()
	def test_user(self):
		for number, group in (("54321", None), ("54321", "54322"), ("65534", None)):
			with self.subTest(number + str(group)):
				endpoint = Endpoint.v4()
				service = {"handler": "exec", "listen": endpoint.text, "command": ["/usr/bin/id"],
					   "user": number, **({"group": group} if group else {})}
				d = self.daemon(Config({"id": service}))
				said = talk(endpoint).decode()
				self.assertIn("uid=" + number, said)
				self.assertIn("gid=" + (group or number), said)
				self.assertEqual(d.stop(), 0)

	@needs_root()
	def test_owner_of_a_socket(self):
		folder = self.folder("sockets")
		d = self.daemon(Config({"echo": {"handler": "echo", "listen": "unix:%s/s" % folder,
						 "socket": {"owner": "54321", "group": "54322"}}},
				       control={"path": folder + "/control", "group": "54323"}))
		for name, owner in (("s", (54321, 54322)), ("control", (0, 54323))):
			st = os.stat(os.path.join(folder, name))
			self.assertEqual((st.st_uid, st.st_gid), owner)
		self.assertEqual(d.stop(), 0)

	def test_port(self):
		try:
			port = socket.getservbyname("ssh", "tcp")
		except OSError:
			self.skipTest("/etc/services has no ssh")
		services = {"echo": {"handler": "echo", "listen": "127.0.0.1:ssh"},
			    "other": {"handler": "echo", "listen": "127.0.0.1:%d" % port}}
		path = self.write("ports.conf", Config(services).text())
		done = run_preforkd("-c", path, "-t")
		self.assertEqual(done.returncode, CONFIG)
		self.assertIn("is taken already, by services.echo with \"127.0.0.1:ssh\"", done.stderr)


class Explain(OrderCase):
	@needs_root()
	def test_interface(self):
		"""A client's address as the log prints it."""
		d = self.daemon(Config({"echo": {"handler": "echo", "listen": Endpoint.v4().text,
						 "access": {"deny": ["fe80::/10"]}}}))
		self.ordered(d, "explain", "fe80::2%lo", status=FAILED)
		self.assertIn("refuses fe80::2%lo: denied", d.ctl("explain", "fe80::2%lo").stdout)
		self.assertIn("there is no such interface", d.ctl("explain", "fe80::2%nosuchif0").stderr)
		self.assertIn("only an IPv6 address has an interface", d.ctl("explain", "127.0.0.1%lo").stderr)


main()
