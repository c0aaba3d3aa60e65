# SPDX-License-Identifier: MIT
"""Tests of modules: a service that loads one, and a client that talks to it line by line."""

import unittest

from . import modules
from .conf import Config
from .daemon import run_preforkd
from .net import Endpoint, talk
from .tap import Case

FIXED = {"min": 2, "max": 2, "max_spare": 2}


def ask(endpoint, *lines):
	"""The lines of the answer."""
	return talk(endpoint, "".join(x + "\n" for x in lines).encode()).decode().splitlines()


class Talk:
	"""One client that asks and gets its answers line by line."""

	def __init__(self, endpoint):
		self.s = endpoint.connect()
		self.f = self.s.makefile("rb")

	def ask(self, line):
		self.s.sendall(line.encode() + b"\n")
		return self.f.readline().decode().rstrip("\n")

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self.f.close()
		self.s.close()


@unittest.skipIf(modules.no_modules(), modules.no_modules())
class ModuleCase(Case):
	def setUp(self):
		super().setUp()
		self.endpoint = Endpoint.v4()

	def service(self, path, options=None, **more):
		service = {"handler": "module", "path": path, "listen": self.endpoint.text, "workers": FIXED, **more}
		return {"mod": {**service, "options": options} if options else service}

	def build(self, source, *arguments, name="m.so", **options):
		return modules.build(self.path(name), source, *arguments, **options)

	def check(self, path, *arguments, options=None, how="--check"):
		"""What --check says to a service that loads PATH."""
		file = self.write("check.conf", Config(self.service(path, options)).text())
		return run_preforkd(how, "-c", file, *arguments, timeout=40, env=modules.CRASHING)

	def refused(self, path, pattern, **options):
		done = self.check(path, **options)
		self.assertEqual(done.returncode, 78, done.stderr)
		self.assertRegex(done.stderr, r"check\.conf:\d+: services\.mod\.\S+: " + pattern)
		self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


INCLUDES = """
#include <arpa/inet.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static void *idle(void *arg) { (void)arg; for (;;) pause(); return NULL; }
static volatile int at_work;
static void *busy(void *arg) { at_work = 1; while (at_work) continue; return arg; }
void *(*const unused[])(void *) = { idle, busy };
"""


class LifeCase(ModuleCase):
	"""A probe that notes its calls in a file."""

	def setUp(self):
		super().setUp()
		self.note = self.write("note", "", 0o666)

	def start(self, options=None, name="m.so", **more):
		modules.probe(self.path(name))
		self.d = self.daemon(self.service(self.path(name), {"note": self.note, **(options or {})}, **more))
		return self.d

	def notes(self, what):
		with open(self.note, encoding="ascii") as f:
			return [tuple(map(int, line.split()[1:])) for line in f if line.startswith(what + " ")]
