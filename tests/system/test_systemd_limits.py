#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Limits of the unit that are reached: some clients wait or are lost, the service stays, and says why."""

import sys
sys.dont_write_bytecode = True

from harness import *

EAT = "head -c 300m /dev/zero | tail -c 300m >/dev/null; echo $?"


class Limits(SystemdCase):
	ENFORCE = True

	def serve(self, limits, services):
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:7", "workers": {"max": 400}},
				**services})
		self.drop_in("[Service]\n" + limits)
		self.systemctl("start", "preforkd")
		return self.show("MainPID")

	def ask(self, count):
		"""So many clients, each with a question that differs."""
		clients = [self.tcp(7).connect() for _ in range(count)]
		for i, s in enumerate(clients):
			self.addCleanup(s.close)
			s.sendall(b"%04d" % i)
		return clients

	def test_tasks(self):
		"""A client waits for a worker; a reload says that it cannot be, and why; all are served in the end."""
		master = self.serve("TasksMax=8\n", {})
		clients = self.ask(20)
		self.wait_journal("echo: cannot start a worker: Resource temporarily unavailable")
		wait_until(lambda: "degraded: workers of echo cannot start" in self.show("StatusText"), "it is told")
		self.assertEqual(len(self.sandbox.pids()), 8)
		self.assertNotEqual(self.systemctl("reload", "preforkd", check=False).returncode, 0)
		self.wait_journal("cannot fork: Resource temporarily unavailable")
		for i, s in enumerate(clients):
			self.assertEqual(recv_exact(s, 4), b"%04d" % i)
			s.close()
		wait_until(lambda: "degraded" not in self.show("StatusText"), "all is well again")
		self.ctl("resize", "echo", "1", "4", check=True)
		wait_until(lambda: len(self.sandbox.pids()) < 8, "there is room again")
		self.systemctl("reload", "preforkd")
		self.assertEqual((self.show("MainPID"), self.show("NRestarts")), (master, "0"))

	def test_are_held_against_the_configuration(self):
		"""At the start, in the journal, and before it: with the name of the setting, and of the unit."""
		limits = "TasksMax=30\nLimitNOFILE=512\nTimeoutStopSec=5s\n"
		expected = {"workers.max": "TasksMax=", "timeouts.drain": "TimeoutStopSec= of preforkd.service"}
		self.serve(limits, {})
		for key, setting in expected.items():
			entry = self.wait_journal("%s.*%s" % (key, setting))
			self.assertEqual((entry["PRIORITY"], entry["_COMM"]), ("4", "preforkd"))
		self.systemctl("stop", "preforkd")
		said = self.run(self.sandbox.installed("sbin/preforkd"), "--check=host", check=True)
		for key, setting in expected.items():
			self.assertRegex(said.stdout + said.stderr, "%s.*%s" % (key, setting))

	def test_memory_of_a_program(self):
		"""It ends, and nothing else does."""
		master = self.serve("MemoryMax=64M\nMemorySwapMax=0\n", {
			"eat": {"handler": "exec", "listen": "127.0.0.1:8", "command": ["/bin/sh", "-c", EAT]},
			"gulp": {"handler": "exec", "listen": "127.0.0.1:9",
				 "command": ["/usr/bin/sort", "/dev/zero"]}})
		with hold(self.tcp(7)) as other:
			self.assertEqual(talk(self.tcp(8)), b"137\n")
			with self.assertRaises(ConnectionResetError):	# nothing may take it for a whole answer
				talk(self.tcp(9))
			self.wait_journal(r"gulp 127.0.0.1:\d+: .*(killed|signal 9)")
			other.sendall(b"still")
			self.assertEqual(recv_exact(other, 5), b"still")
		self.assertEqual((self.show("MainPID"), self.show("NRestarts")), (master, "0"))

	def test_memory_of_the_pool(self):
		"""There is no room for all workers. The client of a killed one is cut; others wait and are served."""
		lift_fd_limit(4000)
		# the master is spared by a tenth of what there is: that should be more than itself
		master = self.serve("MemoryMax=80M\nMemorySwapMax=0\n",
				    {"echo": {"handler": "echo", "listen": "127.0.0.1:7", "workers": {"max": 2000}}})
		clients = self.ask(1500)
		served = 0
		for i, s in enumerate(clients):
			try:
				served += recv_exact(s, 4) == b"%04d" % i
			except (AssertionError, ConnectionError):
				pass
			s.close()
		self.assertGreater(served, 50)
		self.wait_journal(r"echo.*: worker \d+ was killed by signal 9")
		self.assertEqual((self.show("MainPID"), self.show("NRestarts")), (master, "0"))

		def is_served():
			try:
				return talk(self.tcp(7), b"hello") == b"hello"
			except ConnectionError:	# it may hit others for as long as all those workers are there
				return False
		wait_until(is_served, "all is well again")


main()
