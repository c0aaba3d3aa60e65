#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs whose client is gone, and what programs leave behind."""

import sys
sys.dont_write_bytecode = True

import os
import shutil
import signal
import socket
import subprocess
import time

from harness import *

GONE = r"prog .*: the client is gone \(reset\)$"
BUSY = 0.05	# of one CPU


class HangupCase(Case):
	def serve(self, command, endpoint=None, **more):
		self.endpoint = endpoint or Endpoint.v4()
		if isinstance(command, str):
			command = ["/bin/sh", "-c", command]
		more.setdefault("workers", {"min": 1, "max": 1, "max_spare": 1})
		self.d = self.daemon({"prog": {"handler": "exec", "listen": str(self.endpoint), "command": command,
					       **more}})
		self.worker, = self.d.wait_workers(1)
		return self.d

	def unix(self):
		return Endpoint.unix(self.path("d0", "s"))

	def shared(self, name):
		"""A file that programs may write to."""
		path = self.write(name, "", 0o666)
		return path

	def content(self, path):
		with open(path, encoding="utf-8") as f:
			return f.read()

	def pids(self, s, count):
		"""The pids that the program says first."""
		lines = s.makefile()
		return [int(lines.readline()) for _ in range(count)]

	def reset(self, s):
		reset_at_close(s)
		s.close()

	def wait_free(self):
		wait_until(lambda: self.d.admin.service("prog")["workers"]["idle"] == 1, "the worker is free")


class Gone(HangupCase):
	def test_a_reset_ends_the_program_and_its_family(self):
		self.serve(
			"sleep 1000 & echo $!; setsid sh -c 'echo $$; sleep 1000 & echo $!; setsid sleep 1000 & echo "
			"$!; wait' &"
			   " echo $$; sleep 1000")
		s = self.endpoint.connect()
		pids = self.pids(s, 5)
		self.assertTrue(all(map(proc.alive, pids)))
		self.reset(s)
		self.d.wait_log(GONE)
		self.wait_free()
		self.assertEqual([p for p in pids if proc.alive(p)], [], "all of them")
		self.assertEqual(self.d.workers(), [self.worker])
		self.assertEqual(self.d.admin.service("prog")["connections"]["failed"], 0, "no failure")

	def test_a_program_that_ignores_term(self):
		self.serve("trap '' TERM HUP INT; echo $$; while :; do sleep 1; done")
		s = self.endpoint.connect()
		pid, = self.pids(s, 1)
		self.reset(s)
		self.d.wait_log(GONE)
		self.assertFalse(proc.alive(pid))

	def test_a_program_may_clean_up(self):
		marker = self.shared("marker")
		self.serve("trap 'echo clean >%s; exit 0' TERM; echo $$; while :; do sleep 0.1; done" % marker)
		s = self.endpoint.connect()
		self.pids(s, 1)
		self.reset(s)
		self.d.wait_log(GONE)
		self.assertEqual(self.content(marker), "clean\n")

	def test_a_half_close_is_no_hangup(self):
		self.serve("wc -c; sleep 2; echo done")
		self.assertEqual(talk(self.endpoint, b"x"), b"1\ndone\n")
		self.assertEqual(self.d.stop(), 0)
		self.assertEqual(self.d.grep("prog .*:"), [])

	def test_a_half_close_of_a_unix_socket_is_no_hangup(self):
		self.serve("wc -c; sleep 2; echo done", self.unix())
		self.assertEqual(talk(self.endpoint, b"x"), b"1\ndone\n")

	def test_both_have_finished(self):
		"""A program that has said all that it had to say may run on after its client has left."""
		marker = self.shared("marker")
		code = ("import socket, time; s = socket.socket(fileno=0); s.recv(9); s.sendall(b'bye'); s.shutdown(1);"
			"time.sleep(2); open(%r, 'w').write('done')" % marker)
		self.serve(["/usr/bin/python3", "-I", "-S", "-c", code])
		with self.endpoint.connect() as s:
			s.sendall(b"x")
			self.assertEqual(read_all(s), b"bye")
		self.assertLess(proc.cpu_share([self.worker], 1), BUSY)
		wait_until(lambda: self.content(marker) == "done", "it goes on", 10)
		self.assertEqual(self.d.grep("prog .*:"), [])

	def test_ignore(self):
		marker = self.shared("marker")
		self.serve("echo $$; sleep 2; echo done >%s" % marker, on_hangup="ignore")
		s = self.endpoint.connect()
		pid, = self.pids(s, 1)
		self.reset(s)
		self.assertLess(proc.cpu_share([self.worker], 1), BUSY)
		self.assertTrue(proc.alive(pid))
		wait_until(lambda: self.content(marker) == "done\n", "it goes on", 10)
		self.wait_free()
		self.assertEqual(self.d.grep("prog .*:"), [])

	def test_who_writes_to_a_unix_socket_and_leaves(self):
		"""The program reads all that the client has said, and does it."""
		marker = self.shared("marker")
		code = ("import os, time\nfor i in range(20):\n\tos.read(0, 1)\n\ttime.sleep(0.1)\n\tos.write(2, b'')\n"
			"time.sleep(0.3)\nopen(%r, 'w').write('done')" % marker)
		self.serve(["/usr/bin/python3", "-I", "-S", "-c", code], self.unix())
		with self.endpoint.connect() as s:
			s.sendall(b"x" * 20)
		self.assertLess(proc.cpu_share([self.worker], 1), BUSY)
		wait_until(lambda: self.content(marker) == "done", "it is done", 10)
		self.wait_free()
		self.assertEqual(self.d.grep("prog .*:"), [])

	def test_who_has_left_a_unix_socket(self):
		self.serve("read x; echo $$; exec sleep 1000", self.unix())
		s = self.endpoint.connect()
		s.sendall(b"x\n")
		pid, = self.pids(s, 1)
		start = time.monotonic()
		s.close()
		self.d.wait_log(r"prog .*: the client is gone \(closed\)$")
		self.assertGreaterEqual(time.monotonic() - start, 1)
		self.assertFalse(proc.alive(pid))
		self.wait_free()

	def test_a_program_that_ends_with_its_client(self):
		"""Its own exit says how that was."""
		self.serve("cat >/dev/null; exit 7")
		s = self.endpoint.connect()
		s.sendall(b"x")
		s.close()
		self.d.wait_log(r"prog .*: /bin/sh exited with status 7; ")

	def test_a_limit_counts_as_before(self):
		self.serve("echo $$; sleep 1000", timeouts={"total": "500ms"})
		with self.endpoint.connect() as s:
			self.pids(s, 1)
			self.d.wait_log(r"prog .*: not finished within 500ms \(timeouts\.total\)$")


class Family(HangupCase):
	def check_gone(self, text):
		"""When the client sees the end, nothing is left."""
		pids = [int(x) for x in text.split()]
		self.assertTrue(pids)
		self.assertEqual([p for p in pids if proc.alive(p)], [])
		self.assertEqual(proc.children_at_once(self.worker) or [], [])
		return pids

	def test_a_program_that_puts_itself_in_the_background(self):
		said = self.shared("said")
		self.serve(
			": >%s; (setsid sh -c 'echo $$; echo >>%s; setsid sh -c \"echo \\$\\$; echo >>%s; exec sleep "
			"1000 >/dev/null\" & exec sleep 1000 >/dev/null' &); while [ $(wc -l <%s) -lt 2 ]; do"
			" sleep 0.01; done; echo $$" % ((said,) * 4))
		for _ in range(3):
			self.assertEqual(len(self.check_gone(talk(self.endpoint))), 3)
		self.assertEqual(self.d.workers(), [self.worker])

	def test_its_port_is_free_after_it(self):
		"""One that puts itself in the background keeps no listener that its service has had, while its client
		is there."""
		self.serve(
			"(setsid sh -c 'ls /proc/self/fd | tr \"\\n\" \" \"; echo; echo $$; exec sleep 1000 "
			">/dev/null' &); read x")
		# The file must be closed too: else the client stays until the drain limit.
		with self.endpoint.connect() as s, s.makefile() as lines:
			# its three, and what ls has of the folder
			self.assertEqual(lines.readline().split(), ["0", "1", "2", "3"])
			left = int(lines.readline())
			other = Endpoint.v4()
			self.assertEqual(self.d.reload(Config({"other": {"handler": "echo",
									 "listen": str(other)}})).returncode, 0)
			wait_until(lambda: self.endpoint.refuses(), "nobody listens there")
			self.assertTrue(proc.alive(left))
			with socket.socket(socket.AF_INET) as again:
				# of the connection that there is
				again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
				again.bind(self.endpoint.address)
				again.listen()
		wait_until(lambda: not proc.alive(left), "it ends with its client")

	def test_one_that_goes_on_forking(self):
		"""A chain of processes, each of which ends as soon as it has a child, in sessions of their own."""
		# for a while only: should this test be killed, nobody could end them by pid
		code = ("import os, sys, time\n"
			"end = time.monotonic() + 20\n"
			"os.write(1, b'%d\\n' % os.getpid())\n"
			"if os.fork(): os._exit(0)\n"
			"while time.monotonic() < end:\n"
			"\tos.setsid() if os.getsid(0) != os.getpid() else None\n"
			"\tif os.fork(): os._exit(0)\n")
		self.serve(["/usr/bin/python3", "-I", "-S", "-c", code], timeouts={"total": "500ms"})
		for _ in range(2):
			with self.endpoint.connect() as s:
				pid, = self.pids(s, 1)
				self.wait_free()
				self.assertFalse(proc.alive(pid))
				self.assertEqual(proc.children_at_once(self.worker) or [], [])
		self.assertEqual(self.d.workers(), [self.worker])
		self.assertEqual(self.d.stop(), 0)

	def test_the_dead_of_a_long_connection_are_buried(self):
		self.serve("for i in 1 2 3 4 5 6 7 8 9 10; do (setsid true &); done; echo $$; read x")
		with self.endpoint.connect() as s:
			pid, = self.pids(s, 1)
			wait_until(lambda: proc.children_at_once(self.worker) == [pid], "only the program", 5)
			self.assertTrue(proc.alive(pid))

	def test_the_living_of_a_long_connection_live_on(self):
		self.serve("(setsid sh -c 'echo $$; exec sleep 1000 >/dev/null' &); read x; echo $$")
		with self.endpoint.connect() as s:
			left, = self.pids(s, 1)
			wait_until(lambda: proc.stat(left).ppid == self.worker, "it is the worker's child", 5)
			talker = proc.children(self.worker)
			self.assertEqual(len(talker), 2)
			s.sendall(b"x\n")
			self.check_gone(read_all(s).decode())
			self.assertFalse(proc.alive(left))

	def test_what_is_left_when_the_worker_is_killed(self):
		"""The master does it then."""
		self.serve("(setsid sh -c 'echo $$; exec sleep 1000' &); echo $$; read x")
		with self.endpoint.connect() as s:
			pids = self.pids(s, 2)
			os.kill(self.worker, signal.SIGKILL)
			wait_until(lambda: not any(map(proc.alive, pids)), "gone", 15)

	@needs_root()
	def test_what_the_worker_may_not_end(self):
		"""It has become somebody else: the worker says so, and leaves it to the master."""
		program = self.path("another")
		source = self.write("another.c",
				    "#define _GNU_SOURCE\n#include <unistd.h>\n#include <stdio.h>\nint main(void) { "
				    "if (setresuid(0, 0, 0)) return 1; printf(\"%d\\n\", (int)getpid()); "
				    "fflush(stdout);"
				    "fclose(stdout); for (;;) pause(); }\n")
		if shutil.which("cc") is None:
			self.skipTest("no compiler")
		subprocess.run(["cc", "-o", program, source], check=True)
		os.chmod(program, 0o4755)
		# nobody can tell whether it has the connection: only a limit ends it
		self.serve("setsid %s & sleep 0.3; echo $$" % program, timeouts={"total": "2s"},
			   sandbox={"no_new_privileges": False})
		with self.endpoint.connect() as s:
			pids = self.pids(s, 2)
		self.d.wait_log(
			r"prog .*: /bin/sh left something behind that could not be ended; the worker is replaced$")
		wait_until(lambda: not any(map(proc.alive, pids)), "gone", 20)
		wait_until(lambda: self.d.workers() and self.worker not in self.d.workers(), "another worker", 20)
		with self.endpoint.connect() as s:
			self.pids(s, 2)


main()
