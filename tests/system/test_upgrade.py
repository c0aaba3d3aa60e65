#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A new binary takes over in the same process, and nobody is lost; or it does not, and all goes on as before."""

import sys
sys.dont_write_bytecode = True

import os
import re
import shutil
import signal
import socket
import struct
import threading
import time

from harness import *

POOL = {"min": 2, "max": 8, "min_spare": 1, "max_spare": 4}


def echo(endpoint, **more):
	return {"handler": "echo", "listen": endpoint.text, "workers": POOL, **more}


class UpgradeCase(Case):
	"""The daemon runs from a copy of the program, in whose place others are put."""

	def setUp(self):
		super().setUp()
		self.binary = os.path.join(self.folder("bin"), "preforkd")
		self.put(PREFORKD)

	def put(self, source, mode=0o755):
		"""A file of its own in the binary's place; the one that runs stays as it is."""
		shutil.copy(source, self.binary + ".new")
		os.chmod(self.binary + ".new", mode)
		os.rename(self.binary + ".new", self.binary)

	def put_text(self, text, mode=0o755):
		self.put(self.write("script", text), mode)

	def serve(self, services, **options):
		return self.daemon(services, binary=self.binary, **options)

	def upgrade(self, d):
		"""It must go well."""
		done = d.ctl("upgrade")
		self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
		return done

	def rejected(self, d, reason):
		"""It must not go well, and for this reason."""
		done = d.ctl("upgrade")
		self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
		self.assertRegex(done.stdout + done.stderr, reason)
		return done

	def told(self, d, ready):
		"""RELOADING=1 with its time, and then READY=1 for the READY-th time. Nothing else is said of the process."""
		self.assertIsNotNone(d.notify.wait("READY=1", count=ready))
		reloading = d.notify.seen("RELOADING=1")
		self.assertEqual(len(reloading), ready - 1)
		self.assertTrue(any(re.fullmatch(r"MONOTONIC_USEC=\d+", x) for x in reloading[-1][2]), reloading[-1])
		self.assertGreaterEqual(d.notify.seen("READY=1")[-1][0], reloading[-1][0])
		self.assertEqual(d.notify.seen("MAINPID="), [])
		self.assertEqual({m[1] for m in d.notify.messages}, {d.pid})


def image(pid):
	"""Which file a process runs."""
	found = os.stat("/proc/%d/exe" % pid)
	return found.st_dev, found.st_ino


class Accepted(UpgradeCase):
	def test_same_process_other_binary(self):
		endpoint = Endpoint.v4()
		d = self.serve({"echo": echo(endpoint)})
		old = d.workers()
		before = image(d.pid)
		self.put(PREFORKD)
		done = self.upgrade(d)
		self.assertIn("upgraded", done.stdout + done.stderr)
		self.assertEqual(d.admin.told("ping")["pid"], d.pid)
		self.assertNotEqual(image(d.pid), before)
		wait_until(lambda: not any(map(proc.alive, old)), "the old workers leave")
		new = wait_until(d.workers, "new workers")
		self.assertEqual({image(pid) for pid in new}, {image(d.pid)})
		self.assertEqual(talk(endpoint, b"x"), b"x")
		self.told(d, 2)
		self.assertEqual(d.admin.status()["generation"], 2)
		self.assertEqual(d.stop(), 0)

	def test_by_signal(self):
		endpoint = Endpoint.v4()
		d = self.serve({"echo": echo(endpoint)})
		before = image(d.pid)
		for n in range(3):
			self.put(PREFORKD)
			d.kill(signal.SIGUSR2)
			self.told(d, n + 2)
			d.wait_log("upgraded: version .* took over from")
			self.assertNotEqual(image(d.pid), before)
			before = image(d.pid)
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def crossing(self, endpoint, **service):
		"""A client that is served while the binaries change goes on to its end, and its worker ends with it."""
		d = self.serve({"echo": echo(endpoint, **service)})
		with hold(endpoint) as s:
			busy = [w["pid"] for w in d.admin.workers() if w["state"] == "busy"]
			self.assertEqual(len(busy), 1)
			for n in range(3):
				self.put(PREFORKD)
				self.upgrade(d)
				data = payload(n, 200000)
				sender = threading.Thread(target=s.sendall, args=(data,), daemon=True)
				sender.start()
				self.assertEqual(recv_exact(s, len(data)), data)
				sender.join()
				self.assertTrue(proc.alive(busy[0]))
				self.assertEqual(proc.stat(busy[0]).ppid, d.pid)
				self.assertEqual(talk(endpoint, b"other"), b"other")
			s.sendall(b"the end")
			s.shutdown(socket.SHUT_WR)
			self.assertEqual(read_all(s), b"the end")
		wait_until(lambda: not proc.alive(busy[0]), "its worker leaves")
		wait_until(lambda: proc.zombies(d.pid) == [], "all that died are reaped")
		self.assertEqual(d.stop(), 0)

	def test_a_client_crosses(self):
		self.crossing(Endpoint.v4())

	def test_a_client_crosses_unix(self):
		self.crossing(Endpoint.unix(self.path("socket")))

	def test_a_client_crosses_abstract(self):
		self.crossing(Endpoint.abstract())

	def test_a_program_crosses(self):
		self.crossing(Endpoint.v4(), handler="exec", command=["/bin/cat"])

	def test_a_program_crosses_unix(self):
		self.crossing(Endpoint.unix(self.path("socket")), handler="exec", command=["/bin/cat"])

	def queued(self, endpoint):
		d = self.serve({"echo": echo(endpoint, workers={"min": 1, "max": 1, "max_spare": 1})})
		with hold(endpoint) as busy:
			queue = []
			for i in range(30):
				s = endpoint.connect()
				s.sendall(b"%d" % i)
				s.shutdown(socket.SHUT_WR)
				queue.append(s)
			self.put(PREFORKD)
			self.upgrade(d)	# whose worker serves them, though the old one is busy
			for i, s in enumerate(queue):
				self.assertEqual(read_all(s), b"%d" % i)
				s.close()
			busy.sendall(b"still here")
			self.assertEqual(recv_exact(busy, 10), b"still here")
		self.assertEqual(d.stop(), 0)

	def test_who_is_queued_is_served(self):
		self.queued(Endpoint.v4())

	def test_who_is_queued_is_served_unix(self):
		self.queued(Endpoint.unix(self.path("socket")))

	def test_the_configuration_is_read_again(self):
		a, b, c = Endpoint.v4(), Endpoint.v4(), Endpoint.unix(self.path("added"))
		d = self.serve({"a": echo(a), "gone": echo(b)})
		with hold(b) as held:
			d.configure(Config({"a": {**echo(a), "handler": "daytime"}, "added": echo(c)}))
			self.put(PREFORKD)
			self.upgrade(d)
			self.assertRegex(talk(a), rb"\d\d:\d\d")
			self.assertEqual(talk(c, b"x"), b"x")
			wait_until(b.refuses, "the removed address refuses")
			held.sendall(b"to the end")
			self.assertEqual(recv_exact(held, 10), b"to the end")
		self.assertEqual([s["name"] for s in d.admin.status()["services"]], ["a", "added"])
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists(c.address))

	def test_who_is_queued_at_a_removed_address(self):
		for endpoint in (Endpoint.v4(), Endpoint.unix(self.path("socket"))):
			with self.subTest(endpoint.text):
				other = Endpoint.v4()
				d = self.serve({"gone": echo(endpoint, workers={"min": 1, "max": 1, "max_spare": 1}),
						"stays": echo(other)})
				with hold(endpoint) as busy:
					queue = [endpoint.connect() for _ in range(10)]
					for i, s in enumerate(queue):
						s.sendall(b"%d" % i)
						s.shutdown(socket.SHUT_WR)
					d.configure(Config({"stays": echo(other)}))
					self.put(PREFORKD)
					self.upgrade(d)
					busy.sendall(b"more")
					self.assertEqual(recv_exact(busy, 4), b"more")
				for i, s in enumerate(queue):
					self.assertEqual(read_all(s), b"%d" % i)
					s.close()
				wait_until(endpoint.refuses, "nobody listens there any more")
				self.assertEqual(d.stop(), 0)

	def test_in_the_background(self):
		"""The new image neither goes there again nor takes standard error for the log's place."""
		endpoint = Endpoint.v4()
		control = self.path("control")
		path = self.write("preforkd.conf", Config({"echo": echo(endpoint)}, control={"path": control}).text())
		before = {s.pid for s in proc.everything() if s.ppid == os.getpid()}
		done = run_preforkd("-d", "-c", path, binary=self.binary)
		self.assertEqual(done.returncode, 0, done.stderr)
		left, = [s.pid for s in proc.everything() if s.ppid == os.getpid() and s.pid not in before]
		self.addCleanup(self.end_session, left)
		for _ in range(3):
			before = image(left)
			self.put(PREFORKD)
			done = run_preforkctl("-s", control, "upgrade")
			self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
			self.assertNotEqual(image(left), before)
			self.assertEqual(talk(endpoint, b"x"), b"x")
			for fd in range(3):
				self.assertEqual(os.readlink("/proc/%d/fd/%d" % (left, fd)), "/dev/null")
		os.kill(left, signal.SIGTERM)
		self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(left, 0)[1]), 0)

	def end_session(self, pid):
		for child in proc.in_session(proc.stat(pid).session) if proc.stat(pid) else []:
			os.kill(child, signal.SIGKILL)

	def test_sockets_that_were_handed_over(self):
		"""LISTEN_FDS counts once: afterwards they are the daemon's, and still somebody else's, too."""
		with socket.socket() as web, socket.socket() as stranger:
			for s in (web, stranger):
				s.bind(("127.0.0.1", 0))
				s.listen(50)
			endpoint, own = Endpoint.v4(port=web.getsockname()[1]), Endpoint.v4()
			d = self.serve({"echo": {**echo(own), "listen": ["systemd:web", own.text]}},
				       how={"fds": [web.fileno()]}, env={"LISTEN_FDNAMES": "web"})
			for _ in range(3):
				with hold(endpoint) as s:
					self.put(PREFORKD)
					self.upgrade(d)
					s.sendall(b"on")
					self.assertEqual(recv_exact(s, 2), b"on")
				self.assertEqual(talk(endpoint, b"x"), b"x")
				self.assertEqual(talk(own, b"x"), b"x")
			self.assertEqual(d.stop(), 0)
			self.assertFalse(endpoint.refuses(), "its queue is not the daemon's to close")
			self.assertTrue(own.refuses())

	def test_the_watchdog_is_fed(self):
		d = self.serve({"echo": echo(Endpoint.v4())}, env={"WATCHDOG_USEC": "400000"})
		self.upgrade(d)
		fed = len(d.notify.seen("WATCHDOG=1"))
		self.assertIsNotNone(d.notify.wait("WATCHDOG=1", count=fed + 3))
		self.assertEqual(d.stop(), 0)


class Rejected(UpgradeCase):
	"""The old binary goes on, and nobody has noticed."""

	def try_it(self, spoil, reason):
		a, b = Endpoint.v4(), Endpoint.unix(self.path("socket"))
		d = self.serve({"tcp": echo(a), "unix": echo(b), "cat": echo(Endpoint.v4(), handler="exec",
										command=["/bin/cat"])})
		workers, before = d.workers(), image(d.pid)
		with hold(a) as s, hold(b) as t:
			spoil(d)
			self.rejected(d, reason)
			for c in (s, t):
				c.sendall(b"undisturbed")
				self.assertEqual(recv_exact(c, 11), b"undisturbed")
		self.assertEqual(image(d.pid), before)
		self.told(d, 2)
		self.assertEqual(set(workers) - set(d.workers()), set())
		wait_until(lambda: proc.zombies(d.pid) == [], "all that died are reaped")
		status = d.admin.status()
		self.assertEqual((status["state"], status["last_reload"]["success"]), ("serving", False))
		self.assertRegex(status["last_reload"]["text"], reason)
		d.wait_log("the old binary goes on")
		for endpoint in (a, b):
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.put(PREFORKD)	# and as if nothing had been, the next one
		d.configure(Config({"tcp": echo(a), "unix": echo(b)}))
		self.upgrade(d)
		self.assertNotEqual(image(d.pid), before)
		self.assertEqual(d.stop(), 0)

	def test_missing(self):
		self.try_it(lambda d: os.unlink(self.binary), "(?i)no such file")

	def test_not_executable(self):
		self.try_it(lambda d: os.chmod(self.binary, 0o644), "(?i)permission denied")

	def test_a_folder(self):
		a = Endpoint.v4()
		d = self.serve({"tcp": echo(a)})
		os.unlink(self.binary)
		os.mkdir(self.binary)
		self.rejected(d, "(?i)permission denied")
		self.assertEqual(talk(a, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_text(self):
		self.try_it(lambda d: self.put_text("no program\n"), "(?i)exec format error")

	def test_an_empty_file(self):
		self.try_it(lambda d: self.put_text(""), "(?i)exec format error")

	def test_of_another_machine(self):
		def spoil(_):
			with open(self.path("foreign"), "wb") as f:
				f.write(b"\x7fELF\x02\x01\x01" + bytes(9))
				f.write(struct.pack("<HHIQQQIHHHHHH", 2, 0x4321, 1, 0x400000, 64, 0, 0, 64, 56, 1, 0, 0, 0))
				f.write(struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 4096, 4096, 4096))
				f.write(bytes(4096))
			self.put(self.path("foreign"))
		self.try_it(spoil, "(?i)exec format error")

	def test_a_part_of_it(self):
		"""A copy that was interrupted."""
		def spoil(_):
			with open(PREFORKD, "rb") as whole, open(self.path("half"), "wb") as f:
				f.write(whole.read(12288))
			self.put(self.path("half"))
		self.try_it(spoil, "in rehearsal")

	def test_exits_at_once(self):
		self.try_it(lambda d: self.put(shutil.which("true")), "ended with status 0 in rehearsal")

	def test_fails_at_once(self):
		self.try_it(lambda d: self.put_text("#!/bin/sh\nexit 3\n"), "3 in rehearsal")

	def test_dies_at_once(self):
		self.try_it(lambda d: self.put_text("#!/bin/sh\nkill -SEGV $$\n"), "(?i)signal 11|segmentation")

	def test_says_nonsense(self):
		self.try_it(lambda d: self.put_text("#!/bin/sh\necho 'who are you?' >&2\nexit 0\n"), "in rehearsal")

	def test_says_far_too_much(self):
		self.try_it(lambda d: self.put_text("#!/bin/sh\nyes nonsense | head -c 3000000 >&2\n"), "in rehearsal")

	def test_says_bytes_that_are_no_text(self):
		self.try_it(lambda d: self.put_text("#!/bin/sh\nhead -c 3000 /dev/urandom >&2\nexit 9\n"), "in rehearsal")

	def test_hangs(self):
		def spoil(_):
			self.put_text("#!/bin/sh\nexec sleep 600\n")
		start = time.monotonic()
		self.try_it(spoil, "it took too long")
		self.assertGreater(time.monotonic() - start, 9)
		self.assertLess(time.monotonic() - start, 25)

	def leave_behind(self, services):
		"""It goes into the background and says nothing more: the verdict does not wait for that to end."""
		d = self.serve(services)
		pid_file = self.path("left")
		self.put_text("#!/bin/sh\nsetsid sh -c 'echo $$ > %s; exec sleep 300' &\n"
			      "while ! [ -s %s ]; do :; done\nexit 4\n" % (pid_file, pid_file))
		start = time.monotonic()
		self.rejected(d, "ended with status 4 in rehearsal")
		self.assertLess(time.monotonic() - start, 20)
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)
		with open(pid_file, encoding="ascii") as f:
			return int(f.read())

	def test_leaves_something_that_holds_the_pipe(self):
		self.endpoint = Endpoint.v4()
		left = self.leave_behind({"echo": echo(self.endpoint)})
		try:
			os.kill(left, signal.SIGKILL)
		except ProcessLookupError:
			pass

	def test_leaves_something_beside_programs(self):
		self.endpoint = Endpoint.v4()
		left = self.leave_behind({"cat": echo(self.endpoint, handler="exec", command=["/bin/cat"])})
		self.assertFalse(proc.alive(left))

	def test_a_configuration_with_a_mistake(self):
		def spoil(d):
			with open(d.config_file, "a", encoding="utf-8") as f:
				f.write("nonsense = 1;\n")
			self.put(PREFORKD)
		self.try_it(spoil, r"preforkd\.conf:\d+: .*nonsense")

	def test_an_address_that_is_taken(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		with socket.socket() as other:
			other.bind(b.address)
			other.listen(1)
			d.configure(Config({"echo": echo(a), "second": echo(b)}))
			self.put(PREFORKD)
			self.rejected(d, "second.*(?i:in use)")
		self.assertEqual(talk(a, b"x"), b"x")
		self.upgrade(d)
		self.assertEqual(talk(b, b"x"), b"x")

	def test_a_control_socket_that_cannot_be(self):
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		before = image(d.pid)
		d.configure(Config({"echo": echo(a)}, control={"path": self.path("missing", "control")}))
		self.put(PREFORKD)
		with hold(a) as s:
			self.rejected(d, "missing/control.*(?i:no such)")
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		self.assertEqual(image(d.pid), before)
		self.assertEqual(d.stop(), 0)

	@needs_root()
	@needs_tool("setpriv")
	def test_workers_that_cannot_start(self):
		"""The program is all right, but its workers cannot become whom the configuration wants."""
		a, b = Endpoint.v4(), Endpoint.v4()
		services = {"echo": echo(a), "other": echo(b)}
		d = self.serve(services, top={"user": "root", "group": "root"},
			       prefix=[shutil.which("setpriv"), "--bounding-set=-setuid", "--inh-caps=-setuid"])
		before = image(d.pid)
		services["other"]["user"] = SERVICE_USER
		d.configure(Config(services, user="root", group="root"))
		self.put(PREFORKD)
		with hold(a) as s:
			self.rejected(d, "other.*cannot become user")
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		self.assertEqual(image(d.pid), before)
		for endpoint in (a, b):
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_too_few_descriptors(self):
		"""What would be too few for the new image is found out before it is too late."""
		endpoints = [Endpoint.v4() for _ in range(12)]
		services = {"s%d" % i: echo(e, workers={"min": 1, "max": 2, "max_spare": 1})
			    for i, e in enumerate(endpoints)}
		for limit in range(60, 108, 4):
			with self.subTest(limit=limit):
				d = self.serve(services, how={"limits": {"RLIMIT_NOFILE": [limit, limit]}}, start=False)
				d.launch()
				if not wait_until(lambda: d.notify.seen("READY=1") or d.process.poll(), "a start"):
					continue
				if d.process.poll() is not None:
					continue
				with hold(endpoints[0]) as s:
					self.put(PREFORKD)
					done = d.ctl("upgrade")
					self.assertIn(done.returncode, (0, 1), done.stderr)
					s.sendall(b"x")
					self.assertEqual(recv_exact(s, 1), b"x")
				for endpoint in endpoints:
					self.assertEqual(talk(endpoint, b"x"), b"x")
				self.assertEqual(d.stop(), 0)


class Kept(UpgradeCase):
	"""What was ordered and what was counted outlive the image."""

	def test_counters(self):
		a, b = Endpoint.v4(), Endpoint.unix(self.path("socket"))
		d = self.serve({"tcp": echo(a), "unix": echo(b)})
		for _ in range(7):
			talk(a, b"12345")
		talk(b, b"123")

		def busy():
			return [w["pid"] for w in d.admin.workers("tcp") if w["state"] == "busy"]
		with hold(a, b"crash"):
			# the worker of the last one may not have noticed its end
			wait_until(lambda: len(busy()) == 1, "one is busy")
			os.kill(busy()[0], signal.SIGKILL)
			wait_until(lambda: d.admin.service("tcp")["crashes"] == 1, "the crash is counted")
		with hold(a, b"held"):
			before = wait_until(lambda: d.admin.service("tcp") if
					    d.admin.service("tcp")["connections"]["active"] == 1 else None, "one active")
			for _ in range(2):
				self.put(PREFORKD)
				self.upgrade(d)
			after = d.admin.service("tcp")
			for key in ("connections", "bytes", "crashes", "requests"):
				self.assertEqual(after[key], before[key], key)
		self.assertEqual(d.admin.service("unix")["bytes"], {"in": 3, "out": 3})
		wait_until(lambda: d.admin.service("tcp")["connections"]["active"] == 0, "the client is gone")
		after = d.admin.service("tcp")
		self.assertEqual(after["connections"]["accepted"], before["connections"]["accepted"])
		talk(a, b"12345")
		wait_until(lambda: d.admin.service("tcp")["bytes"]["in"] == after["bytes"]["in"] + 5, "counted on")
		self.assertGreaterEqual(d.admin.status()["uptime"], 0)
		self.assertEqual(d.stop(), 0)

	def test_uptime(self):
		d = self.serve({"echo": echo(Endpoint.v4())})
		wait_until(lambda: d.admin.status()["uptime"] > 0.3, "a while")
		before = d.admin.status()["uptime"]
		self.upgrade(d)
		self.assertGreaterEqual(d.admin.status()["uptime"], before)

	def test_paused(self):
		a, b = Endpoint.v4(), Endpoint.unix(self.path("socket"))
		d = self.serve({"tcp": echo(a), "unix": echo(b)})
		for name in ("tcp", "unix"):
			self.assertTrue(d.admin.order("pause", service=name)["success"])
		with a.connect() as s, b.connect() as t:
			for c in (s, t):
				c.sendall(b"x")
			for _ in range(2):
				self.put(PREFORKD)
				self.upgrade(d)
				self.assertEqual({x["state"] for x in d.admin.status()["services"]}, {"paused"})
			self.assertEqual(d.workers(), [])
			for name, c in (("tcp", s), ("unix", t)):
				self.assertTrue(d.admin.order("resume", service=name)["success"])
				self.assertEqual(recv_exact(c, 1), b"x")
		self.assertEqual(d.stop(), 0)

	def resized(self, least, most):
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		verdict = d.admin.order("resize", service="echo", min=least, max=most)
		self.assertTrue(verdict["success"], verdict)
		for _ in range(2):
			self.put(PREFORKD)
			self.upgrade(d)
			workers = d.admin.service("echo")["workers"]
			self.assertEqual((workers["min"], workers["max"]), (least, most))
			wait_until(lambda: least <= len(d.workers()) <= most, "as many workers as were ordered")
		self.assertEqual(d.reload().returncode, 0)
		workers = d.admin.service("echo")["workers"]
		self.assertEqual((workers["min"], workers["max"]), (POOL["min"], POOL["max"]))
		self.assertEqual(d.stop(), 0)

	def test_resized_smaller(self):
		self.resized(1, 2)

	def test_resized_larger(self):
		self.resized(12, 40)

	def test_drained(self):
		endpoints = [Endpoint.v4(), Endpoint.unix(self.path("socket")), Endpoint.abstract()]
		d = self.serve({"s%d" % i: echo(e) for i, e in enumerate(endpoints)})
		self.assertTrue(d.admin.order("drain")["success"])
		for _ in range(2):
			self.put(PREFORKD)
			self.upgrade(d)
			self.assertEqual({x["state"] for x in d.admin.status()["services"]}, {"drained"})
			for endpoint in endpoints:
				self.assertTrue(endpoint.refuses(), endpoint.text)
		verdict = d.admin.order("undrain")
		self.assertTrue(verdict["success"], verdict)
		for endpoint in endpoints:
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.upgrade(d)
		for endpoint in endpoints:
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_a_drain_that_has_not_come_about(self):
		"""Somebody is queued at the only worker: its verdict comes from the new image."""
		for endpoint in (Endpoint.v4(), Endpoint.unix(self.path("socket"))):
			with self.subTest(endpoint.text):
				d = self.serve({"echo": echo(endpoint, workers={"min": 1, "max": 1, "max_spare": 1})})
				with hold(endpoint) as s, endpoint.connect() as queued:
					queued.sendall(b"question")
					job = d.admin.told("drain")["job"]
					self.assertFalse(d.admin.told("job", job=job)["done"])
					self.put(PREFORKD)
					self.upgrade(d)
					self.assertEqual(recv_exact(queued, 8), b"question")
					s.sendall(b"x")
					self.assertEqual(recv_exact(s, 1), b"x")
				verdict = d.admin.verdict(job)
				self.assertTrue(verdict["success"], verdict)
				self.assertTrue(endpoint.refuses())
				self.assertTrue(d.admin.order("undrain")["success"])
				self.assertEqual(talk(endpoint, b"x"), b"x")
				self.assertEqual(d.stop(), 0)

	def test_verdicts(self):
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		good = d.admin.told("reload")["job"]
		before = d.admin.verdict(good)
		d.configure("nonsense = 1;")
		bad = d.admin.told("reload")["job"]
		reasons = d.admin.verdict(bad)
		self.assertFalse(reasons["success"])
		d.configure(Config({"echo": echo(a)}))
		upgrade = d.admin.told("upgrade")["job"]
		wait_until(lambda: d.grep("upgraded: "), "the upgrade")
		self.assertTrue(d.admin.verdict(upgrade)["success"])
		self.assertEqual(d.admin.verdict(good), before)
		self.assertEqual(d.admin.verdict(bad), reasons)
		self.assertGreater(d.admin.told("reload")["job"], upgrade)
		self.assertEqual(d.stop(), 0)

	def test_former_generations(self):
		"""Clients of many upgrades ago are served on, and end."""
		a = Endpoint.v4()
		d = self.serve({"echo": echo(a)})
		held = []
		for n in range(8):
			held.append(hold(a))
			self.put(PREFORKD)
			self.upgrade(d)
		for s in held:
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		self.assertEqual(d.admin.service("echo")["connections"]["active"], 8)
		for s in held:
			s.close()
		wait_until(lambda: d.admin.service("echo")["workers"]["retiring"] == 0, "the old workers leave")
		self.assertEqual(d.admin.service("echo")["connections"]["accepted"], 8)
		self.assertEqual(d.stop(), 0)


class Load(UpgradeCase):
	"""Short questions and long transfers without a pause, on TCP and on unix sockets."""

	def kinds_of_fds(self, d):
		"""Its descriptors, without the numbers that change."""
		kinds = []
		for name in os.listdir("/proc/%d/fd" % d.pid):
			try:
				kinds.append(re.sub(r"\d+", "", os.readlink("/proc/%d/fd/%s" % (d.pid, name))))
			except FileNotFoundError:
				pass
		return sorted(kinds)

	def fds_at_rest(self, d):
		"""When nothing is left of former generations, and nothing comes and goes."""
		seen = []

		def same_again():
			seen.append(self.kinds_of_fds(d))
			return len(seen) > 3 and seen[-1] == seen[-2] == seen[-3]
		wait_until(lambda: all(s["workers"]["retiring"] == 0 for s in d.admin.status()["services"]), "no old workers")
		wait_until(same_again, "the descriptors of a daemon at rest", every=0.3)
		return seen[-1]

	def test_20_upgrades(self):
		endpoints = [Endpoint.v4(), Endpoint.unix(self.path("socket")), Endpoint.v4()]
		services = {"tcp": echo(endpoints[0]), "unix": echo(endpoints[1]),
			    "cat": echo(endpoints[2], handler="exec", command=["/bin/cat"])}
		d = self.serve(services)
		self.upgrade(d)
		fds = self.fds_at_rest(d)
		sizes = []
		with Crowd(endpoints) as crowd:
			for _ in range(20):
				self.put(PREFORKD)
				self.upgrade(d)
				sizes.append(int(proc.status(d.pid, "VmRSS").split()[0]))
		self.assertEqual(dict(crowd.wrong), {}, crowd.examples)
		self.assertGreater(sum(crowd.done.values()), 100)
		self.assertEqual(self.fds_at_rest(d), fds)
		wait_until(lambda: proc.zombies(d.pid) == [], "all that died are reaped")
		status = d.admin.status()
		self.assertEqual(status["generation"], 22)
		wait_until(lambda: len(d.workers()) <= 4 * len(services), "no more workers than a pool at rest has")
		if not SANITIZED:
			self.assertLess(max(sizes[10:]), max(sizes[:5]) * 1.25, sizes)
		self.assertEqual(d.stop(), 0)

	def test_upgrades_and_reloads(self):
		"""One after the other, and each changes something."""
		endpoints = [Endpoint.v4(), Endpoint.unix(self.path("socket"))]
		d = self.serve({"tcp": echo(endpoints[0]), "unix": echo(endpoints[1])})
		with Crowd(endpoints) as crowd:
			for n in range(6):
				d.configure(Config({"tcp": echo(endpoints[0], backlog=100 + n),
						    "unix": echo(endpoints[1], timeouts={"drain": "%ds" % (20 + n)})}))
				if n % 2:
					done = d.ctl("reload")
					self.assertEqual(done.returncode, 0, done.stderr)
				else:
					self.put(PREFORKD)
					self.upgrade(d)
		self.assertEqual(dict(crowd.wrong), {}, crowd.examples)
		self.assertEqual(d.admin.service("tcp")["listeners"][0]["backlog"], 105)
		self.assertEqual(d.stop(), 0)


class Unlucky(UpgradeCase):
	"""Something else happens at the wrong moment."""

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
		d = self.daemons[-1] = self.daemon(Config({"echo": echo(a)}, control={"path": d.control}), binary=self.binary)
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

	def test_orders_during_an_upgrade(self):
		_, d = self.hanging()
		mark = d.mark()
		done = d.ctl("reload")
		self.assertEqual(done.returncode, 1)
		self.assertIn("an upgrade is under way", done.stdout + done.stderr)
		d.wait_log("an upgrade is under way", since=mark)
		mark = d.mark()
		d.kill(signal.SIGHUP)
		d.wait_log("an upgrade is under way", since=mark)
		for command in (("pause", "echo"), ("drain",), ("resize", "echo", "1", "2"), ("undrain",)):
			done = d.ctl(*command)
			self.assertEqual(done.returncode, 1, command)
			self.assertRegex(done.stdout + done.stderr, "under way")
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
		mark = d.mark()
		self.rejected(d, "a reload is under way")
		d.kill(signal.SIGUSR2)
		d.wait_log("a reload is under way", since=mark)
		self.assertTrue(d.admin.verdict(job)["success"])
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
		wait_until(lambda: d.admin.status()["state"] == "serving", "the storm is over")
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
					done = d.reload(Config({"echo": echo(endpoint, timeouts={"total": "%ds" % (50 + n)})}))
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
				d = self.serve({"echo": echo(Endpoint.v4())}, start=False, env={"PREFORKD_HANDOVER": value})
				d.launch()
				self.assertEqual(d.wait(), 71)


main()
