#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that accept by themselves: how they end."""

import sys
sys.dont_write_bytecode = True

import os
import re
import signal
import socket
import time

from harness import *
from harness.listen_case import ListenCase, PYTHON


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

	def test_one_with_a_child_outside_its_group(self):
		self.serve(command=[PYTHON, "-c", "import os, signal, time\n"
				    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
				    "for group in (os.getpid(), 0):\n"
				    "	child = os.fork()\n"
				    "	os.setpgid(child, group)\n"
				    "	child or time.sleep(600)\n"
				    "print('outside', flush=True)\n"
				    "time.sleep(600)"], workers={"min": 1}, notify=False, timeouts={"drain": "1s"})
		self.d.wait_log("outside")
		self.assertEqual(self.d.stop(), 0)

	def test_one_that_was_replaced_and_does_not_leave(self):
		self.serve("deaf", workers={"min": 1, "max_age": "2s"}, timeouts={"drain": "1s"})
		pid, = self.wait_programs(1)
		self.d.wait_log(r"program %d is still there 1s after it was told to leave \(timeouts.drain\); killed"
				% pid)
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
			command=["/bin/sh", "-c", "setsid sleep 600 & exec sleep 600"], notify=False,
			timeouts={"drain": "1s"})})
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
		self.d.wait_log("prog.*ends")
		wait_until(lambda: self.d.admin.service("prog")["state"] == "throttled", "held back")
		time.sleep(3)	# the time in which there must not be many
		self.assertLess(len(self.d.grep("prog.*ends")), 20)
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


main()
