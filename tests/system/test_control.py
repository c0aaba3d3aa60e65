#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The control socket of the real daemon: what it tells, whom it obeys, and what it shrugs off."""

import sys
sys.dont_write_bytecode = True

import grp
import json
import os
import socket
import stat
import time

from harness import *

OK, FAILED, USAGE, UNREACHABLE, SYSTEM, NOT_PERMITTED = 0, 1, 64, 69, 71, 77
SOON = 1 if not SANITIZED else 5	# seconds; it answers between two events, in milliseconds
SILENCE = 5		# seconds that a client of the control socket may be silent
CLIENTS = 64		# that the control socket has at a time
NOBODY, STRANGER = 65534, 54321


def fixed(n):
	return {"min": n, "max": n, "max_spare": n}


class Status(Case):
	TOP = {"version": str, "pid": int, "state": str, "generation": int, "uptime": float,
	       "last_reload": type(None), "log_lost": int, "services": list}
	SERVICE = {"name": str, "handler": str, "state": str, "workers": dict, "listeners": list,
		   "connections": dict, "requests": int, "bytes": dict, "crashes": int, "rate": float,
		   "sources": dict, "upstreams": list, "module": type(None), "counters": dict,
		   "rolling": type(None), "waiting": type(None), "cgroup": type(None),
		   "violations": int}
	WORKERS = dict.fromkeys(("idle", "busy", "starting", "retiring", "min", "max"), int)
	LISTENER = {"address": str, "queue": int, "backlog": int, "backlog_asked": int, "drops": int,
		    "trouble": type(None), "mended": int}
	CONNECTIONS = {"accepted": int, "active": int, "failed": int, "refused": dict, "probes": int}
	WORKER = {"service": str, "pid": int, "state": str, "peer": str, "listener": str, "age": float,
		  "since": float, "requests": int, "bytes": dict, "generation": int, "status": type(None)}

	def shape(self, value, types):
		self.assertEqual({key: type(member) for key, member in value.items()}, types)

	def test_keys_and_types(self):
		endpoint, path = Endpoint.v4(), Endpoint.unix(self.path("s"))
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text},
				 "sink": {"handler": "discard", "listen": path.text}})
		with hold(endpoint):
			status = d.admin.status()
			workers = d.admin.workers("echo")
		self.shape(status, self.TOP)
		self.assertEqual([s["name"] for s in status["services"]], ["echo", "sink"])
		for service in status["services"]:
			self.shape(service, self.SERVICE)
			self.shape(service["workers"], self.WORKERS)
			self.shape(service["connections"], self.CONNECTIONS)
			self.shape(service["bytes"], {"in": int, "out": int})
		tcp, = status["services"][0]["listeners"]
		self.shape(tcp, self.LISTENER)
		unix, = status["services"][1]["listeners"]
		self.shape(unix, {**self.LISTENER, "drops": type(None)})
		self.assertEqual([tcp["address"], unix["address"]], [endpoint.text, path.text])
		for worker in workers:
			self.shape(worker, {**self.WORKER, "peer": str if worker["state"] == "busy" else type(None)})
			self.shape(worker["bytes"], {"in": int, "out": int})
		self.assertEqual((status["pid"], status["state"], status["generation"], status["log_lost"]),
				 (d.pid, "serving", 1, 0))
		self.assertEqual(d.reload().returncode, OK)
		self.shape(d.admin.status()["last_reload"], {"success": bool, "text": str, "age": float})

	def test_preforkctl_says_the_same(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}})
		done = d.ctl("status", "--json")
		self.assertEqual(done.returncode, OK, done.stderr)
		status = json.loads(done.stdout)
		self.shape(status, self.TOP)
		self.assertEqual(status["pid"], d.pid)
		done = d.ctl("workers", "--json")
		self.assertEqual({w["pid"] for w in json.loads(done.stdout)["workers"]}, set(d.workers()))
		self.assertIn(endpoint.text, d.ctl("status", "echo").stdout)

	def count(self, endpoint):
		"""Busy, then done: every number on the way."""
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "backlog": 16,
					  "workers": fixed(2)}})
		admin = d.admin

		def numbers():
			s = admin.service("echo")
			return (s["workers"]["idle"], s["workers"]["busy"], s["listeners"][0]["queue"],
				s["connections"]["accepted"], s["connections"]["active"], s["requests"],
				s["bytes"]["in"], s["bytes"]["out"])
		self.assertEqual(numbers(), (2, 0, 0, 0, 0, 0, 0, 0))
		first = hold(endpoint, b"12345")
		wait_until(lambda: numbers() == (1, 1, 0, 1, 1, 0, 5, 5), "one is busy, its bytes are counted")
		worker, = [w for w in admin.workers() if w["state"] == "busy"]
		self.assertIn(worker["pid"], d.workers())
		self.assertEqual((worker["requests"], worker["bytes"]), (0, {"in": 5, "out": 5}))
		if endpoint.family == socket.AF_INET:
			self.assertEqual(worker["peer"], "127.0.0.1:%d" % first.getsockname()[1])
		second = hold(endpoint, b"1")
		waiting = [endpoint.connect() for _ in range(7)]
		wait_until(lambda: numbers() == (0, 2, 7, 2, 2, 0, 6, 6), "seven are queued")
		self.assertEqual(admin.service("echo")["listeners"][0]["backlog"], 16)
		first.sendall(b"678")
		self.assertEqual(recv_exact(first, 3), b"678")
		wait_until(lambda: numbers() == (0, 2, 7, 2, 2, 0, 9, 9), "bytes of a running connection")
		for s in [first, second, *waiting]:
			s.close()
		wait_until(lambda: numbers() == (2, 0, 0, 9, 0, 9, 9, 9), "all are done")
		self.assertEqual(sum(w["requests"] for w in admin.workers()), 9)
		self.assertEqual(d.stop(), 0)

	def test_numbers_tcp(self):
		self.count(Endpoint.v4())

	def test_numbers_unix(self):
		self.count(Endpoint.unix(self.path("s")))

	def test_numbers_outlive_workers(self):
		"""The counts of workers that have left, retired or crashed are not lost."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {**fixed(2), "max_requests": 3}}})
		for i in range(20):
			self.assertEqual(talk(endpoint, b"%02d" % i), b"%02d" % i)
		with hold(endpoint, b"x"):
			# those who served before may not have closed yet
			# or the one that took the client was just told to leave
			busy, = wait_until(lambda: (lambda pids: pids if len(pids) == 1 else None)(
				[w["pid"] for w in d.admin.workers() if w["peer"]]), "one has a client")
			wait_until(lambda: d.admin.service("echo")["bytes"] == {"in": 41, "out": 41},
				   "its byte is counted")
			os.kill(busy, 9)
			wait_until(lambda: not proc.alive(busy), "killed")
		# the connection of the crash was never finished: it is no request
		wait_until(lambda: (lambda s: (s["requests"], s["bytes"]["in"], s["bytes"]["out"], s["crashes"],
					       s["connections"]["active"]))(d.admin.service("echo")) ==
			   (20, 41, 41, 1, 0), "all are counted")

	def test_rate(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}})
		self.assertEqual(d.admin.service("echo")["rate"], 0)
		end = time.monotonic() + PATIENCE
		while d.admin.service("echo")["rate"] == 0 and time.monotonic() < end:
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertGreater(d.admin.service("echo")["rate"], 0)
		wait_until(lambda: d.admin.service("echo")["rate"] == 0, "it is quiet again")


class Nonsense(Case):
	def setUp(self):
		super().setUp()
		self.endpoint = Endpoint.v4()
		self.d = self.daemon({"echo": {"handler": "echo", "listen": self.endpoint.text}})
		self.admin = self.d.admin

	def refused(self, reply, status, said):
		self.assertEqual((reply["ok"], reply["exit"]), (False, status), reply)
		self.assertIn(said, reply["error"])
		self.assertNotIn("\n", reply["error"])

	def well(self):
		start = time.monotonic()
		self.assertEqual(talk(self.endpoint, b"well"), b"well")
		self.assertEqual(self.admin.status()["state"], "serving")
		self.assertLess(time.monotonic() - start, SOON)

	def test_requests(self):
		admin = self.admin
		for request, status, said in (
				({"command": "dance"}, USAGE, "unknown command \"dance\""),
				({"command": 7}, USAGE, "unknown command"),
				({}, USAGE, "unknown command"),
				([], USAGE, "JSON"),
				({"command": "pause"}, USAGE, "service"),
				({"command": "pause", "service": 7}, USAGE, "service"),
				({"command": "pause", "service": "nosuch"}, FAILED, "nosuch"),
				({"command": "status", "service": "nosuch"}, FAILED, "nosuch"),
				({"command": "workers", "service": []}, USAGE, "service"),
				({"command": "job"}, FAILED, "no job"),
				({"command": "job", "job": 99}, FAILED, "no job"),
				({"command": "job", "job": -1}, FAILED, "no job"),
				({"command": "job", "job": 2**32 + 1}, FAILED, "no job"),
				({"command": "job", "job": "1"}, FAILED, "no job"),
				({"command": "resize", "service": "echo"}, USAGE, "min and max"),
				({"command": "resize", "service": "echo", "min": "1", "max": 2}, USAGE, "min and max"),
				({"command": "resize", "service": "echo", "min": 1.0, "max": 2}, USAGE, "min and max")):
			with self.subTest(request=request):
				self.refused(admin.send(frame(request)), status, said)
		self.well()

	def test_bytes(self):
		for data, said in (
				(frame(b"{"), "JSON"),
				(frame(b""), "JSON"),
				(frame(b"\xff\xfe"), "JSON"),
				(frame(b"[" * 60000), "JSON"),
				(frame(b"{\"command\":\"ping\",\"command\":\"stop\"}"), "JSON"),
				(frame({"command": "ping"}, version=2), "version"),
				(frame({"command": "ping"}, version=0), "version"),
				(b"GET / HTTP/1.0\r\n\r\n", "protocol"),
				(frame(b"", length=65537), "65536"),
				(frame(b"", length=2**32 - 1), "65536"),
				(frame(b" " * 10_000_000), "65536")):
			with self.subTest(data=data[:40]):
				self.refused(self.admin.send(data), USAGE, said)
		self.assertIs(self.admin.send(frame(b" " * 65500 + b"{\"command\":\"ping\"}"))["ok"], True)
		self.well()

	def test_ping(self):
		self.assertEqual({**self.admin.ask("ping"), "version": None},
				 {"ok": True, "version": None, "pid": self.d.pid})

	def test_half_a_frame(self):
		"""It is waited for, for some seconds; nobody else waits."""
		whole = frame({"command": "ping"})
		halves = [self.admin.connect() for _ in range(3)]
		for s, size in zip(halves, (0, 3, len(whole) - 1)):
			s.sendall(whole[:size])
		self.well()
		slow = self.admin.connect()
		for i in range(len(whole)):	# byte by byte is as good as at once
			slow.sendall(whole[i:i + 1])
		self.assertIs(read_reply(slow)["ok"], True)
		slow.close()
		start = time.monotonic()
		for s in halves:
			self.assertEqual(s.recv(1), b"", "closed, without a word")
			s.close()
		self.assertLess(time.monotonic() - start, SILENCE + 2)
		self.well()

	def test_100_silent_connections(self):
		silent = [self.admin.connect() for _ in range(100)]
		self.well()
		wait_until(lambda: self.open_by_us(silent) <= CLIENTS, "the oldest gave way")
		start = time.monotonic()
		for _ in range(20):
			self.well()
		self.assertLess(time.monotonic() - start, 20 * SOON)
		for s in silent:
			s.close()
		self.well()

	@staticmethod
	def open_by_us(sockets):
		count = 0
		for s in sockets:
			s.setblocking(False)
			try:
				s.recv(1)
			except BlockingIOError:
				count += 1
		return count

	def test_silent_ones_do_not_oust_who_waits(self):
		"""Somebody who is owed an answer gets it, however many come after."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "workers": fixed(1)}})
		with hold(endpoint) as busy, endpoint.connect() as queued:
			job = d.admin.told("drain")["job"]	# which the queued one keeps from being done
			waiting = [d.admin.connect() for _ in range(10)]
			for s in waiting:
				s.sendall(frame({"command": "job", "job": job}))
			silent = [d.admin.connect() for _ in range(100)]
			for s in waiting:
				reply = read_reply(s)
				self.assertEqual((reply["ok"], reply["done"]), (True, False))
			for s in waiting + silent:
				s.close()
			busy.close()
			queued.close()
			self.assertIs(d.admin.verdict(job)["success"], True)

	def test_gone_before_the_answer(self):
		for _ in range(200):
			with self.admin.connect() as s:
				s.sendall(frame({"command": "status"}))
		for _ in range(10):
			with self.admin.connect() as s:
				s.sendall(frame({"command": "reload"}))
		wait_until(lambda: self.admin.status()["state"] == "serving", "the reloads are over")
		self.well()


@needs_root()
class Permissions(Case):
	"""The peer's credentials count, not only the mode of the socket."""

	def setUp(self):
		super().setUp()
		self.endpoint = Endpoint.v4()
		self.group = grp.getgrgid(NOBODY).gr_name

	def start(self, **control):
		folder = self.folder("run")
		path = os.path.join(folder, "control")
		d = self.daemon(Config({"echo": {"handler": "echo", "listen": self.endpoint.text}},
				       control={"path": path, **control}))
		d.control = path
		return d

	@staticmethod
	def who(uid, gid, *groups):
		more = ("--groups", ",".join(map(str, groups))) if groups else ("--clear-groups",)
		return ("setpriv", "--reuid", str(uid), "--regid", str(gid), *more)

	READ = (("status",), ("workers",), ("status", "echo"))
	CHANGE = (("reload",), ("pause", "echo"), ("resume", "echo"), ("drain",), ("undrain",),
		  ("resize", "echo", "1", "2"), ("upgrade",), ("stop",), ("stop", "--now"))

	def may(self, d, who, commands, status, said=""):
		for command in commands:
			with self.subTest(command=command, who=who):
				done = d.ctl(*command, prefix=who)
				self.assertEqual(done.returncode, status, done.stderr)
				self.assertIn(said, done.stderr)

	@needs_tool("setpriv")
	def test_mode_keeps_strangers_out(self):
		d = self.start()
		self.may(d, self.who(STRANGER, STRANGER), self.READ + self.CHANGE, NOT_PERMITTED)
		self.may(d, (), self.READ, OK)

	@needs_tool("setpriv")
	def test_stranger_who_can_connect(self):
		d = self.start(mode="0666", group=self.group)
		self.may(d, self.who(STRANGER, STRANGER), self.READ, NOT_PERMITTED, "control.read")
		self.may(d, self.who(STRANGER, STRANGER), self.CHANGE, NOT_PERMITTED, "not permitted")
		self.assertEqual(d.admin.status()["generation"], 1)
		self.assertEqual(d.admin.service("echo")["state"], "serving")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")

	def test_flood_of_strangers(self):
		"""It takes the place of none that may give orders, and leaves room for new ones."""
		d = self.start(mode="0666")
		ours = [d.admin.connect() for _ in range(8)]
		os.seteuid(STRANGER)
		try:
			flood = [d.admin.connect() for _ in range(200)]
		finally:
			os.seteuid(0)
		more = [d.admin.connect() for _ in range(8)]
		for s in ours + more:
			s.sendall(frame({"command": "ping"}))
			self.assertIs(read_reply(s)["ok"], True)
		for s in ours + more + flood:
			s.close()

	@needs_tool("setpriv")
	def test_read_by_all(self):
		d = self.start(mode="0666", read="all")
		self.may(d, self.who(STRANGER, STRANGER), self.READ, OK)
		self.may(d, self.who(STRANGER, STRANGER), self.CHANGE, NOT_PERMITTED, "not permitted")

	@needs_tool("setpriv")
	def test_member_of_the_group(self):
		d = self.start(group=self.group)
		for who in (self.who(STRANGER, NOBODY), self.who(STRANGER, STRANGER, STRANGER, NOBODY)):
			self.may(d, who, self.READ, OK)
			self.may(d, who, (("reload",), ("pause", "echo"), ("resume", "echo"), ("drain",), ("undrain",)),
				 OK)
		self.may(d, self.who(STRANGER, NOBODY), (("stop",),), OK)
		self.assertEqual(d.wait(), 0)

	@needs_tool("setpriv")
	def test_the_daemons_own_user(self):
		os.chown(self.folder("run2"), NOBODY, NOBODY)
		path = self.path("run2", "control")
		d = self.daemon(Config({"echo": {"handler": "echo", "listen": self.endpoint.text}}, user=None,
				       group=None,
				       control={"path": path, "mode": "0666"}), how={"uid": NOBODY})
		d.control = path
		self.may(d, self.who(NOBODY, STRANGER), (("status",), ("reload",), ("pause", "echo")), OK)
		self.may(d, self.who(STRANGER, STRANGER), (("status",), ("reload",)), NOT_PERMITTED)
		self.may(d, (), (("resume", "echo"),), OK)

	@needs_tool("setpriv")
	def test_permissions_change_at_a_reload(self):
		d = self.start(mode="0600")
		stranger = self.who(STRANGER, STRANGER)
		self.may(d, stranger, self.READ, NOT_PERMITTED)
		mode = os.stat(d.control)
		self.assertEqual(stat.S_IMODE(mode.st_mode), 0o600)
		services = {"echo": {"handler": "echo", "listen": self.endpoint.text}}
		done = d.reload(Config(services, control={"path": d.control, "mode": "0666", "read": "all",
							  "group": self.group}))
		self.assertEqual(done.returncode, OK, done.stderr)
		now = os.stat(d.control)
		self.assertEqual((stat.S_IMODE(now.st_mode), now.st_gid, now.st_ino), (0o666, NOBODY, mode.st_ino))
		self.may(d, stranger, self.READ, OK)
		self.may(d, self.who(STRANGER, NOBODY), (("pause", "echo"),), OK)
		self.assertEqual(d.reload(Config(services, control={"path": d.control, "mode": "0666"})).returncode, OK)
		self.may(d, stranger, self.READ, NOT_PERMITTED)
		self.may(d, self.who(STRANGER, NOBODY), (("resume", "echo"),), NOT_PERMITTED)


class Path(Case):
	def services(self):
		self.endpoint = Endpoint.v4()
		return {"echo": {"handler": "echo", "listen": self.endpoint.text}}

	def test_mode_by_default(self):
		d = self.daemon(self.services())
		mode = os.stat(d.control).st_mode
		self.assertTrue(stat.S_ISSOCK(mode))
		self.assertEqual(stat.S_IMODE(mode), 0o660)
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists(d.control))

	def test_none(self):
		d = self.daemon(Config(self.services(), control={"path": ""}))
		self.assertEqual(sorted(os.listdir(d.folder)), ["notify", "preforkd.conf"])
		self.assertEqual(d.ctl("status").returncode, UNREACHABLE)
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	@needs_root("needs root, to be somebody else")
	def test_default_that_cannot_be_bound(self):
		"""The configuration does not ask for the socket: the daemon runs without one."""
		d = self.daemon(Config(self.services(), user=None, group=None, control=None), how={"uid": NOBODY})
		d.wait_log(r"no control socket, preforkctl cannot reach this daemon: .*/run/preforkd/control")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def test_written_path_that_cannot_be_bound(self):
		for path in (self.path("nosuch", "control"), self.write("file", "text")):
			with self.subTest(path=path):
				d = self.daemon(Config(self.services(), control={"path": path}), start=False).launch()
				self.assertEqual(d.wait(), SYSTEM)
				d.wait_log(r"%s" % path)
				self.assertTrue(self.endpoint.refuses())
		with open(self.path("file"), encoding="utf-8") as f:
			self.assertEqual(f.read(), "text")

	def test_path_of_a_living_daemon(self):
		first = self.daemon(self.services())
		second = self.daemon(Config(self.services(), control={"path": first.control}), start=False).launch()
		self.assertEqual(second.wait(), SYSTEM)
		self.assertEqual(first.admin.status()["pid"], first.pid)

	def test_path_of_a_dead_daemon(self):
		first = self.daemon(self.services())
		first.kill(9)
		first.wait()
		self.assertTrue(os.path.exists(first.control))
		second = self.daemon(Config(self.services(), control={"path": first.control}))
		second.control = first.control
		self.assertEqual(second.admin.status()["pid"], second.pid)

	def test_path_changes_at_a_reload(self):
		services = self.services()
		d = self.daemon(services)
		old, new = d.control, self.path("other")
		workers = d.workers()
		d.configure(Config(services, control={"path": new}))
		job = d.admin.told("reload")["job"]
		wait_until(lambda: os.path.exists(new), "the new path is there")
		self.assertIs(Control(new).verdict(job)["success"], True)
		self.assertIs(Control(old).verdict(job)["success"], True, "where it was asked for it can be had, too")
		wait_until(lambda: not os.path.exists(old), "the old path is gone, once the verdict could be had")
		d.control = new
		self.assertEqual(d.admin.status()["pid"], d.pid)
		self.assertEqual(d.workers(), workers, "nothing to do with them")
		done = d.reload(Config(services, control={"path": self.path("nosuch", "control")}))
		self.assertEqual(done.returncode, FAILED)
		self.assertIn(self.path("nosuch", "control"), done.stderr)
		self.assertIs(d.admin.status()["last_reload"]["success"], False)
		done = d.reload(Config(services, control={"path": ""}))
		self.assertEqual(done.returncode, OK, done.stderr)
		wait_until(lambda: not os.path.exists(new), "no path")
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		d.configure(Config(services, control={"path": old}))
		d.kill(1)
		wait_until(lambda: os.path.exists(old), "there is one again")
		self.assertEqual(Control(old).status()["pid"], d.pid)
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists(old))


main()
