#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Orders that meet each other: each caller hears what is true, and no order undoes another by accident."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import subprocess
import unittest

from harness import *
from harness.order_case import FAILED, OK, OrderCase, fixed

def echo(endpoint, n=2, **more):
	return {"handler": "echo", "listen": endpoint.text, "workers": fixed(n), **more}


class VerdictCase(OrderCase):
	def stop_worker(self, d, name="echo"):
		"""A worker that hears nothing until the test is over."""
		pid = d.admin.told("workers", service=name)["workers"][0]["pid"]
		os.kill(pid, signal.SIGSTOP)
		self.addCleanup(lambda: proc.alive(pid) and os.kill(pid, signal.SIGCONT))
		wait_until(lambda: proc.status(pid, "State").startswith("T"), "it is stopped")
		return pid

	def in_background(self, d, *command):
		"""A preforkctl that waits."""
		p = subprocess.Popen([PREFORKCTL, "-s", d.control, *command], stdout=subprocess.PIPE,
				     stderr=subprocess.STDOUT, text=True)
		self.addCleanup(lambda: (p.kill() if p.poll() is None else None, p.wait(), p.stdout.close()))
		return p

	def verdict_of(self, p, timeout=PATIENCE):
		status = p.wait(timeout)
		return status, p.stdout.read()


class Pause(VerdictCase):
	def test_survives_a_drain(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"echo": echo(a), "other": echo(b)})
		self.ordered(d, "pause", "echo", said="paused: clients wait")
		with a.connect() as waiting:
			waiting.sendall(b"still here")
			wait_until(lambda: d.admin.service("echo")["listeners"][0]["queue"] == 1, "it is queued")
			self.ordered(d, "drain", said="drained")
			self.assertEqual(self.state(d, "other"), "drained")
			self.ordered(d, "undrain", said="undrained")
			self.assertEqual((self.state(d), self.state(d, "other")), ("paused", "serving"))
			self.assertEqual(talk(b, b"x"), b"x")
			self.ordered(d, "resume", "echo", said="resumed")
			self.assertEqual(recv_exact(waiting, 10), b"still here")
		self.assertEqual(d.stop(), 0)

	def test_during_an_undrain(self):
		"""A unix socket whose queue is served first comes back all the same."""
		a = Endpoint.unix(self.path("s"))
		d = self.daemon({"echo": echo(a, 1)})
		with hold(a) as held:
			queued = a.connect()
			queued.sendall(b"queued")
			job = d.admin.told("drain")["job"]
			back = d.admin.told("undrain")["job"]
			self.assertEqual(d.admin.verdict(job)["text"], "undrained meanwhile")
			self.ordered(d, "pause", "echo")
			self.assertFalse(d.admin.told("job", job=back)["done"])
			self.ordered(d, "resume", "echo")
			held.close()
			self.assertEqual(recv_exact(queued, 6), b"queued")
			queued.close()
		self.assertIs(d.admin.verdict(back)["success"], True)
		wait_until(lambda: self.state(d) == "serving", "it serves")
		self.assertEqual(talk(a, b"again"), b"again")
		self.assertEqual(d.stop(), 0)

	def test_while_drained(self):
		a = Endpoint.v4()
		d = self.daemon({"echo": echo(a)})
		self.ordered(d, "drain")
		self.ordered(d, "pause", "echo", said="paused; the daemon is drained")
		self.ordered(d, "undrain")
		self.assertEqual(self.state(d), "paused")
		self.ordered(d, "resume", "echo")
		self.assertEqual(talk(a, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_a_worker_that_hears_nothing(self):
		"""An idle one is killed; one that has a client is not, and may take the next one later."""
		a = Endpoint.v4()
		d = self.daemon({"echo": echo(a, 1)})
		with hold(a, b"busy"):
			pid = self.stop_worker(d)
			self.ordered(d, "pause", "echo", status=FAILED,
				     said="paused, but 1 worker has not heard it (pid %d)" % pid)
			self.assertEqual(self.state(d), "paused")

	def test_workers_of_another_service_do_not_matter(self):
		d = self.daemon({"echo": echo(Endpoint.v4()), "other": echo(Endpoint.v4())})
		self.stop_worker(d, "other")
		slow = d.admin.told("pause", service="other")["job"]
		self.ordered(d, "pause", "echo", said="paused: clients wait")
		self.assertFalse(d.admin.told("job", job=slow)["done"])

	def test_of_a_service_that_a_reload_removes(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"echo": echo(a), "other": echo(b)})
		self.stop_worker(d)
		waiting = self.in_background(d, "pause", "echo")
		wait_until(lambda: self.state(d) == "paused", "it has begun")
		d.configure(Config({"other": echo(b)}))
		d.ctl("reload")
		status, text = self.verdict_of(waiting)
		self.assertEqual(status, FAILED, text)
		self.assertIn("service echo was removed meanwhile", text)

	def test_resumed_meanwhile(self):
		d = self.daemon({"echo": echo(Endpoint.v4())})
		self.stop_worker(d)
		waiting = self.in_background(d, "pause", "echo")
		wait_until(lambda: self.state(d) == "paused", "it has begun")
		self.ordered(d, "resume", "echo", said="resumed")
		status, text = self.verdict_of(waiting)
		self.assertEqual((status, "resumed meanwhile" in text), (FAILED, True), text)

	def test_stopped_meanwhile(self):
		d = self.daemon({"echo": echo(Endpoint.v4())})
		self.stop_worker(d)
		job = d.admin.told("pause", service="echo")["job"]
		with d.admin.connect(PATIENCE) as s:
			s.sendall(frame({"command": "job", "job": job}))
			self.assertTrue(d.admin.told("stop", now=True)["ok"])
			reply = read_reply(s)
		self.assertEqual((reply["done"], reply["success"], reply["text"]), (True, False, "the daemon stops"))
		d.wait()


class Jobs(VerdictCase):
	def test_many_others_do_not_erase_a_verdict(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"echo": echo(a), "other": echo(b)})
		self.stop_worker(d)	# the reload waits for it
		d.configure(Config({"echo": echo(a, timeouts={"idle": "50s"}), "other": echo(b)}))
		job = d.admin.told("reload")["job"]
		for _ in range(12):
			self.ordered(d, "pause", "other")
			self.ordered(d, "resume", "other")
		verdict = d.admin.verdict(job)
		self.assertEqual((verdict["success"], verdict["text"]),
				 (True, "generation 2: 1 service changed, 0 added, 0 removed"))
		self.assertEqual(d.stop(), 0)

	def test_a_drain_outlives_an_exec(self):
		a = Endpoint.v4()
		d = self.daemon({"echo": echo(a, 1)})
		with hold(a) as held:
			served, queued = a.connect(), a.connect()	# the new worker takes one of them
			served.sendall(b"served")
			queued.sendall(b"queued")
			wait_until(lambda: d.admin.service("echo")["listeners"][0]["queue"] == 2, "they are queued")
			drain = self.in_background(d, "drain")
			wait_until(lambda: self.state(d) == "draining", "it has begun")
			self.ordered(d, "upgrade", said="upgraded")
			self.assertEqual(recv_exact(served, 6), b"served")
			self.assertIsNone(drain.poll())
			held.close()
			served.close()
			self.assertEqual(recv_exact(queued, 6), b"queued")
			queued.close()
		status, text = self.verdict_of(drain)
		self.assertEqual(status, OK, text)
		self.assertEqual(self.state(d), "drained")
		self.ordered(d, "undrain")
		self.assertEqual(talk(a, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	@unittest.skipIf(no_trap(), no_trap())
	def test_a_reload_is_owed_across_an_exec(self):
		"""The file may have changed after the new binary has read it."""
		a = Endpoint.v4()
		trap = Trap(self.folder("trap"))
		d = self.daemon({"echo": echo(a)}, env=trap.env)
		trap.set("setup", "sleep 1500")
		upgrade = self.in_background(d, "upgrade")
		wait_until(lambda: d.admin.status()["state"] == "upgrading", "it rehearses")
		reload = self.in_background(d, "reload")
		wait_until(lambda: d.grep("reload: ordered"), "it waits")
		d.configure(Config({"echo": echo(a), "more": echo(Endpoint.v4())}))
		trap.set("setup", "sleep 1")
		self.assertEqual(self.verdict_of(upgrade)[0], OK)
		status, text = self.verdict_of(reload)
		self.assertEqual(status, OK, text)
		self.assertEqual(len(d.admin.status()["services"]), 2)
		self.assertEqual(d.stop(), 0)


class Drain(VerdictCase):
	def program(self, endpoint, seconds, start):
		return {"handler": "listen", "listen": endpoint.text, "command": ["/bin/sleep", str(seconds)],
			"timeouts": {"start": start}, "workers": {"min": 1}}

	def runs(self, d, seconds):
		return any("sleep %d" % seconds in proc.title(pid) for pid in proc.children(d.pid))

	def test_a_paused_service_turns_clients_away(self):
		"""Only clients that are queued wait for the resume."""
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"echo": echo(a), "prog": self.program(b, 1000, "100ms")})
		self.ordered(d, "pause", "echo")
		self.ordered(d, "pause", "prog")
		self.ordered(d, "drain", said="drained: clients are turned away")
		for endpoint in (a, b):
			with self.assertRaises(ConnectionRefusedError):
				endpoint.connect()
		wait_until(lambda: (self.state(d), self.state(d, "prog")) == ("drained", "drained"), "all are drained")
		self.ordered(d, "undrain", said="undrained")
		self.assertEqual(self.state(d), "paused")
		self.ordered(d, "resume", "echo")
		self.assertEqual(talk(a, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_of_a_program_that_a_reload_adds(self):
		"""It listens already, for its proof."""
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"echo": echo(a)})
		d.configure(Config({"echo": echo(a), "prog": self.program(b, 1001, "20s")}))
		job = d.admin.told("reload")["job"]
		wait_until(lambda: self.runs(d, 1001), "it is to prove itself")
		self.ordered(d, "drain", said="drained")
		self.assertIs(d.admin.verdict(job)["success"], True)
		wait_until(lambda: self.state(d, "prog") == "drained", "it is drained, too")
		with self.assertRaises(ConnectionRefusedError):
			b.connect()
		self.assertEqual(d.stop(), 0)

	def test_a_program_that_is_paused_while_it_proves_itself(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"prog": self.program(a, 1001, "200ms")})
		d.configure(Config({"prog": self.program(a, 1002, "19s"), "slow": self.program(b, 1003, "20s")}))
		job = d.admin.told("reload")["job"]
		wait_until(lambda: self.runs(d, 1002), "it is to prove itself")
		self.ordered(d, "pause", "prog", said="paused")
		wait_until(lambda: not self.runs(d, 1002), "it does not accept any more")
		self.assertEqual(d.admin.status()["state"], "reloading")
		self.ordered(d, "resume", "prog")
		self.ordered(d, "cancel")
		self.assertIn("cancelled", d.admin.verdict(job)["reasons"])
		self.assertEqual(d.stop(), 0)


class ReloadMeetsDrain(VerdictCase):
	@unittest.skipIf(no_trap(), no_trap())
	def test_drained_and_undrained_before_the_commit(self):
		"""The undrain makes a new unix socket, which the new generation must have."""
		for i, a in enumerate((Endpoint.unix(self.path("s")), Endpoint.v4())):
			trap = Trap(self.folder("trap%d" % i))
			d = self.daemon({"echo": echo(a)}, env=trap.env)
			trap.set("setup", "sleep 1500")
			d.configure(Config({"echo": echo(a, timeouts={"idle": "50s", "drain": "19s"})}))
			job = d.admin.told("reload")["job"]
			wait_until(lambda: d.admin.status()["state"] == "reloading", "it has begun")
			self.ordered(d, "drain", said="drained")
			self.ordered(d, "undrain", said="undrained")
			self.assertFalse(d.admin.told("job", job=job)["done"])
			trap.set("setup", "sleep 1")
			self.assertIs(d.admin.verdict(job)["success"], True)
			self.assertEqual(talk(a, b"x"), b"x")
			self.assertEqual(d.stop(), 0)


class Resize(VerdictCase):
	@unittest.skipIf(no_trap(), no_trap())
	def test_during_a_reload(self):
		"""It holds until the next reload, not until this one."""
		a = Endpoint.v4()
		trap = Trap(self.folder("trap"))
		d = self.daemon({"echo": echo(a)}, env=trap.env)
		trap.set("setup", "sleep 1000")
		d.configure(Config({"echo": echo(a, handler="daytime")}))
		job = d.admin.told("reload")["job"]
		wait_until(lambda: d.admin.status()["state"] == "reloading", "it has begun")
		self.ordered(d, "resize", "echo", "1", "1")
		self.assertIs(d.admin.verdict(job)["success"], True)
		self.assertEqual(d.admin.service("echo")["workers"]["max"], 1)
		trap.set("setup", "sleep 1")
		self.assertEqual(d.stop(), 0)


class Reload(VerdictCase):
	def test_names_a_worker_that_hears_nothing(self):
		"""It is in force; that worker may take one more client."""
		a = Endpoint.v4()
		d = self.daemon({"echo": echo(a, 1)})
		with hold(a, b"busy"):
			pid = self.stop_worker(d)
			d.configure(Config({"echo": echo(a, 1, timeouts={"idle": "50s"})}))
			verdict = d.admin.order("reload")
		self.assertIs(verdict["success"], True)
		self.assertIn("the change is in force, but 1 worker has not heard it (pid %d)" % pid,
			      verdict["reasons"])
		self.assertEqual(talk(a, b"x"), b"x")


class Stop(VerdictCase):
	def test_a_signal_after_an_order_is_patient(self):
		a = Endpoint.v4()
		d = self.daemon({"echo": echo(a)})
		with hold(a) as held:
			self.assertTrue(d.admin.told("stop")["ok"])
			d.wait_log("stopping")
			d.kill(signal.SIGTERM)
			self.assertTrue(d.admin.ask("ping")["ok"])	# it has been heard by then
			held.sendall(b"served to the end")
			self.assertEqual(recv_exact(held, 17), b"served to the end")
			d.kill(signal.SIGTERM)
			d.wait_log("told to stop again: now")
		self.assertEqual(d.wait(), 0)


class Upgrade(VerdictCase):
	def test_a_new_service_that_fails_ends_nothing(self):
		a = Endpoint.v4()
		d = self.daemon({"echo": echo(a)})
		d.configure(Config({"echo": echo(a),
				    "bad": {"handler": "listen", "listen": Endpoint.v4().text, "workers": {"min": 1},
					    "command": ["/bin/sh", "-c", "sleep 0.3; exit 3"]}}))
		with hold(a, b"before") as held:
			self.ordered(d, "upgrade", status=FAILED, said="services.bad: its workers cannot start")
			held.sendall(b"after")
			self.assertEqual(recv_exact(held, 5), b"after")
		self.assertEqual(talk(a, b"x"), b"x")
		self.assertEqual(d.admin.status()["state"], "serving")
		self.assertIn(self.state(d, "bad"), ("throttled", "starting"))
		self.assertEqual(d.stop(), 0)

	def test_a_program_with_another_file_is_not_started_by_an_upgrade(self):
		"""A restart is for that; and where the new file ends soon after its start, those of before stay."""
		bad = self.path("bad")
		program = ["/bin/sh", "-c", "test -e %s || exec sleep 1000; sleep 1.3; exit 3" % bad]
		d = self.daemon({"prog": {"handler": "listen", "listen": Endpoint.v4().text, "command": program,
					  "timeouts": {"start": "300ms"}, "workers": {"min": 2}}})
		before = {w["pid"] for w in d.admin.told("workers", service="prog")["workers"]}
		self.write("bad", "")
		self.ordered(d, "upgrade", said="upgraded: ")
		self.ordered(d, "restart", "prog", status=FAILED, said="ended with status 3")
		self.assertEqual({pid for pid in before if proc.alive(pid)}, before)
		os.unlink(bad)
		self.ordered(d, "restart", "prog", said="prog: restarted")
		wait_until(lambda: not any(map(proc.alive, before)), "those of before have gone")
		self.assertEqual(self.state(d, "prog"), "serving")
		self.assertEqual(d.stop(), 0)


class Restart(VerdictCase):
	def pids(self, d):
		return {w["pid"] for w in d.admin.told("workers", service="echo")["workers"]}

	def test_all_workers_anew(self):
		a = Endpoint.v4()
		d = self.daemon({"echo": echo(a)})
		before = self.pids(d)
		with hold(a, b"before") as held:
			self.ordered(d, "restart", "echo", said="echo: restarted")
			held.sendall(b"after")
			self.assertEqual(recv_exact(held, 5), b"after")
			self.assertEqual(talk(a, b"x"), b"x")
		wait_until(lambda: not before & self.pids(d), "the former ones have gone")
		self.assertEqual(d.admin.status()["generation"], 1)
		self.assertEqual(d.stop(), 0)

	def test_keeps_what_was_resized(self):
		a = Endpoint.v4()
		d = self.daemon({"echo": echo(a)})
		self.ordered(d, "resize", "echo", "1", "3")
		self.ordered(d, "restart", "echo")
		self.assertEqual(d.admin.service("echo")["workers"]["max"], 3)
		self.assertEqual(d.stop(), 0)

	def test_ends_a_back_off(self):
		good = self.write("good", "")
		program = ["/bin/sh", "-c", "test -e %s && exec sleep 1000; exit 3" % good]
		d = self.daemon({"echo": echo(Endpoint.v4()),
				 "prog": {"handler": "listen", "listen": Endpoint.v4().text, "command": program,
					  "timeouts": {"start": "300ms"}, "workers": {"min": 1}}})
		os.unlink(good)
		os.kill(d.admin.told("workers", service="prog")["workers"][0]["pid"], signal.SIGKILL)
		wait_until(lambda: self.state(d, "prog") == "throttled", "it is held back", 60)
		self.write("good", "")
		self.ordered(d, "restart", "prog", said="prog: restarted")
		self.assertEqual(self.state(d, "prog"), "serving")
		self.assertEqual(d.stop(), 0)

	def test_one_that_cannot_start(self):
		good = self.write("good", "")
		program = ["/bin/sh", "-c", "test -e %s && exec sleep 1000; exit 3" % good]
		d = self.daemon({"prog": {"handler": "listen", "listen": Endpoint.v4().text, "command": program,
					  "timeouts": {"start": "300ms"}, "workers": {"min": 1}}})
		before = [w["pid"] for w in d.admin.told("workers", service="prog")["workers"]]
		os.unlink(good)
		self.ordered(d, "restart", "prog", status=FAILED, said="restart rejected; all goes on as before")
		self.assertEqual([w["pid"] for w in d.admin.told("workers", service="prog")["workers"]], before)
		self.assertEqual(d.stop(), 0)

	def test_of_a_paused_service(self):
		d = self.daemon({"echo": echo(Endpoint.v4())})
		self.ordered(d, "pause", "echo")
		self.ordered(d, "restart", "echo", said="starts anew when it is resumed")
		self.ordered(d, "resume", "echo")
		self.ordered(d, "drain")
		self.ordered(d, "restart", "echo", said="starts anew when it is undrained")
		self.assertEqual(d.stop(), 0)

	def test_of_a_service_that_is_not_there(self):
		d = self.daemon({"echo": echo(Endpoint.v4())})
		self.ordered(d, "restart", "nosuch", status=FAILED, said='there is no service "nosuch"')
		self.assertEqual(d.ctl("restart").returncode, 64)
		self.assertEqual(d.stop(), 0)


class Cancel(VerdictCase):
	def test_nothing_to_cancel(self):
		d = self.daemon({"echo": echo(Endpoint.v4())})
		self.ordered(d, "cancel", status=FAILED, said="there is nothing that could be cancelled")
		self.assertEqual(d.stop(), 0)

	@unittest.skipIf(no_trap(), no_trap())
	def test_a_reload_that_is_proved(self):
		a = Endpoint.v4()
		trap = Trap(self.folder("trap"))
		d = self.daemon({"echo": echo(a)}, env=trap.env)
		before = set(d.workers())
		trap.set("setup", "hang")
		d.configure(Config({"echo": echo(a, handler="daytime")}))
		waiting = self.in_background(d, "reload")
		wait_until(lambda: d.admin.status()["state"] == "reloading", "it has begun")
		self.ordered(d, "cancel", said="cancelled: all goes on as before")
		status, text = self.verdict_of(waiting)
		self.assertEqual(status, FAILED)
		self.assertIn("reload rejected; all goes on as before", text)
		self.assertIn("cancelled", text)
		self.assertEqual(talk(a, b"x"), b"x")
		wait_until(lambda: set(d.workers()) == before, "what was to be proved has gone")
		trap.set("setup", "sleep 1")
		self.assertEqual(d.stop(), 0)

	def test_in_force_already(self):
		a = Endpoint.v4()
		d = self.daemon({"echo": echo(a)})
		self.stop_worker(d)	# the verdict waits for it
		d.configure(Config({"echo": echo(a, timeouts={"idle": "50s"})}))
		job = d.admin.told("reload")["job"]
		wait_until(lambda: d.admin.status()["generation"] == 2, "it is in force")
		self.ordered(d, "cancel", status=FAILED, said="the new configuration is in force already")
		self.assertIs(d.admin.verdict(job)["success"], True)
		self.assertEqual(d.stop(), 0)


main()
