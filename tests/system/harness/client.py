# SPDX-License-Identifier: MIT
"""preforkc, and servers for it that do one thing, right or wrong."""

import os
import socket
import struct
import subprocess
import threading

from .daemon import PREFORKC, _environment
from .waiting import PATIENCE


def run_preforkc(*arguments, stdin=b"", prefix=(), timeout=PATIENCE):
	"""Runs it to its end. STDIN: bytes, or None for one that never says anything and never ends."""
	command = [*prefix, PREFORKC, *arguments]
	with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
			      stderr=subprocess.PIPE, env=_environment(None)) as process:
		try:
			if stdin is None:
				process.wait(timeout)
				out, err = process.stdout.read(), process.stderr.read()
			else:
				out, err = process.communicate(stdin, timeout)
		except BaseException:
			process.kill()
			raise
	err = err.decode("utf-8", "replace")
	for sign in ("AddressSanitizer", "runtime error:", "LeakSanitizer:"):
		assert sign not in err, err
	return subprocess.CompletedProcess(command, process.returncode, out, err)


class Scripted:
	"""
	A server on loopback or at a unix PATH that gives each connection to SERVE in a thread of its own and closes
	it afterwards.
	"""

	def __init__(self, serve, family=socket.AF_INET, address=None, backlog=128):
		self._serve = serve
		self._socket = socket.socket(family)
		if address is None:
			address = ("::1", 0) if family == socket.AF_INET6 else ("127.0.0.1", 0)
		self._socket.bind(address)
		self._socket.listen(backlog)
		name = self._socket.getsockname()
		if family == socket.AF_UNIX:
			self.text = "unix:" + (name if isinstance(name, str) else os.fsdecode(b"@" + name[1:]))
		else:
			self.port = name[1]
			self.text = ("[%s]:%d" if family == socket.AF_INET6 else "%s:%d") % name[:2]
		threading.Thread(target=self._accept, daemon=True).start()

	def _accept(self):
		while True:
			try:
				connection = self._socket.accept()[0]
			except OSError:
				return
			threading.Thread(target=self._one, args=(connection,), daemon=True).start()

	def _one(self, connection):
		try:
			with connection:
				self._serve(connection)
		except OSError:
			pass

	def close(self):
		# A thread in accept() would keep the socket open.
		try:
			self._socket.shutdown(socket.SHUT_RDWR)
		except OSError:
			pass
		self._socket.close()


def reset_at_close(connection):
	connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
