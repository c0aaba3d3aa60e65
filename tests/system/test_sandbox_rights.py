#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The keys sandbox.* about the rights of programs: no_new_privileges."""

import sys
sys.dont_write_bytecode = True

import os
import shutil

from harness import *

NOBODY = 65534
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
		"""What /proc says of the program of such a service."""
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


main()
