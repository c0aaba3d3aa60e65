# SPDX-License-Identifier: MIT
"""A place for log lines that is not the system's: a socket of the test in the place of /dev/log."""

import os
import re
import socket
import unittest

from .namespaces import no_mounts
from .tap import Case
from .waiting import wait_until

NO_MOUNTS = no_mounts()


class Reader:
	"""A datagram socket in the place of the system's log."""

	def __init__(self, path):
		self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		self.socket.bind(path)
		os.chmod(path, 0o666)
		self.messages = []

	def drain(self):
		"""Takes all that is there now."""
		while True:
			try:
				self.messages.append(self.socket.recv(1 << 17, socket.MSG_DONTWAIT))
			except BlockingIOError:
				return self.messages

	def wait(self, pattern):
		def look():
			return [m for m in self.drain() if re.search(pattern, m)]
		return wait_until(look, "a message with %r" % pattern)[0]


@unittest.skipIf(NO_MOUNTS, NO_MOUNTS)
class SystemLogCase(Case):
	def setUp(self):
		super().setUp()
		dev = self.folder("dev")
		self.syslog = Reader(os.path.join(dev, "log"))
		self.addCleanup(self.syslog.socket.close)
		mounts = []
		for name in ("null", "zero", "full", "random", "urandom", "tty"):
			with open(os.path.join(dev, name), "w", encoding="ascii"):
				pass
			mounts.append(("/dev/" + name, os.path.join(dev, name)))
		self.how = {"mounts": mounts + [(dev, "/dev")]}

	def serve(self, services, target="syslog", **log):
		return self.daemon(services, arguments=("-l", target), how=self.how,
				   top={"log": {"facility": "local3", **log}})
