#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an administrator orders: pause and resume, drain and undrain, other sizes, a stop."""

import sys
sys.dont_write_bytecode = True

import errno
import socket
import subprocess
import time

from harness import *
from harness.order_case import FAILED, OK, USAGE, OrderCase, answer, ask, fixed

LEAST = 2	# seconds after which those who should wait are believed to wait


class Pause(OrderCase):
	def pause(self, endpoint, handler=None, rounds=3):
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "workers": fixed(3),
					  **(handler or {})},
				 "other": {"handler": "daytime", "listen": Endpoint.unix(self.path("other")).text}})
		inodes = endpoint.inodes()
		self.assertEqual(len(inodes), 1)
		for i in range(rounds):
			with hold(endpoint, b"before") as held:
				self.ordered(d, "pause", "echo", said="paused")
				self.assertEqual(self.state(d), "paused")
				self.assertEqual(self.state(d, "other"), "serving")
				waiting = [ask(endpoint, b"%d %d" % (i, n)) for n in range(20)]
				queued = d.admin.service("echo")["listeners"][0]["queue"]
				self.assertEqual(queued, 20, "nobody takes them")
				held.sendall(b"still")
				self.assertEqual(recv_exact(held, 5), b"still")
				self.ordered(d, "pause", "echo")	# twice is once
			self.assertIn(b":", talk(Endpoint.unix(self.path("other"))), "the other service goes on")
			wait_until(lambda: d.admin.service("echo")["workers"]["retiring"] == 0, "the last has left")
			for s in waiting:
				s.setblocking(False)
				self.assertRaises(BlockingIOError, s.recv, 1)
				s.settimeout(PATIENCE)
			self.ordered(d, "resume", "echo", said="resumed")
			for n, s in enumerate(waiting):
				self.assertEqual(answer(s), b"%d %d" % (i, n))
			self.assertEqual(self.state(d), "serving")
			d.wait_workers(5)
		self.assertEqual(endpoint.inodes(), inodes, "the same queue all the time")
		self.ordered(d, "resume", "echo", said="not paused")
		self.assertEqual(d.stop(), 0)

	def test_tcp(self):
		self.pause(Endpoint.v4())

	def test_unix(self):
		self.pause(Endpoint.unix(self.path("s")))

	def test_abstract(self):
		self.pause(Endpoint.abstract())

	def test_program(self):
		self.pause(Endpoint.v4(), {"handler": "exec", "command": ["/bin/cat"]}, rounds=1)

	def test_stop_while_paused(self):
		"""Whoever is queued is served, as at every stop."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}})
		self.ordered(d, "pause", "echo")
		waiting = [ask(endpoint, b"%d" % i) for i in range(10)]
		d.kill(15)
		self.assertEqual([answer(s) for s in waiting], [b"%d" % i for i in range(10)])
		self.assertEqual(d.wait(), 0)

	def test_reload_while_paused(self):
		"""The new workers pause, too."""
		endpoint = Endpoint.v4()
		services = {"echo": {"handler": "echo", "listen": endpoint.text}}
		d = self.daemon(services)
		inodes = endpoint.inodes()
		self.ordered(d, "pause", "echo")
		waiting = [ask(endpoint, b"%d" % i) for i in range(10)]
		services["echo"]["timeouts"] = {"idle": "77s"}
		done = d.reload(Config(services))
		self.assertEqual(done.returncode, OK, done.stderr)
		self.assertEqual(self.state(d), "paused")
		wait_until(lambda: not d.workers(), "nobody is there who could serve")
		self.assertEqual(d.admin.service("echo")["listeners"][0]["queue"], 10)
		self.ordered(d, "resume", "echo")
		self.assertEqual([answer(s) for s in waiting], [b"%d" % i for i in range(10)])
		self.assertEqual(endpoint.inodes(), inodes)


class Drain(OrderCase):
	def endpoints(self):
		all_ = [Endpoint.v4(), Endpoint.unix(self.path("s")), Endpoint.abstract()]
		return all_ + [Endpoint.v6()] if can_ipv6() else all_

	def services(self, endpoints, **more):
		return {"s%d" % i: {"handler": "echo", "listen": e.text, "workers": fixed(1), **more}
			for i, e in enumerate(endpoints)}

	def refused(self, endpoint):
		"""The kernel says no, at once."""
		start = time.monotonic()
		with self.assertRaises(OSError) as caught:
			endpoint.connect().close()
		gone = endpoint.family == socket.AF_UNIX and not endpoint.address.startswith("\0")
		self.assertEqual(caught.exception.errno, errno.ENOENT if gone else errno.ECONNREFUSED, endpoint.text)
		self.assertLess(time.monotonic() - start, LEAST)

	def test_drain_and_undrain(self):
		endpoints = self.endpoints()
		d = self.daemon(self.services(endpoints))
		for i in range(3):
			held = [hold(e) for e in endpoints]
			queued = [ask(e, b"%d %d" % (i, n)) for e in endpoints for n in range(5)]
			job = d.admin.told("drain")["job"]
			self.assertEqual(d.admin.status()["state"], "draining")
			for s in held:
				s.sendall(b"still")
				self.assertEqual(recv_exact(s, 5), b"still")
			self.assertEqual({self.state(d, "s%d" % n) for n in range(len(endpoints))}, {"draining"})
			for s in held:
				s.close()
			self.assertEqual([answer(s) for s in queued],
					 [b"%d %d" % (i, n) for _ in endpoints for n in range(5)])
			self.assertIs(d.admin.verdict(job)["success"], True)
			self.assertEqual({s["state"] for s in d.admin.status()["services"]}, {"drained"})
			for e in endpoints:
				self.refused(e)
			self.assertTrue(d.admin.ask("ping")["ok"])
			self.ordered(d, "drain", said="drained already")
			self.ordered(d, "pause", "s0", said="paused; the daemon is drained")
			self.ordered(d, "resume", "s0", said="resumed; the daemon is drained")
			self.ordered(d, "undrain", said="undrained")
			for e in endpoints:
				self.assertEqual(talk(e, b"again"), b"again")
			self.assertEqual({s["state"] for s in d.admin.status()["services"]}, {"serving"})
		self.ordered(d, "undrain", said="not drained")
		self.assertEqual(d.stop(), 0)

	def test_who_is_connected_finishes(self):
		"""Drained means that nobody comes, not that nobody is left."""
		endpoints = self.endpoints()
		d = self.daemon(self.services(endpoints))
		held = [hold(e) for e in endpoints]
		self.ordered(d, "drain", said="drained")
		for e in endpoints:
			self.refused(e)
		for s in held:
			s.sendall(b"still")
			self.assertEqual(recv_exact(s, 5), b"still")
		self.ordered(d, "undrain")
		for s in held:
			s.sendall(b"still")
			self.assertEqual(recv_exact(s, 5), b"still")
			s.close()
		for e in endpoints:
			self.assertEqual(talk(e, b"again"), b"again")

	def test_undrain_before_it_is_drained(self):
		endpoints = self.endpoints()
		path = endpoints[1]
		d = self.daemon(self.services(endpoints))
		held = [hold(e) for e in endpoints]
		queued = [ask(e, b"queued") for e in endpoints]
		job = d.admin.told("drain")["job"]
		again = d.admin.told("undrain")["job"]
		self.assertEqual(d.admin.told("undrain")["job"], again, "one is enough")
		verdict = d.admin.verdict(job)
		self.assertEqual((verdict["success"], verdict["text"]), (False, "undrained meanwhile"))
		# the path of a unix socket takes another socket, after those who are queued at this one
		late = [ask(e, b"late") for e in endpoints if e is not path]
		self.assertFalse(d.admin.told("job", job=again)["done"])
		self.assertEqual(self.state(d, "s0"), "serving")
		for s in held:
			s.close()
		self.assertEqual([answer(s) for s in queued + late], [b"queued"] * len(queued) + [b"late"] * len(late))
		verdict = d.admin.verdict(again)
		self.assertIs(verdict["success"], True, verdict)
		for e in endpoints:
			self.assertEqual(talk(e, b"again"), b"again")
		self.assertEqual(d.stop(), 0)

	def test_reload_while_drained(self):
		endpoints = self.endpoints()
		services = self.services(endpoints)
		d = self.daemon(services)
		self.ordered(d, "drain")
		new = Endpoint.v4()
		services["new"] = {"handler": "echo", "listen": new.text}
		services["s0"]["timeouts"] = {"idle": "77s"}
		services["s1"]["timeouts"] = {"idle": "77s"}
		done = d.reload(Config(services))
		self.assertEqual(done.returncode, OK, done.stderr)
		wait_until(lambda: {s["state"] for s in d.admin.status()["services"]} == {"drained"}, "still drained")
		for e in endpoints + [new]:
			self.refused(e)
		self.ordered(d, "undrain")
		for e in endpoints + [new]:
			self.assertEqual(talk(e, b"again"), b"again")

	def test_stop_while_drained(self):
		endpoints = self.endpoints()
		d = self.daemon(self.services(endpoints))
		with hold(endpoints[0]) as held:
			self.ordered(d, "drain")
			d.kill(15)
			self.assertTrue(d.notify.wait("STOPPING=1"))
			held.sendall(b"still")
			self.assertEqual(recv_exact(held, 5), b"still")
		self.assertEqual(d.wait(), 0)


class Resize(OrderCase):
	def setUp(self):
		super().setUp()
		self.endpoint = Endpoint.v4()
		self.config = Config({"echo": {"handler": "echo", "listen": self.endpoint.text,
					       "workers": {"min": 2, "max": 4, "max_spare": 4}}})
		self.d = self.daemon(self.config)

	def limits(self):
		w = self.d.admin.service("echo")["workers"]
		return w["min"], w["max"]

	def held(self, count):
		held = [hold(self.endpoint) for _ in range(count)]
		for s in held:
			self.addCleanup(s.close)
		return held

	def test_within_the_board(self):
		d, before = self.d, self.d.workers()
		self.ordered(d, "resize", "echo", "3", "3", said="resized")
		self.assertEqual(self.limits(), (3, 3))
		wait_until(lambda: len(d.workers()) == 3, "three workers")
		self.assertLessEqual(set(before), set(d.workers()), "nobody was replaced")
		held = self.held(3)
		late = ask(self.endpoint, b"late")
		wait_until(lambda: d.admin.service("echo")["listeners"][0]["queue"] == 1, "the fourth waits")
		self.ordered(d, "resize", "echo", "2", "4")
		self.assertEqual(answer(late), b"late")
		for s in held:
			s.sendall(b"well")
			self.assertEqual(recv_exact(s, 4), b"well")

	def test_beyond_the_board(self):
		"""A new board takes a new generation of workers; those that serve finish."""
		d, before, inodes = self.d, self.d.workers(), self.endpoint.inodes()
		held = self.held(3)
		self.ordered(d, "resize", "echo", "2", "40")
		self.assertEqual(self.limits(), (2, 40))
		more = self.held(36)
		for s in held + more:
			s.sendall(b"well")
			self.assertEqual(recv_exact(s, 4), b"well")
		self.assertEqual(d.admin.service("echo")["connections"]["active"], 39)
		self.assertEqual(self.endpoint.inodes(), inodes)
		for s in held + more:
			s.close()
		wait_until(lambda: not set(before) & set(d.workers()), "those of the old board are gone")
		wait_until(lambda: d.admin.service("echo")["workers"]["retiring"] == 0, "nothing stays behind")

	def test_shrink(self):
		d = self.d
		held = self.held(4)
		self.ordered(d, "resize", "echo", "1", "1")
		self.assertEqual(self.limits(), (1, 1))
		for s in held:	# they finish in peace
			s.sendall(b"well")
			self.assertEqual(recv_exact(s, 4), b"well")
			s.close()
		d.wait_workers(1)
		self.assertEqual(talk(self.endpoint, b"x"), b"x")

	def test_until_the_next_reload(self):
		d = self.d
		for minimum, maximum in (("3", "3"), ("2", "40")):
			self.ordered(d, "resize", "echo", minimum, maximum)
			self.assertEqual(self.limits(), (int(minimum), int(maximum)))
			done = d.reload()
			self.assertEqual(done.returncode, OK, done.stderr)
			self.assertEqual(self.limits(), (2, 4))

	def test_bad_values(self):
		d, workers = self.d, self.d.workers()
		for minimum, maximum in ((-1, 4), (0, 0), (5, 4), (1, 100001), (1, -1), (2**62, 2**62), (0, 2**63 - 1)):
			with self.subTest(min=minimum, max=maximum):
				reply = d.admin.ask("resize", service="echo", min=minimum, max=maximum)
				self.assertEqual((reply["ok"], reply.get("exit")), (False, FAILED))
		self.ordered(d, "resize", "echo", "5", "4", status=FAILED, said="too small")
		self.ordered(d, "resize", "echo", "0", "0", status=FAILED)
		self.ordered(d, "resize", "nosuch", "1", "2", status=FAILED, said="nosuch")
		self.assertEqual(self.limits(), (2, 4))
		self.assertEqual(d.workers(), workers)

	def test_addresses_need_a_worker_each(self):
		other = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": [Endpoint.v4().text, other.text],
					  "workers": {"min": 1, "max": 4}}})
		self.ordered(d, "resize", "echo", "0", "1", status=FAILED, said="2 addresses")
		self.ordered(d, "resize", "echo", "2", "3", status=FAILED, said="2 addresses")
		self.ordered(d, "resize", "echo", "1", "2")
		self.assertEqual(talk(other, b"x"), b"x")


class Stop(OrderCase):
	def start(self):
		self.endpoint = Endpoint.v4()
		return self.daemon({"echo": {"handler": "echo", "listen": self.endpoint.text,
					     "timeouts": {"drain": "10min"}}})

	def test_waits_for_its_end(self):
		d = self.start()
		with hold(self.endpoint) as s:
			ctl = subprocess.Popen([PREFORKCTL, "-s", d.control, "stop"], stdout=subprocess.PIPE, text=True)
			self.addCleanup(ctl.kill)
			self.assertEqual(ctl.stdout.readline(), "waiting for 1 client, 0 queued\n")
			wait_until(lambda: d.admin.status()["state"] == "stopping", "it can be asked until the end")
			s.sendall(b"still")
			self.assertEqual(recv_exact(s, 5), b"still")
			self.assertIsNone(ctl.poll())
			self.assertIsNone(d.process.poll())
		self.assertEqual(d.wait(), 0)
		with ctl.stdout:
			self.assertEqual(ctl.wait(PATIENCE), OK)

	def test_now(self):
		d = self.start()
		with hold(self.endpoint):
			start = time.monotonic()
			self.ordered(d, "stop", "--now")
			self.assertLess(time.monotonic() - start, 10)
		self.assertEqual(d.wait(), 0)
		wait_until(lambda: not d.remains(), "nothing left", 5)

	def test_now_after_a_patient_one(self):
		d = self.start()
		with hold(self.endpoint):
			self.assertTrue(d.admin.told("stop")["ok"])
			self.assertTrue(d.notify.wait("STOPPING=1"))
			reply = d.admin.ask("pause", service="echo")
			self.assertEqual((reply["ok"], reply["exit"]), (False, FAILED))
			reply = d.admin.ask("reload")
			self.assertEqual((reply["ok"], reply["error"]), (False, "the daemon stops"))
			self.ordered(d, "stop", "--now")
		self.assertEqual(d.wait(), 0)


main()
