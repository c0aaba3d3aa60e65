#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Upgrades at a bad moment: beside other operations, with what crashes, hangs or is killed."""

import sys
sys.dont_write_bytecode = True

import os
import shutil
import signal
import threading
import time

from harness import *
from harness.upgrade_case import UpgradeCase, echo, image


class Unlucky(UpgradeCase):
	"""Something else happens during an upgrade."""

	HANGS = "#!/bin/sh\nexec sleep 600\n"

	def test_workers_that_die_during_the_exec(self):
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a, workers={"min": 12, "max": 24, "max_spare": 12})})
		for _ in range(5):
			d.wait_workers(12)
			victims = d.workers()[:8]
			mark = d.mark()
			self.put(PREFORKD)
			d.kill(signal.SIGUSR2)
			d.wait_log("executing ", since=mark)
			for pid in victims:
				try:
					os.kill(pid, signal.SIGKILL)
				except ProcessLookupError:	# the new image was faster, and has retired it
					pass
			d.wait_log("upgraded: ", since=mark)
			wait_until(lambda: proc.zombies(d.pid) == [], "all that died are reaped")
			self.assertEqual(talk(a, b"x"), b"x")
			wait_until(lambda: d.admin.service("echo")["workers"]["retiring"] == 0, "the old ones are gone")
			wait_until(lambda: d.admin.service("echo")["workers"]["idle"] == 12, "the pool is complete")
		self.assertEqual(d.stop(), 0)

	def hanging(self, **options):
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)}, **options)
		self.put_text(self.HANGS)
		d.admin.told("upgrade")
		wait_until(lambda: [p for p in proc.children(d.pid) if "sleep" in proc.title(p)], "the rehearsal hangs")
		return a, d

	def test_the_master_is_killed_in_the_rehearsal(self):
		a, d = self.hanging()
		with hold(a):
			d.kill(signal.SIGKILL)
			d.wait()
			wait_until(lambda: not d.remains(), "nothing is left of it", 10)
		self.put(PREFORKD)
		d = self.daemons[-1] = self.daemon(Config({"echo": echo(a)}, control={"path": d.control}),
						   binary=self.binary)
		self.assertEqual(talk(a, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_told_to_stop_in_the_rehearsal(self):
		a, d = self.hanging()
		with hold(a) as s:
			d.kill(signal.SIGTERM)
			self.assertIsNotNone(d.notify.wait("STOPPING=1"))
			s.sendall(b"to the end")
			self.assertEqual(recv_exact(s, 10), b"to the end")
		start = time.monotonic()
		self.assertEqual(d.wait(), 0)
		self.assertLess(time.monotonic() - start, 5)
		wait_until(lambda: not d.remains(), "no process left", 5)
		self.assertLess(d.notify.seen("READY=1")[-1][0], d.notify.seen("STOPPING=1")[0][0])

	def test_who_waits_is_told_of_the_stop(self):
		_, d = self.hanging()
		job = d.admin.told("upgrade")["job"]
		answers = []
		thread = threading.Thread(target=lambda: answers.append(d.admin.ask("job", job=job)), daemon=True)
		thread.start()
		d.kill(signal.SIGTERM)
		self.assertEqual(d.wait(), 0)
		thread.join(PATIENCE)
		self.assertFalse(answers and answers[0].get("success"), answers)

	def test_asked_again(self):
		"""The same one is meant."""
		_, d = self.hanging()
		first = d.admin.told("upgrade")["job"]
		self.assertEqual(d.admin.told("upgrade")["job"], first)
		d.kill(signal.SIGUSR2)
		self.assertEqual(d.admin.told("upgrade")["job"], first)
		self.assertEqual(d.stop(), 0)

	@staticmethod
	def state_or_none(d):
		"""None while an exec closes the connection."""
		try:
			return d.admin.status()["state"]
		except (OSError, AssertionError):
			return None

	def upgraded(self, d, job):
		"""The verdict comes from the new image; the exec closes connections."""
		def verdict():
			try:
				reply = d.admin.told("job", job=job)
			except (OSError, AssertionError):
				return None
			return reply if reply["done"] else None
		self.assertIs(wait_until(verdict, "the verdict", 30)["success"], True)

	def test_orders_during_an_upgrade(self):
		_, d = self.hanging()
		job = d.admin.told("reload")["job"]
		d.kill(signal.SIGHUP) # joins the one that waits
		waiting = d.admin.told("job", job=job)
		self.assertEqual((waiting["done"], waiting["text"]), (False, "waiting for the upgrade before"))
		self.assertEqual(d.admin.told("reload")["job"], job)
		for command in (("pause", "echo"), ("resume", "echo"), ("drain",), ("undrain",),
				("resize", "echo", "1", "2")):
			done = d.ctl(*command)
			self.assertEqual(done.returncode, 0, (command, done.stdout + done.stderr))
		self.assertEqual(d.admin.status()["state"], "upgrading")
		self.assertEqual(d.stop(), 0)

	def test_during_a_reload(self):
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		stopped = d.workers()[0]
		os.kill(stopped, signal.SIGSTOP)	# it does not hear that it is to leave
		self.addCleanup(lambda: proc.alive(stopped) and os.kill(stopped, signal.SIGCONT))
		d.configure(Config({"echo": echo(a, timeouts={"total": "50s"})}))
		job = d.admin.told("reload")["job"]
		wait_until(lambda: "retiring" in d.admin.told("job", job=job)["text"], "a reload that lasts")
		later = d.admin.told("upgrade")["job"]
		d.kill(signal.SIGUSR2) # joins the one that waits
		waiting = d.admin.told("job", job=later)
		self.assertEqual((waiting["done"], waiting["text"]), (False, "waiting for the reload before"))
		self.assertEqual(d.admin.told("upgrade")["job"], later)
		self.assertTrue(d.admin.verdict(job)["success"])
		self.upgraded(d, later)
		self.assertEqual(talk(a, b"x"), b"x")
		self.upgrade(d)
		self.assertEqual(d.stop(), 0)

	def test_signals_that_come_in_heaps(self):
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		for n in range(30):
			for number in (signal.SIGUSR2, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD):
				d.kill(number)
			self.assertEqual(talk(a, b"x"), b"x")
		wait_until(lambda: self.state_or_none(d) == "serving", "the storm is over", 60)
		self.upgrade(d)
		self.assertEqual(d.stop(), 0)

	def test_stopped_workers(self):
		"""Old ones that hear nothing do not hold the verdict up for ever, and go when they can."""
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		stopped = d.workers()
		for pid in stopped:
			os.kill(pid, signal.SIGSTOP)
		start = time.monotonic()
		self.put(PREFORKD)
		self.upgrade(d)
		self.assertLess(time.monotonic() - start, 20)
		self.assertEqual(talk(a, b"x"), b"x")
		wait_until(lambda: not any(map(proc.alive, stopped)), "idle and deaf: killed")
		self.assertEqual(d.stop(), 0)

	def test_a_path_that_somebody_removed(self):
		b = Endpoint.unix(self.path("socket"))
		d = self.serve({"echo": echo(b)})
		os.unlink(b.address)
		self.put(PREFORKD)
		self.upgrade(d)
		self.assertEqual(d.stop(), 0)

	def test_another_control_path(self):
		"""Whoever ordered the upgrade hears of it where it was ordered; no path is left behind."""
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		old = d.control
		for name in ("second", "third"):
			before, d.control = d.control, self.path("d0", name)
			d.configure(Config({"echo": echo(a)}, control={"path": d.control}))
			self.put(PREFORKD)
			done = run_preforkctl("-s", before, "upgrade")
			self.assertEqual(done.returncode, 0, done.stderr)
			self.assertEqual(d.admin.status()["state"], "serving")
		self.assertFalse(os.path.exists(old), "it has no time to go away by itself")
		self.assertEqual(d.stop(), 0)
		self.assertEqual([x for x in os.listdir(self.path("d0")) if x in ("control", "second", "third")], [])

	def test_a_control_path_that_somebody_removed(self):
		"""An upgrade by signal, or a reload that changes anything, brings it back."""
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		os.unlink(d.control)
		d.kill(signal.SIGUSR2)
		d.wait_log("upgraded: ")
		self.assertEqual(d.admin.status()["state"], "serving")
		os.unlink(d.control)
		d.configure(Config({"echo": echo(a, timeouts={"total": "50s"})}, control={"path": d.control}))
		d.kill(signal.SIGHUP)
		d.wait_log("generation 3: ")
		self.assertEqual(d.admin.status()["generation"], 3)
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists(d.control))

	def test_a_path_that_somebody_else_has(self):
		"""An undrain that has failed there holds up no upgrade."""
		a, b = Endpoint.v4(), Endpoint.unix(self.path("socket"))
		d = self.serve({"tcp": echo(a), "unix": echo(b)})
		self.assertTrue(d.admin.order("drain")["success"])
		self.write("socket", "mine")
		self.assertFalse(d.admin.order("undrain")["success"])
		self.put(PREFORKD)
		self.upgrade(d)
		self.assertEqual(talk(a, b"x"), b"x")
		d.configure(Config({"tcp": echo(a), "unix": echo(b, timeouts={"total": "50s"})}))
		start = time.monotonic()
		self.assertEqual(d.ctl("reload").returncode, 0)
		self.assertLess(time.monotonic() - start, 8)
		with open(b.address, encoding="ascii") as f:
			self.assertEqual(f.read(), "mine")
		os.unlink(b.address)
		self.upgrade(d)
		self.assertEqual(talk(b, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def spoilt(self):
		"""The rehearsal goes well, and then the configuration is spoilt: there is no way back any more."""
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		before = image(d.pid)
		os.rename(self.binary, self.binary + ".real")
		shutil.copy(self.binary + ".real", self.binary + ".next")
		self.put_text("#!/bin/sh\n[ -n \"$PREFORKD_REHEARSAL\" ] || echo 'nonsense = 1;' > %s\n"
			      "exec %s.next \"$@\"\n" % (d.config_file, self.binary))
		d.kill(signal.SIGUSR2)
		d.wait_log("nonsense: unknown key")
		wait_until(lambda: image(d.pid) != before, "the new image")
		return a, d

	def test_the_configuration_breaks_and_is_mended(self):
		a, d = self.spoilt()
		with hold(a) as s:	# by a worker of the old image
			d.configure(Config({"echo": echo(a)}))
			d.wait_log("upgraded: ")
			s.sendall(b"undisturbed")
			self.assertEqual(recv_exact(s, 11), b"undisturbed")
		self.assertEqual(talk(a, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_the_configuration_breaks_for_good(self):
		a, d = self.spoilt()
		self.assertEqual(talk(a, b"x"), b"x")
		d.kill(signal.SIGTERM)
		self.assertEqual(d.wait(), 78)
		wait_until(lambda: not d.remains(), "no process left", 10)

	def stopped_at_any_moment(self, number, longest):
		"""Whatever is under way, who is connected is served to the end, and nothing is left."""
		for i in range(12):
			a, b, added = Endpoint.v4(), Endpoint.unix(self.path("socket%d" % i)), Endpoint.v4()
			d = self.serve({"tcp": echo(a), "unix": echo(b)})
			with hold(a) as s, hold(b) as t:
				d.configure(Config({"tcp": echo(a, timeouts={"total": "50s"}), "added": echo(added)}))
				d.kill(number)
				time.sleep(longest * (3 if SANITIZED else 1) * i / 12)	# there is nothing to wait for
				d.kill(signal.SIGTERM)
				self.assertIsNotNone(d.notify.wait("STOPPING=1"))
				for client in (s, t):
					client.sendall(b"to the end")
					self.assertEqual(recv_exact(client, 10), b"to the end")
			self.assertEqual(d.wait(), 0)
			wait_until(lambda: not d.remains(), "no process left", 5)
			self.assertFalse(os.path.exists(b.address) or os.path.exists(d.control))

	def test_stopped_at_any_moment_of_an_upgrade(self):
		self.stopped_at_any_moment(signal.SIGUSR2, 0.12)

	def test_stopped_at_any_moment_of_a_reload(self):
		self.stopped_at_any_moment(signal.SIGHUP, 0.06)

	def test_reloads_while_drained(self):
		for endpoint in (Endpoint.v4(), Endpoint.unix(self.path("socket")), Endpoint.abstract()):
			with self.subTest(endpoint.text):
				d = self.serve({"echo": echo(endpoint)})
				self.assertTrue(d.admin.order("drain")["success"])
				for n in range(2):
					done = d.reload(Config({"echo": echo(endpoint,
									     timeouts={"total": "%ds" % (50 + n)})}))
					self.assertEqual(done.returncode, 0, done.stderr)
					self.assertTrue(endpoint.refuses())
				self.upgrade(d)
				self.assertTrue(endpoint.refuses())
				verdict = d.admin.order("undrain")
				self.assertTrue(verdict["success"], verdict)
				self.assertEqual(talk(endpoint, b"x"), b"x")
				self.assertEqual(d.stop(), 0)

	def test_a_rest_of_an_environment(self):
		"""What only an old image may say is not believed from anybody else."""
		for value in ("", "x", "0", "1", "999", "-1", "99999999999"):
			with self.subTest(value):
				d = self.serve({"echo": echo(Endpoint.v4())}, start=False,
					       env={"PREFORKD_HANDOVER": value})
				d.launch()
				self.assertEqual(d.wait(), 71)


main()
