# SPDX-License-Identifier: MIT
"""Daemons that are none: they speak the protocol of the control socket, right or wrong, as they are told."""

import json
import os
import signal
import socket

from .ask import HEAD, frame
from .client import Scripted
from .net import recv_exact


def _serve(connection, answer, requests):
	"""One connection. ANSWER(request) gives an object, or bytes that go as they are, or None for nothing."""
	try:
		_, _, length = HEAD.unpack(recv_exact(connection, HEAD.size))
		request = json.loads(recv_exact(connection, length))
	except AssertionError:
		return	# only a look whether anybody is here
	requests.append(request)
	reply = answer(request)
	if reply is not None:
		connection.sendall(reply if isinstance(reply, bytes) else frame(reply))


class ScriptedControl(Scripted):
	"""In threads of this process."""

	def __init__(self, path, answer, **options):
		self.path = path
		self.requests = []
		super().__init__(lambda c: _serve(c, answer, self.requests), family=socket.AF_UNIX, address=path,
				 **options)

	def commands(self):
		return [request.get("command") for request in self.requests]


class ForkedControl:
	"""In a process of its own, which may end: ANSWER may do so with os._exit()."""

	def __init__(self, path, answer):
		self.path = path
		ready, tell = os.pipe()
		self.pid = os.fork()
		if self.pid == 0:
			try:
				os.close(ready)
				self._run(answer, tell)
			finally:
				os._exit(1)
		os.close(tell)
		os.read(ready, 1)
		os.close(ready)

	def _run(self, answer, tell):
		signal.alarm(0)
		with socket.socket(socket.AF_UNIX) as s:
			s.bind(self.path)
			s.listen(8)
			os.close(tell)
			while True:
				connection = s.accept()[0]
				with connection:
					try:
						_serve(connection, answer, [])
					except OSError:
						pass

	def close(self):
		if self.pid:
			os.kill(self.pid, signal.SIGKILL)
			os.waitpid(self.pid, 0)
			self.pid = 0
