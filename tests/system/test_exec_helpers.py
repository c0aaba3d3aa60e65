#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program leaves processes behind: those that have the connection may finish, the others end with the program."""

import sys
sys.dont_write_bytecode = True

import os
import shutil
import signal
import socket
import subprocess
import time

from harness import *

BUSY = 0.3	# a share of one processor that nothing which only waits may need


def recv_lines(s, n):
	"""The first N lines, and not a byte more."""
	lines = b""
	while lines.count(b"\n") < n:
		lines += recv_exact(s, 1)
	return lines.split()


class HelperCase(Case):
	def serve(self, command, endpoint=None, top=None, **more):
		self.endpoint = endpoint or Endpoint.v4()
		if isinstance(command, str):
			command = ["/bin/bash", "-c", command]
		more.setdefault("workers", {"min": 1, "max": 4, "max_spare": 1})
		self.d = self.daemon({"prog": {"handler": "exec", "listen": str(self.endpoint), "command": command,
					       **more}}, top=top)

	def wait_alone(self):
		"""No process of a program is left, and every worker is free."""
		wait_until(lambda: self.d.admin.service("prog")["workers"]["busy"] == 0, "the workers are free")
		wait_until(lambda: not any(proc.children_at_once(w) for w in self.d.workers()), "no process is left")

	def check_answers(self, wanted, clients=20):
		for _ in range(clients):
			self.assertEqual(talk(self.endpoint, timeout=60), wanted)
		self.wait_alone()


class Finish(HelperCase):
	"""All that they write is delivered before the client sees the end."""

	def test_a_child_in_the_background(self):
		self.serve("( sleep 0.1; echo tail ) & echo head")
		self.check_answers(b"head\ntail\n")
		self.assertEqual(self.d.grep("prog .*:"), [])

	def test_a_child_on_a_unix_socket(self):
		self.serve("( sleep 0.1; echo tail ) & echo head", Endpoint.unix(self.path("d0", "s")))
		self.check_answers(b"head\ntail\n", 5)

	def test_a_filter_of_its_output(self):
		self.serve("exec > >(sed s/a/b/); echo aaa")
		self.check_answers(b"baa\n")

	def test_a_session_of_its_own(self):
		self.serve("setsid sh -c 'sleep 0.1; echo tail' & echo head")
		self.check_answers(b"head\ntail\n", 5)

	def test_a_grandchild(self):
		"""Its parent has closed the connection, and lives on."""
		self.serve("( ( sleep 0.2; echo tail ) & exec >/dev/null 2>&1 </dev/null; sleep 1000 ) & echo head")
		self.check_answers(b"head\ntail\n", 5)

	def test_one_after_the_other(self):
		"""Each forks the next one and ends."""
		code = ("import os, time\n"
			"for i in range(200):\n"
			"\tif os.fork(): os._exit(0)\n"
			"os.write(1, b'tail\\n')\n")
		self.serve(["/usr/bin/python3", "-I", "-S", "-c", code])
		self.check_answers(b"tail\n", 5)

	def test_one_that_only_reads(self):
		"""It takes the client's last bytes."""
		taken = self.path("taken")
		open(taken, "w").close()
		os.chmod(taken, 0o666)
		self.serve("cat <&0 >%s & exec sleep 0" % taken)
		with self.endpoint.connect() as s:
			time.sleep(0.3)
			s.sendall(b"late")
			s.shutdown(socket.SHUT_WR)
			self.assertEqual(read_all(s), b"")
		with open(taken, encoding="ascii") as f:
			self.assertEqual(f.read(), "late")

	def test_after_a_failure(self):
		self.serve("( sleep 0.1; echo tail ) & echo head; exit 3")
		self.check_answers(b"head\ntail\n", 3)
		self.d.wait_log(r"prog .*: /bin/bash exited with status 3; serving")

	def test_waiting_costs_nothing(self):
		self.serve("sleep 3 & echo $!")
		with self.endpoint.connect() as s:
			pid, = map(int, recv_lines(s, 1))
			self.assertLess(proc.cpu_share(self.d.workers(), 1), BUSY)
			self.assertTrue(proc.alive(pid))
			self.assertEqual(read_all(s), b"")


class End(HelperCase):
	"""Those that do not finish, and those that have nothing to do with the connection."""

	def pids(self, s, n):
		return [int(x) for x in recv_lines(s, n)]

	def check_ended(self, s, pids, reason):
		try:
			while s.recv(1 << 16):
				pass
		except ConnectionResetError:
			pass
		self.d.wait_log(r"prog .*: " + reason)
		self.d.wait_log(r"prog .*: /bin/bash had ended, but processes that it had started still had the "
				r"connection; they were ended$")
		wait_until(lambda: not any(map(proc.alive, pids)), "gone")
		self.wait_alone()
		self.assertEqual(self.d.admin.service("prog")["connections"]["failed"], 1)

	def test_idle(self):
		self.serve("sleep 1000 & echo $!", timeouts={"idle": "500ms"})
		with self.endpoint.connect() as s:
			s.sendall(b"x")
			self.check_ended(s, self.pids(s, 1), r"idle for 500ms \(timeouts\.idle\)$")

	def test_total_and_one_that_ignores_sigterm(self):
		self.serve("( trap '' TERM; while :; do sleep 1; done ) & echo $!", timeouts={"total": "500ms"})
		with self.endpoint.connect() as s:
			self.check_ended(s, self.pids(s, 1), r"not finished within 500ms \(timeouts\.total\)$")

	def test_total_and_a_session_of_its_own(self):
		self.serve("setsid sleep 1000 & echo $!", timeouts={"total": "500ms"})
		with self.endpoint.connect() as s:
			self.check_ended(s, self.pids(s, 1), r"not finished within 500ms \(timeouts\.total\)$")

	def test_drain(self):
		self.serve("sleep 1000 & echo $!", timeouts={"drain": "500ms"})
		with self.endpoint.connect() as s:
			pid, = self.pids(s, 1)
			start = time.monotonic()
			self.assertEqual(self.d.stop(), 0)
			self.assertGreaterEqual(time.monotonic() - start, 0.4)
			self.assertFalse(proc.alive(pid))

	def test_a_client_that_is_gone(self):
		self.serve("sleep 1000 & echo $!")
		s = self.endpoint.connect()
		pids = self.pids(s, 1)
		reset_at_close(s)
		s.close()
		self.d.wait_log(r"prog .*: the client is gone")
		wait_until(lambda: not any(map(proc.alive, pids)), "gone")
		self.wait_alone()

	def test_a_client_that_is_gone_and_on_hangup(self):
		marker = self.path("marker")
		open(marker, "w").close()
		os.chmod(marker, 0o666)
		self.serve("( sleep 1; echo done >%s ) & echo $!" % marker, on_hangup="ignore")
		s = self.endpoint.connect()
		self.pids(s, 1)
		reset_at_close(s)
		s.close()
		wait_until(lambda: os.path.getsize(marker) > 0, "it goes on")
		self.wait_alone()

	def test_one_without_the_connection(self):
		self.serve("sleep 1000 >/dev/null 2>&1 & echo $!")
		pid = int(talk(self.endpoint))
		self.wait_alone()
		self.assertFalse(proc.alive(pid))
		self.d.wait_log(r"prog .*: /bin/bash left 1 process behind that did not have the connection; killed$")
		self.assertEqual(self.d.admin.service("prog")["connections"]["failed"], 0)

	def test_one_that_closes_the_connection(self):
		self.serve("( sleep 0.3; echo tail; exec >/dev/null 2>&1 </dev/null; sleep 1000 ) & echo head")
		self.check_answers(b"head\ntail\n", 2)
		self.d.wait_log(r"prog .*: /bin/bash left [12] process(es)? behind")

	@needs_root()
	def test_one_that_cannot_be_looked_at(self):
		"""It has become another user, and may have the connection."""
		if shutil.which("cc") is None:
			self.skipTest("no compiler")
		program = self.path("another")
		source = self.write("another.c", "#define _GNU_SOURCE\n#include <unistd.h>\n"
				    "int main(void) { if (setresuid(0, 0, 0)) return 1; usleep(300000);"
				    " return write(1, \"tail\\n\", 5) != 5; }\n")
		subprocess.run(["cc", "-o", program, source], check=True)
		os.chmod(program, 0o4755)
		self.serve("%s & echo head" % program, sandbox={"no_new_privileges": False})
		self.assertEqual(talk(self.endpoint), b"head\ntail\n")
		self.wait_alone()


main()
