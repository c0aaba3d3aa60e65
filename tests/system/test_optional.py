#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Services that may be missing: optional = true. They wait until they can be had, and the others serve."""

import sys
sys.dont_write_bytecode = True

import os
import socket
import unittest

from harness import *
from harness.order_case import FAILED, OK, OrderCase


class OptionalCase(OrderCase):
	def setUp(self):
		super().setUp()
		self.kept = Endpoint.v4()

	def services(self, **lacking):
		return {"echo": {"handler": "echo", "listen": self.kept.text},
			"late": {"handler": "echo", "optional": True, "workers": {"min": 1}, **lacking}}

	def start(self, env=None, **lacking):
		"""Without what the service needs."""
		d = self.daemon(Config(self.services(**lacking)), env=env)
		self.assertEqual(talk(self.kept, b"x"), b"x")
		return d

	def waits(self, d, why, name="late"):
		"""Plain in the log, once, and in the status."""
		d.wait_log(r"%s: .*%s.*; the service is optional: it waits, and is tried again" % (name, why))
		service = d.admin.service(name)
		self.assertEqual(service["state"], "waiting")
		self.assertRegex(service["waiting"]["reason"], why)
		self.assertLessEqual(service["waiting"]["next"], 30)
		self.assertRegex(d.ctl("status").stdout, r"    waiting: .*%s.*; tried again in \d+ s" % why)

	def comes(self, d, endpoint=None, word=b"x", name="late"):
		"""By itself; and the log has one line for the failure, and one for the end of the wait."""
		wait_until(lambda: self.state(d, name) == "serving", "it serves")
		d.wait_log(r"%s: it has waited for \d+s, and serves now" % name)
		self.assertIsNone(d.admin.service(name)["waiting"])
		if endpoint is not None:
			self.assertEqual(talk(endpoint, word), word)
		self.assertLessEqual(len(d.grep(r"(?<!services\.)%s: .*is optional: it waits" % name)), 1)
		self.assertEqual(talk(self.kept, b"x"), b"x")


class Start(OptionalCase):
	def test_busy_port(self):
		endpoint = Endpoint.v4()
		with socket.create_server(endpoint.address):
			d = self.start(listen=endpoint.text)
			self.waits(d, "Address already in use")
		self.comes(d, endpoint)
		self.assertEqual(d.stop(), 0)

	def test_folder_of_a_path(self):
		folder = self.path("later")
		endpoint = Endpoint.unix(folder + "/socket")
		d = self.start(listen=endpoint.text)
		self.waits(d, "No such file or directory")
		os.mkdir(folder)
		self.comes(d, endpoint)

	def test_program(self):
		endpoint, program = Endpoint.v4(), self.path("program")
		d = self.start(handler="exec", listen=endpoint.text, command=[program])
		self.waits(d, "No such file or directory")
		self.assertTrue(endpoint.refuses())
		self.write("program", "#!/bin/sh\nexec cat\n", 0o755)
		self.comes(d, endpoint)

	@unittest.skipIf(no_trap(), no_trap())
	def test_name(self):
		endpoint, trap = Endpoint.v4(), Trap(self.folder("trap", for_workers=True))
		trap.set("resolve", "fail")
		d = self.start(env=trap.env, listen="localhost:%d" % endpoint.port)
		self.waits(d, "Temporary failure in name resolution")
		trap.clear("resolve")
		self.comes(d, endpoint)

	@needs_root()
	@unittest.skipIf(no_trap(), no_trap())
	def test_user(self):
		"""The workers look it up. It never runs as anybody else."""
		for handler in ("exec", "listen"):
			with self.subTest(handler):
				endpoint, trap = Endpoint.v4(), Trap(self.folder("trap-" + handler, for_workers=True))
				trap.set("passwd-daemon", "fail")
				out = self.path("who-" + handler)
				d = self.start(env=trap.env, handler=handler, listen=endpoint.text, user="daemon",
					       command=["/bin/sh", "-c", "id -un; exec sleep 1000"],
					       program={"notify": False}, timeouts={"start": "100ms"})
				self.waits(d, 'cannot look up the user "daemon"')
				trap.clear("passwd-daemon")
				self.comes(d)
				if handler == "exec":
					with endpoint.connect() as s:
						self.assertEqual(recv_exact(s, 7), b"daemon\n")
				else:
					d.wait_log(r"late\[?.*daemon")
				self.assertEqual(d.stop(), 0)

	@unittest.skipIf(no_trap(), no_trap())
	def test_workers_that_cannot_start(self):
		endpoint, trap = Endpoint.v4(), Trap(self.folder("trap", for_workers=True))
		flag = self.path("flag")
		d = self.start(handler="listen", listen=endpoint.text, program={"notify": False},
			       timeouts={"start": "100ms"},
			       command=["/bin/sh", "-c", "[ -e %s ] && exec sleep 1000; exit 3" % flag])
		self.waits(d, "its workers cannot start")
		wait_until(lambda: d.admin.service("late")["crashes"] > 5, "several tries")
		self.assertEqual(len(d.grep(r"late: program \d+ exited with status 3|late: .*status 3")), 1)
		self.write("flag", "")
		self.comes(d)

	def test_nothing_else(self):
		"""All services may wait: the daemon is ready, and stops."""
		endpoint = Endpoint.v4()
		services = self.services(listen=endpoint.text)
		del services["echo"]
		with socket.create_server(endpoint.address):
			d = self.daemon(Config(services))
			self.assertEqual(self.state(d, "late"), "waiting")
			self.assertEqual(d.stop(), 0)

	def test_without_the_key(self):
		endpoint = Endpoint.v4()
		with socket.create_server(endpoint.address):
			services = self.services(listen=endpoint.text, optional=False)
			path = self.write("preforkd.conf", Config(services).text())
			done = run_preforkd("-c", path, "-l", "stderr", "-o", "control.path=")
			self.assertEqual(done.returncode, 71)


class Reload(OptionalCase):
	def test_new_service(self):
		"""The verdict is a success with a warning that names it."""
		endpoint = Endpoint.v4()
		d = self.daemon(Config({"echo": self.services()["echo"]}))
		with socket.create_server(endpoint.address):
			done = d.reload(Config(self.services(listen=endpoint.text)))
			self.assertEqual((done.returncode, done.stdout),
					 (OK, "generation 2: 0 services changed, 1 added, 0 removed\n"))
			self.assertRegex(done.stderr, r"services\.late: .*Address already in use by .*; the service is "
				      r"optional: it waits, and is tried again")
			self.waits(d, "Address already in use")
			done = d.reload()
			self.assertEqual((done.returncode, done.stdout), (OK, "nothing has changed\n"))
			self.assertIn("services.late: ", done.stderr)
		self.comes(d, endpoint)

	def test_new_service_that_can_be_had(self):
		endpoint = Endpoint.v4()
		d = self.daemon(Config({"echo": self.services()["echo"]}))
		done = d.reload(Config(self.services(listen=endpoint.text)))
		self.assertEqual((done.returncode, done.stderr), (OK, ""))
		self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(d.grep("late: .*wait"), [])

	def test_program(self):
		"""Told by the check of the configuration, once."""
		endpoint, program = Endpoint.v4(), self.path("program")
		lacking = {"handler": "exec", "listen": endpoint.text, "command": [program]}
		d = self.daemon(Config({"echo": self.services()["echo"]}))
		done = d.reload(Config(self.services(**lacking)))
		self.assertEqual(done.returncode, OK, done.stderr)
		self.assertEqual(done.stderr.count("services.late"), 1, done.stderr)
		self.assertIn("the service is optional, and waits for it", done.stderr)
		self.write("program", "#!/bin/sh\nexec cat\n", 0o755)
		self.comes(d, endpoint)

	def test_workers_that_cannot_start(self):
		endpoint = Endpoint.v4()
		d = self.daemon(Config({"echo": self.services()["echo"]}))
		done = d.reload(Config(self.services(handler="listen", listen=endpoint.text, command=["/bin/false"])))
		self.assertEqual(done.returncode, OK, done.stderr)
		self.assertIn("services.late: its workers cannot start; the service is optional", done.stderr)
		self.waits(d, "its workers cannot start")

	def test_waiting_service_is_mended(self):
		"""Its configuration may change while it waits."""
		busy, free = Endpoint.v4(), Endpoint.v4()
		with socket.create_server(busy.address):
			d = self.start(listen=busy.text)
			done = d.reload(Config(self.services(listen=free.text)))
			self.assertEqual((done.returncode, done.stdout, done.stderr),
					 (OK, "generation 2: 1 service changed, 0 added, 0 removed\n", ""))
			self.comes(d, free)

	def test_waiting_service_is_removed(self):
		busy = Endpoint.v4()
		with socket.create_server(busy.address):
			d = self.start(listen=busy.text)
			services = self.services(listen=busy.text)
			del services["late"]
			done = d.reload(Config(services))
			self.assertEqual((done.returncode, done.stderr), (OK, ""))
			self.assertEqual([s["name"] for s in d.admin.status()["services"]], ["echo"])
			done = d.reload(Config({**self.services(listen=busy.text, enabled=False)}))
			self.assertEqual(self.state(d, "late"), "disabled")

	def serve(self, **more):
		self.endpoint, self.moved = Endpoint.v4(), Endpoint.v4()
		self.busy = socket.create_server(self.moved.address)
		self.addCleanup(self.busy.close)
		d = self.start(listen=self.endpoint.text, **more)
		wait_until(lambda: self.state(d, "late") == "serving", "it serves")
		return d

	def move(self, d, **more):
		done = d.reload(Config(self.services(listen=self.moved.text, **more)))
		self.assertEqual(done.returncode, OK, done.stderr)
		self.assertRegex(done.stderr, "Address already in use by .*; the service is optional: it waits, and is "
				 "tried again; what served before serves on")
		self.assertEqual(self.state(d, "late"), "waiting")

	def test_service_that_serves(self):
		"""The workers from before serve on until the new address can be had, and leave then."""
		d = self.serve()
		with hold(self.endpoint) as client:
			self.move(d)
			self.assertEqual(talk(self.endpoint, b"x"), b"x")
			self.busy.close()
			wait_until(lambda: self.state(d, "late") == "serving", "it serves at the new address")
			self.assertEqual(talk(self.moved, b"x"), b"x")
			wait_until(self.endpoint.refuses, "the former address is gone")
			client.sendall(b"still")
			self.assertEqual(recv_exact(client, 5), b"still")
		wait_until(lambda: d.admin.service("late")["workers"]["retiring"] == 0, "the former workers are gone")
		self.assertEqual(d.stop(), 0)

	def test_program_that_serves(self):
		program = {"handler": "listen", "command": ["/bin/sleep", "1000"], "timeouts": {"start": "100ms"}}
		d = self.serve(**program)
		before = d.admin.workers("late")
		self.move(d, **program)
		self.assertEqual([w["pid"] for w in d.admin.workers("late")], [w["pid"] for w in before])
		self.busy.close()
		wait_until(lambda: self.state(d, "late") == "serving", "it serves at the new address")
		wait_until(lambda: [w["listener"] for w in d.admin.workers("late")] == [self.moved.text],
			   "the former program is gone")
		self.assertEqual(d.stop(), 0)

	def test_service_that_serves_and_is_removed(self):
		d = self.serve()
		self.move(d)
		services = self.services()
		del services["late"]
		done = d.reload(Config(services))
		self.assertEqual((done.returncode, done.stdout),
				 (OK, "generation 3: 0 services changed, 0 added, 1 removed\n"))
		wait_until(self.endpoint.refuses, "it is gone")
		wait_until(lambda: all(w["service"] == "echo" for w in d.admin.workers()), "no worker is left")

	def test_service_that_serves_and_is_mended(self):
		"""By a configuration in which it is not even optional."""
		d = self.serve()
		self.move(d)
		done = d.reload(Config(self.services(listen=self.endpoint.text, optional=False)))
		self.assertEqual((done.returncode, done.stderr), (OK, ""))
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.assertEqual(self.state(d, "late"), "serving")
		wait_until(lambda: d.admin.service("late")["workers"]["retiring"] == 0, "the former workers are gone")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")

	def test_service_that_serves_and_lends_its_address(self):
		d = self.serve()
		services = self.services(listen=self.moved.text)
		services["heir"] = {"handler": "daytime", "listen": self.endpoint.text}
		self.assertEqual(d.reload(Config(services)).returncode, OK)
		self.assertEqual(self.state(d, "late"), "waiting")
		wait_until(lambda: d.admin.workers("late") == [], "no former worker takes clients of the heir")
		self.assertRegex(talk(self.endpoint), rb"\d\d:\d\d")

	def test_service_that_serves_and_drain(self):
		d = self.serve()
		self.move(d)
		self.ordered(d, "drain")
		wait_until(self.endpoint.refuses, "it is drained")
		self.assertEqual(d.stop(), 0)

	def test_service_that_serves_and_upgrade(self):
		d = self.serve()
		self.move(d)
		self.ordered(d, "upgrade")
		self.assertEqual(self.state(d, "late"), "waiting")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.busy.close()
		wait_until(lambda: self.state(d, "late") == "serving", "it serves at the new address")
		wait_until(self.endpoint.refuses, "the former address is gone")
		self.assertEqual(talk(self.moved, b"x"), b"x")

	@unittest.skipIf(no_trap(), no_trap())
	def test_name_of_a_service_that_serves(self):
		"""The name server is away: the service goes on."""
		endpoint, trap = Endpoint.v4(), Trap(self.folder("trap", for_workers=True))
		d = self.start(env=trap.env, listen="localhost:%d" % endpoint.port)
		wait_until(lambda: self.state(d, "late") == "serving", "it serves")
		trap.set("resolve", "fail")
		services = self.services(listen="localhost:%d" % endpoint.port)
		services["echo"]["backlog"] = 100
		done = d.reload(Config(services))
		self.assertEqual(done.returncode, OK, done.stderr)
		self.assertIn("Temporary failure", done.stderr)
		self.assertEqual(talk(endpoint, b"x"), b"x")


class Orders(OptionalCase):
	def setUp(self):
		super().setUp()
		self.endpoint = Endpoint.v4()
		self.busy = socket.create_server(self.endpoint.address)
		self.addCleanup(self.busy.close)
		self.d = self.start(listen=self.endpoint.text)
		self.waits(self.d, "Address already in use")

	def test_answers(self):
		d = self.d
		self.ordered(d, "resize", "late", "1", "2", status=FAILED,
			     said="the service waits, and has no workers: ")
		self.ordered(d, "restart", "late", status=FAILED, said="; it is tried again now")
		self.ordered(d, "resume", "late", said="was not paused; the service waits: ")
		self.ordered(d, "workers", "late")
		done = d.ctl("explain", "127.0.0.1")
		self.assertEqual(done.returncode, FAILED)
		self.assertRegex(done.stdout, r"(?m)^late: waits, and serves nobody: .*Address already in use by .*$")
		self.assertIn("echo: lets 127.0.0.1 in", done.stdout)
		self.assertIn("Address already in use", d.ctl("status", "late").stdout)
		d.kill(10)
		d.wait_log("state: serving: 1 service.*; waiting: late: ")
		self.assertEqual(d.stop(), 0)

	def test_pause(self):
		self.ordered(self.d, "pause", "late", said="paused; the service waits: ")
		self.busy.close()
		wait_until(lambda: self.state(self.d, "late") == "paused", "it is there")
		self.ordered(self.d, "resume", "late")
		self.comes(self.d, self.endpoint)

	def test_restart_tries_at_once(self):
		wait_until(lambda: self.d.admin.service("late")["waiting"]["next"] > 3, "a long pause")
		self.busy.close()
		self.ordered(self.d, "restart", "late", status=FAILED, said="it is tried again now")
		wait_until(lambda: self.state(self.d, "late") == "serving", "it serves", 10)

	def test_drain(self):
		self.ordered(self.d, "drain")
		self.busy.close()
		wait_until(lambda: self.state(self.d, "late") == "drained", "it is bound, for later")
		self.assertTrue(self.endpoint.refuses())
		self.ordered(self.d, "undrain")
		self.comes(self.d, self.endpoint)

	def test_upgrade(self):
		"""The new image tries it, too."""
		self.ordered(self.d, "upgrade")
		self.assertEqual(self.state(self.d, "late"), "waiting")
		self.busy.close()
		wait_until(lambda: self.state(self.d, "late") == "serving", "it serves")
		self.ordered(self.d, "upgrade")
		self.assertEqual(self.state(self.d, "late"), "serving")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		wait_until(lambda: self.d.admin.service("late")["workers"]["retiring"] == 0, "those of before leave")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")

	def test_others_are_changed_meanwhile(self):
		self.ordered(self.d, "restart", "echo")
		self.assertEqual(self.state(self.d, "late"), "waiting")
		self.busy.close()
		self.comes(self.d, self.endpoint)
		self.ordered(self.d, "restart", "echo")
		self.assertEqual([s["name"] for s in self.d.admin.status()["services"]], ["echo", "late"])


main()
