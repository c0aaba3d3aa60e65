# SPDX-License-Identifier: MIT
"""Tests of the PROXY protocol: a service that takes headers, and clients that send them."""

import errno
import socket
import time

from .gate import RESET, come
from .net import Endpoint, read_all
from .tap import Case
from .waiting import wait_until

HERE = "127.0.0.1"
CLIENT6, SERVER6 = "2001:db8::7", "2001:db8::9"
WORKERS = {"min": 2, "min_spare": 1, "max_spare": 4, "max": 8}


def say(endpoint, data, source=None):
	"""Sends DATA at once, and the end; returns all that comes back."""
	with come(endpoint, source) as s:
		try:
			s.sendall(data)
			s.shutdown(socket.SHUT_WR)
			return read_all(s)
		except OSError as e:
			if e.errno not in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN):
				raise
			return RESET


def say_slowly(endpoint, pieces, source=None):
	"""The same, each piece in a packet of its own."""
	with come(endpoint, source) as s:
		if s.family != socket.AF_UNIX:
			s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		for piece in pieces:
			s.sendall(piece)
			time.sleep(0.002)	# what arrives together is another test's
		s.shutdown(socket.SHUT_WR)
		return read_all(s)


def bytewise(data):
	return [data[n:n + 1] for n in range(len(data))]


class ProxyCase(Case):
	def serve(self, endpoint=None, handler="echo", listen=None, timeout="5s", since=None, top=None, without=None,
		  **more):
		self.endpoint = endpoint or Endpoint.v4()
		proxy = {"from": since or [HERE], "timeout": timeout}
		if without:
			proxy["without"] = without
		log = {"level": "debug", "connections": "all"}
		self.d = self.daemon({"s": {"handler": handler, "listen": listen or self.endpoint.text,
					    "workers": WORKERS,
					    "proxy_protocol": proxy, **more}}, top={"log": log, **(top or {})})
		return self.d

	def count(self, **expected):
		"""So many have been refused for these reasons, and nobody for another."""
		def counts():
			return {k: v for k, v in self.d.admin.service("s")["connections"]["refused"].items() if v}
		wait_until(lambda: counts() == expected, "refused: %s" % expected)

	def environment(self, header, endpoint=None, listen=None, **more):
		self.serve(endpoint, "exec", listen, command=["/usr/bin/env"], **more)
		return self.ask(header)[0]

	def ask(self, header):
		with self.endpoint.connect() as s:
			here = s.getsockname()
			s.sendall(header)
			s.shutdown(socket.SHUT_WR)
			text = read_all(s).decode()
		return dict(line.split("=", 1) for line in text.splitlines()), here
