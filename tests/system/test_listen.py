#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that accept by themselves: what they are given, how they get ready, are replaced, and end."""

import sys
sys.dont_write_bytecode = True

import collections
import os
import re
import signal
import socket
import threading
import time
import unittest

from harness import *

PYTHON = "/usr/bin/python3"	# that which runs us may be where a worker's user cannot go
NO_NAMESPACES = no_namespaces()

# Echoes; what it does besides is said by words on its command line.
SERVER = r"""
import asyncio, os, signal, socket, sys

words = sys.argv[1:]

def notify(text):
	with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
		s.sendto(text.encode(), "\0" + os.environ["NOTIFY_SOCKET"][1:])

async def client(reader, writer):
	while data := await reader.read(1 << 16):
		if data == b"who\n":
			data = b"%d\n" % os.getpid()
		elif data == b"die\n":
			os.abort()
		elif data == b"eat\n":
			words.append(b"x" * (64 << 20))
		writer.write(data)
		await writer.drain()
	writer.close()

async def pet():
	while True:
		notify("WATCHDOG=1")
		await asyncio.sleep(float(os.environ["WATCHDOG_USEC"]) / 3e6)

async def main():
	stop = asyncio.Event()
	for name in ("SIGTERM", "SIGINT"):
		if "deaf" in words:
			signal.signal(getattr(signal, name), signal.SIG_IGN)
		else:
			asyncio.get_running_loop().add_signal_handler(
				getattr(signal, name), lambda n=name: (print("told", n, flush=True), stop.set()))
	assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_PID"] == str(os.getpid())
	server = await asyncio.start_server(client, sock=socket.socket(fileno=3))
	if "slow" in words:
		await asyncio.sleep(1)
	if "mute" not in words:
		notify("READY=1\nSTATUS=echoes as %d" % os.getpid())
	petting = asyncio.create_task(pet()) if "pet" in words else None
	await stop.wait()
	if petting:
		petting.cancel()
	# Python 3.11 drops the client that it has accepted in the same round in which the server is closed.
	asyncio.get_running_loop().remove_reader(3)
	await asyncio.sleep(0)
	server.close()
	for _ in range(5):	# those who were accepted just now are tasks only after some rounds
		await asyncio.sleep(0)
		others = asyncio.all_tasks() - {asyncio.current_task()}
		await asyncio.gather(*others, return_exceptions=True)

print("starts", *words, flush=True)
asyncio.run(main())
"""

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


class ListenCase(Case):
	def setUp(self):
		super().setUp()
		self.endpoint = Endpoint.v4()
		self.script = self.write("server.py", SERVER)

	def service(self, *words, command=None, **more):
		more.setdefault("workers", {"min": 2})
		if more.pop("notify", True):
			more.setdefault("program", {})["notify"] = True
		return {"prog": {"handler": "listen", "listen": more.pop("listen", self.endpoint.text),
				 "command": command or [PYTHON, self.script, *words], **more}}

	def serve(self, *words, start=True, top=None, **more):
		self.d = self.daemon(self.service(*words, **more), start=start, top=top)
		return self.d

	def reload(self, *words, **more):
		return self.d.reload(Config(self.service(*words, **more)))

	def ask(self, question):
		with self.endpoint.connect() as s:
			s.sendall(question)
			return recv_exact(s, len(question))

	def programs(self, state=None):
		return sorted(w["pid"] for w in self.d.admin.workers("prog") if state in (None, w["state"]))

	def wait_programs(self, count, but=()):
		"""COUNT that are ready, none of BUT, and nobody else."""
		def are():
			now = self.d.admin.workers("prog")
			return len(now) == count and all(w["state"] == "idle" for w in now) and \
				not {w["pid"] for w in now} & set(but)
		wait_until(are, "%d programs" % count)
		return self.programs()


class Given(ListenCase):
	def test_environment_and_descriptors(self):
		self.serve(command=["/bin/sh", "-c", "env; ls -l /proc/$$/fd; cat /proc/$$/stat; "
				    "grep -E '^Sig(Blk|Ign)' /proc/self/status; exec sleep 600"],
			   notify=False, workers={"min": 1}, program={"watchdog": "30s"})
		self.d.wait_log(r"SigIgn")
		pid, = self.programs()
		text = "\n".join(re.sub(r"^.*?prog: ", "", x) for x in self.d.lines())
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
		self.serve(command=["/bin/sh", "-c", r"printf 'one\033[1m\n'; echo two >&2; printf three; exec >&- 2>&-; "
				    "exec sleep 600"], notify=False)
		for text in ("one\\\\x1b", "two", "three"):
			self.d.wait_log("prog: .*" + text)

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
		wait_until(lambda: self.d.grep("prog: .*starts slow"), "the program runs")
		self.assertFalse(self.d.notify.wait("READY=1", timeout=0.5), "the program is not ready")
		self.d.wait_ready()
		self.wait_programs(2)
		for w in self.d.admin.workers("prog"):
			self.assertEqual(w["status"], "echoes as %d" % w["pid"])
		self.assertEqual(self.ask(b"hello"), b"hello")
		self.assertEqual(self.d.stop(), 0)

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
		wait_until(lambda: len(self.d.grep("prog: .*starts mute")) == 2, "the programs run")
		pid = next(s.pid for s in proc.everything() if s.ppid == self.d.pid and "server.py" in proc.title(s.pid))
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
				    "s.sendto(b\"READY=1\\nSTATUS=by a child\", \"\\0\" + os.environ[\"NOTIFY_SOCKET\"][1:])\n"
				    "time.sleep(600)'; true"])
		self.assertEqual({w["status"] for w in self.d.admin.workers("prog")}, {"by a child"})


# Says that it is ready, and then whatever its standard input, which is its argument, wants to be done.
SAYS = r"""
import array, os, socket, struct, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("\0" + os.environ["NOTIFY_SOCKET"][1:])
def say(text, *fds):
	s.sendmsg([text.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
exec(sys.argv[1])
time.sleep(600)
"""

# A socket with bytes that nobody takes, and whose last copy takes a minute to close.
LINGERS = """
far = socket.socket()
far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
far.bind(("127.0.0.1", 0))
far.listen()
near = socket.socket()
near.connect(far.getsockname())
near.setblocking(False)
try:
	while True:
		near.send(bytes(65536))
except BlockingIOError:
	near.setblocking(True)
near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
say("READY=1")
while not os.path.exists(sys.argv[2]):
	time.sleep(0.01)
say("FDSTORE=1", near.fileno())
near.close()
"""


class Heard(ListenCase):
	def says(self, what, *words, **more):
		return self.service(command=[PYTHON, self.write("says.py", SAYS), what, *words], workers={"min": 1}, **more)

	def test_a_descriptor_that_lingers(self):
		"""The master drops it, and does not wait for it."""
		go = self.path("go")
		self.d = self.daemon(self.says(LINGERS, go))
		pid, = self.programs()
		before = proc.descriptors(pid)
		self.d.kill(signal.SIGSTOP)
		self.write("go", "")
		wait_until(lambda: proc.descriptors(pid) < before, "the last copy is on its way")
		self.d.kill(signal.SIGCONT)
		start = time.monotonic()
		self.d.admin.status()
		self.assertLess(time.monotonic() - start, 10)

	def test_too_much_at_once(self):
		self.d = self.daemon(self.says("say('READY=1'); say('STATUS=short'); say('STATUS=' + 'x' * 5000)"))
		self.d.wait_log(r"process \d+ says more than 4096 bytes at once")
		self.assertEqual(self.d.admin.workers("prog")[0]["status"], "short")

	@unittest.skipIf(NO_NAMESPACES, NO_NAMESPACES)
	def test_a_flood_does_not_silence_others(self):
		fresh_network()
		with open("/proc/sys/net/unix/max_dgram_qlen", "w", encoding="ascii") as f:
			f.write("512")	# as systemd has it; more than is heard at one look
		flood = self.says("say('READY=1')\n"
				  "for _ in range(12):	# whose it is takes the longest to find out\n"
				  "	if os.fork(): time.sleep(600)\n"
				  "[os.fork() for _ in range(2)]\n"
				  "while True: say('STATUS=x')")
		self.d = self.daemon({**flood, "other": {
			"handler": "listen", "listen": Endpoint.v4().text, "workers": {"min": 1},
			"command": ["/bin/sh", "-c", "while sleep 0.1; do echo still here; done"]}})
		time.sleep(1)
		mark = self.d.mark()
		time.sleep(1)
		self.assertGreater(len(self.d.grep("other: .*still here", mark)), 0, "others are heard, too")

	def test_the_daemon_stands_still(self):
		"""What it could not hear it does not miss."""
		self.serve("pet", program={"watchdog": "2s"})
		pids = self.wait_programs(2)
		self.d.kill(signal.SIGSTOP)
		time.sleep(3)	# longer than the limit
		self.d.kill(signal.SIGCONT)
		time.sleep(1.2)	# until it has looked
		self.assertEqual(self.wait_programs(2), pids)
		self.assertFalse(self.d.grep("hangs"))


class Replaced(ListenCase):
	def test_reload_rolls(self):
		"""New ones are ready before old ones are told, one at a time; nothing is lost."""
		self.serve("a", workers={"min": 3})
		old = self.wait_programs(3)
		seen, least, over = set(), [99], threading.Event()
		def watch():
			while not over.is_set():
				now = [w for w in self.d.admin.workers("prog") if w["state"] in ("idle", "starting")]
				least[0] = min(least[0], sum(w["state"] == "idle" for w in now))
				seen.add(len(now))
		thread = threading.Thread(target=watch)
		thread.start()
		with Crowd([self.endpoint]) as crowd:
			done = self.reload("slow", workers={"min": 3})
		over.set()
		thread.join()
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertFalse(crowd.wrong, crowd.examples)
		self.assertGreater(sum(crowd.done.values()), 20)
		self.wait_programs(3, old)
		self.assertGreaterEqual(least[0], 3, "never fewer ready ones")
		self.assertLessEqual(max(seen), 4, "one at a time")
		self.assertEqual(self.d.stop(), 0)

	def test_two_at_a_time(self):
		self.serve("a", workers={"min": 4})
		old = self.wait_programs(4)
		start = time.monotonic()
		done = self.reload("slow", workers={"min": 4, "max_unavailable": 4})
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertLess(time.monotonic() - start, 10)
		self.wait_programs(4, old)

	def reject(self, reason, *words, **more):
		old = self.wait_programs(2)
		done = self.reload(*words, **more)
		self.assertEqual(done.returncode, 1, done.stdout)
		self.assertRegex(done.stdout + done.stderr, reason)
		self.assertEqual(self.wait_programs(2), old)
		self.assertEqual(self.ask(b"hello"), b"hello")

	def test_a_program_that_dies_rejects_the_reload(self):
		self.serve()
		self.reject("ended before it was ready", command=["/bin/false"])
		self.reject("ended before it was ready", command=["/bin/false"], notify=False)

	def test_a_program_that_dies_rejects_the_reload_whatever_time_it_has(self):
		"""Zero is no limit, and not no proof."""
		self.serve()
		self.reject("ended before it was ready", command=["/bin/false"], notify=False, timeouts={"start": "0"})

	def test_a_program_that_does_not_get_ready_rejects_the_reload(self):
		self.serve()
		self.reject("not ready in time", "mute", timeouts={"start": "1s"})

	def test_from_workers_to_programs_and_back(self):
		echo = {"prog": {"handler": "echo", "listen": self.endpoint.text}}
		self.d = self.daemon(echo)
		with Crowd([self.endpoint]) as crowd:
			for _ in range(3):
				done = self.reload()
				self.assertEqual(done.returncode, 0, done.stderr)
				done = self.d.reload(Config(echo))
				self.assertEqual(done.returncode, 0, done.stderr)
		self.assertFalse(crowd.wrong, crowd.examples)
		self.assertEqual(self.d.stop(), 0)

	def test_max_age(self):
		self.serve(workers={"min": 2, "max_age": "3s"})
		old = self.wait_programs(2)
		least = 2
		with Crowd([self.endpoint]) as crowd:
			end = time.monotonic() + PATIENCE
			while set(old) & set(self.programs()) and time.monotonic() < end:
				least = min(least, len(self.programs("idle")))
				time.sleep(0.01)
		self.assertFalse(set(old) & set(self.programs()))
		self.assertFalse(crowd.wrong, crowd.examples)
		self.assertEqual(least, 2, "replaced before retired")

	def test_max_age_of_workers(self):
		self.d = self.daemon({"prog": {"handler": "echo", "listen": self.endpoint.text,
					       "workers": {"min": 2, "max_age": "2s"}}})
		old = self.programs()
		with Crowd([self.endpoint]) as crowd:
			wait_until(lambda: not set(old) & set(self.programs()), "all are new")
		self.assertFalse(crowd.wrong, crowd.examples)

	def test_max_memory(self):
		self.serve(workers={"min": 2, "max_memory": "48M"})
		old = self.wait_programs(2)
		with self.endpoint.connect() as s:
			s.sendall(b"who\n")
			victim = int(s.recv(20))
			s.sendall(b"eat\n")
			s.recv(20)
			self.d.wait_log(r"worker %d has .* more than 48M \(workers.max_memory\)" % victim)
			wait_until(lambda: len(set(self.programs("idle")) - {victim}) == 2, "it has a successor")
			s.sendall(b"still here")
			self.assertEqual(recv_exact(s, 10), b"still here")
		wait_until(lambda: victim not in self.programs(), "it is gone")
		self.assertEqual(len(set(old) & set(self.programs())), 1, "the other one stays")


class Ended(ListenCase):
	def test_stop_signal(self):
		self.serve(program={"stop_signal": "INT"})
		self.wait_programs(2)
		self.assertEqual(self.d.stop(), 0)
		self.assertEqual(len(self.d.grep("told SIGINT")), 2)
		self.assertFalse(self.d.grep("told SIGTERM"))
		self.assertFalse(self.d.grep("cut|killed|crash"))

	def test_a_client_is_served_to_its_end(self):
		self.serve()
		with self.endpoint.connect() as s:
			s.sendall(b"one")
			recv_exact(s, 3)
			self.d.kill(signal.SIGTERM)
			self.d.wait_log("told SIGTERM")
			wait_until(lambda: self.endpoint.refuses(), "nobody else gets in")
			s.sendall(b"two")
			self.assertEqual(recv_exact(s, 3), b"two")
		self.assertEqual(self.d.wait(), 0)

	def test_one_that_does_not_leave(self):
		self.serve("deaf", timeouts={"drain": "1s"})
		self.wait_programs(2)
		start = time.monotonic()
		self.assertEqual(self.d.stop(), 0)
		self.assertLess(time.monotonic() - start, 10)
		self.assertTrue(self.d.grep("killed.*timeouts.drain|timeouts.drain.*killed"))

	def test_one_that_has_left_its_group(self):
		self.serve(command=[PYTHON, "-c", "import os, signal, time\n"
				    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
				    "for group in (os.getpid(), 0):\n"
				    "	child = os.fork()\n"
				    "	os.setpgid(child, group)\n"
				    "	child or time.sleep(600)\n"
				    "	group or os.setpgid(0, child)\n"
				    "print('outside', flush=True)\n"
				    "time.sleep(600)"], workers={"min": 1}, notify=False, timeouts={"drain": "1s"})
		self.d.wait_log("outside")
		self.assertEqual(self.d.stop(), 0)

	def test_one_that_was_replaced_and_does_not_leave(self):
		self.serve("deaf", workers={"min": 1, "max_age": "2s"}, timeouts={"drain": "1s"})
		pid, = self.wait_programs(1)
		self.d.wait_log(r"program %d is still there 1s after it was told to leave \(timeouts.drain\); killed" % pid)
		wait_until(lambda: not proc.alive(pid), "it is gone")

	def test_the_master_is_killed(self):
		self.serve()
		pids = self.wait_programs(2)
		self.d.kill(signal.SIGKILL)
		wait_until(lambda: not any(map(proc.alive, pids)), "nobody is left")
		wait_until(self.endpoint.refuses, "the address is free")

	def test_the_port_is_free_after_one_that_daemonises(self):
		"""The service is removed, and whatever its program has left behind holds the address no longer."""
		other = {"other": {"handler": "echo", "listen": Endpoint.v4().text}}
		self.d = self.daemon({**other, **self.service(
			command=["/bin/sh", "-c", "setsid sleep 600 & exec sleep 600"], notify=False, timeouts={"drain": "1s"})})
		self.assertEqual(self.d.reload(Config(other)).returncode, 0)
		def bind():
			with socket.socket() as s:
				s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
				try:
					s.bind(self.endpoint.address)
					s.listen()
					return True
				except OSError:
					return False
		wait_until(bind, "the address can be bound")

	def test_crash(self):
		self.serve()
		old = self.wait_programs(2)
		with self.endpoint.connect() as s:
			s.sendall(b"die\n")
			self.assertEqual(s.recv(10), b"")
		self.d.wait_log(r"program \d+ was killed by signal 6 \(SIGABRT\).*nobody told it")
		wait_until(lambda: len(self.programs("idle")) == 2 and self.programs() != old, "there is another one")
		self.assertEqual(self.d.admin.service("prog")["crashes"], 1)
		self.assertEqual(self.ask(b"hello"), b"hello")

	def crash_loop(self, **more):
		flag = self.path("good")
		self.write("good", "")
		self.serve(command=["/bin/sh", "-c", "test -e %s || { echo ends; exit 1; }; exec %s %s"
				    % (flag, PYTHON, self.script)], **more)
		pids = self.wait_programs(2)
		os.unlink(flag)
		for pid in pids:
			os.kill(pid, signal.SIGKILL)
		self.d.wait_log("prog: .*ends")
		wait_until(lambda: self.d.admin.service("prog")["state"] == "throttled", "held back")
		time.sleep(3)	# the time in which there must not be many
		self.assertLess(len(self.d.grep("prog: .*ends")), 20)
		self.write("good", "")
		self.wait_programs(2, pids)
		self.assertEqual(self.ask(b"hello"), b"hello")

	def test_one_that_shuts_the_listener_down(self):
		self.serve(command=[PYTHON, "-c", "import os, signal, socket, time\n"
				    "listener = socket.socket(fileno=3)\n"
				    "def leave(*_):\n"
				    "	try: listener.shutdown(2)\n"	# fails where the other one has done it
				    "	finally: os._exit(0)\n"
				    "signal.signal(signal.SIGTERM, leave)\n"
				    "while True:\n"
				    "	try: client = listener.accept()[0]\n"
				    "	except OSError: time.sleep(0.01)\n"
				    "	else: client.sendall(b'hello')"], notify=False, timeouts={"start": "500ms"})
		old = self.wait_programs(2)
		for pid in old:
			os.kill(pid, signal.SIGTERM)
		self.wait_programs(2, old)
		self.d.wait_log(re.escape(self.endpoint.text) + r": a program has shut it down .*it listens again")
		wait_until(lambda: not self.endpoint.refuses(), "it does")
		for _ in range(4):
			with self.endpoint.connect() as s:
				self.assertEqual(recv_exact(s, 5), b"hello")

	def test_crash_loop_is_bounded(self):
		self.crash_loop()

	def test_crash_loop_at_the_stop(self):
		"""Somebody is queued, and nobody who could serve him starts any more."""
		flag = self.path("good")
		self.write("good", "")
		self.serve(command=["/bin/sh", "-c", "test -e %s && exec sleep 600" % flag], notify=False,
			   workers={"min": 1}, timeouts={"start": "100ms", "drain": "2s"})
		pid, = self.wait_programs(1)
		os.unlink(flag)
		with self.endpoint.connect():
			self.d.kill(signal.SIGTERM)
			self.d.wait_log("stopping")
			os.kill(pid, signal.SIGKILL)
			self.assertEqual(self.d.wait(), 0)
		self.assertLess(len(self.d.grep("before it was ready")), 20)

	def test_ready_and_dead_again(self):
		"""To say READY=1 does not help a program that ends at once."""
		self.serve("a")
		self.wait_programs(2)
		mark = self.d.mark()
		end = time.monotonic() + 4
		while time.monotonic() < end:
			for pid in self.programs("idle"):
				try:
					os.kill(pid, signal.SIGKILL)
				except ProcessLookupError:
					pass
			time.sleep(0.01)
		self.assertLess(len(self.d.grep("starts a", mark)), 25)

	def test_watchdog(self):
		self.serve("pet", program={"watchdog": "2s"}, workers={"min": 1})
		pid, = self.wait_programs(1)
		time.sleep(3)	# longer than the limit
		self.assertEqual(self.programs(), [pid])
		os.kill(pid, signal.SIGSTOP)
		self.d.wait_log(r"program %d hangs: no WATCHDOG=1 within 2s" % pid)
		os.kill(pid, signal.SIGCONT)
		self.d.wait_log(r"program %d was killed by signal 6" % pid)
		self.wait_programs(1, [pid])

	def test_watchdog_of_one_that_is_beyond_help(self):
		self.serve("pet", program={"watchdog": "1s"}, workers={"min": 1})
		pid, = self.wait_programs(1)
		os.kill(pid, signal.SIGSTOP)
		self.d.wait_log(r"program %d is still there after SIGABRT; killed" % pid)
		self.wait_programs(1, [pid])


class Orders(ListenCase):
	def test_pause_and_drain(self):
		self.serve()
		old = self.wait_programs(2)
		self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
		wait_until(lambda: not self.programs(), "nobody runs")
		with self.endpoint.connect() as s:
			self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
			s.sendall(b"waited")
			self.assertEqual(recv_exact(s, 6), b"waited")
		self.wait_programs(2, old)
		self.assertEqual(self.d.ctl("drain").returncode, 0)
		self.assertTrue(self.endpoint.refuses())
		wait_until(lambda: not self.programs(), "nobody runs")
		self.assertEqual(self.d.ctl("undrain").returncode, 0)
		self.wait_programs(2)
		self.assertEqual(self.ask(b"hello"), b"hello")

	def test_those_that_leave_take_no_place(self):
		"""As long as they still serve somebody there are as many others as there should be."""
		self.serve(workers={"min": 1})
		first, = self.wait_programs(1)
		with self.endpoint.connect() as s:
			s.sendall(b"before")
			recv_exact(s, 6)
			self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
			self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
			wait_until(lambda: self.programs("idle"), "another one serves")
			self.assertEqual(self.ask(b"hello"), b"hello")
			second, = self.programs("idle")
			os.kill(second, signal.SIGKILL)
			wait_until(lambda: set(self.programs("idle")) - {second}, "it is started again")
			self.assertTrue(proc.alive(first))
			s.sendall(b"after")
			self.assertEqual(recv_exact(s, 5), b"after")

	def test_paused_while_a_reload_rolls(self):
		self.serve("a", workers={"min": 4})
		self.wait_programs(4)
		mark = self.d.mark()
		over = threading.Thread(target=self.reload, args=("slow",), kwargs={"workers": {"min": 4}})
		over.start()
		wait_until(lambda: len(self.d.grep("starts slow", mark)) == 2, "it has begun")
		self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
		over.join()
		self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
		self.wait_programs(4)

	def test_a_reload_while_paused(self):
		self.serve("a")
		self.wait_programs(2)
		self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
		wait_until(lambda: not self.programs(), "nobody runs")
		self.assertEqual(self.reload("b").returncode, 0)
		self.assertFalse(self.programs())
		self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
		self.wait_programs(2)

	def test_defaults_for_others_do_not_count(self):
		defaults = {"access": {"deny": "127.0.0.0/8", "per_source": 1}, "timeouts": {"idle": "1s", "start": "20s"},
			    "workers": {"min": 2, "max": 3, "min_spare": 3, "max_spare": 3, "on_full": "refuse"}}
		self.serve(workers={}, top={"defaults": defaults})
		self.wait_programs(2)
		self.assertEqual(self.ask(b"hello"), b"hello")
		done = self.d.ctl("explain", "127.0.0.1")
		self.assertNotIn("denied", done.stdout)
		self.assertFalse(self.d.grep("no effect"))

	def test_min_is_the_number(self):
		self.serve()
		old = self.wait_programs(2)
		self.assertEqual(self.reload(workers={"min": 4}).returncode, 0)
		self.assertTrue(set(old) <= set(self.wait_programs(4)), "no new generation for that")
		self.assertEqual(self.reload(workers={"min": 1}).returncode, 0)
		self.wait_programs(1)

	def test_each_address(self):
		second = Endpoint.unix(self.path("d0", "s"))
		self.serve(listen=[self.endpoint.text, second.text])
		self.wait_programs(4)
		for endpoint in (self.endpoint, second):
			with endpoint.connect() as s:
				s.sendall(b"hello")
				self.assertEqual(recv_exact(s, 5), b"hello")
		self.assertEqual(self.d.stop(), 0)
		self.assertFalse(os.path.exists(second.address))

	def test_upgrade(self):
		self.serve("a", program={"stop_signal": "INT"})
		old = self.wait_programs(2)
		with self.endpoint.connect() as s, Crowd([self.endpoint]) as crowd:
			s.sendall(b"before")
			recv_exact(s, 6)
			self.assertEqual(self.d.ctl("upgrade").returncode, 0)
			self.d.wait_log("told SIGINT")
			s.sendall(b"after")
			self.assertEqual(recv_exact(s, 5), b"after")
		self.assertFalse(crowd.wrong, crowd.examples)
		self.wait_programs(2, old)
		wait_until(lambda: len(self.d.grep("told SIGINT")) == 2, "the last words of both came through")
		self.assertEqual(self.d.stop(), 0)


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
					done[re.fullmatch(rb"HTTP/1.1 200 OK\r\n.*generation (\d+) of \d+\n", text, re.S)[1]] += 1
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
