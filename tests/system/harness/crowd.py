# SPDX-License-Identifier: MIT
"""Clients of echo services, many at once and of several kinds, that count what went wrong for them."""

import collections
import errno
import hashlib
import os
import socket
import threading
import time

from .net import payload
from .waiting import PATIENCE

CHUNK = 1 << 14


class Wrong(Exception):
	"""What happened to a client, in one word, and how."""

	def __init__(self, kind, how=""):
		super().__init__("%s: %s" % (kind, how))
		self.kind = kind


def _exact(s, size, had=0):
	got = bytearray()
	while len(got) < size:
		part = s.recv(size - len(got))
		if not part:
			raise Wrong("empty" if not got and not had else "cut", "end after %d bytes" % (had + len(got)))
		got += part
	return bytes(got)


def _end(s, had):
	rest = s.recv(1)
	if rest:
		raise Wrong("wrong", "more than was sent")
	return had


def quick(s, question, _over):
	"""Asks, hears the answer, and goes first."""
	s.sendall(question)
	if _exact(s, len(question)) != question:
		raise Wrong("wrong")


def half(s, question, _over):
	"""Says all it has to say, and hears to the end."""
	s.sendall(question)
	s.shutdown(socket.SHUT_WR)
	if _exact(s, len(question)) != question:
		raise Wrong("wrong")
	_end(s, len(question))


def slow(s, question, over):
	"""A transfer of about two seconds, checked by its checksum."""
	out, back, size = hashlib.sha256(), hashlib.sha256(), 0
	block = (question * (CHUNK // len(question) + 1))[:CHUNK]
	end = time.monotonic() + 2
	while time.monotonic() < end and not over.is_set():
		chunk = os.urandom(8) + block
		s.sendall(chunk)
		out.update(chunk)
		back.update(_exact(s, len(chunk), size))
		size += len(chunk)
		time.sleep(0.02)
	s.shutdown(socket.SHUT_WR)
	_end(s, size)
	if out.digest() != back.digest():
		raise Wrong("wrong", "checksum")


def _connect(endpoint):
	end = time.monotonic() + PATIENCE
	while True:
		try:
			return endpoint.connect()
		except TimeoutError as e:
			raise Wrong("late", e) from None
		except OSError as e:
			# the client's own end has run out, or the queue of a unix socket is full: come again
			again = (errno.EADDRNOTAVAIL,) + ((errno.EAGAIN,) if endpoint.family == socket.AF_UNIX else ())
			if e.errno not in again or time.monotonic() > end:
				raise Wrong("refused", e) from None
			time.sleep(0.01)


class Crowd:
	"""
	COUNT clients of each of KINDS at each of ENDPOINTS, one connection after the other, as long as the
	block of `with` lasts. Afterwards `done` is how many of each kind were served, `wrong` how many were not and
	how, `examples` some of these.
	"""

	def __init__(self, endpoints, kinds=((quick, 2), (half, 2), (slow, 1))):
		self.done, self.wrong, self.examples = collections.Counter(), collections.Counter(), []
		self._over = threading.Event()
		self._lock = threading.Lock()
		self._threads = [threading.Thread(target=self._run, args=(endpoint, kind, number), daemon=True)
				 for endpoint in endpoints for kind, count in kinds for number in range(count)]

	def _run(self, endpoint, kind, number):
		seed = 0
		while not self._over.is_set():
			seed += 1
			question = payload("%s %s %d %d" % (endpoint, kind.__name__, number, seed), 100 + seed % 900)
			try:
				with _connect(endpoint) as s:
					try:
						kind(s, question, self._over)
					except (ConnectionResetError, BrokenPipeError) as e:
						raise Wrong("reset", e) from None
					except TimeoutError as e:
						raise Wrong("late", e) from None
			except Wrong as e:
				with self._lock:
					self.wrong[e.kind] += 1
					if len(self.examples) < 20:
						self.examples.append("%.3f %s %s: %s" % (time.time(), endpoint,
											 kind.__name__, e))
				time.sleep(0.05)
				continue
			with self._lock:
				self.done[kind.__name__] += 1
			time.sleep(0.003)

	def __enter__(self):
		for thread in self._threads:
			thread.start()
		return self

	def __exit__(self, *_):
		self._over.set()
		for thread in self._threads:
			thread.join(2 * PATIENCE)
		if any(thread.is_alive() for thread in self._threads):
			raise AssertionError("a client never ended")
