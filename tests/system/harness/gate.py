# SPDX-License-Identifier: MIT
"""Clients that come from a certain address, and what became of them; what the daemon tells of those it refused."""

import json
import socket

from .net import read_all
from .waiting import PATIENCE, wait_until

SERVED, RESET = "served", "reset"
BANNER = "421 not today\r\n"


def come(endpoint, source=None, timeout=PATIENCE):
	"""A connection from SOURCE (an address of this host)."""
	s = socket.socket(endpoint.family)
	s.settimeout(timeout)
	try:
		if source is not None:
			s.bind((source, 0))
		s.connect(endpoint.address)
	except OSError:
		s.close()
		raise
	return s


def visit(endpoint, source=None, word=b"hello"):
	"""
	A client of an echo service: the socket if it is served, and what came of it: SERVED, RESET, or the bytes that
	it got before the end.
	"""
	s = None
	try:
		s = come(endpoint, source) # a reset may come before the client sees that it is connected
		s.sendall(word)
		got = s.recv(len(word))
		if got == word:
			return s, SERVED
		got += read_all(s) if got else b""
	except (ConnectionResetError, BrokenPipeError):
		got = RESET
	if s is not None:
		s.close()
	return None, got


def outcome(endpoint, source=None):
	"""The same, and gone again."""
	s, what = visit(endpoint, source)
	if s is not None:
		s.close()
	return what


def listens(endpoint, source=None):
	"""What a client hears that says nothing itself: bytes to the end, or RESET."""
	try:
		with come(endpoint, source) as s:
			return read_all(s)
	except ConnectionResetError:
		return RESET


def refused(d, service, reason=None):
	"""How many were, for this reason or altogether."""
	counts = d.admin.service(service)["connections"]["refused"]
	return counts.get(reason, 0) if reason else sum(counts.values())


def explain(d, address, service=None):
	"""What `preforkctl explain` says: its exit status, and the one service of its answer."""
	done = d.ctl("--json", "explain", address, *([service] if service else []))
	assert done.returncode in (0, 1), done.stderr
	found = json.loads(done.stdout)["services"]
	assert len(found) == 1, found
	return done.returncode, found[0]


def seated(d, address):
	return explain(d, address)[1]["connections"]["source"]


def wait_seated(d, address, count):
	wait_until(lambda: seated(d, address) == count, "%d connections of %s" % (count, address))


def guarded(endpoint, access, **more):
	return {"echo": {"handler": "echo", "listen": endpoint.text, "access": access, **more}}


__all__ = ["BANNER", "RESET", "SERVED", "come", "explain", "guarded", "listens", "outcome", "refused", "seated",
	   "visit", "wait_seated"]
