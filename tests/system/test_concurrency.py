#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many more clients than workers: all served, every byte checked."""

import sys
sys.dont_write_bytecode = True

import selectors
import socket
import time

from harness import *

SIZE = 9000


class Client:
	def __init__(self, number, endpoint):
		self.number = number
		self.data = payload(number, SIZE + number)
		self.sent = 0
		self.got = []
		self.socket = socket.socket(endpoint.family)
		self.socket.setblocking(False)
		self.socket.connect_ex(endpoint.address)


def drive(clients, deadline):
	"""Connects all, and only then lets them speak. Returns those whose answer was wrong or cut."""
	wrong, open_ = [], len(clients)
	with selectors.DefaultSelector() as selector:
		for c in clients:
			selector.register(c.socket, selectors.EVENT_WRITE, c)
		connected = 0
		while connected < len(clients):
			if time.monotonic() > deadline:
				raise AssertionError("only %d of %d connected" % (connected, len(clients)))
			for key, _ in selector.select(1):
				code = key.data.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
				if code:
					raise AssertionError("client %d: errno %d" % (key.data.number, code))
				selector.unregister(key.data.socket)
				connected += 1
		for c in clients:
			selector.register(c.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, c)
		while open_:
			if time.monotonic() > deadline:
				raise AssertionError("%d of %d clients not served" % (open_, len(clients)))
			for key, events in selector.select(1):
				c = key.data
				if events & selectors.EVENT_WRITE:
					c.sent += c.socket.send(c.data[c.sent:])
					if c.sent == len(c.data):
						c.socket.shutdown(socket.SHUT_WR)
						selector.modify(c.socket, selectors.EVENT_READ, c)
				if events & selectors.EVENT_READ:
					try:
						part = c.socket.recv(1 << 16)
					except ConnectionError as e:
						part, c.got = b"", [str(e).encode()]
					if part:
						c.got.append(part)
						continue
					selector.unregister(c.socket)
					c.socket.close()
					open_ -= 1
					if b"".join(c.got) != c.data:
						wrong.append(c.number)
	return wrong


class Concurrency(Case):
	def crowd(self, endpoint, count, workers):
		if not lift_fd_limit(count + 200):
			self.skipTest("cannot open %d files" % count)
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "backlog": 4096,
					  "workers": {"min": 4, "max": workers, "max_spare": workers}}})
		with open("/proc/sys/net/core/somaxconn", encoding="ascii") as f:
			if int(f.read()) < count:
				self.skipTest("net.core.somaxconn is below %d" % count)
		clients = [Client(i, endpoint) for i in range(count)]
		wrong = drive(clients, time.monotonic() + 3 * PATIENCE)
		self.assertEqual(wrong, [], "clients whose answer is not their question")
		self.assertLessEqual(len(d.workers()), workers)
		self.assertEqual(d.stop(), 0)

	def test_2000_clients_64_workers(self):
		self.crowd(Endpoint.v4(), 2000, 64)

	def test_200_clients_3_workers_unix(self):
		self.crowd(Endpoint.unix(self.path("d0", "s")), 200, 4)


main()
