#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that accept by themselves: what they say to us, and how others replace them."""

import sys
sys.dont_write_bytecode = True

import signal
import subprocess
import threading
import time
import unittest

from harness import *
from harness.listen_case import ListenCase, PYTHON

NO_NAMESPACES = no_namespaces()


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


FLOOD = """
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("\\0" + sys.argv[1])
while True:
	s.send(b"STATUS=x")
"""


class Heard(ListenCase):
	def says(self, what, *words, **more):
		return self.service(command=[PYTHON, self.write("says.py", SAYS), what, *words], workers={"min": 1},
				    **more)

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
		self.assertGreater(len(self.d.grep("other.*still here", mark)), 0, "others are heard, too")

	@needs_root()
	def test_a_flood_of_a_stranger(self):
		"""Any user may send there: it costs the master little, and programs are heard."""
		self.serve(timeouts={"start": "20s"})
		pid, _ = self.wait_programs(2)
		with open("/proc/%d/environ" % pid, "rb") as f:
			name = dict(x.split(b"=", 1) for x in f.read().split(b"\0") if b"=" in x)[b"NOTIFY_SOCKET"]
		command = [PYTHON, "-c", FLOOD, name[1:].decode()]
		flood = [subprocess.Popen(command, user=12345) for _ in range(2)]
		try:
			self.d.wait_log(r"process \d+ of user 12345 is no program")
			self.assertLess(proc.cpu_share([self.d.pid], 2), 0.4)
			self.assertEqual(self.d.ctl("restart", "prog").returncode, 0)
		finally:
			for p in flood:
				p.kill()
				p.wait()

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
		self.reject("ended with status 1 .* before it was ready", command=["/bin/false"])
		self.reject("ended with status 1 .* before it was ready", command=["/bin/false"], notify=False)

	def test_a_program_that_dies_rejects_the_reload_whatever_time_it_has(self):
		"""Zero is no limit, and not no proof."""
		self.serve()
		self.reject("ended with status 1 .* before it was ready", command=["/bin/false"], notify=False,
			    timeouts={"start": "0"})

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


main()
