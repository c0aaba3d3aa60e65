#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that accept by themselves: what they are given, how they get ready; and real ones."""

import sys
sys.dont_write_bytecode = True

import collections
import os
import re
import socket
import threading
import time
import unittest

from harness import *
from harness.listen_case import ListenCase, PYTHON

PERL = r"""
use IO::Socket::INET;
use IO::Select;
my $listener = IO::Socket::INET->new_from_fd(3, "r+") or die "no socket on 3: $!";
die "LISTEN_PID" unless $ENV{LISTEN_PID} == $$;
$listener->blocking(0);
my $leave = 0;
$SIG{TERM} = sub { $leave = 1 };
my $select = IO::Select->new($listener);
while (!$leave) {
	$select->can_read(0.1) or next;
	my $client = $listener->accept or next;
	$client->blocking(1);
	while (1) {
		my $n = sysread($client, my $data, 65536);
		next if !defined $n && $!{EINTR};
		last if !$n;
		syswrite($client, $data);
	}
	close $client;
}
"""


WSGI = r"""
import os
def application(environ, start_response):
	body = b"generation %s of %d\n" % (os.environ.get("GENERATION", "?").encode(), os.getppid())
	start_response("200 OK", [("Content-Length", str(len(body))), ("Content-Type", "text/plain")])
	return [body]
"""


class Given(ListenCase):
	def test_environment_and_descriptors(self):
		self.serve(command=["/bin/sh", "-c", "env; ls -l /proc/$$/fd; cat /proc/$$/stat; "
				    "grep -E '^Sig(Blk|Ign)' /proc/self/status; exec sleep 600"],
			   notify=False, workers={"min": 1}, program={"watchdog": "30s"})
		self.d.wait_log(r"SigIgn")
		pid, = self.programs()
		text = "\n".join(re.sub(r"^.*?prog\[\d+\]: ", "", x) for x in self.d.lines())
		env = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.M))
		self.assertEqual(env.pop("LISTEN_FDS"), "1")
		self.assertEqual(env.pop("LISTEN_PID"), str(pid))
		self.assertEqual(env.pop("LISTEN_FDNAMES"), "prog")
		self.assertEqual(env.pop("PREFORKD_SERVICE"), "prog")
		self.assertEqual(env.pop("WATCHDOG_USEC"), "30000000")
		self.assertEqual(env.pop("WATCHDOG_PID"), str(pid))
		self.assertRegex(env.pop("NOTIFY_SOCKET"), "^@")
		self.assertIn("PATH", env)
		self.assertNotIn(self.d.notify.path, env.values(), "the daemon's own affairs")
		fds = dict(re.findall(r" (\d+) -> (.*)$", text, re.M))
		self.assertEqual(sorted(fds), ["0", "1", "2", "3"])
		self.assertEqual(fds["0"], "/dev/null")
		self.assertTrue(fds["1"].startswith("pipe:"))
		self.assertEqual(fds["1"], fds["2"])
		self.assertTrue(fds["3"].startswith("socket:"))
		self.assertEqual(proc.stat(pid).pgrp, pid, "a process group of its own")
		for key in ("SigBlk", "SigIgn"):
			self.assertEqual(int(re.search(key + r":.*?([0-9a-f]{16})$", text, re.M)[1], 16), 0, key)
		if IS_ROOT:
			self.assertEqual(env["USER"], SERVICE_USER)
			self.assertNotIn("0", proc.status(pid, "Uid").split())

	def test_lines_become_the_services(self):
		self.serve(command=["/bin/sh", "-c",
				    r"printf 'one\033[1m\n'; echo two >&2; printf three; exec >&- 2>&-; "
				    "exec sleep 600"], notify=False)
		for text in ("one\\\\x1b", "two", "three"):
			self.d.wait_log(r"prog\[%d\]: .*%s" % (self.programs()[0], text))

	def test_a_program_that_writes_without_end(self):
		d = self.daemon({**self.service(command=["/usr/bin/yes", "noise"], notify=False, workers={"min": 1}),
				 "other": {"handler": "echo", "listen": Endpoint.v4().text}})
		d.wait_log(r"\d+ more lines of the program are not shown")
		start = time.monotonic()
		for _ in range(20):
			d.admin.status()
		self.assertLess(time.monotonic() - start, 5, "the master is not kept from its work")
		end = time.monotonic()
		self.assertLess(len(d.grep("noise")), 100 * (end - start + 30))
		self.assertEqual(d.stop(), 0)

	def test_keys_that_have_no_effect(self):
		config = Config(self.service(access={"deny": "10.0.0.0/8"}, timeouts={"idle": "1s", "drain": "1s"},
					     on_hangup="ignore"))
		path = self.write("c.conf", config.text())
		done = run_preforkd("--check", "-c", path)
		self.assertEqual(done.returncode, 0, done.stderr)
		for key in ("access.deny", "timeouts.idle", "on_hangup"):
			self.assertRegex(done.stderr + done.stdout, key + r".*no effect: the program accepts by itself")
		self.assertNotIn("drain", done.stderr + done.stdout)
		other = {"e": {"handler": "echo", "listen": self.endpoint.text, "program": {"notify": True}}}
		done = run_preforkd("--check", "-c", self.write("d.conf", Config(other).text()))
		self.assertRegex(done.stderr + done.stdout, r"program.notify.*no effect")


class Ready(ListenCase):
	def test_it_says_so(self):
		self.serve("slow", start=False)
		self.d.launch()
		wait_until(lambda: self.d.grep("prog.*starts slow"), "the program runs")
		self.assertFalse(self.d.notify.wait("READY=1", timeout=0.5), "the program is not ready")
		self.d.wait_ready()
		self.wait_programs(2)
		for w in self.d.admin.workers("prog"):
			self.assertEqual(w["status"], "echoes as %d" % w["pid"])
		self.assertEqual(self.ask(b"hello"), b"hello")
		self.assertEqual(self.d.stop(), 0)

	@unittest.skipIf(no_trap(), no_trap())
	def test_they_cannot_be_heard_for_a_while(self):
		"""For lack of memory in the kernel: what they say is not lost, and the log says why it takes time."""
		trap = Trap(self.folder("trap"))
		trap.set("watch", "fail")
		self.d = self.daemon(self.service(), start=False, env=trap.env)
		self.d.launch()
		self.d.wait_log("prog: cannot hear what programs say on NOTIFY_SOCKET: Operation not permitted")
		self.d.wait_log(r"prog: cannot read what program \d+ writes: Operation not permitted")
		trap.clear("watch")
		self.d.wait_ready()
		self.wait_programs(2)
		self.d.wait_log("prog.*: starts")

	def test_it_is_alive(self):
		self.serve("mute", notify=False, timeouts={"start": "2s"}, start=False)
		start = time.monotonic()
		self.d.launch()
		self.d.wait_ready()
		self.assertGreaterEqual(time.monotonic() - start, 2)
		self.assertEqual(self.ask(b"hello"), b"hello")

	def test_it_never_is(self):
		self.serve("mute", timeouts={"start": "1s"}, start=False)
		self.d.launch()
		self.assertNotEqual(self.d.wait(), 0)
		self.assertTrue(self.d.grep("was not ready in time"))
		self.assertFalse(self.d.remains())

	def test_nobody_else_can_say_so(self):
		self.serve("mute", start=False, timeouts={"start": "20s"})
		self.d.launch()
		wait_until(lambda: len(self.d.grep("prog.*starts mute")) == 2, "the programs run")
		pid = next(s.pid for s in proc.everything() if s.ppid == self.d.pid
			   and "server.py" in proc.title(s.pid))
		with open("/proc/%d/environ" % pid, "rb") as f:
			name = dict(x.split(b"=", 1) for x in f.read().split(b"\0") if b"=" in x)[b"NOTIFY_SOCKET"]
		with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
			s.sendto(b"READY=1", b"\0" + name[1:])
		self.d.wait_log("is not heard")
		self.assertFalse(self.d.notify.wait("READY=1", timeout=1.5))

	def test_a_process_that_it_has_started_may(self):
		self.serve(command=["/bin/sh", "-c", PYTHON + " -c '\n"
				    "import os, socket, time\n"
				    "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
				    "s.sendto(b\"READY=1\\nSTATUS=by a child\", \"\\0\" + "
				    "os.environ[\"NOTIFY_SOCKET\"][1:])\n"
				    "time.sleep(600)'; true"])
		self.assertEqual({w["status"] for w in self.d.admin.workers("prog")}, {"by a child"})


class Real(ListenCase):
	RELOADS = 20 if os.environ.get("PREFORKD_TEST_FULL") else 5

	@needs_tool("perl")
	def test_perl(self):
		script = self.write("server.pl", PERL)
		self.serve(command=["/usr/bin/perl", script], notify=False, workers={"min": 8})
		with Crowd([self.endpoint]) as crowd:
			for i in range(3):
				done = self.reload(command=["/usr/bin/perl", script, str(i)], notify=False,
						   workers={"min": 8, "max_unavailable": 4})
				self.assertEqual(done.returncode, 0, done.stderr)
		self.assertFalse(crowd.wrong, crowd.examples)
		self.assertGreater(sum(crowd.done.values()), 20)
		self.assertEqual(self.d.stop(), 0)

	def gunicorn(self, generation):
		return self.service(workers={"min": 2}, command=[
			"/usr/bin/env", "GENERATION=%d" % generation, "/usr/bin/gunicorn", "--workers", "2",
			"--chdir", self.tmp, "--log-level", "warning", "app:application"])

	@needs_tool("gunicorn")
	def test_gunicorn_is_reloaded_under_load(self):
		self.write("app.py", WSGI)
		self.d = self.daemon(self.gunicorn(0))
		done, wrong, over = collections.Counter(), [], threading.Event()
		def get():
			while not over.is_set():
				try:
					with self.endpoint.connect() as s:
						s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
						text = read_all(s)
					done[re.fullmatch(rb"HTTP/1.1 200 OK\r\n.*generation (\d+) of \d+\n", text,
							  re.S)[1]] += 1
				except Exception as e:
					wrong.append("%s: %s" % (type(e).__name__, e))
		threads = [threading.Thread(target=get) for _ in range(4)]
		for thread in threads:
			thread.start()
		try:
			for i in range(1, self.RELOADS + 1):
				result = self.d.reload(Config(self.gunicorn(i)))
				self.assertEqual(result.returncode, 0, result.stderr + result.stdout)
		finally:
			over.set()
			for thread in threads:
				thread.join()
		self.assertFalse(wrong, wrong[:5])
		self.assertGreater(sum(done.values()), 100)
		self.assertGreaterEqual(len(done), self.RELOADS * 3 // 4, done)
		wait_until(lambda: len(self.programs()) == 2, "the last generation")
		self.assertEqual(self.d.admin.service("prog")["crashes"], 0)
		self.assertEqual(self.d.stop(), 0)


main()
