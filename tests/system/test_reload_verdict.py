#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The verdict of a reload: its caller gets it when it is known; a refused reload changes nothing."""

import sys
sys.dont_write_bytecode = True

import copy
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import *

OK, FAILED = 0, 1
NOBODY = 65534


def echo(endpoint, **more):
	return {"handler": "echo", "listen": endpoint.text, **more}


class VerdictCase(Case):
	def start(self, services=None, **options):
		self.endpoint = Endpoint.v4()
		self.services = services or {"echo": echo(self.endpoint)}
		self.d = self.daemon(Config(copy.deepcopy(self.services)), **options)
		return self.d

	def changed(self, **more):
		"""The configuration, in which the service needs other workers."""
		services = copy.deepcopy(self.services)
		services["echo"]["timeouts"] = {"idle": "77s"}
		services["echo"].update(more)
		return Config(services)

	def picture(self):
		"""Everything that must be the same after a rejected reload."""
		d = self.d
		return {"processes": proc.children(d.pid), "sockets": self.endpoint.inodes(),
			"descriptors": proc.descriptors(d.pid),
			"status": {key: value for key, value in d.admin.status().items()
				   if key in ("state", "generation")}}

	def settled(self):
		"""The same twice: what a start, or a client, holds for a moment has gone."""
		pictures = [None]

		def look():
			pictures.append(self.picture())
			return pictures[-1] if pictures[-1] == pictures[-2] else None
		return wait_until(look, "it has come to rest", every=0.1)

	def rejected(self, config, *said):
		"""Rejected as a whole, with the reasons for whoever asked and for the supervisor."""
		d, before = self.d, self.settled()
		self.count = getattr(self, "count", 0) + 1
		ready = len(d.notify.seen("READY=1"))
		mark = d.mark()
		done = d.reload(config)
		self.assertEqual((done.returncode, done.stdout), (FAILED, ""), done.stderr)
		self.assertIn("rejected", done.stderr)
		for text in said:
			self.assertRegex(done.stderr, text)
			self.assertRegex(d.admin.status()["last_reload"]["text"] + done.stderr, text)
			d.wait_log(text, mark)
		self.assertIs(d.admin.status()["last_reload"]["success"], False)
		message = d.notify.wait("READY=1", ready + 1)
		self.assertIsNotNone(message, "READY=1 after a rejected one, too")
		status, = [x for x in message[2] if x.startswith("STATUS=")]
		self.assertRegex(status, r"^STATUS=serving: .*rejected: ")
		wait_until(lambda: self.picture() == before, "as before: %r, %r" % (before, self.picture()), 10)
		self.assertEqual(talk(self.endpoint, b"still"), b"still")


class Rejected(VerdictCase):
	def test_broken_file(self):
		d = self.start()
		text = Config(self.services).text(control={"path": d.control})
		self.rejected(text + "this is = no configuration;\n", r"preforkd\.conf:%d: " % (text.count("\n") + 1))
		os.unlink(d.config_file)
		done = d.ctl("reload")
		self.assertEqual(done.returncode, FAILED)
		self.assertIn(d.config_file, done.stderr)
		self.assertEqual(d.reload(self.changed()).returncode, OK, "and it can be put right")

	def test_mistakes(self):
		"""All of them at once, each with its place."""
		self.start()
		services = {"echo": echo(self.endpoint, bakclog=7), "b": echo(Endpoint.v4(), handler="nosuch"),
			    "c": echo(Endpoint.v4(), user="no-such-user") if IS_ROOT
			    else echo(Endpoint.v4(), backlog=0)}
		self.rejected(Config(services), r"preforkd\.conf:\d+: .*bakclog", r"preforkd\.conf:\d+: .*nosuch",
			      r"preforkd\.conf:\d+: .*" + ("no-such-user" if IS_ROOT else "backlog"))

	def holder(self):
		"""This process. A daemon that lacks capabilities which it has does not see its descriptors."""
		return r"(\S+ \(pid %d\)|a process of the user %d)" % (os.getpid(), os.geteuid())

	def test_port_of_somebody_else(self):
		d = self.start()
		taken = Endpoint.v4()
		with socket.socket() as s:
			s.bind(taken.address)
			s.listen()
			services = copy.deepcopy(self.services)
			services["echo"]["listen"] = [self.endpoint.text, taken.text]
			services["echo"]["timeouts"] = {"idle": "77s"}
			services["new"] = echo(Endpoint.v4())
			self.rejected(Config(services), r"services\.echo: listen \(.*\.conf:\d+\): cannot bind %s: "
				      r"Address already in use by %s" % (taken.text, self.holder()))
			new = Endpoint.v4()
			services = {"a": echo(new), **self.services, "new": echo(taken)}
			self.rejected(Config(services), r"services\.new: listen \(.*\): cannot bind %s" % taken.text)
			self.assertTrue(new.refuses(), "nothing of it is left")
		self.assertEqual(d.reload(Config(services)).returncode, OK, "now it is free")
		self.assertEqual(talk(taken, b"x"), b"x")

	def test_any_address_of_somebody_else(self):
		"""It is named as it is written, and so is its place; at a start, too."""
		self.start()
		with socket.create_server(("127.0.0.1", 0)) as s:
			text = "*:%d" % s.getsockname()[1]
			services = {**self.services, "new": {"handler": "echo", "listen": text}}
			said = r"listen \(%%s:\d+\): cannot bind \%s: Address already in use by %s" % (
				text, self.holder())
			self.rejected(Config(services), r"services\.new: " + said % re.escape(self.d.config_file))
			d = self.daemon({"new": services["new"]}, start=False)
			d.launch()
			self.assertEqual(d.wait(), 71)
			d.wait_log(r'service "new": ' + said % re.escape(d.config_file))

	def test_path_of_somebody_else(self):
		self.start()
		path = self.path("taken")
		with socket.socket(socket.AF_UNIX) as s:
			s.bind(path)
			s.listen()
			self.rejected(Config({**self.services, "new": echo(Endpoint.unix(path))}), r"taken")
			self.assertTrue(os.path.exists(path))
		self.rejected(Config({**self.services, "new": echo(Endpoint.unix(self.path("nosuch", "s")))}),
			      r"nosuch")
		self.rejected(Config({**self.services, "new": echo(Endpoint.unix(self.write("file", "text")))}),
			      r"file")
		self.assertEqual(os.path.getsize(self.path("file")), 4)

	@needs_root("needs root, to be somebody else")
	def test_port_that_takes_privileges(self):
		self.endpoint = Endpoint.v4()
		self.services = {"echo": echo(self.endpoint)}
		os.chown(self.tmp, NOBODY, NOBODY)
		folder = self.folder("run", for_workers=True)
		control = {"path": os.path.join(folder, "control")}
		with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as f:
			if int(f.read()) < 1024:
				self.skipTest("every port is free for all here")
		self.d = self.daemon(Config(self.services, user=None, group=None, control=control), how={"uid": NOBODY})
		self.d.control = control["path"]
		low = next(p for p in range(1023, 1, -1) if Endpoint.v4(port=p).refuses())
		services = {**self.services, "low": echo(Endpoint.v4(port=low))}
		self.rejected(Config(services, user=None, group=None, control=control),
			      r"127\.0\.0\.1:%d: Permission denied" % low)

	def test_options_that_the_kernel_refuses(self):
		self.start()
		self.rejected(self.changed(socket={"device": "nosuch0"}), r"nosuch0|No such device")
		self.rejected(Config({**self.services, "new": echo(Endpoint.v4(), socket={"device": "nosuch0"})}),
			      r"nosuch0|No such device")

	def test_hangup(self):
		d = self.start()
		pids = d.workers()
		d.configure("nonsense")
		d.kill(signal.SIGHUP)
		d.wait_log(r"preforkd\.conf:1: ")
		self.assertTrue(d.notify.wait("READY=1", 2))
		self.assertEqual(d.workers(), pids)
		self.assertIs(d.admin.status()["last_reload"]["success"], False)
		d.configure(self.changed())
		d.kill(signal.SIGHUP)
		message = d.notify.wait("READY=1", 3)
		self.assertNotIn("rejected", "".join(message[2]))
		self.assertIs(d.admin.status()["last_reload"]["success"], True)


class Notify(VerdictCase):
	def one(self, order, status):
		d = self.d
		count = len(d.notify.seen("RELOADING=1")), len(d.notify.seen("READY=1"))
		before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
		order()
		reloading = d.notify.wait("RELOADING=1", count[0] + 1)
		ready = d.notify.wait("READY=1", count[1] + 1)
		after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
		self.assertLess(reloading[0], ready[0])
		self.assertEqual({reloading[1], ready[1]}, {d.pid})
		stamps = [int(x.split("=")[1]) for x in reloading[2] if x.startswith("MONOTONIC_USEC=")]
		self.assertEqual(len(stamps), 1, "in the same datagram")
		self.assertTrue(before <= stamps[0] <= after, (before, stamps, after))
		self.assertNotIn("READY=1", reloading[2])
		self.assertRegex("\n".join(ready[2]), r"(?m)^STATUS=serving: %s" % status)

	def test_messages(self):
		d = self.start()
		for order in (lambda: d.kill(signal.SIGHUP), lambda: d.ctl("reload")):
			d.configure(Config(self.services))
			self.one(order, "")	# maybe nothing has changed
			d.configure(self.changed())
			self.one(order, "1 service, [^;]*$")
			d.configure("wrong")
			self.one(order, ".*rejected: .*preforkd.conf:1")
			d.configure(Config(self.services))
			self.one(order, "1 service, [^;]*$")


class Jobs(VerdictCase):
	@unittest.skipIf(no_trap(), no_trap())
	def test_during_a_reload(self):
		"""However many ask while one is under way: one more is done, and all of them hear of it."""
		trap = Trap(self.folder("trap", for_workers=True))
		d = self.start(env=trap.env)
		trap.set("setup", "sleep 700")
		d.configure(self.changed())
		first = d.admin.told("reload")["job"]
		wait_until(lambda: trap.is_met("setup"), "a new worker is proved, so the configuration was read")
		self.assertEqual(d.admin.status()["state"], "reloading")
		d.configure(self.changed(handler="daytime"))
		later = [d.admin.told("reload")["job"] for _ in range(3)]
		d.kill(signal.SIGHUP)
		self.assertEqual(later, [first + 1] * 3)
		for n, job in enumerate((first, later[0])):
			verdict = d.admin.verdict(job)
			self.assertEqual((verdict["success"], verdict["text"]),
					 (True, "generation %d: 1 service changed, 0 added, 0 removed" % (n + 2)))
		self.assertIn(b":", talk(self.endpoint))
		self.assertIsNotNone(d.notify.wait("READY=1", 3))
		self.assertFalse(d.admin.ask("job", job=first + 2)["ok"], "there was no third")
		self.assertEqual(len(d.notify.seen("RELOADING=1")), 2)

	@unittest.skipIf(no_trap(), no_trap())
	def test_during_the_start(self):
		trap = Trap(self.folder("trap"))
		trap.set("setup", "sleep 1000")
		self.start(env=trap.env, start=False)
		d = self.d.launch()
		wait_until(lambda: os.path.exists(d.control), "it can be asked")
		self.assertEqual(d.admin.status()["state"], "starting")
		d.configure(self.changed())
		jobs = [d.admin.told("reload")["job"] for _ in range(3)]
		d.kill(signal.SIGHUP)
		self.assertEqual(set(jobs), {1})
		d.wait_ready()
		self.assertIs(d.admin.verdict(1)["success"], True)
		self.assertEqual(d.admin.status()["generation"], 2)

	@unittest.skipIf(no_trap(), no_trap())
	def test_stop_during_a_reload(self):
		for name in ("load", "setup"):
			with self.subTest(name):
				trap = Trap(self.folder("trap-" + name))
				d = self.start(env=trap.env)
				trap.set(name, "hang")
				d.configure(self.changed())
				job = d.admin.told("reload")["job"]
				wait_until(lambda: len(proc.children(d.pid)) == 3, "a child hangs")
				start = time.monotonic()
				with hold(self.endpoint):
					d.kill(signal.SIGTERM)
					verdict = d.admin.verdict(job)
					self.assertEqual((verdict["success"], verdict["reasons"]),
							 (False, ["the daemon stops"]))
				self.assertEqual(d.wait(), 0)
				self.assertLess(time.monotonic() - start, 15, "long before timeouts.drain")
				wait_until(lambda: not d.remains(), "nothing left", 10)

	def test_hundreds(self):
		"""Jobs one after the other, each with its own verdict; old jobs are forgotten."""
		d = self.start()
		before = self.settled()
		for i in range(1, 41):
			self.assertEqual(d.admin.order("reload")["text"], "nothing has changed")
		self.assertFalse(d.admin.ask("job", job=1)["ok"])
		self.assertTrue(d.admin.ask("job", job=40)["ok"])
		self.assertEqual(self.picture(), before)


@unittest.skipIf(no_trap(), no_trap())
class Canary(VerdictCase):
	"""Before anything is changed, one worker must show that it can start."""

	def setUp(self):
		super().setUp()
		self.trap = Trap(self.folder("trap"))

	def test_set_up_that_fails(self):
		self.start(env=self.trap.env)
		for what in ("fail", "die"):
			self.trap.set("setup", what)
			self.rejected(self.changed(), r"services\.echo: a worker died before it could serve")
		self.trap.clear("setup")
		self.assertEqual(self.d.reload(self.changed()).returncode, OK)

	@needs_root("needs root, to change the user")
	def test_user_that_cannot_be(self):
		self.start(env=self.trap.env)
		self.trap.set("user", "fail")
		self.rejected(self.changed(),
			      r"services\.echo: a worker could not start: user: cannot become user \"nobody\"")

	def test_set_up_that_hangs(self):
		self.start(env=self.trap.env)
		self.trap.set("setup", "hang")
		start = time.monotonic()
		self.rejected(self.changed(timeouts={"idle": "77s", "start": "800ms"}),
			      r"services\.echo: a worker was not ready in time")
		self.assertGreater(time.monotonic() - start, 0.8)
		self.assertLess(time.monotonic() - start, 20)

	def test_one_of_two(self):
		"""The one that could be is not changed either."""
		new = Endpoint.v4()
		d = self.start(env=self.trap.env)
		self.trap.set("setup", "fail")
		self.rejected(Config({**self.changed().top["services"], "new": echo(new)}), r"died before")
		self.assertTrue(new.refuses())
		self.assertEqual([s["name"] for s in d.admin.status()["services"]], ["echo"])

	def test_slow_set_up(self):
		"""The verdict comes when the new workers serve, and not before."""
		d = self.start(env=self.trap.env)
		self.trap.set("setup", "sleep 2000")
		with hold(self.endpoint) as held:
			start = time.monotonic()
			done = []
			config = self.changed(handler="exec", command=["/usr/bin/tr", "a-z", "A-Z"])
			thread = threading.Thread(target=lambda: done.append(d.reload(config)), daemon=True)
			thread.start()
			served = 0
			while not done:
				self.assertIn(talk(self.endpoint, b"old"), (b"old", b"OLD"))	# at no time refused
				served += 1
			took = time.monotonic() - start
			self.assertEqual(done[0].returncode, OK, done[0].stderr)
			self.assertGreaterEqual(took, 2)
			self.assertGreater(served, 10)
			self.assertEqual(talk(self.endpoint, b"new"), b"NEW")
			held.sendall(b"still")
			self.assertEqual(recv_exact(held, 5), b"still")

	def test_stop_of_the_reader(self):
		"""Its end, however it comes, is a verdict."""
		d = self.start(env=self.trap.env)
		pids = d.workers()
		for number, said in ((signal.SIGKILL, "SIGKILL|signal 9"), (signal.SIGABRT, "SIGABRT|signal 6")):
			self.trap.set("load", "hang")
			d.configure(self.changed())
			job = d.admin.told("reload")["job"]
			child = wait_until(lambda: set(proc.children(d.pid)) - set(pids), "the child that reads").pop()
			os.kill(child, number)
			verdict = d.admin.verdict(job)
			self.assertIs(verdict["success"], False)
			self.assertRegex(verdict["reasons"][0],
					 r"the process that read the configuration .*(%s)" % said)
			self.assertEqual(d.workers(), pids)
		self.trap.set("load", "fail")
		self.rejected(self.changed(), r"the process that read the configuration .*status 1")

	def killed_master(self, name):
		"""In the middle of a reload; the next start finds nothing in its way."""
		path = Endpoint.unix(self.path("s-" + name))
		d = self.start({"echo": {"handler": "echo", "listen": [Endpoint.v4().text, path.text]}},
			       env=self.trap.env)
		listen = self.services["echo"]["listen"]
		self.trap.set(name, "hang" if name == "load" else "sleep 1500")	# it looks for its master then
		more = Endpoint.unix(self.path("more-" + name))
		d.configure(self.changed(listen=listen + [more.text]))
		d.admin.told("reload")
		wait_until(lambda: len(proc.children(d.pid)) > 4, "a child hangs")
		d.kill(signal.SIGKILL)
		d.wait()
		wait_until(lambda: not d.remains(), "nothing of it is left", 10)
		self.trap.clear(name)
		again = self.daemon(Config({"echo": {"handler": "echo", "listen": listen + [more.text]}},
					   control={"path": d.control}))
		again.control = d.control
		self.assertEqual(again.admin.status()["pid"], again.pid)
		for endpoint in (path, more):
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(again.stop(), 0)
		self.assertFalse(os.path.exists(path.address) or os.path.exists(more.address))

	def test_master_killed_while_it_loads(self):
		self.killed_master("load")

	def test_master_killed_while_it_proves(self):
		self.killed_master("setup")


class First(VerdictCase):
	def test_the_first_after_the_verdict_is_served_by_the_new(self):
		"""As often as one likes: no old worker takes anybody any more."""
		for endpoint in (Endpoint.v4(), Endpoint.unix(self.path("s"))):
			services = {"echo": {"handler": "exec", "command": ["/bin/echo", "0"], "listen": endpoint.text,
					     "workers": {"min": 4, "max": 8}, "timeouts": {"first_byte": 0, "idle": 0}}}
			self.start(services)
			with endpoint.connect():	# one has a client all the time
				for i in range(1, 21):
					services["echo"]["command"] = ["/bin/echo", str(i)]
					done = self.d.reload(Config(services))
					self.assertEqual((done.returncode, done.stderr), (OK, ""))
					self.assertEqual(talk(endpoint), b"%d\n" % i, "the very first")
					for _ in range(4):
						self.assertEqual(talk(endpoint), b"%d\n" % i)


main()
