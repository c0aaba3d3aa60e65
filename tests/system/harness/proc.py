# SPDX-License-Identifier: MIT
"""Processes as /proc shows them."""

import collections
import os
import time

Stat = collections.namedtuple("Stat", "pid name state ppid pgrp session ticks")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def stat(pid):
	"""The process's Stat, or None if there is none."""
	try:
		with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
			text = f.read()
	except OSError:
		return None
	# The name is in parentheses and may hold anything, so the last ")" counts.
	end = text.rindex(")")
	rest = text[end + 2:].split()
	return Stat(pid, text[text.index("(") + 1:end], rest[0], int(rest[1]), int(rest[2]),
		    int(rest[3]), int(rest[11]) + int(rest[12]))


def everything():
	found = (stat(int(name)) for name in os.listdir("/proc") if name.isdigit())
	return [s for s in found if s]


def children(pid):
	return sorted(s.pid for s in everything() if s.ppid == pid and s.state != "Z")


def children_at_once(pid):
	"""The same, zombies included, from one read of one file: a list of one moment. None: the kernel has none."""
	try:
		with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
			return sorted(map(int, f.read().split()))
	except OSError:
		return None


def zombies(ppid):
	return [s.pid for s in everything() if s.ppid == ppid and s.state == "Z"]


def tree(*roots):
	"""The living processes among ROOTS, and those that descend from them; a dead one that waits for its parent is
	not living."""
	known, found = everything(), set(roots)
	while True:
		more = {s.pid for s in known if s.ppid in found} - found
		if not more:
			return sorted(s.pid for s in known if s.pid in found and s.state not in "ZX")
		found |= more


def orphans(besides=()):
	"""Children of ours, a subreaper, that descend from a process of another session, and are not BESIDES."""
	return [s.pid for s in everything() if s.ppid == os.getpid() and s.session != os.getsid(0)
		and s.pid not in besides]


def alive(pid):
	s = stat(pid)
	return s is not None and s.state not in "ZX"


def title(pid):
	"""The command line with blanks for the ends of arguments, or "" for a dead process."""
	try:
		with open("/proc/%d/cmdline" % pid, "rb") as f:
			return f.read().rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
	except OSError:
		return ""


def status(pid, key):
	"""One line of /proc/PID/status, without its key."""
	with open("/proc/%s/status" % pid, encoding="utf-8") as f:
		for line in f:
			if line.startswith(key + ":"):
				return line.split(":", 1)[1].strip()
	return None


def cpu_share(pids, seconds):
	"""What part of one CPU these processes together used in the next SECONDS."""
	def ticks():
		return sum(s.ticks for s in map(stat, pids) if s)
	before, start = ticks(), time.monotonic()
	time.sleep(seconds)
	return (ticks() - before) / TICKS_PER_SECOND / (time.monotonic() - start)


def blocked_in(pid):
	"""The number of the system call the process is in, or None."""
	try:
		with open("/proc/%d/syscall" % pid, encoding="utf-8") as f:
			return int(f.read().split()[0])
	except (OSError, ValueError, IndexError):
		return None


def descriptors(pid):
	"""How many it has open for longer than a moment: what it says to its supervisor, for one, takes a socket."""
	counts = []
	for _ in range(5):
		counts.append(len(os.listdir("/proc/%d/fd" % pid)))
		time.sleep(0.01)
	return min(counts)
