#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""-d: in the background once ready, and the exit status says so."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import socket
import subprocess
import time

from harness import *


class Background(Case):
	def config(self, services):
		return Config(services, control={"path": self.path("control")}).text()

	def launch(self, services, *more):
		"""Runs preforkd -d to its return. The daemon that it leaves comes to us, a subreaper."""
		notify = NotifySocket(self.path("notify"))
		self.addCleanup(notify.close)
		path = self.write("preforkd.conf", self.config(services))
		return self.run_and_find(path, *more, env={"NOTIFY_SOCKET": notify.path})

	def run_and_find(self, path, *more, **options):
		"""Afterwards self.left are the pids of what it left."""
		before = {s.pid for s in proc.everything() if s.ppid == os.getpid()}
		self.addCleanup(self.end)
		try:	# this ends only when nobody holds its output any more
			return run_preforkd("-d", "-c", path, *more, **options)
		finally:
			self.left = [s.pid for s in proc.everything()
				     if s.ppid == os.getpid() and s.pid not in before and s.state != "Z"]

	def end(self):
		for pid in proc.tree(*self.left):
			try:
				os.kill(pid, signal.SIGKILL)
			except ProcessLookupError:
				pass
		for pid in self.left:
			try:
				os.waitpid(pid, 0)
			except ChildProcessError:
				pass

	def test_sockets_that_were_handed_over(self):
		"""LISTEN_PID names the process that was started, and another one goes on."""
		with socket.socket() as s:
			s.bind(("127.0.0.1", 0))
			s.listen(10)
			endpoint = Endpoint.v4(port=s.getsockname()[1])
			path = self.write("preforkd.conf",
					  self.config({"echo": {"handler": "echo", "listen": "systemd:web"}}))
			before = {x.pid for x in proc.everything() if x.ppid == os.getpid()}
			self.left = []
			self.addCleanup(self.end)
			pid = os.fork()
			if pid == 0:
				try:
					os.dup2(s.fileno(), 3)
					os.set_inheritable(3, True)	# it may have been 3 before
					os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1",
							  LISTEN_FDNAMES="web")
					os.execv(PREFORKD, [PREFORKD, "-d", "-c", path])
				finally:
					os._exit(99)
			_, status = os.waitpid(pid, 0)
			self.left = [x.pid for x in proc.everything()
				     if x.ppid == os.getpid() and x.pid not in before and x.state != "Z"]
		self.assertEqual(os.waitstatus_to_exitcode(status), 0)
		self.assertEqual(talk(endpoint, b"x"), b"x")

	def test_descriptors_that_were_inherited(self):
		"""Who waits for the end of a pipe must not wait for the end of the daemon."""
		ours, inherited = os.pipe()
		path = self.write("preforkd.conf", self.config({"echo": {"handler": "echo",
									 "listen": Endpoint.v4().text}}))
		with open(ours, "rb") as f:
			self.assertEqual(self.run_and_find(path, pass_fds=(inherited,)).returncode, 0)
			os.close(inherited)
			self.assertEqual(f.read(), b"")

	def test_ready_when_it_returns(self):
		endpoint = Endpoint.v4()
		done = self.launch({"echo": {"handler": "echo", "listen": endpoint.text}})
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(len(self.left), 1)
		master = proc.stat(self.left[0])
		self.assertNotEqual(master.session, os.getsid(0), "a session of its own")
		for fd in ("0", "1", "2"):
			self.assertFalse(os.readlink("/proc/%d/fd/%s" % (master.pid, fd)).startswith("pipe:"))
		os.kill(master.pid, signal.SIGTERM)
		_, status = os.waitpid(master.pid, 0)
		self.assertEqual(os.waitstatus_to_exitcode(status), 0)
		self.left.clear()
		self.assertTrue(endpoint.refuses())

	def test_returns_soon(self):
		endpoint = Endpoint.v4()
		start = time.monotonic()
		self.launch({"echo": {"handler": "echo", "listen": endpoint.text}})
		self.assertLess(time.monotonic() - start, 10)

	def test_port_taken(self):
		endpoint = Endpoint.v4()
		with socket.socket() as s:
			s.bind(endpoint.address)
			s.listen()
			done = self.launch({"echo": {"handler": "echo", "listen": endpoint.text}})
		self.assertEqual(done.returncode, 71)
		self.assertIn(endpoint.text, done.stderr)
		self.assertEqual(self.left, [])

	def test_killed_before_it_is_ready(self):
		"""Then it cannot say anything, and the process that waits for it does."""
		self.left = []
		self.addCleanup(self.end)
		path = self.write("preforkd.conf", self.config({
			"x": {"handler": "listen", "listen": Endpoint.v4().text, "command": ["/bin/sleep", "1000"],
			      "program": {"notify": True}, "timeouts": {"start": "1h"}, "workers": {"min": 1}}}))
		with subprocess.Popen([PREFORKD, "-d", "-c", path], stderr=subprocess.PIPE, text=True) as started:
			def find():
				return [pid for pid in proc.children(started.pid) if "master" in proc.title(pid)]
			daemon = wait_until(find, "the daemon")[0]
			os.kill(daemon, signal.SIGKILL)
			said = started.stderr.read()
		self.assertEqual(started.returncode, 71)
		self.assertRegex(said, r"preforkd: the daemon was killed by signal 9 .*before it was ready")

	def test_bad_configuration(self):
		done = self.launch({"echo": {"handler": "nothing", "listen": Endpoint.v4().text}})
		self.assertEqual(done.returncode, 78)
		self.assertIn("preforkd.conf:", done.stderr)
		self.assertEqual(self.left, [])

	def test_relative_configuration_path(self):
		endpoint = Endpoint.v4()
		self.write("r.conf", self.config({"echo": {"handler": "echo", "listen": endpoint.text}}))
		done = self.run_and_find("r.conf", cwd=self.tmp)
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(talk(endpoint, b"x"), b"x")


main()
