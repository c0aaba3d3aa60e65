#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a reload changes, class by class, and what stays the same: processes, sockets, queues."""

import sys
sys.dont_write_bytecode = True

import copy
import os
import pwd
import socket
import stat
import subprocess
import unittest

from harness import *
from harness.order_case import FAILED, OK, answer, ask, fixed


class ReloadCase(Case):
	def start(self, services, **options):
		self.services = services
		self.d = self.daemon(Config(copy.deepcopy(services)), **options)
		return self.d

	def reload(self, services=None, said=None):
		done = self.d.reload(Config(services if services is not None else self.services))
		self.assertEqual(done.returncode, OK, done.stderr)
		self.assertEqual(done.stderr, "")
		if said is not None:
			self.assertEqual(done.stdout, said + "\n")
		return done

	def generations(self, name):
		return {w["generation"] for w in self.d.admin.workers(name) if w["state"] != "retiring"}

	def backlog(self, endpoint):
		"""As the kernel has it."""
		kind, what = ("-t", "sport = :%d" % endpoint.port) if endpoint.family != socket.AF_UNIX else \
			("-x", "src " + endpoint.address.replace("\0", "@"))
		out = subprocess.run(["ss", "-H", "-l", "-n", kind, what], check=True, text=True,
				     stdout=subprocess.PIPE, timeout=PATIENCE).stdout
		line, = out.splitlines()
		return int(line.split()[2 if kind == "-t" else 3])


class Nothing(ReloadCase):
	def test_nothing_has_changed(self):
		endpoint = Endpoint.v4()
		d = self.start({"echo": {"handler": "echo", "listen": endpoint.text}})
		before = d.workers(), endpoint.inodes(), proc.descriptors(d.pid)
		self.reload(said="nothing has changed")
		# written in another way it is the same
		services = {"echo": {"listen": [endpoint.text], "handler": "echo", "workers": {"min": 2},
				     "backlog": 4096}}
		self.reload(services, said="nothing has changed")
		for _ in range(10):
			self.reload(said="nothing has changed")
		self.assertEqual((d.workers(), endpoint.inodes(), proc.descriptors(d.pid)), before)
		self.assertEqual(d.admin.status()["generation"], 1)

	def test_hangup(self):
		endpoint = Endpoint.v4()
		d = self.start({"echo": {"handler": "echo", "listen": endpoint.text}})
		self.services["echo"]["handler"] = "daytime"
		d.configure(Config(self.services))
		d.kill(1)
		self.assertTrue(d.notify.wait("READY=1", 2))
		self.assertIn(b":", talk(endpoint))
		self.assertEqual(d.admin.status()["generation"], 2)
		self.assertEqual(d.stop(), 0)


class Live(ReloadCase):
	"""Nothing but a number changes: the same workers, the same sockets."""

	def change(self, services, name, said="1 service changed, 0 added, 0 removed"):
		d, before = self.d, self.d.workers()
		self.services = services
		self.reload(said="generation %d: %s" % (d.admin.status()["generation"] + 1, said))
		self.assertLessEqual(set(before), set(d.workers()), "nobody was replaced")
		d.wait_log(r"%s: changed: " % name)

	@needs_tool("ss")
	def test_backlog(self):
		for endpoint in (Endpoint.v4(), Endpoint.unix(self.path("s")), Endpoint.abstract()):
			with self.subTest(endpoint.text):
				services = {"echo": {"handler": "echo", "listen": endpoint.text, "backlog": 100,
						     "workers": fixed(2)}}
				d = self.start(services)
				inodes = endpoint.inodes()
				self.assertEqual(self.backlog(endpoint), 100)
				busy = [hold(endpoint) for _ in range(2)]
				queued = [ask(endpoint, b"%d" % i) for i in range(20)]
				for backlog in (50, 200):
					services["echo"]["backlog"] = backlog
					self.change(services, "echo")
					self.assertEqual(self.backlog(endpoint), backlog)
					listener, = d.admin.service("echo")["listeners"]
					self.assertEqual((listener["backlog"], listener["backlog_asked"],
							  listener["queue"]),
							 (backlog, backlog, 20))
				self.assertEqual(endpoint.inodes(), inodes)
				for s in busy:
					s.sendall(b"still")
					self.assertEqual(recv_exact(s, 5), b"still")
					s.close()
				self.assertEqual([answer(s) for s in queued], [b"%d" % i for i in range(20)])

	def test_sizes(self):
		endpoint = Endpoint.v4()
		services = {"echo": {"handler": "echo", "listen": endpoint.text,
				     "workers": {"min": 2, "min_spare": 1, "max_spare": 4, "max": 16}}}
		d = self.start(services)
		d.wait_workers(2)
		services["echo"]["workers"]["min"] = 5
		services["echo"]["workers"]["max_spare"] = 5
		self.change(services, "echo")
		d.wait_workers(5)
		services["echo"]["workers"].update(min_spare=7, max_spare=8)
		self.change(services, "echo")
		d.wait_workers(7)
		services["echo"]["workers"].update(min=1, min_spare=1, max_spare=1)
		self.change(services, "echo")
		d.wait_workers(1)
		self.assertEqual(d.admin.service("echo")["workers"]["min"], 1)
		self.assertEqual(talk(endpoint, b"x"), b"x")

	def test_permissions_of_a_path(self):
		endpoint = Endpoint.unix(self.path("s"))
		services = {"echo": {"handler": "echo", "listen": endpoint.text, "socket": {"mode": "0600"}}}
		d = self.start(services)
		before = os.stat(endpoint.address)
		self.assertEqual(stat.S_IMODE(before.st_mode), 0o600)
		services["echo"]["socket"]["mode"] = "0666"
		if IS_ROOT:
			services["echo"]["socket"]["owner"] = SERVICE_USER
		self.change(services, "echo")
		after = os.stat(endpoint.address)
		self.assertEqual((stat.S_IMODE(after.st_mode), after.st_ino), (0o666, before.st_ino))
		if IS_ROOT:
			self.assertEqual(pwd.getpwuid(after.st_uid).pw_name, SERVICE_USER)
			del services["echo"]["socket"]["owner"]
			self.change(services, "echo")
			self.assertEqual(os.stat(endpoint.address).st_uid, d_owner(d))
		self.assertEqual(talk(endpoint, b"x"), b"x")

	@needs_tool("ss")
	def test_options_of_connections(self):
		"""Those that come after it have them, from the listener."""
		endpoint = Endpoint.v4()
		services = {"echo": {"handler": "echo", "listen": endpoint.text, "socket": {"keepalive": 0}}}
		self.start(services)
		inodes = endpoint.inodes()

		def kept_alive():
			with hold(endpoint) as s:
				what = "sport = :%d and dport = :%d" % (endpoint.port, s.getsockname()[1])
				return "keepalive" in subprocess.run(["ss", "-H", "-tno", what], check=True, text=True,
								     stdout=subprocess.PIPE, timeout=PATIENCE).stdout
		self.assertFalse(kept_alive())
		services["echo"]["socket"]["keepalive"] = "70s"
		self.change(services, "echo")
		self.assertTrue(kept_alive())
		services["echo"]["socket"].update(keepalive=0, nodelay=False)
		self.change(services, "echo")
		self.assertFalse(kept_alive())
		self.assertEqual(endpoint.inodes(), inodes)

	def test_drain(self):
		"""The limit of the configuration in force counts, not that of the start."""
		endpoint = Endpoint.v4()
		services = {"echo": {"handler": "echo", "listen": endpoint.text, "timeouts": {"drain": "10min"}}}
		d = self.start(services)
		with hold(endpoint):
			services["echo"]["timeouts"]["drain"] = "300ms"
			self.change(services, "echo")
			self.assertEqual(d.stop(timeout=10), 0)


def d_owner(d):
	return os.stat("/proc/%d" % d.pid).st_uid


class Workers(ReloadCase):
	"""A new generation of workers at the same sockets; whoever is connected stays with the old one."""

	def setUp(self):
		super().setUp()
		self.endpoint, self.other = Endpoint.v4(), Endpoint.unix(self.path("other"))

	def base(self, **more):
		return {"it": {"handler": "echo", "listen": self.endpoint.text, "workers": fixed(2), **more},
			"other": {"handler": "echo", "listen": self.other.text, "workers": fixed(2)}}

	def change(self, before, after):
		"""Reloads from one to the other while somebody is connected and others wait; returns their answers."""
		d = self.start(before)
		inodes, old = self.endpoint.inodes(), {w["pid"] for w in d.admin.workers("it")}
		others = {w["pid"] for w in d.admin.workers("other")}
		held = [self.endpoint.connect() for _ in range(2)]
		for s in held:
			s.sendall(b"held")
		for s in held:
			self.assertEqual(recv_exact(s, 4), b"held")
		queued = [ask(self.endpoint, b"queued") for _ in range(5)]
		self.services = after
		self.reload(said="generation 2: 1 service changed, 0 added, 0 removed")
		answers = [answer(s) for s in queued]
		self.assertEqual(self.endpoint.inodes(), inodes)
		self.assertEqual({w["pid"] for w in d.admin.workers("other")}, others, "the other service is untouched")
		for s in held:
			s.sendall(b"still")
			self.assertEqual(recv_exact(s, 5), b"still")
			s.close()
		wait_until(lambda: not old & set(d.workers()), "the old generation is gone")
		self.assertEqual(self.generations("it"), {2})
		self.assertEqual(d.admin.service("it")["connections"]["accepted"], 7)
		return answers

	def test_handler(self):
		answers = self.change(self.base(), self.base(handler="exec", command=["/usr/bin/tr", "a-z", "A-Z"]))
		self.assertEqual(answers, [b"QUEUED"] * 5)
		self.assertEqual(talk(self.endpoint, b"new"), b"NEW")

	def test_command(self):
		def base(*command):
			return self.base(handler="exec", command=command)
		answers = self.change(base("/bin/cat"), base("/usr/bin/tr", "q", "Q"))
		self.assertEqual(answers, [b"Queued"] * 5)

	def test_timeouts(self):
		answers = self.change(self.base(), self.base(timeouts={"idle": "200ms"}))
		self.assertEqual(answers, [b"queued"] * 5)
		with hold(self.endpoint) as s:
			try:
				self.assertEqual(s.recv(1), b"", "the new limit")
			except ConnectionResetError:
				pass

	def test_max(self):
		more = self.base()
		more["it"]["workers"] = {"min": 2, "max": 30, "max_spare": 2}
		answers = self.change(self.base(), more)
		self.assertEqual(answers, [b"queued"] * 5)
		held = [hold(self.endpoint) for _ in range(30)]
		for s in held:
			s.close()

	def test_max_requests(self):
		after = self.base()
		after["it"]["workers"] = {**fixed(2), "max_requests": 1}
		self.change(self.base(), after)
		pids = set(self.d.workers())
		self.assertEqual(talk(self.endpoint, b"x"), b"x")
		wait_until(lambda: len(pids & set(self.d.workers())) < len(pids), "one that has served one is replaced")

	@needs_root()
	def test_user(self):
		users = [u for u in pwd.getpwall() if u.pw_uid not in (0, 65534)]
		if not users:
			self.skipTest("no user but root and nobody")
		who = ["/bin/sh", "-c", "read x; echo $x; id -u; cat"]
		before = {"who": {"handler": "exec", "listen": self.endpoint.text, "command": who}}
		self.start(before)
		self.assertEqual(talk(self.endpoint, b"x\n"), b"x\n65534\n")
		before["who"]["user"] = users[0].pw_name
		self.reload(before)
		self.assertEqual(talk(self.endpoint, b"x\n"), b"x\n%d\n" % users[0].pw_uid)

	def test_log_level(self):
		d = self.start(self.base())
		d.configure(Config(self.services, log={"level": "debug", "connections": "all"}))
		self.assertEqual(d.ctl("reload").returncode, OK)
		mark = d.mark()
		self.assertEqual(talk(self.endpoint, b"loud"), b"loud")
		d.wait_log(r"it.*4 bytes in, 4 bytes out", mark)
		d.configure(Config(self.services, log={"level": "err"}))
		mark = d.mark()
		self.assertEqual(d.ctl("reload").returncode, OK)
		d.wait_log("other: new generation", mark)	# the last line before it counts
		mark = d.mark()
		self.assertEqual(talk(self.endpoint, b"quiet"), b"quiet")
		self.assertEqual(d.ctl("pause", "it").returncode, OK)
		self.assertEqual(d.stop(), 0)
		self.assertEqual(d.lines()[mark:], [])

	def test_log_target(self):
		"""The command line counts more than the file, so this daemon has none."""
		d = self.daemon(Config(self.base(), log={"target": "stderr"}), arguments=())
		d.wait_log("started")
		d.configure(Config(self.base(), log={"target": "syslog"}))
		self.assertEqual(d.ctl("reload").returncode, OK)
		mark = d.mark()
		d.kill(10)	# it says how it is, to whoever listens
		self.assertEqual(d.reload(Config(self.base(), log={"target": "stderr"})).returncode, OK)
		d.kill(10)
		d.wait_log("state: serving", mark)
		self.assertEqual(len(d.grep("state: serving", mark)), 1, "the first went elsewhere")


class Listeners(ReloadCase):
	def test_address_added_and_removed(self):
		first, second = Endpoint.v4(), Endpoint.unix(self.path("s"))
		services = {"echo": {"handler": "echo", "listen": first.text, "workers": {"min": 1, "max": 8}}}
		self.start(services)
		inodes = first.inodes()
		services["echo"]["listen"] = [first.text, second.text]
		for _ in range(3):
			self.reload(services)
			with hold(first) as s, hold(second) as t:
				self.reload({"echo": {**services["echo"], "listen": first.text}})
				self.assertTrue(second.refuses())
				self.assertFalse(os.path.exists(second.address))
				for held in (s, t):
					held.sendall(b"still")
					self.assertEqual(recv_exact(held, 5), b"still")
			self.assertEqual(talk(first, b"x"), b"x")
			self.assertEqual(first.inodes(), inodes)
		self.reload({"echo": {**services["echo"], "listen": [second.text, first.text]}})
		self.reload({"echo": {**services["echo"], "listen": second.text}})
		self.assertTrue(first.refuses())
		self.assertEqual(talk(second, b"x"), b"x")

	def move(self, endpoint):
		"""To another service: queue and all."""
		rest = Endpoint.v4()
		services = {"old": {"handler": "echo", "listen": [endpoint.text, rest.text],
				    "workers": {"min": 1, "max": 2}},
			    "new": {"handler": "exec", "command": ["/usr/bin/tr", "a-z", "A-Z"],
				    "listen": Endpoint.v4().text, "timeouts": {"first_byte": 0, "idle": 0}}}
		self.start(services)
		inodes = endpoint.inodes()
		with hold(endpoint) as held:
			queued = [ask(endpoint, b"queued") for _ in range(10)]
			services["new"]["listen"] = [services["new"]["listen"], endpoint.text]
			services["old"]["listen"] = rest.text
			self.reload(services)
			self.assertEqual([answer(s) for s in queued], [b"QUEUED"] * 10)
			held.sendall(b"still")
			self.assertEqual(recv_exact(held, 5), b"still")
		self.assertEqual(endpoint.inodes(), inodes, "the same socket")
		self.assertEqual(talk(endpoint, b"new"), b"NEW")
		self.assertEqual(talk(rest, b"rest"), b"rest")

	def test_address_moves_tcp(self):
		self.move(Endpoint.v4())

	def test_address_moves_unix(self):
		self.move(Endpoint.unix(self.path("s")))

	def test_address_moves_abstract(self):
		self.move(Endpoint.abstract())

	def test_two_services_swap(self):
		a, b = Endpoint.v4(), Endpoint.unix(self.path("s"))
		upper = {"handler": "exec", "command": ["/usr/bin/tr", "a-z", "A-Z"]}
		self.start({"echo": {"handler": "echo", "listen": a.text}, "upper": {**upper, "listen": b.text}})
		inodes = a.inodes(), b.inodes()
		self.reload({"echo": {"handler": "echo", "listen": b.text}, "upper": {**upper, "listen": a.text}})
		self.assertEqual((talk(a, b"x"), talk(b, b"x")), (b"X", b"x"))
		self.assertEqual((a.inodes(), b.inodes()), inodes)

	def narrow_and_wide(self, first, second, socket_first=None, socket_second=None):
		"""The same port, in two ways of which each contains the other, there and back."""
		endpoint = Endpoint.v4(port=first.port)

		def services(text, options):
			return {"echo": {"handler": "echo", "listen": text, "workers": {"min": 1, "max": 2},
					 "socket": options or {}}}
		one, two = services(first.text, socket_first), services(second.text, socket_second)
		self.start(one)
		for target in (two, one, two):
			with hold(endpoint) as held:
				with hold(endpoint) as also:
					queued = [ask(endpoint, b"%d" % i) for i in range(5)]
					self.reload(target)
					for s in (held, also):
						s.sendall(b"still")
						self.assertEqual(recv_exact(s, 5), b"still")
				self.assertEqual([answer(s) for s in queued], [b"%d" % i for i in range(5)])
			for _ in range(20):
				self.assertEqual(talk(endpoint, b"x"), b"x")
			wait_until(lambda: len(endpoint.inodes()) == 1, "one socket is left")

	def test_one_address_and_all(self):
		one = Endpoint.v4()
		self.narrow_and_wide(one, Endpoint("*:%d" % one.port, socket.AF_INET, ("127.0.0.1", one.port)))

	def test_one_address_and_all_of_ipv4(self):
		one = Endpoint.v4()
		self.narrow_and_wide(one, Endpoint.v4("0.0.0.0", one.port))

	@unittest.skipUnless(can_ipv6(), "no IPv6")
	def test_v6only(self):
		six = Endpoint.v6("::")
		four, own = Endpoint.v4(port=six.port), Endpoint.v6(port=six.port)
		services = {"echo": {"handler": "echo", "listen": six.text, "socket": {"v6only": True},
				     "workers": {"min": 1, "max": 2}}}
		self.start(services)
		for v6only in (False, True, False, True):
			self.assertEqual(four.refuses(), not v6only)
			services["echo"]["socket"]["v6only"] = v6only
			with hold(own) as held:
				self.reload(services)
				held.sendall(b"still")
				self.assertEqual(recv_exact(held, 5), b"still")
			wait_until(lambda: len(own.inodes()) == 1, "one socket is left")
			self.assertEqual(talk(own, b"x"), b"x")
			self.assertEqual(four.refuses(), v6only)
			if not v6only:
				self.assertEqual(talk(four, b"x"), b"x")


class Services(ReloadCase):
	def added_and_removed(self, endpoint):
		stays = Endpoint.v4()
		services = {"stays": {"handler": "echo", "listen": stays.text}}
		d = self.start(services)
		pids = d.workers()
		more = {**services, "new": {"handler": "echo", "listen": endpoint.text, "workers": fixed(1)}}
		for _ in range(3):
			generation = d.admin.status()["generation"]
			self.reload(more, said="generation %d: 0 services changed, 1 added, 0 removed"
				    % (generation + 1))
			self.assertEqual([s["name"] for s in d.admin.status()["services"]], ["stays", "new"])
			held = hold(endpoint)
			queued = [ask(endpoint, b"%d" % i) for i in range(10)]
			self.reload(services, said="generation %d: 0 services changed, 0 added, 1 removed"
				    % (generation + 2))
			self.assertEqual([s["name"] for s in d.admin.status()["services"]], ["stays"])
			self.assertEqual(d.admin.ask("status", service="new")["exit"], FAILED)
			held.sendall(b"still")
			self.assertEqual(recv_exact(held, 5), b"still")
			held.close()
			self.assertEqual([answer(s) for s in queued], [b"%d" % i for i in range(10)])
			wait_until(endpoint.refuses, "nobody is there any more")
			wait_until(lambda: d.workers() == pids, "its workers are gone")
		self.assertEqual(d.stop(), 0)

	def test_tcp(self):
		self.added_and_removed(Endpoint.v4())

	def test_unix(self):
		self.added_and_removed(Endpoint.unix(self.path("s")))

	def test_abstract(self):
		self.added_and_removed(Endpoint.abstract())

	def test_removed_and_added_while_it_is_still_served(self):
		"""Whoever was queued at the old one is served by whom he came to, or by the new one, but he is."""
		for endpoint in (Endpoint.v4(), Endpoint.unix(self.path("s"))):
			with self.subTest(endpoint.text):
				services = {"stays": {"handler": "echo", "listen": Endpoint.v4().text}}
				more = {**services, "new": {"handler": "echo", "listen": endpoint.text,
							    "workers": fixed(1)}}
				self.start(more)
				held = hold(endpoint)
				queued = [ask(endpoint, b"old %d" % i) for i in range(5)]
				self.reload(services)
				self.reload(more)
				late = [ask(endpoint, b"new %d" % i) for i in range(5)]
				self.assertEqual([answer(s) for s in late], [b"new %d" % i for i in range(5)])
				held.sendall(b"still")
				self.assertEqual(recv_exact(held, 5), b"still")
				held.close()
				self.assertEqual([answer(s) for s in queued], [b"old %d" % i for i in range(5)])

	def test_order_and_names(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.start({"a": {"handler": "echo", "listen": a.text}, "b": {"handler": "echo", "listen": b.text}})
		pids = d.workers()
		self.reload({"b": {"handler": "echo", "listen": b.text}, "a": {"handler": "echo", "listen": a.text}})
		self.assertEqual(d.workers(), pids, "in another order it is the same")
		inodes = a.inodes()
		self.reload({"b": {"handler": "echo", "listen": b.text}, "c": {"handler": "echo", "listen": a.text}},
			    said="generation %d: 0 services changed, 1 added, 1 removed"
			    % (d.admin.status()["generation"] + 1))
		self.assertEqual(a.inodes(), inodes, "by another name it has the same socket")
		self.assertEqual(talk(a, b"x"), b"x")


main()
