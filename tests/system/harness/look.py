# SPDX-License-Identifier: MIT
"""A program that tells what surrounds it, for the handlers exec and listen; and the same of any process."""

import json
import os
import resource

from . import proc
from .listen_case import PYTHON
from .net import read_all
from .tap import Case

NAMES = {"nofile": "NOFILE", "nproc": "NPROC", "cpu": "CPU", "as": "AS", "data": "DATA", "stack": "STACK",
	 "core": "CORE", "fsize": "FSIZE", "memlock": "MEMLOCK"}

# Accepts on the descriptor that is its argument; without one, the client is its standard output.
LOOK = r"""
import json, os, resource, socket, sys

def read(name):
	with open("/proc/self/" + name, "rb") as f:
		return f.read().decode("utf-8", "replace")

def descriptors():
	names = os.listdir("/proc/self/fd")	# one of them is that of the list
	return sorted(int(x) for x in names if os.path.exists("/proc/self/fd/" + x))

def look():
	mask = os.umask(0)
	os.umask(mask)
	names = dict(%r)
	return json.dumps({
		"argv": read("cmdline").split("\0")[:-1], "env": dict(x.split("=", 1) for x in
								      read("environ").split("\0")[:-1]),
		"cwd": os.getcwd(), "umask": mask, "nice": os.nice(0), "oom": int(read("oom_score_adj")),
		"pid": os.getpid(), "fds": descriptors(),
		"limits": {x: resource.getrlimit(getattr(resource, "RLIMIT_" + y)) for x, y in names.items()},
	}).encode()

if len(sys.argv) < 2:
	os.write(1, look())
else:
	listener = socket.socket(fileno=int(sys.argv[1]))
	text = look()
	while True:
		client = listener.accept()[0]
		client.sendall(text)
		client.close()
""" % sorted(NAMES.items())


# The lines of /proc/PID/limits
LINES = {"nofile": "Max open files", "nproc": "Max processes", "cpu": "Max cpu time", "as": "Max address space",
	 "data": "Max data size", "stack": "Max stack size", "core": "Max core file size",
	 "fsize": "Max file size", "memlock": "Max locked memory"}


def limits_of(pid):
	"""The soft and hard limits of the process PID, by the names of our keys."""
	with open("/proc/%d/limits" % pid, encoding="ascii") as f:
		lines = f.readlines()
	return {name: [resource.RLIM_INFINITY if value == "unlimited" else int(value)
		       for line in lines if line.startswith(begin) for value in line[len(begin):].split()[:2]]
		for name, begin in LINES.items()}


def has_capability(number):
	"""True if this process has it, and so a daemon that it starts."""
	return bool(int(proc.status("self", "CapEff"), 16) >> number & 1)


def number_in(pid, name):
	with open("/proc/%d/%s" % (pid, name), encoding="ascii") as f:
		return int(f.read())


class LookCase(Case):
	def setUp(self):
		super().setUp()
		self.script = self.write("look.py", LOOK)
		self.room = self.folder("room")
		os.chmod(self.room, 0o755)

	def exec_service(self, endpoint, **more):
		return {"handler": "exec", "listen": endpoint.text, "command": [PYTHON, "-I", "-S", self.script],
			**more}

	def listen_service(self, endpoint, fd=3, **more):
		more["timeouts"] = {"start": "100ms", "prove": "100ms", **more.get("timeouts", {})}
		more.setdefault("workers", {"min": 1})
		return {"handler": "listen", "listen": endpoint.text,
			"command": [PYTHON, "-I", "-S", self.script, str(fd)], **more}

	def see(self, endpoint):
		"""The report of the program at ENDPOINT."""
		with endpoint.connect() as s:
			return json.loads(read_all(s))
