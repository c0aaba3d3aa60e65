# SPDX-License-Identifier: MIT
"""The other end of sd_notify(3)."""

import os
import socket
import struct
import threading
import time

from .waiting import PATIENCE


class NotifySocket:
	"""
	Collects datagrams as (time, sender's pid, [lines]). Descriptors that come along are closed, as a service
	manager without a store does; with STORE they are kept by their names, until they are taken back.
	"""

	def __init__(self, path, store=False):
		self.path = path
		self.messages = []
		self.stored = {} if store else None
		self._changed = threading.Condition()
		self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
		self._socket.bind("\0" + path[1:] if path.startswith("@") else path)
		if not path.startswith("@"):
			os.chmod(path, 0o666)
		threading.Thread(target=self._collect, daemon=True).start()

	def _collect(self):
		while True:
			try:
				data, ancillary, _, _ = self._socket.recvmsg(65536, 256)
			except OSError:
				return
			pid, fds = 0, []
			for level, kind, content in ancillary:
				if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
					pid = struct.unpack("3i", content[:12])[0]
				elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
					fds += struct.unpack("%di" % (len(content) // 4), content)
			lines = data.decode("utf-8", "replace").splitlines()
			with self._changed:
				self._store(lines, fds)
				if not data:
					continue
				self.messages.append((time.monotonic(), pid, lines))
				self._changed.notify_all()

	def _store(self, lines, fds):
		name = next((x[7:] for x in lines if x.startswith("FDNAME=")), None)
		if self.stored is not None and "FDSTOREREMOVE=1" in lines:
			for fd in self.stored.pop(name, []):
				os.close(fd)
		if self.stored is not None and "FDSTORE=1" in lines:
			self.stored.setdefault(name, []).extend(fds)
			fds = []
		for fd in fds:
			os.close(fd)

	def seen(self, prefix):
		"""All messages with a line that starts so."""
		with self._changed:
			return [m for m in self.messages if any(x.startswith(prefix) for x in m[2])]

	def wait(self, prefix, count=1, timeout=None):
		"""The COUNT-th message with such a line, or None after the time-out."""
		end = time.monotonic() + (PATIENCE if timeout is None else timeout)
		with self._changed:
			while True:
				found = [m for m in self.messages
					 if any(x.startswith(prefix) for x in m[2])]
				if len(found) >= count:
					return found[count - 1]
				left = end - time.monotonic()
				if left <= 0:
					return None
				self._changed.wait(left)

	def close(self):
		try:
			self._socket.shutdown(socket.SHUT_RDWR)
		except OSError:
			pass
		self._socket.close()
		with self._changed:
			for fds in (self.stored or {}).values():
				for fd in fds:
					os.close(fd)
			self.stored = None
