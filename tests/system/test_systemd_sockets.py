#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sockets that a real systemd holds."""

import sys
sys.dont_write_bytecode = True

from harness import *


class Sockets(SystemdCase):
	def socket_unit(self, name, *lines):
		self.sandbox.write("/etc/systemd/system/%s.socket" % name, "[Socket]\n%s\n" % "\n".join(lines))
		self.systemctl("daemon-reload")

	def test_first_client_starts_it(self):
		"""With the unit as it is installed: systemd:echo at 127.0.0.1:7."""
		self.configure({"echo": {"handler": "echo", "listen": "systemd:echo"}})
		self.systemctl("enable", "--now", "preforkd.socket")
		self.assertEqual(self.show("ActiveState"), "inactive")
		with self.tcp(7).connect() as s:
			s.sendall(b"first")
			self.assertEqual(recv_exact(s, 5), b"first")
		self.wait_state("active")
		self.assertEqual(self.show("TriggeredBy"), "preforkd.socket")

	def test_unit_and_configuration_as_they_are_installed(self):
		self.systemctl("enable", "--now", "preforkd.socket")
		self.assertEqual(talk(self.tcp(7), b"hello"), b"hello")
		self.wait_journal("echo: listening on 127.0.0.1:7 .inherited.")
		self.assertEqual(self.messages("-p", "warning"), [])

	def test_socket_that_no_service_takes(self):
		"""Its clients are refused, also one that waits already, and the log is loud."""
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:7007"}})
		self.systemctl("start", "preforkd.socket")
		with self.tcp(7).connect() as s:
			self.wait_journal(r'"echo" \(127.0.0.1:7\): no service listens there; its clients are refused')
			try:
				self.assertEqual(s.recv(1), b"")
			except ConnectionResetError:
				pass
		self.assertTrue(self.tcp(7).refuses())
		self.assertEqual(talk(self.tcp(7007), b"hello"), b"hello")
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:7"}})
		self.systemctl("stop", "preforkd.socket", "preforkd.service")
		self.systemctl("reset-failed", check=False)
		self.systemctl("start", "preforkd.socket")
		self.assertEqual(talk(self.tcp(7), b"hello"), b"hello")

	def test_clients_wait_while_it_is_stopped(self):
		self.configure({"echo": {"handler": "echo", "listen": "systemd:echo"}})
		self.systemctl("start", "preforkd.socket")
		self.assertEqual(talk(self.tcp(7), b"x"), b"x")
		with hold(self.tcp(7)) as served:
			restart = self.sandbox.start("systemctl", "restart", "preforkd.service")
			self.wait_journal("stopping: ")
			with self.tcp(7).connect() as waiting:
				waiting.sendall(b"hello")
				served.sendall(b"bye")
				self.assertEqual(recv_exact(served, 3), b"bye")
				served.close()
				self.assertEqual(recv_exact(waiting, 5), b"hello")
		self.assertEqual(restart.wait(PATIENCE), 0)
		self.systemctl("stop", "preforkd.service")
		self.assertEqual(talk(self.tcp(7), b"again"), b"again")

	def test_many(self):
		"""By name, two of one name, by address, and one that nobody wants."""
		self.configure({
			"a": {"handler": "echo", "listen": ["systemd:web", "127.0.0.1:5"]},
			"b": {"handler": "daytime", "listen": "127.0.0.1:13"},
			"c": {"handler": "echo", "listen": "unix:/run/c"},
		})
		self.socket_unit("web", "ListenStream=127.0.0.1:80", "ListenStream=[::1]:80",
				 "ListenStream=/run/web", "FileDescriptorName=web", "Service=preforkd.service")
		self.socket_unit("others", "ListenStream=127.0.0.1:13", "ListenStream=/run/c",
				 "Service=preforkd.service")
		self.socket_unit("stranger", "ListenStream=127.0.0.1:99", "FileDescriptorName=odd",
				 "Service=preforkd.service")
		units = ["web.socket", "others.socket", "stranger.socket"]
		self.systemctl("start", *units)
		inode = self.run("stat", "-c", "%i", "/run/c").stdout
		self.assertRegex(talk(self.tcp(13)), rb"\d\d:\d\d")
		for endpoint in (self.tcp(80), self.tcp(80, "::1"), self.unix("/run/web"), self.tcp(5),
				 self.unix("/run/c")):
			self.assertEqual(talk(endpoint, b"hello"), b"hello", endpoint)
		self.assertEqual(self.run("stat", "-c", "%i", "/run/c").stdout, inode)
		self.wait_journal(r'"odd" \(127.0.0.1:99\): no service listens there; its clients are refused')
		self.assertTrue(self.tcp(99).refuses())
		self.systemctl("reload", "preforkd")
		self.assertEqual(talk(self.tcp(80), b"hello"), b"hello")
		self.systemctl("stop", "preforkd", "stranger.socket")
		self.assertRegex(talk(self.tcp(13)), rb"\d\d:\d\d", "started again, by a client")

	def test_name_that_systemd_does_not_have(self):
		"""Says so, and serves as soon as there is a socket of that name."""
		self.configure({"echo": {"handler": "echo", "listen": "systemd:late"}})
		self.assertNotEqual(self.systemctl("start", "preforkd", check=False).returncode, 0)
		self.wait_journal("systemd:late: no listening socket of that name")
		self.socket_unit("late", "ListenStream=127.0.0.1:80", "FileDescriptorName=late",
				 "Service=preforkd.service")
		self.systemctl("start", "late.socket")
		self.assertEqual(talk(self.tcp(80), b"hello"), b"hello")


main()
