#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that accept by themselves, and do not."""

import sys
sys.dont_write_bytecode = True

import os
import select
import signal
import threading

from harness import *
from harness.listen_case import PYTHON

# Accepts only once it was sent a signal.
DEAF = r"""
import signal, socket
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
signal.sigwait({signal.SIGUSR1})
s = socket.socket(fileno=3)
while True:
	s.accept()[0].close()
"""

# Takes a client every half second, and is done with it at once.
SLOW = r"""
import socket, time
s = socket.socket(fileno=3)
while True:
	s.accept()[0].close()
	time.sleep(0.5)
"""

# One client after the other, for as long as they want.
BUSY = r"""
import socket
s = socket.socket(fileno=3)
while True:
	with s.accept()[0] as c:
		while c.recv(100):
			pass
"""

SAYS = r"%s: 3 clients wait, and none of the 2 programs takes any; does it accept on descriptor 3\?"


class Load:
	"""Keeps some clients waiting in the queue of a service that takes them slowly."""

	def __init__(self, case, endpoint):
		self.endpoint, self.over, self.taken = endpoint, threading.Event(), 0
		self.thread = threading.Thread(target=self.run)
		self.thread.start()
		case.addCleanup(self.end)

	def run(self):
		waiting = []
		while not self.over.is_set():
			while len(waiting) < 5:
				waiting.append(self.endpoint.connect())
			for s in select.select(waiting, [], [], 0.1)[0]:
				s.close()
				waiting.remove(s)
				self.taken += 1
		for s in waiting:
			s.close()

	def end(self):
		self.over.set()
		self.thread.join()


class Untaken(Case):
	def service(self, endpoint, code, copies):
		return {"handler": "listen", "listen": endpoint.text, "command": [PYTHON, "-c", code],
			"workers": {"min": copies}, "timeouts": {"start": "100ms"}}

	def listeners(self, d, name):
		return [listener["trouble"] for listener in d.admin.service(name)["listeners"]]

	def clients(self, endpoint, count):
		for _ in range(count):
			self.addCleanup(endpoint.connect().close)

	def test_all_kinds(self):
		deaf = {"tcp": Endpoint.v4(), "path": Endpoint.unix(self.path("deaf")), "abstract": Endpoint.abstract()}
		slow = {"slow": Endpoint.v4(), "slow_path": Endpoint.unix(self.path("slow"))}
		busy, paused, lone = Endpoint.v4(), Endpoint.v4(), Endpoint.v4()
		services = {name: self.service(endpoint, DEAF, 2) for name, endpoint in deaf.items()}
		services |= {name: self.service(endpoint, SLOW, 1) for name, endpoint in slow.items()}
		services |= {"busy": self.service(busy, BUSY, 1), "paused": self.service(paused, DEAF, 1),
			     "lone": self.service(lone, DEAF, 1)}
		d = self.daemon(services)
		self.assertEqual(d.ctl("pause", "paused").returncode, 0)
		for endpoint in deaf.values():
			self.clients(endpoint, 3)
		for endpoint in busy, paused:
			self.clients(endpoint, 2)
		self.clients(lone, 1)
		loads = [Load(self, endpoint) for endpoint in slow.values()]

		for name, endpoint in deaf.items():
			d.wait_log(SAYS % endpoint.text.replace("[", r"\["), timeout=120)
			self.assertEqual(self.listeners(d, name), ["nobody accepts"])
			self.assertEqual(d.admin.service(name)["state"], "serving")
		d.wait_log("lone: .*: 1 client waits, and the program takes none; does it accept on descriptor 3",
			   timeout=60)
		self.assertIn(", nobody accepts\n", d.ctl("status").stdout)

		# it is said once, whatever more looks find
		since = d.admin.status()["uptime"]
		wait_until(lambda: d.admin.status()["uptime"] > since + 12, "another look", timeout=120)
		self.assertEqual(len(d.grep("does it accept")), 4)
		for name in "slow", "slow_path", "busy", "paused":
			self.assertEqual(self.listeners(d, name), [None], name)
		for load in loads:
			self.assertGreater(load.taken, 10)
			load.end()

		for name, endpoint in deaf.items():
			for worker in d.admin.workers(name):
				os.kill(worker["pid"], signal.SIGUSR1)
			d.wait_log("%s: .*clients are taken again" % name)
			self.assertEqual(self.listeners(d, name), [None])
		self.assertEqual(len(d.grep("taken again")), 3)


main()
