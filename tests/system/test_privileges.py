#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Workers may do nothing that their user may not, and nothing to the master, even if it has the same user."""

import sys
sys.dont_write_bytecode = True

import os
import re
import shutil

from harness import *
from harness import modules
from harness.module_case import FIXED, ModuleCase, ask

NOBODY = 65534
NONE = "0" * 16

GREEDY = modules.small("""
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stdio.h>

static void *volatile eaten;
""").replace('return preforkd_write(conn, "hello", 5);', """char text[32];

	if (eaten == NULL && (eaten = malloc(64 << 20)) != NULL)
		memset(eaten, 1, 64 << 20);
	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	return preforkd_write(conn, text, strlen(text));""")


# A daemon as the unit starts it: an ordinary user who may bind low ports.
LOW = [shutil.which("setpriv"), "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups",
       "--inh-caps=-all,+net_bind_service", "--ambient-caps=+net_bind_service"]


def rights(pid):
	"""Its capabilities (inheritable, permitted, effective, ambient), and whether it has no_new_privs."""
	return [proc.status(pid, key) for key in ("CapInh", "CapPrm", "CapEff", "CapAmb")], \
		proc.status(pid, "NoNewPrivs") == "1"


def score(pid):
	with open("/proc/%d/oom_score_adj" % pid, encoding="ascii") as f:
		return int(f.read())


class Rights(Case):
	@needs_root()
	def test_built_in_services(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"a": {"handler": "echo", "listen": a.text},
				 "b": {"handler": "echo", "listen": b.text, "user": "root"}})
		workers = d.workers()
		self.assertGreaterEqual(len(workers), 4)
		for pid in workers:
			self.assertEqual(rights(pid), ([NONE] * 4, True))

	@needs_root()
	@needs_tool("setpriv")
	def test_those_that_the_master_was_given(self):
		echo, program, accepts = Endpoint.v4(), Endpoint.v4(), Endpoint.v4()
		d = self.daemon(Config({
			"echo": {"handler": "echo", "listen": echo.text},
			"once": {"handler": "exec", "listen": program.text,
				 "command": ["/bin/sh", "-c", "echo $$; read x"]},
			"long": {"handler": "listen", "listen": accepts.text, "command": ["/bin/sleep", "1000"],
				 "program": {"notify": False}, "timeouts": {"start": "100ms"}}},
			user=None, group=None, control={"path": ""}), prefix=LOW)
		self.assertEqual(int(rights(d.pid)[0][1], 16), 1 << 10)
		for pid in proc.children(d.pid):
			self.assertEqual(rights(pid)[0], [NONE] * 4)
		with program.connect() as s:
			pid = int(s.makefile().readline())
			self.assertEqual(rights(pid), ([NONE] * 4, True))

	@needs_root()
	def test_programs_of_root(self):
		"""They may need what root may do, and so may the worker that ends them."""
		endpoint = Endpoint.v4()
		d = self.daemon({"sh": {"handler": "exec", "listen": endpoint.text, "user": "root",
					"command": ["/bin/sh", "-c", "echo $$; read x"]}})
		with endpoint.connect() as s:
			pid = int(s.makefile().readline())
			for each in (pid, proc.stat(pid).ppid):
				self.assertEqual(rights(each)[0][1:3], rights(d.pid)[0][1:3])
				self.assertFalse(rights(each)[1])

	def test_capset_is_refused(self):
		"""By a filter of system calls. Workers that have nothing to give up do not mind."""
		refuse = {"refuse": {"capset": None}}
		for how in (refuse, {**refuse, "uid": NOBODY}) if IS_ROOT else (refuse,):
			alike = {"user": None, "group": None} if "uid" in how else {}
			endpoint = Endpoint.v4()
			self.daemon(Config({"echo": {"handler": "echo", "listen": endpoint.text}}, **alike), how=how)
			self.assertEqual(talk(endpoint, b"x"), b"x")
		if IS_ROOT:
			d = self.daemon({"echo": {"handler": "echo", "listen": Endpoint.v4().text, "user": "root"}},
					how=refuse, start=False)
			self.assertEqual(d.launch().wait(), 71)
			self.assertTrue(d.grep(r"worker leaves: sandbox.capabilities: cannot give up the "
					       r"capabilities \(capset\): Operation not permitted"))

	@needs_root()
	def test_ambient_ones_cannot_be_given_up(self):
		PR_CAP_AMBIENT = 47
		d = self.daemon({"sh": {"handler": "exec", "listen": Endpoint.v4().text, "user": "root",
					"command": ["/bin/true"]}},
				how={"refuse": {"prctl": PR_CAP_AMBIENT}}, start=False)
		self.assertEqual(d.launch().wait(), 71)
		self.assertTrue(d.grep(r"cannot give up the ambient capabilities .*: Operation not permitted"))

	def test_workers_go_first_when_memory_runs_out(self):
		for how in ({}, {"uid": NOBODY}) if IS_ROOT else ({},):
			with self.subTest(how):
				more = {"user": None, "group": None} if how else {}
				d = self.daemon(Config({"echo": {"handler": "echo", "listen": Endpoint.v4().text}},
						       **more), how=how)
				for pid in d.workers():
					self.assertEqual(score(pid), min(score(d.pid) + 100, 1000))


def descriptors(pid):
	"""The descriptors that PID has open, without the numbers that differ."""
	folder = "/proc/%d/fd" % pid
	return sorted(re.sub(r"\d+", "", os.readlink(os.path.join(folder, fd))) for fd in os.listdir(folder))


class Descriptors(Case):
	def look(self, how):
		"""The open descriptors of a worker, of a program for one client, and of a program that accepts."""
		echo, once, accepts = Endpoint.v4(), Endpoint.v4(), Endpoint.v4()
		d = self.daemon({
			"echo": {"handler": "echo", "listen": echo.text},
			"once": {"handler": "exec", "listen": once.text,
				 "command": ["/bin/sh", "-c", "echo $$; read x"]},
			"long": {"handler": "listen", "listen": accepts.text, "command": ["/bin/sleep", "1000"],
				 "program": {"notify": False}, "timeouts": {"start": "100ms"}}}, how=how)
		with once.connect() as s:
			pids = [d.admin.workers("echo")[0]["pid"], int(s.makefile().readline()),
				d.admin.workers("long")[0]["pid"]]
			return [descriptors(pid) for pid in pids]

	def test_close_range_is_refused(self):
		self.assertEqual(self.look({"refuse": {"close_range": None}}), self.look({}))

	def test_they_cannot_be_closed_at_all(self):
		d = self.daemon({"echo": {"handler": "echo", "listen": Endpoint.v4().text}}, start=False,
				how={"refuse": {"close_range": None, "getdents64": None}})
		self.assertEqual(d.launch().wait(), 71)
		self.assertTrue(d.grep("cannot close the descriptors that were inherited: Operation not permitted"))

	def test_those_that_were_inherited_are_closed(self):
		"""A process that waits for the end of a pipe must not wait for the end of the daemon."""
		ours, inherited = os.pipe()
		with open(ours, "rb") as f:
			d = self.daemon({"echo": {"handler": "echo", "listen": Endpoint.v4().text}}, start=False)
			d.start(pass_fds=(inherited,))
			os.close(inherited)
			self.assertEqual(f.read(), b"")


class Memory(ModuleCase):
	"""One user for all, as in the unit."""

	def start(self, source, prefix=(), **more):
		"""A daemon whose workers have the master's user, an ordinary one."""
		alike = {"user": None, "group": None} if IS_ROOT else {}
		service = self.service(self.build(source, "-D_GNU_SOURCE"), **more)
		d = self.daemon(Config(service, **alike), start=False, prefix=prefix,
				how={"uid": NOBODY} if IS_ROOT and not prefix else {})
		if IS_ROOT:
			os.chown(d.folder, NOBODY, -1)
		return d.start()

	def attack(self, d):
		for pid in (d.pid, *d.workers()):
			said = {line for _ in range(6) for line in ask(self.endpoint, str(pid))}
			self.assertLessEqual(said, {"itself", "Operation not permitted, Permission denied"}, pid)

	def test_workers_cannot_write_to_others(self):
		d = self.start(modules.ATTACK)
		self.attack(d)
		self.assertEqual(d.ctl("upgrade").returncode, 0)
		self.attack(d)

	@needs_root()
	@needs_tool("setpriv")
	def test_nor_with_a_right_of_the_master(self):
		self.attack(self.start(modules.ATTACK, prefix=LOW))

	@needs_root()
	def test_nor_of_root(self):
		d = self.daemon(Config(self.service(self.build(modules.ATTACK, "-D_GNU_SOURCE"), user="root")))
		self.attack(d)

	def test_programs_cannot_write_to_the_master(self):
		"""Neither to their worker."""
		endpoint = Endpoint.v4()
		parents = "p=$PPID; read -r _ _ _ m _ </proc/$p/stat; echo $p $m; "
		attack = "for x in $p $m; do (exec 3<>/proc/$x/mem) 2>/dev/null && echo open || echo none; done"
		alike = {"user": None, "group": None} if IS_ROOT else {}
		d = self.daemon(Config({"sh": {"handler": "exec", "listen": endpoint.text,
					       "command": ["/bin/sh", "-c", parents + attack]}}, **alike),
				how={"uid": NOBODY} if IS_ROOT else {})
		said = talk(endpoint).decode().split()
		self.assertEqual(int(said[1]), d.pid)
		self.assertEqual(said[2:], ["none", "none"])

	def test_worker_that_uses_too_much(self):
		"""It measures itself, since the master may not look into it."""
		d = self.start(GREEDY, workers={**FIXED, "max_memory": "32M"})
		old = set(d.workers())
		wait_until(lambda: talk(self.endpoint) and d.grep(r"worker \d+ has .* more than 32M"),
			   "it is noticed", 60)
		wait_until(lambda: talk(self.endpoint) and not old & set(d.workers()), "both are replaced", 60)


main()
