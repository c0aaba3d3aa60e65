#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each death of a worker or a program has one line in the log, and a place in the status of its service."""

import sys
sys.dont_write_bytecode = True

import os
import re
import signal
import unittest

from harness import *
from harness import modules, proxy
from harness.listen_case import ListenCase
from harness.module_case import ModuleCase, Talk
from harness.upgrade_case import UpgradeCase

DIED = r"was killed by signal|(ended|exited) with status"
USAGE = r"; \S+ of CPU time, \d+K of memory"


def read_rest(s):
	"""Reads until the end, or until a reset, which a client gets if its program was killed."""
	got = b""
	try:
		while part := s.recv(1 << 16):
			got += part
	except ConnectionResetError:
		pass
	return got


class DeathCase:
	"""The parts that all kinds of deaths have in common."""

	def deaths(self, name, count=1):
		"""The last deaths of the service, which must be COUNT."""
		wait_until(lambda: len(self.d.admin.service(name)["deaths"]) >= count, "%d deaths" % count)
		found = self.d.admin.service(name)["deaths"]
		self.assertEqual(len(found), count, found)
		return found

	def one_line(self, pattern, count=1):
		"""The only line about a death, or COUNT of them, of which this is the last."""
		self.d.wait_log(pattern)
		lines = self.d.grep(DIED)
		self.assertEqual(len(lines), count, lines)
		self.assertRegex(lines[-1], pattern + r".*" + USAGE)

	def expect(self, death, **wanted):
		self.assertEqual({key: death[key] for key in wanted}, wanted)
		self.assertEqual(set(death), {"time", "pid", "kind", "peer", "via", "age", "bytes", "phase", "signal",
					      "status", "core", "cpu", "max_rss", "reason"})
		self.assertGreaterEqual(death["age"], 0)
		self.assertGreaterEqual(death["cpu"], 0)
		self.assertGreater(death["max_rss"], 100000)


class Workers(ModuleCase, DeathCase):
	def test_crash_with_a_client(self):
		path = modules.probe(self.path("m.so"))
		d = self.d = self.daemon(self.service(path), env=modules.CRASHING)
		with Talk(self.endpoint) as c:
			self.assertEqual(c.ask("x"), "[x]")
			port = c.s.getsockname()[1]
			self.assertEqual(c.ask("crash"), "")
		self.one_line(r"error: mod 127\.0\.0\.1:%d: worker \d+ was killed by signal 11 \(SIGSEGV\).* "
			      r"while it served this client; serving, after \S+, 8 bytes in, 4 bytes out" % port)
		death, = self.deaths("mod")
		self.expect(death, kind="worker", peer="127.0.0.1:%d" % port, via=None, phase="serving",
			    signal="SIGSEGV", status=None, reason=None, bytes={"in": 8, "out": 4})
		table = d.ctl("status", "mod").stdout
		self.assertRegex(table, r"(?m)^The last deaths of mod, the newest first:$")
		self.assertRegex(table, r"(?m)^ *\d+s +%d +worker +SIGSEGV(, core)? +127\.0\.0\.1:%d +serving "
				 r"+\d+s +8 +4 " % (death["pid"], port))
		self.assertNotIn("deaths", d.admin.status()["services"][0])
		self.assertEqual(d.stop(), 0)

	def test_crash_without_a_client(self):
		endpoint = Endpoint.v4()
		d = self.d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
						   "workers": {"min": 1, "max": 1}}})
		self.assertNotIn("The last deaths", d.ctl("status", "echo").stdout)
		worker, = d.wait_workers(1)
		os.kill(worker, signal.SIGKILL)
		self.one_line(r"error: echo: worker %d was killed by signal 9 \(SIGKILL\); idle, \S+ old" % worker)
		death, = self.deaths("echo")
		self.expect(death, pid=worker, kind="worker", peer=None, phase="idle", signal="SIGKILL", core=False,
			    bytes={"in": 0, "out": 0})

	def test_phases_and_proxy(self):
		"""A client that has sent nothing is waited for; one behind a proxy has both addresses."""
		endpoint = Endpoint.v4()
		d = self.d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
						   "proxy_protocol": {"from": ["127.0.0.1"]}}})

		def busy():
			return [w["pid"] for w in d.admin.workers("echo") if (w["peer"] or "").startswith("192.0.2.7")]
		with endpoint.connect() as s:
			s.sendall(proxy.v1())
			here = "127.0.0.1:%d" % s.getsockname()[1]
			os.kill(wait_until(busy, "the client is behind its proxy")[0], signal.SIGKILL)
			self.one_line(r"echo 192\.0\.2\.7:4711: .* while it served this client; waiting for the first "
				      r"byte, after \S+, 0 bytes in, 0 bytes out, via %s" % re.escape(here))
		death, = self.deaths("echo")
		self.expect(death, phase="waiting", peer="192.0.2.7:4711", via=here)

	def test_set_up_fails(self):
		"""The worker tells why, and the master adds no line."""
		path = modules.build(
			self.path("m.so"), modules.small(
				"static int start(void) { return preforkd_fail((void *)0, \"no luck\"); }\n",
				".worker_start = start,"))
		d = self.d = self.daemon(self.service(path, optional=True))
		d.wait_log(r"mod: worker leaves: the service could not start: no luck")
		death = wait_until(lambda: d.admin.service("mod")["deaths"], "it is listed")[0]
		self.expect(death, phase="starting", status=71, signal=None,
			    reason="the set-up failed, and the log has the reason")
		self.assertEqual(d.grep("before it could serve"), [])


class Programs(Case, DeathCase):
	"""Programs of the handler exec."""

	def serve(self, command, top=None, **more):
		self.endpoint = Endpoint.v4()
		self.d = self.daemon({"prog": {"handler": "exec", "listen": self.endpoint.text,
					       "command": ["/bin/sh", "-c", command], **more}}, top=top)
		return self.d

	def provoke(self):
		"""A program that dies before it has read may reset a connection that is only being opened."""
		with self.endpoint.connect() as s:
			s.sendall(b"\n")
			read_rest(s)

	def test_killed_by_a_signal(self):
		self.serve("read x; echo $x; kill -9 $$")
		with self.endpoint.connect() as s:
			s.sendall(b"hello\n")
			port = s.getsockname()[1]
			self.assertEqual(recv_exact(s, 6), b"hello\n")
			read_rest(s)
		self.one_line(r"prog 127\.0\.0\.1:%d: /bin/sh was killed by signal 9 \(SIGKILL\); serving, after \S+, "
			      r"6 bytes in, 6 bytes out" % port)
		death, = self.deaths("prog")
		self.expect(death, kind="program", peer="127.0.0.1:%d" % port, phase="serving", signal="SIGKILL",
			    status=None, core=False, bytes={"in": 6, "out": 6})
		self.assertEqual(self.d.admin.service("prog")["deaths_lost"], 0)

	def test_the_worker_of_a_program(self):
		"""It has not counted the bytes yet, and does not say that there were none."""
		self.serve("read x; echo $x; sleep 1000", workers={"min": 1, "max": 1})
		with self.endpoint.connect() as s:
			s.sendall(b"hello\n")
			self.assertEqual(recv_exact(s, 6), b"hello\n")
			worker, = self.d.workers()
			os.kill(worker, signal.SIGKILL)
			self.one_line(r"prog 127\.0\.0\.1:%d: worker %d was killed by signal 9 \(SIGKILL\).*; "
				      r"serving, after [^ ;,]+" % (s.getsockname()[1], worker))
		death, = self.deaths("prog")
		self.expect(death, kind="worker", phase="serving", bytes={"in": None, "out": None})

	def test_a_forbidden_system_call(self):
		self.serve("read x; kill -SYS $$")
		self.provoke()
		death, = self.deaths("prog")
		self.expect(death, signal="SIGSYS", reason="a system call that a filter (sandbox.level, or its own) "
							    "forbids")
		self.one_line(r"/bin/sh was killed by signal 31 \(SIGSYS\).*")
		self.assertEqual(len(self.d.grep(r"of memory; a system call that a filter")), 1)

	def test_a_hostile_peer(self):
		"""A name that a PROXY header gives is not believed to be printable."""
		self.serve("exit 3", proxy_protocol={"from": ["127.0.0.1"]})
		with self.endpoint.connect() as s:
			s.sendall(proxy.v2_unix(b"/run/\33[31m\nprog: all is well", b"/run/\33]0;x\7") + b"x")
			read_rest(s)
		death, = self.deaths("prog")
		self.assertNotRegex(str(death) + self.d.ctl("status", "prog").stdout, "\33|is well")
		self.one_line(r"^preforkd\[\d+\]: prog .*: /bin/sh exited with status 3; ")
		self.assertFalse(self.d.grep("\33|^prog: all is well"))

	def dump(self, limit):
		self.serve("ulimit -c %s; cd /tmp; read x; kill -SEGV $$" % limit, limits={"core": "unlimited"})
		self.provoke()
		death, = self.deaths("prog")
		self.expect(death, signal="SIGSEGV", status=None)
		return death

	def test_without_core(self):
		self.assertFalse(self.dump("0")["core"])
		self.one_line(r"/bin/sh was killed by signal 11 \(SIGSEGV\); ")

	def test_with_core(self):
		with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as f:
			if f.read(1) == "|":
				self.skipTest("a program takes the cores of this host")
		if not self.dump("unlimited")["core"]:
			self.skipTest("this user gets no cores here")
		self.one_line(r"/bin/sh was killed by signal 11 \(SIGSEGV\), core dumped; ")

	def test_status(self):
		self.serve("exit 3", top={"log": {"connections": "all"}})
		with self.endpoint.connect() as s:
			s.sendall(b"x")
			read_all(s)
		self.one_line(r"/bin/sh exited with status 3; \S+.*, after \S+, \d bytes in, 0 bytes out")
		death, = self.deaths("prog")
		self.expect(death, kind="program", status=3, signal=None, core=False)
		self.assertRegex(self.d.ctl("status", "prog").stdout, r"\bstatus 3\b")
		self.assertEqual(self.d.grep(r"\bdone after"), [], "no second line tells of the same end")

	def test_no_death(self):
		"""A program that ends well, and one that was told to end."""
		self.serve("read x; [ \"$x\" = wait ] && sleep 60; exit 0", timeouts={"total": "300ms"})
		self.assertEqual(talk(self.endpoint, b"go\n"), b"")
		with self.endpoint.connect() as s:
			s.sendall(b"wait\n")
			read_rest(s)
		self.d.wait_log("timeouts.total")
		self.assertEqual(self.d.grep(DIED), [])
		self.assertEqual(self.d.admin.service("prog")["deaths"], [])

	def test_forty(self):
		"""The last 32 are kept, and survive a reload."""
		self.serve("read x; exit $x", workers={"min": 1, "max": 1})
		for status in range(1, 41):
			with self.endpoint.connect() as s:
				s.sendall(b"%d\n" % status)
				read_all(s)
			# only the master's look tells that it has taken this one over
			wait_until(lambda n=status: self.d.admin.service("prog")["deaths"][:1] and
				   self.d.admin.service("prog")["deaths"][0]["status"] == n, "it is listed")
		service = self.d.admin.service("prog")
		self.assertEqual([x["status"] for x in service["deaths"]], list(range(40, 8, -1)))
		self.assertEqual(service["deaths_lost"], 0)
		wait_until(lambda: len(self.d.grep(DIED)) == 40, "all are logged")
		before = service["deaths"]
		config = open(self.d.config_file, encoding="utf-8").read()
		self.assertEqual(self.d.reload(config.replace("exit $x", "exit 0")).returncode, 0)
		after = self.d.admin.service("prog")["deaths"]
		self.assertEqual([x["pid"] for x in after], [x["pid"] for x in before])
		self.assertLess(abs(after[0]["time"] - before[0]["time"]), 1)

	def test_too_fast_for_the_master(self):
		"""While the master does not look, only the last one is kept, and the others are counted."""
		self.serve("exit 3", workers={"min": 1, "max": 1})
		self.d.wait_workers(1)
		self.d.kill(signal.SIGSTOP)
		for _ in range(5):
			with self.endpoint.connect() as s:
				s.sendall(b"x")
				read_all(s)	# its end comes after the record
		self.d.kill(signal.SIGCONT)
		wait_until(lambda: self.d.admin.service("prog")["deaths"], "one is listed")
		service = self.d.admin.service("prog")
		self.assertEqual((len(service["deaths"]), service["deaths_lost"]), (1, 4))
		self.assertIn("4 more came too soon", self.d.ctl("status", "prog").stdout)
		wait_until(lambda: len(self.d.grep(DIED)) == 5, "all are logged")


class Listen(ListenCase, DeathCase):
	def test_abort(self):
		d = self.serve("pet", program={"notify": True})
		before = self.wait_programs(2)
		with self.endpoint.connect() as s:
			s.sendall(b"die\n")
			read_all(s)
		self.one_line(r"error: prog: program \d+ was killed by signal 6 \(SIGABRT\).*, though nobody told it "
			      r"to leave; serving, \S+ old")
		death, = self.deaths("prog")
		self.expect(death, kind="program", peer=None, phase="serving", signal="SIGABRT", status=None)
		self.assertIn(death["pid"], before)
		self.assertEqual(d.stop(), 0)
		self.assertEqual(len(d.grep(DIED)), 1, "those that were told to leave are no deaths")


class Upgraded(UpgradeCase, DeathCase):
	def test_kept(self):
		endpoint, other = Endpoint.v4(), Endpoint.v4()
		d = self.d = self.serve({
			"prog": {"handler": "exec", "listen": endpoint.text, "command": ["/bin/sh", "-c", "exit 5"]},
			"echo": {"handler": "echo", "listen": other.text, "workers": {"min": 1, "max": 1}}})
		with endpoint.connect() as s:
			s.sendall(b"x")
			read_all(s)
		worker, = [w["pid"] for w in d.admin.workers("echo")]
		os.kill(worker, signal.SIGKILL)
		before = self.deaths("prog") + self.deaths("echo")
		for _ in range(2):
			self.put(PREFORKD)
			self.upgrade(d)
		after = self.deaths("prog") + self.deaths("echo")
		for was, now in zip(before, after):
			self.assertLess(abs(was.pop("time") - now.pop("time")), 1)
		self.assertEqual(after, before)
		self.assertEqual(d.stop(), 0)


main()
