#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""systemctl stop: nobody who was served or queued is cut."""

import sys
sys.dont_write_bytecode = True

import threading
import time

from harness import *

TRANSFER = 50		# tenths of a second
SLOW_PROGRAM = "i=0; while [ $i -lt %d ]; do echo $i; sleep 0.1; i=$((i + 1)); done" % TRANSFER
WHOLE = b"".join(b"%d\n" % i for i in range(TRANSFER))


class Transfer(threading.Thread):
	"""A client that is busy for some seconds: it talks to an echo, or reads what a program says."""

	def __init__(self, endpoint, talks):
		super().__init__(daemon=True)
		self.talks = talks
		self.socket = endpoint.connect()
		self.begun = threading.Event()
		self.got = b""
		self.start()

	def run(self):
		with self.socket as s:
			try:
				for i in range(TRANSFER if self.talks else 0):
					s.sendall(b"%d\n" % i)
					self.got += recv_exact(s, len(b"%d\n" % i))
					self.begun.set()
					time.sleep(0.1)
				while True:
					part = s.recv(4096) if not self.talks else b""
					if not part:
						return
					self.got += part
					self.begun.set()
			except (OSError, AssertionError):
				pass


class Stop(SystemdCase):
	def test_transfers_are_completed(self):
		"""Built-in services with either KillMode, programs with the mixed one of the unit. With the other one
		they get SIGTERM from systemd: the manual says so. systemd is told that it takes longer."""
		echo = {"handler": "echo"}
		program = {"handler": "exec", "command": ["/bin/sh", "-c", SLOW_PROGRAM]}
		instances = {"echo-mixed": echo, "echo-group": echo, "exec-mixed": program, "exec-group": program,
			     "echo-hurry": echo}
		transfers = {}
		for port, (name, service) in enumerate(instances.items(), 7):
			self.configure({"x": {**service, "listen": "127.0.0.1:%d" % port}}, name + ".conf")
			line = {"group": "KillMode=control-group", "hurry": "TimeoutStopSec=1s"}.get(name[5:], "")
			self.sandbox.write("/etc/systemd/system/preforkd@%s.service.d/test.conf" % name,
					   "[Service]\n%s\n" % line)
		units = ["preforkd@%s.service" % name for name in instances]
		self.systemctl("daemon-reload")
		self.systemctl("start", *units)
		for port, (name, service) in enumerate(instances.items(), 7):
			transfers[name] = Transfer(self.tcp(port), service is echo)
			self.assertTrue(transfers[name].begun.wait(PATIENCE))
		self.systemctl("stop", *units)
		for name, transfer in transfers.items():
			transfer.join(PATIENCE)
			with self.subTest(name):
				self.assertEqual(self.show("Result", "preforkd@%s.service" % name), "success")
				if name == "exec-group":
					self.assertLess(len(transfer.got), len(WHOLE))
				else:
					self.assertEqual(transfer.got, WHOLE)

	def test_queue_is_served(self):
		"""50 clients wait for one worker."""
		self.configure({"echo": {"handler": "echo", "listen": ["127.0.0.1:7", "unix:/run/preforkd/echo"],
					 "workers": {"min": 1, "min_spare": 1, "max": 2}}})
		self.systemctl("start", "preforkd")
		endpoints = self.tcp(7), self.unix("/run/preforkd/echo")
		held = [hold(endpoint) for endpoint in endpoints]
		clients = [endpoints[i % 2].connect() for i in range(50)]
		for i, s in enumerate(clients):
			s.sendall(b"%d" % i)
		stop = self.sandbox.start("systemctl", "stop", "preforkd")
		self.wait_journal("stopping: ")
		for s in held:
			s.close()
		for i, s in enumerate(clients):
			self.assertEqual(recv_exact(s, len(b"%d" % i)), b"%d" % i)
			s.close()
		self.assertEqual(stop.wait(PATIENCE), 0)
		self.assertEqual(self.show("Result"), "success")
		self.assertEqual(self.sandbox.pids(), [])

	def test_no_longer_than_drain(self):
		"""A client that stays is cut by preforkd, not by systemd, and named in the log."""
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:7"}},
			       defaults={"timeouts": {"drain": "1s"}})
		self.systemctl("start", "preforkd")
		with hold(self.tcp(7)) as client:
			begin = time.monotonic()
			self.systemctl("stop", "preforkd")
			self.assertLess(time.monotonic() - begin, 10)
			self.assertRegex("\n".join(self.messages()),
					 "echo 127.0.0.1:%d: .*drain" % client.getsockname()[1])
		self.assertEqual(self.show("Result"), "success")

	def test_restart(self):
		"""Another process, with the same address; the client before it was served to its end."""
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:7"}})
		self.systemctl("start", "preforkd")
		before = self.show("MainPID")
		with hold(self.tcp(7)) as client:
			restart = self.sandbox.start("systemctl", "restart", "preforkd")
			self.wait_journal("stopping: ")
			client.sendall(b"still")
			self.assertEqual(recv_exact(client, 5), b"still")
		self.assertEqual(restart.wait(PATIENCE), 0)
		self.assertNotIn(self.show("MainPID"), (before, "0"))
		self.assertEqual(talk(self.tcp(7), b"hello"), b"hello")


main()
