#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Restarts under load, ordered or not: systemd keeps the listeners, and clients wait in the queue."""

import sys
sys.dont_write_bytecode = True

import json
import os
import signal
import socket
import subprocess

from harness import *

WORKERS = 8
SERVICES = {"echo": {"handler": "echo", "listen": ["127.0.0.1:7", "unix:/run/preforkd/echo"],
		     "workers": {"max": WORKERS}}}


class Load:
	"""Clients that connect, exchange 64 bytes and close, until SECONDS have passed; as many over TCP as over
	unix."""

	def __init__(self, sandbox, seconds):
		self.all = [sandbox.start(sandbox.installed("bin/preforkc"), "load", "-c", "4", "--rate=2000", "-t",
					  "%gs" % seconds, "--json", address, stdout=subprocess.PIPE)
			    for address in SERVICES["echo"]["listen"]]

	def outcomes(self):
		"""How many exchanges ended in which way, for each address."""
		found = []
		for process in self.all:
			with process:
				outcomes = json.loads(process.communicate()[0])["outcomes"]
			# "unsent": their time came when it was all over
			found.append({name: count for name, count in outcomes.items() if count and name != "unsent"})
		return found

	def lasts(self):
		return all(process.poll() is None for process in self.all)

	def end(self):
		"""Before its time; what was exchanged until now counts."""
		for process in self.all:
			for child in proc.children(process.pid):	# of nsenter, which passes no signal on
				os.kill(child, signal.SIGINT)


class Restart(SystemdCase):
	def setUp(self):
		super().setUp()
		self.configure(SERVICES)

	def serve(self):
		self.systemctl("start", "preforkd")
		self.endpoints = self.tcp(7), self.unix("/run/preforkd/echo")
		for endpoint in self.endpoints:
			self.assertEqual(talk(endpoint, b"hello"), b"hello")
		return self.show("MainPID")

	def test_ordered_under_load(self):
		"""No client is refused, reset or cut."""
		masters = [self.serve()]
		load = Load(self.sandbox, 2.5)
		while load.lasts() and len(masters) < 10:
			self.systemctl("restart", "preforkd")
			masters.append(self.show("MainPID"))
		for outcomes in load.outcomes():
			self.assertEqual(list(outcomes), ["ok"], outcomes)
		self.assertGreater(len(masters), 3)
		self.assertEqual(len(set(masters)), len(masters))

	def crash(self, *signals):
		"""Under load; no more is lost than what the old workers were serving."""
		before = self.serve()
		workers = self.sandbox.pids()
		load = Load(self.sandbox, PATIENCE)
		for number in signals:
			os.kill(self.sandbox.main_pid(), number)
		wait_until(lambda: self.show("NRestarts") == "1" and self.show("ActiveState") == "active", "back again")
		self.assertNotEqual(self.show("MainPID"), before)
		self.assertFalse(set(workers) & set(self.sandbox.pids()), "nothing is left of before")
		self.assertTrue(load.lasts(), "longer than the gap")
		load.end()
		lost = 0
		for outcomes in load.outcomes():
			self.assertLessEqual(set(outcomes), {"ok", "reset", "cut", "short"}, outcomes)
			lost += sum(outcomes.values()) - outcomes["ok"]
		self.assertLessEqual(lost, WORKERS)

	def test_killed_master(self):
		self.crash(signal.SIGKILL)

	def test_hung_master(self):
		"""The watchdog sees it."""
		self.drop_in("[Service]\nWatchdogSec=1s\n")
		self.crash(signal.SIGSTOP)
		self.wait_journal("Watchdog timeout")

	def test_removed_address_does_not_come_back(self):
		self.serve()
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:8"}})
		for what in ("reload", "restart"):
			self.systemctl(what, "preforkd")
			self.assertEqual(talk(self.tcp(8), b"hello"), b"hello")
			self.assertTrue(self.endpoints[0].refuses(), "after " + what)
			self.assertTrue(self.endpoints[1].refuses(), "after " + what)

	def test_address_that_changed_meanwhile(self):
		"""The configuration counts, not what is stored."""
		self.serve()
		self.configure({"echo": {"handler": "echo", "listen": ["127.0.0.1:8", "unix:/run/preforkd/echo"]}})
		self.systemctl("restart", "preforkd")
		self.assertTrue(self.endpoints[0].refuses())
		for endpoint in (self.tcp(8), self.endpoints[1]):
			self.assertEqual(talk(endpoint, b"hello"), b"hello")

	def test_stop_keeps_nothing(self):
		self.serve()
		self.systemctl("stop", "preforkd")
		self.assertTrue(all(endpoint.refuses() for endpoint in self.endpoints))
		self.assertEqual(self.show("NFileDescriptorStore"), "0")
		self.serve()

	def test_without_a_bus(self):
		"""It cannot be known whether this is a restart: taken for one, and told."""
		self.systemctl("stop", "dbus.socket", "dbus.service")
		self.serve()
		with hold(self.endpoints[0]) as s:
			restart = self.sandbox.start("systemctl", "restart", "preforkd")
			self.wait_journal("systemd does not say whether this is a stop or a restart")
			with self.endpoints[0].connect() as waiting:
				waiting.sendall(b"hello")
				waiting.shutdown(socket.SHUT_WR)
				s.close()
				self.assertEqual(read_all(waiting), b"hello")
		self.assertEqual(restart.wait(PATIENCE), 0)

	def test_as_root(self):
		self.drop_in("[Service]\nUser=root\nCapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL\n"
			     "SystemCallFilter=@setuid\n")
		self.serve()
		with hold(self.endpoints[0]) as s:
			restart = self.sandbox.start("systemctl", "restart", "preforkd")
			self.wait_journal("a restart: listeners are kept by systemd")
			waiting = [endpoint.connect() for endpoint in self.endpoints]
			s.close()
			for w in waiting:	# a worker may have taken one before it heard of the restart
				w.sendall(b"hello")
				w.shutdown(socket.SHUT_WR)
			for w in waiting:
				self.assertEqual(read_all(w), b"hello")
				w.close()
		self.assertEqual(restart.wait(PATIENCE), 0)


main()
