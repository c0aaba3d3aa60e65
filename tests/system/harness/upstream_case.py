# SPDX-License-Identifier: MIT
"""A service with the handler proxy, and servers behind it."""

import socket

from .client import Scripted
from .net import Endpoint, read_all
from .tap import Case


def proxy(listen, upstream, **more):
	return {"p": {"handler": "proxy", "listen": listen, "upstream": upstream,
		      "workers": {"min": 4, "max": 16}, **more}}


class UpstreamCase(Case):
	def named(self, name, address=None):
		"""A server that says NAME, and keeps the connection until the client has finished."""
		def say(connection):
			connection.sendall(name.encode())
			read_all(connection)
		server = Scripted(say, address=address)
		self.addCleanup(server.close)
		return server

	def front(self, upstream, **more):
		self.endpoint = Endpoint.v4()
		options = {name: more.pop(name) for name in ("prefix",) if name in more}
		self.d = self.daemon(proxy(self.endpoint.text, upstream, **more), **options)
		return self.d

	def ask(self):
		with self.endpoint.connect() as s:
			s.shutdown(socket.SHUT_WR)
			return read_all(s).decode()

	def hold(self):
		"""A connection that stays, and what it is connected to."""
		s = self.endpoint.connect()
		self.addCleanup(s.close)
		return s, s.recv(100).decode()

	def assert_reset(self):
		"""A reset may come before the client knows that it is connected."""
		with self.assertRaises(ConnectionResetError):
			with self.endpoint.connect() as s:
				s.recv(1)

	def nobody(self):
		return Endpoint.v4().text

	def full(self, address=("127.0.0.1", 0)):
		"""One that does not accept: the kernel drops who comes after those that its queue has room for."""
		server = socket.socket()
		self.addCleanup(server.close)
		server.bind(address)
		server.listen(0)
		for _ in range(4):
			s = socket.socket()
			self.addCleanup(s.close)
			s.setblocking(False)
			s.connect_ex(server.getsockname())
		return "%s:%d" % server.getsockname()

	def status(self):
		return self.d.admin.service("p")
