# SPDX-License-Identifier: MIT
"""A client of the control socket: one question and one answer a connection."""

import json
import socket
import struct
import time

from .net import recv_exact
from .waiting import PATIENCE

HEAD = struct.Struct(">3sBI")


def frame(body, version=1, length=None, magic=b"PFD"):
	"""A message; a BODY that is not bytes is written as JSON."""
	if not isinstance(body, bytes):
		body = json.dumps(body).encode()
	return HEAD.pack(magic, version, len(body) if length is None else length) + body


def read_reply(s):
	"""The object of one reply, which must be followed by the end."""
	magic, version, length = HEAD.unpack(recv_exact(s, HEAD.size))
	assert (magic, version) == (b"PFD", 1), (magic, version)
	reply = json.loads(recv_exact(s, length))
	try:
		rest = s.recv(1)
	except ConnectionResetError:
		rest = b""	# it has not read all that was sent, and need not
	assert rest == b"", "more than one reply: %r" % rest
	return reply


class Control:
	"""Asks the daemon whose control socket is at PATH."""

	def __init__(self, path):
		self.path = path

	def connect(self, timeout=PATIENCE):
		s = socket.socket(socket.AF_UNIX)
		# one that does not block would fail at once where the queue is full
		s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", max(int(timeout), 1), 0))
		try:
			s.connect(self.path)
			s.settimeout(timeout)
		except OSError:
			s.close()
			raise
		return s

	def send(self, data, timeout=PATIENCE):
		"""The answer to bytes as they are."""
		with self.connect(timeout) as s:
			try:
				s.sendall(data)
			except BrokenPipeError:
				pass	# it answers before it has read all
			return read_reply(s)

	def ask(self, command, timeout=PATIENCE, **members):
		"""The reply, whatever it says."""
		return self.send(frame({"command": command, **members}), timeout)

	def told(self, command, **members):
		"""The reply, which must be that all is well."""
		reply = self.ask(command, **members)
		assert reply["ok"] is True, reply
		return reply

	def status(self):
		return self.told("status")["status"]

	def service(self, name):
		"""Its part of the status."""
		service, = self.told("status", service=name)["status"]["services"]
		return service

	def workers(self, service=None):
		return self.told("workers", **({"service": service} if service else {}))["workers"]

	def verdict(self, number, timeout=PATIENCE):
		"""The last answer to what became of job NUMBER."""
		end = time.monotonic() + timeout
		while True:
			reply = self.told("job", job=number)
			if reply["done"]:
				return reply
			if time.monotonic() > end:
				raise AssertionError("job %d is not done after %g s: %s"
						     % (number, timeout, reply["text"]))

	def order(self, command, timeout=PATIENCE, **members):
		"""Waits for the verdict on what is ordered, and returns it."""
		return self.verdict(self.told(command, **members)["job"], timeout)
