# SPDX-License-Identifier: MIT
"""Tests of datagrams: a client that sends them and takes the answers."""

import os
import random
import socket
import unittest

from .namespaces import no_namespaces
from .net import Endpoint
from .tap import Case
from .waiting import PATIENCE, wait_until

no_namespace = no_namespaces()
needs_namespace = unittest.skipIf(no_namespace, no_namespace)


class Asker:
	"""A client of one endpoint: sends datagrams, and takes answers."""

	def __init__(self, endpoint, folder, bind=None):
		self.socket = socket.socket(endpoint.family, socket.SOCK_DGRAM)
		self.path = None
		if bind is not None:
			self.socket.bind(bind)
		elif endpoint.family == socket.AF_UNIX:
			self.path = os.path.join(folder, "asker-%d" % random.getrandbits(48))
			self.socket.bind(self.path)
			os.chmod(self.path, 0o777)
		self.socket.settimeout(PATIENCE)
		self.address = endpoint.address

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self.socket.close()
		if self.path is not None and os.path.exists(self.path):
			os.unlink(self.path)

	def send(self, data):
		self.socket.sendto(data, self.address)

	def take(self):
		return self.socket.recv(70000)

	def ask(self, data):
		self.send(data)
		return self.take()


def gram(endpoint):
	"""The same address for datagrams."""
	if endpoint.text.startswith("unix:"):
		return Endpoint("unixgram:" + endpoint.text[len("unix:"):], endpoint.family, endpoint.address)
	return Endpoint("udp:" + endpoint.text, endpoint.family, endpoint.address)


class DatagramCase(Case):
	def asker(self, endpoint, **more):
		a = Asker(endpoint, os.path.dirname(self.path("x")), **more)
		self.addCleanup(a.__exit__)
		return a

	def service(self, handler, endpoints, **more):
		more.setdefault("access", {"per_source_rate": 0})
		return {handler: {"handler": handler, "listen": [e.text for e in endpoints],
				  "workers": {"min": 1, "max": 8}, **more}}

	def status(self, d):
		return d.admin.status()["services"][0]

	def refused(self, d, reason, count):
		wait_until(lambda: self.status(d)["connections"]["refused"][reason] == count,
			   "%d refused for %s" % (count, reason))
