# SPDX-License-Identifier: MIT
"""Addresses to serve, and clients for them."""

import errno
import os
import random
import resource
import selectors
import socket
import time

from .waiting import PATIENCE

# Names held while a port is in use: they keep test programs that run at the same time apart.
_reserved = []


def can_ipv6():
	try:
		with socket.socket(socket.AF_INET6) as s:
			s.bind(("::1", 0))
		return True
	except OSError:
		return False


def _free_port():
	"""A port outside the range that the kernel hands out, which nobody listens on."""
	for _ in range(500):
		port = random.randint(20000, 32000)
		lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		try:
			lock.bind("\0preforkd-test-port-%d" % port)
			with socket.socket(socket.AF_INET) as s:
				s.bind(("0.0.0.0", port))
			if can_ipv6():
				with socket.socket(socket.AF_INET6) as s:
					s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
					s.bind(("::", port))
		except OSError:
			lock.close()
			continue
		_reserved.append(lock)
		return port
	raise AssertionError("no free port found")


class Endpoint:
	"""One address: its text in a configuration, and how a client reaches it."""

	def __init__(self, text, family, address):
		self.text = text
		self.family = family
		self.address = address

	def __str__(self):
		return self.text

	@property
	def port(self):
		return self.address[1]

	@classmethod
	def v4(cls, host="127.0.0.1", port=None):
		port = port or _free_port()
		return cls("%s:%d" % (host, port), socket.AF_INET, (host, port))

	@classmethod
	def v6(cls, host="::1", port=None):
		port = port or _free_port()
		return cls("[%s]:%d" % (host, port), socket.AF_INET6, (host, port))

	@classmethod
	def unix(cls, path):
		return cls("unix:" + path, socket.AF_UNIX, path)

	@classmethod
	def abstract(cls):
		name = "preforkd-test-%d-%d" % (os.getpid(), random.getrandbits(48))
		return cls("unix:@" + name, socket.AF_UNIX, "\0" + name)

	def connect(self, timeout=PATIENCE):
		s = socket.socket(self.family)
		s.settimeout(timeout)
		try:
			s.connect(self.address)
		except OSError as e:
			s.close()
			raise type(e)(e.errno, "%s: %s" % (self.text, e.strerror or e)) from None
		return s

	def inodes(self):
		"""Of the sockets that listen at this port or path, of whatever address and process."""
		if self.family == socket.AF_UNIX:
			name = self.address.replace("\0", "@", 1)
			with open("/proc/thread-self/net/unix", encoding="utf-8", errors="replace") as f:
				rows = [line.rstrip("\n").split(None, 7) for line in f]
			return sorted(int(row[6]) for row in rows
				      if len(row) == 8 and row[7] == name and row[3] == "00010000")
		found = []
		for table in ("tcp", "tcp6"):
			try:
				with open("/proc/thread-self/net/" + table, encoding="ascii") as f:
					rows = [line.split() for line in f][1:]
			except FileNotFoundError:
				continue
			found += [int(row[9]) for row in rows
				  if row[3] == "0A" and int(row[1].rsplit(":", 1)[1], 16) == self.port]
		return sorted(found)

	def refuses(self):
		"""True if no socket listens there."""
		try:
			self.connect(2).close()
			return False
		except TimeoutError:
			return False
		except OSError as e:
			return e.errno in (errno.ECONNREFUSED, errno.ENOENT)


def recv_exact(s, size):
	"""Exactly SIZE bytes; a connection that ends before fails the test."""
	parts, left = [], size
	while left:
		part = s.recv(min(left, 1 << 16))
		if not part:
			raise AssertionError("end after %d of %d bytes" % (size - left, size))
		parts.append(part)
		left -= len(part)
	return b"".join(parts)


def read_all(s):
	parts = []
	while True:
		part = s.recv(1 << 16)
		if not part:
			return b"".join(parts)
		parts.append(part)


def payload(seed, size):
	"""Bytes that no other seed gives."""
	return random.Random(seed).randbytes(size)


def talk(endpoint, data=b"", timeout=PATIENCE):
	"""Sends DATA and the end of it, and returns all that comes back. Reads while it writes."""
	with endpoint.connect(timeout) as s:
		if len(data) <= 4096:
			s.sendall(data)
			s.shutdown(socket.SHUT_WR)
			return read_all(s)
		return _pump(s, data, timeout)


def _pump(s, data, timeout):
	s.setblocking(False)
	end = time.monotonic() + timeout
	sent, parts = 0, []
	with selectors.DefaultSelector() as selector:
		selector.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE)
		while True:
			left = end - time.monotonic()
			if left <= 0:
				raise TimeoutError("sent %d of %d" % (sent, len(data)))
			for _, events in selector.select(left):
				if events & selectors.EVENT_WRITE:
					sent += s.send(data[sent:sent + (1 << 16)])
					if sent == len(data):
						s.shutdown(socket.SHUT_WR)
						selector.modify(s, selectors.EVENT_READ)
				if events & selectors.EVENT_READ:
					part = s.recv(1 << 16)
					if not part:
						return b"".join(parts)
					parts.append(part)


def hold(endpoint, word=b"hello", timeout=PATIENCE):
	"""A client of an echo service that has a worker and keeps it."""
	s = endpoint.connect(timeout)
	s.sendall(word)
	got = recv_exact(s, len(word))
	assert got == word, "sent %r, got %r" % (word, got)
	return s


def lift_fd_limit(wanted):
	"""Whether this process may now open WANTED files."""
	soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
	if soft < wanted <= hard or hard == resource.RLIM_INFINITY:
		resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, soft), hard))
		return True
	return soft >= wanted
