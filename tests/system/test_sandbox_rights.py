#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The keys sandbox.* about the rights of programs: no_new_privileges, capabilities."""

import sys
sys.dont_write_bytecode = True

import grp
import os
import shutil

from harness import *

NOBODY = 65534
KILL, SETGID, SETUID, BIND, NET_RAW = 5, 6, 7, 10, 13	# numbers of capabilities
EXEC, LISTEN = "exec", "listen"


class RightsCase(Case):
	def program(self, handler, shell="echo $$; read x", **more):
		"""A service whose program says its pid, or waits to be looked at."""
		self.endpoint = Endpoint.v4()
		service = {"handler": handler, "listen": self.endpoint.text, "workers": {"min": 1, "max": 1}, **more}
		if handler == LISTEN:
			service.update(command=["/bin/sleep", "1000"], timeouts={"start": "50ms"})
		else:
			service.update(command=["/bin/sh", "-c", shell])
		return service

	def status_of(self, handler, key, **more):
		"""The value of KEY in /proc for the program of such a service."""
		d = self.daemon({"x": self.program(handler, **more)})
		if handler == LISTEN:
			return proc.status(d.admin.workers("x")[0]["pid"], key)
		with self.endpoint.connect() as s:
			return proc.status(int(s.makefile().readline()), key)


class NoNewPrivileges(RightsCase):
	def test_programs_of_others_have_it(self):
		for handler in (EXEC, LISTEN):
			with self.subTest(handler):
				self.assertEqual(self.status_of(handler, "NoNewPrivs"), "1")
				self.assertEqual(self.status_of(handler, "NoNewPrivs",
								sandbox={"no_new_privileges": False}), "0")

	@needs_root()
	def test_programs_of_root_have_it_if_asked(self):
		for handler in (EXEC, LISTEN):
			with self.subTest(handler):
				self.assertEqual(self.status_of(handler, "NoNewPrivs", user="root"), "0")
				self.assertEqual(self.status_of(handler, "NoNewPrivs", user="root",
								sandbox={"no_new_privileges": True}), "1")

	@needs_root()
	def test_set_user_id_files(self):
		"""Count for nothing, or work as before."""
		folder = self.folder("programs", for_workers=True)
		program = shutil.copy("/usr/bin/id", os.path.join(folder, "id"))
		os.chmod(program, 0o4755)
		for sandbox, uid in ({}, b"%d" % NOBODY), ({"no_new_privileges": False}, b"0"):
			self.daemon({"x": self.program(EXEC, program + " -u", user=str(NOBODY), sandbox=sandbox)})
			self.assertEqual(talk(self.endpoint).strip(), uid)

	def test_workers_without_programs_always_have_it(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "sandbox": {"no_new_privileges": False}}})
		self.assertTrue(d.grep(r"services.echo.sandbox.no_new_privileges: has no effect"))
		self.assertEqual(proc.status(d.admin.workers("echo")[0]["pid"], "NoNewPrivs"), "1")


def bits(*numbers):
	return "%016x" % sum(1 << number for number in numbers)


class Capabilities(RightsCase):
	SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")

	def sets_of(self, handler, **more):
		"""Those of the program, and of the worker, if there is one."""
		d = self.daemon({"x": self.program(handler, **more)})
		if handler == LISTEN:
			pid = d.admin.workers("x")[0]["pid"]
			return [proc.status(pid, key) for key in self.SETS], None
		with self.endpoint.connect() as s:
			pid = int(s.makefile().readline())
			return tuple([proc.status(each, key) for key in self.SETS]
				     for each in (pid, proc.stat(pid).ppid))

	@needs_root()
	def test_of_a_program(self):
		raw, none = bits(NET_RAW), bits()
		for handler in (EXEC, LISTEN):
			for spelling in ("CAP_NET_RAW", "net_raw"):
				program, worker = self.sets_of(handler, sandbox={"capabilities": [spelling]})
				self.assertEqual(program, [raw, raw, raw, raw, raw])
				if worker:
					self.assertEqual(worker[1:3], [raw, raw])
			program, _ = self.sets_of(handler, sandbox={"capabilities": []})
			self.assertEqual(program, [none] * 5)

	@needs_root()
	def test_of_a_program_of_root(self):
		raw, none = bits(NET_RAW), bits()
		for handler in (EXEC, LISTEN):
			for more in ({}, {"no_new_privileges": True}):
				program, _ = self.sets_of(handler, user="root",
							  sandbox={"capabilities": ["cap_net_raw"], **more})
				self.assertEqual(program, [raw, raw, raw, raw, none])
				program, _ = self.sets_of(handler, user="root", sandbox={"capabilities": [], **more})
				self.assertEqual(program, [none] * 5)

	@needs_root()
	def test_worker_ends_programs_that_have_changed_their_user(self):
		program, worker = self.sets_of(EXEC, sandbox={"capabilities": ["SETUID", "SETGID"]})
		self.assertEqual(program[1], bits(SETUID, SETGID))
		self.assertEqual(worker[1:3], [bits(SETUID, SETGID, KILL)] * 2)
		shell = ("setsid setpriv --reuid 12345 sleep 1000 >/dev/null & echo $!; "
			 "while ! grep -q ^Uid:.12345 /proc/$!/status; do :; done; exec sleep 1000")
		self.daemon({"x": self.program(EXEC, shell, timeouts={"total": "1s"},
					       sandbox={"capabilities": ["SETUID"]})})
		with self.endpoint.connect() as client:
			pid = int(client.makefile().readline())
			wait_until(lambda: not proc.alive(pid), "it is ended")

	@needs_root()
	@needs_tool("setpriv")
	def test_program_of_root_lacks_what_only_its_worker_needs(self):
		"""Where the bounding set stays as it is, which would give it to the program."""
		d = self.daemon({"x": self.program(EXEC, user="root", sandbox={"capabilities": ["SETUID"],
									       "no_new_privileges": True})},
				prefix=[shutil.which("setpriv"), "--bounding-set=-setpcap"])
		with self.endpoint.connect() as s:
			pid = int(s.makefile().readline())
			self.assertEqual(proc.status(proc.stat(pid).ppid, "CapPrm"), bits(SETUID, KILL))
			self.assertEqual(proc.status(pid, "CapPrm"), bits(SETUID))
		self.assertEqual(d.stop(), 0)

	@needs_root()
	def test_of_a_worker(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"x": {"handler": "echo", "listen": endpoint.text,
				       "sandbox": {"capabilities": ["NET_RAW"]}}})
		raw, none = bits(NET_RAW), bits()
		pid = d.admin.workers("x")[0]["pid"]
		self.assertEqual([proc.status(pid, key) for key in self.SETS], [none, raw, raw, raw, none])

	@needs_root()
	@needs_tool("setpriv")
	def test_those_that_the_daemon_was_given(self):
		"""As the unit does it; without the right to limit the bounding set."""
		low = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups",
		       "--inh-caps=-all,+net_bind_service", "--ambient-caps=+net_bind_service"]
		low[0] = shutil.which("setpriv")
		alike = {"user": None, "group": None, "control": {"path": ""}}
		service = self.program(EXEC, sandbox={"capabilities": ["net_bind_service"]})
		d = self.daemon(Config({"x": service}, **alike), prefix=low)
		with self.endpoint.connect() as s:
			pid = int(s.makefile().readline())
			self.assertEqual([proc.status(pid, key) for key in ("CapPrm", "CapEff", "CapAmb")],
					 [bits(BIND)] * 3)
		self.assertEqual(d.stop(), 0)
		service["sandbox"]["no_new_privileges"] = False
		d = self.daemon(Config({"x": service}, **alike), prefix=low)
		self.assertEqual(len(d.grep(r"services.x.sandbox.capabilities: the bounding set stays as it is")), 1)

	def check(self, *names):
		d = self.daemon({"x": self.program(EXEC, sandbox={"capabilities": list(names)})}, start=False)
		return run_preforkd("--check", "-c", d.config_file)

	def test_the_check(self):
		self.assertRegex(self.check("CAP_NET_ROW").stderr,
				 r"conf:\d+: services.x.sandbox.capabilities: there is no capability \"CAP_NET_ROW\"; "
				 r"did you mean \"CAP_NET_RAW\"")
		self.assertRegex(self.check("syslgo").stderr, r"did you mean \"SYSLOG\"")
		if not IS_ROOT:
			self.assertRegex(self.check("net_raw").stderr, r"the daemon lacks CAP_NET_RAW, so it cannot")


@needs_root()
class Groups(RightsCase):
	def groups(self, **more):
		return sorted(self.status_of(EXEC, "Groups", **more).split())

	def test_exactly_those(self):
		tty = str(grp.getgrnam("tty").gr_gid)
		self.assertEqual(self.groups(groups=["tty", "12345"]), sorted([tty, "12345"]))
		self.assertEqual(self.groups(groups=[]), [])
		self.assertNotEqual(self.groups(), [])

	def test_unknown_one(self):
		d = self.daemon({"x": self.program(EXEC, groups=["tty", "no-such-group"])}, start=False)
		self.assertEqual(d.launch().wait(), 78)
		self.assertTrue(d.grep(r"conf:\d+: services.x.groups: there is no group \"no-such-group\""))


main()
