#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs run inetd's way: what they are given, and how their lives end."""

import sys
sys.dont_write_bytecode = True

import contextlib
import os
import re
import signal
import socket
import time

from harness import *


class ExecCase(Case):
	def serve(self, command, endpoint=None, how=None, top=None, **more):
		self.endpoint = endpoint or Endpoint.v4()
		if isinstance(command, str):
			command = ["/bin/sh", "-c", command]
		return self.daemon({"prog": {"handler": "exec", "listen": str(self.endpoint), "command": command,
					     **more}}, how=how, top=top)


class Given(ExecCase):
	def environment(self, endpoint, listen=None):
		self.serve(["/usr/bin/env"], listen or endpoint)
		with socket.socket(endpoint.family) as s:
			s.settimeout(PATIENCE)
			if endpoint.family == socket.AF_INET:	# so that the two ends differ
				s.bind(("127.0.0.9", 0))
			s.connect(endpoint.address)
			s.shutdown(socket.SHUT_WR)
			here = s.getsockname()
			text = read_all(s).decode()
		return dict(line.split("=", 1) for line in text.splitlines()), here

	def check_inet(self, env, host, port, here):
		self.assertTrue(env["PROTO"].startswith("TCP"), env["PROTO"])
		self.assertEqual(env["TCPLOCALIP"], host)
		self.assertEqual(env["TCPLOCALPORT"], str(port))
		self.assertEqual(env["TCPREMOTEIP"], here[0])
		self.assertEqual(env["TCPREMOTEPORT"], str(here[1]))
		self.assertEqual(env["REMOTE_ADDR"], here[0])
		self.assertEqual(env["REMOTE_PORT"], str(here[1]))
		self.assertEqual(env["PREFORKD_SERVICE"], "prog")
		for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC",
			     "WATCHDOG_PID"):
			self.assertNotIn(name, env, "the master's own affairs")

	def test_environment_ipv4(self):
		endpoint = Endpoint.v4()
		env, here = self.environment(endpoint)
		self.check_inet(env, "127.0.0.1", endpoint.port, here)

	def test_environment_ipv6(self):
		if not can_ipv6():
			self.skipTest("no IPv6 on this host")
		endpoint = Endpoint.v6()
		env, here = self.environment(endpoint)
		self.check_inet(env, "::1", endpoint.port, here)

	def test_ipv4_through_a_dual_socket(self):
		"""A mapped address is shown as the IPv4 address it stands for."""
		endpoint = Endpoint.v4()
		env, here = self.environment(endpoint, "*:%d" % endpoint.port)
		self.check_inet(env, "127.0.0.1", endpoint.port, here)

	def test_environment_unix(self):
		env, _ = self.environment(Endpoint.unix(self.path("d0", "s")))
		self.assertEqual(env["PROTO"], "UNIX")
		self.assertEqual(env["PREFORKD_SERVICE"], "prog")
		self.assertNotIn("TCPREMOTEIP", env)

	def test_each_client_gets_its_own(self):
		self.serve(["/usr/bin/env"])
		for _ in range(20):
			with self.endpoint.connect() as s:
				port = s.getsockname()[1]
				env = read_all(s).decode().splitlines()
				self.assertEqual([x for x in env if x.startswith("TCPREMOTEPORT=")],
						 ["TCPREMOTEPORT=%d" % port])

	def test_descriptors(self):
		self.descriptors({})

	def test_descriptors_when_we_inherited_more(self):
		with open("/dev/zero", "rb") as extra:
			self.descriptors({"pass_fds": (extra.fileno(),)})

	def descriptors(self, popen):
		self.endpoint = Endpoint.v4()
		d = self.daemon({"prog": {"handler": "exec", "listen": self.endpoint.text,
					  "command": ["/bin/ls", "-l", "/proc/self/fd"]}}, start=False).start(**popen)
		fds = dict(re.findall(r" (\d+) -> (.*)", talk(self.endpoint).decode()))
		self.assertRegex(fds.pop("3"), r"^/proc/\d+/fd$", "ls's own")
		self.assertEqual(sorted(fds), ["0", "1", "2"])
		self.assertTrue(fds["0"].startswith("socket:"))
		self.assertEqual(fds["0"], fds["1"])
		self.assertNotEqual(fds["0"], fds["2"])
		self.assertEqual(d.stop(), 0)

	def signals(self, how=None):
		self.serve(["/bin/grep", "-E", "^Sig(Blk|Ign|Pnd):|^ShdPnd:", "/proc/self/status"], how=how)
		text = talk(self.endpoint).decode()
		rows = dict(line.split(":\t") for line in text.splitlines())
		self.assertEqual(len(rows), 4)
		for key, value in rows.items():
			self.assertEqual(int(value, 16), 0, "%s: %s" % (key, value))

	def test_signals_are_at_their_defaults(self):
		self.signals()

	def test_signals_are_at_their_defaults_whatever_we_inherited(self):
		self.signals({"ignore": [signal.SIGPIPE, signal.SIGHUP, signal.SIGCHLD, signal.SIGTERM,
					 signal.SIGRTMAX],
			      "block": [signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM,
					signal.SIGRTMIN]})

	@needs_root()
	def test_privileges_are_dropped(self):
		d = self.serve(["/bin/grep", "-E", "^(Uid|Gid|Groups|CapEff|CapPrm):", "/proc/self/status"])
		rows = dict(line.split(":\t") for line in talk(self.endpoint).decode().splitlines())
		self.assertEqual(rows["Uid"].split(), ["65534"] * 4)
		self.assertEqual(rows["Gid"].split(), ["65534"] * 4)
		self.assertIn(rows["Groups"].split(), ([], ["65534"]))
		self.assertEqual(int(rows["CapEff"], 16) | int(rows["CapPrm"], 16), 0)
		for worker in d.workers():
			self.assertEqual(proc.status(worker, "Uid").split(), ["65534"] * 4)

	@needs_root()
	def test_a_user_of_its_own(self):
		"""Each service may have another one."""
		a, b = Endpoint.v4(), Endpoint.v4()
		shell = ["/bin/sh", "-c", "id -un; id -gn; echo $USER $LOGNAME"]
		self.daemon({"a": {"handler": "exec", "listen": a.text, "command": shell, "user": "daemon",
				   "group": "daemon"},
			     "b": {"handler": "exec", "listen": b.text, "command": shell}})
		self.assertEqual(talk(a).decode().split(), ["daemon"] * 4)
		self.assertEqual(talk(b).decode().split()[0], SERVICE_USER)

	def test_own_process_group(self):
		self.serve("read x < /proc/self/stat; echo $x; exec cat > /dev/null")
		with self.endpoint.connect() as s:
			fields = s.makefile().readline().rsplit(") ", 1)[1].split()
			program = wait_until(lambda: [p for w in self.daemons[0].workers()
						      for p in proc.children(w)], "the program")[0]
			self.assertEqual(int(fields[2]), program, "it leads its group")

	def test_socket_is_blocking(self):
		self.serve(["/bin/grep", "flags", "/proc/self/fdinfo/0"])
		flags = int(talk(self.endpoint).split()[1], 8)
		self.assertEqual(flags & os.O_NONBLOCK, 0)


class Answers(ExecCase):
	def test_cat(self):
		self.serve(["/bin/cat"])
		data = payload("cat", 2_000_000)
		self.assertTrue(talk(self.endpoint, data) == data)

	def test_half_close(self):
		self.serve("cat; sleep 0.3; echo done")
		self.assertEqual(talk(self.endpoint, b"question\n"), b"question\ndone\n")

	def test_a_program_that_reads_less_than_was_sent(self):
		"""The answer arrives whole, not cut by a reset."""
		self.serve("dd bs=5 count=1 2>/dev/null; sleep 0.2; echo; head -c 20000 /dev/zero")
		for _ in range(3):
			with self.endpoint.connect() as s:
				s.sendall(b"x" * 30_000)
				answer = read_all(s)
			self.assertEqual(len(answer), 20006)

	def test_a_program_that_closes_early(self):
		"""Its exit is not the end of the conversation with what it left running."""
		self.serve("exec 0<&-; echo bye")
		self.assertEqual(talk(self.endpoint, b"x"), b"bye\n")


class Log(ExecCase):
	def test_standard_error_line_by_line(self):
		d = self.serve(r"""printf 'first\nsec' >&2; sleep 0.2; printf 'ond\nlast without end' >&2""")
		with self.endpoint.connect() as s:
			port = s.getsockname()[1]
			read_all(s)
		for text in ("first", "second", "last without end"):
			line = d.wait_log(text + "$")
			self.assertRegex(line, r"prog.*127\.0\.0\.1:%d" % port)

	def test_control_characters_are_escaped(self):
		d = self.serve(r"""printf 'a\033[31mb\001c\rd\tx\n\200\377end\n' >&2""")
		talk(self.endpoint)
		d.wait_log("a.*31mb.*c.*d")
		d.wait_log("end$")
		for line in d.raw_lines():
			self.assertNotRegex(line, rb"[\x00-\x08\x0a-\x1f\x7f]")

	def test_clients_cannot_forge_lines(self):
		d = self.serve(r"""head -c 100 >&2; echo >&2""")
		talk(self.endpoint, b"x\r<0>kernel: panic\nforged: line\n\x1b]0;title\x07")
		d.wait_log("forged")
		for line in d.grep("forged|panic"):
			self.assertRegex(line, r"prog.*127\.0\.0\.1")
		for line in d.raw_lines():
			self.assertNotRegex(line, rb"[\x00-\x08\x0a-\x1f\x7f]")

	def test_long_lines_are_bounded(self):
		d = self.serve("head -c 300000 /dev/zero | tr '\\0' x >&2; echo >&2; echo after >&2")
		talk(self.endpoint)
		d.wait_log("after$")
		long = d.grep("xxxxx")
		self.assertTrue(long)
		for line in long:
			self.assertLessEqual(len(line), 2048 + 200)

	def test_a_flood_on_standard_error_ends_with_the_client(self):
		"""A program that only writes errors is no reason to stop listening to the rest."""
		d = self.serve("cat; head -c 200000 /dev/zero | tr '\\0' '\\n' >&2; echo tail >&2; echo done")
		self.assertEqual(talk(self.endpoint, b"x", 60), b"xdone\n")
		d.wait_log("tail$")

	def test_exit_status(self):
		d = self.serve("exit 3")
		with self.endpoint.connect() as s:
			port = s.getsockname()[1]
			read_all(s)
		self.assertRegex(d.wait_log(r"prog.*127\.0\.0\.1:%d" % port), r"\b3\b")

	def test_signal(self):
		d = self.serve("kill -SEGV $$")
		with self.endpoint.connect() as s:
			port = s.getsockname()[1]
			with self.assertRaises(ConnectionResetError):
				read_all(s)
		self.assertRegex(d.wait_log(r"prog.*127\.0\.0\.1:%d" % port), r"SEGV|[Ss]egmentation|signal 11")
		self.assertEqual(d.stop(), 0)

	def test_program_that_cannot_be_run(self):
		"""Its interpreter goes while the daemon runs."""
		interpreter = self.path("interpreter")
		os.symlink("/bin/sh", interpreter)
		program = self.write("prog", "#!%s\n" % interpreter, 0o755)
		d = self.serve([program], workers={"min": 1, "max": 1, "max_spare": 1})
		worker = d.wait_workers(1)
		os.unlink(interpreter)
		for _ in range(3):
			try:
				self.assertEqual(talk(self.endpoint), b"")
			except ConnectionResetError:
				pass
		d.wait_log(r'prog 127\.0\.0\.1:\d+: cannot run .*/prog: its interpreter ".*/interpreter": No such file')
		self.assertEqual(d.workers(), worker, "the worker is unharmed")

	def test_a_flood_on_standard_error_is_thinned_out(self):
		"""A hundred lines a second are shown; how many more there were is said, and which key it is."""
		d = self.serve("i=0; while [ $i -lt 5000 ]; do echo line $i >&2; i=$((i+1)); done; echo done")
		with self.endpoint.connect() as s:
			self.assertEqual(read_all(s), b"done\n")
		d.wait_log(r"prog 127\.0\.0\.1:\d+: \d+ more lines of standard error are not shown "
			   r"\(program\.log_rate = 100\)")
		self.assertLess(len(d.grep(r"line \d+")), 4000)

	def test_a_flood_that_is_wanted(self):
		d = self.serve("i=0; while [ $i -lt 1000 ]; do echo line $i >&2; i=$((i+1)); done; echo done",
			       program={"log_rate": 0})
		with self.endpoint.connect() as s:
			self.assertEqual(read_all(s), b"done\n")
		d.wait_log("line 999$")
		self.assertEqual(len(d.grep(r"line \d+$")), 1000)

	def test_priorities_and_the_level_of_the_log(self):
		"""A line without a priority is always written; the level of the log is for those that have one."""
		d = self.serve(r"printf 'pla\tin\n<3>bad\n<6>chatter\nlast\n' >&2", top={"log": {"level": "warning"}})
		talk(self.endpoint)
		d.wait_log("last$")
		self.assertTrue(d.grep(r"\d: pla\tin$"))
		self.assertTrue(d.grep("error: prog .*: bad$"))
		self.assertFalse(d.grep("chatter"))

	def test_what_a_program_does_to_its_standard_error_stays_its_own(self):
		"""O_NONBLOCK belongs to the open file description; the next client's program has another."""
		code = ("import fcntl, os; f = fcntl.fcntl(2, fcntl.F_GETFL); print(bool(f & os.O_NONBLOCK));"
			"fcntl.fcntl(2, fcntl.F_SETFL, f | os.O_NONBLOCK)")
		self.serve(["/usr/bin/python3", "-S", "-c", code], workers={"min": 1, "max": 1, "max_spare": 1})
		for _ in range(3):
			self.assertEqual(talk(self.endpoint), b"False\n")

	def test_success_is_quiet(self):
		"""By default only connections that went wrong are logged."""
		d = self.serve(["/bin/true"])
		for _ in range(20):
			talk(self.endpoint)
		self.assertEqual(d.stop(), 0)
		self.assertEqual(d.grep(r"prog 127\.0\.0\.1:\d+"), [])

	def test_every_connection_when_asked(self):
		d = self.serve(["/bin/true"], top={"log": {"connections": "all"}})
		with self.endpoint.connect() as s:
			port = s.getsockname()[1]
			read_all(s)
		d.wait_log(r"prog.*127\.0\.0\.1:%d" % port)


class TimeLimits(ExecCase):
	def cut(self, s, at_least, word, d):
		port = s.getsockname()[1]
		start = time.monotonic()
		try:
			read_all(s)
		except ConnectionResetError:
			pass
		self.assertGreaterEqual(time.monotonic() - start, at_least)
		d.wait_log(r"prog.*127\.0\.0\.1:%d.*%s" % (port, word))

	def test_total_ends_the_whole_group(self):
		d = self.serve("sleep 100 & sleep 100 & echo $$ $!; wait", timeouts={"total": "1s"})
		with self.endpoint.connect() as s:
			pids = [int(x) for x in s.makefile().readline().split()]
			self.assertTrue(all(map(proc.alive, pids)))
			self.cut(s, 0.7, "total", d)
			wait_until(lambda: not any(map(proc.alive, pids)), "all of the group gone", 15)
		wait_until(lambda: all(not proc.children(w) for w in d.workers()), "no program left", 15)

	def test_total_and_a_program_that_ignores_term(self):
		d = self.serve("trap '' TERM HUP INT; echo $$; while :; do sleep 1; done", timeouts={"total": "500ms"})
		with self.endpoint.connect() as s:
			program = int(s.makefile().readline())
			self.cut(s, 0.2, "total", d)
			wait_until(lambda: not proc.alive(program), "gone", 20)
		self.assertEqual(d.stop(), 0)

	def test_total_and_a_program_that_never_stops_writing_errors(self):
		"""A pipe that is always readable must not keep the time limits out."""
		d = self.serve("yes >&2 & yes >&2 & yes >&2", timeouts={"total": "300ms"})
		with self.endpoint.connect() as s:
			self.cut(s, 0.1, "total", d)
		wait_until(lambda: all(not proc.children(w) for w in d.workers()), "no program left", 15)
		with contextlib.ExitStack() as clients:
			def runs():
				"""A program lives for 300 ms: on a busy machine one may be gone before it is seen."""
				clients.enter_context(self.endpoint.connect())
				return any(proc.children(w) for w in d.workers())
			wait_until(runs, "a program", every=0.1)
			workers = d.workers()
			d.kill(9)
			wait_until(lambda: not any(map(proc.alive, workers)), "no worker without a master", 15)

	def test_what_leaves_its_group_does_not_survive_the_stop(self):
		marker = self.path("pids")
		open(marker, "w").close()
		os.chmod(marker, 0o666)
		d = self.serve("setsid sh -c 'echo $$ >>%s; setsid sleep 1000 & echo $! >>%s; sleep 1000' >/dev/null &"
			       " while [ $(wc -l <%s) -lt 2 ]; do sleep 0.05; done" % (marker, marker, marker))
		talk(self.endpoint)
		with open(marker) as f:
			pids = [int(x) for x in f.read().split()]
		self.assertEqual(len(pids), 2)
		self.assertEqual(d.stop(), 0)
		wait_until(lambda: not any(map(proc.alive, pids)), "nothing left", 10)

	def test_total_and_a_program_that_ignores_term_loudly(self):
		"""Lines on standard error do not put its end off."""
		d = self.serve("trap '' TERM; echo $$; while :; do echo noise >&2; sleep 0.2; done",
			       timeouts={"total": "500ms"})
		with self.endpoint.connect() as s:
			program = int(s.makefile().readline())
			self.cut(s, 0.2, "total", d)
			wait_until(lambda: not proc.alive(program), "gone", 20)

	def test_what_it_leaves_in_its_group_ends_with_it(self):
		self.serve("sleep 100 >/dev/null 2>&1 & echo $!")
		left = int(talk(self.endpoint))
		wait_until(lambda: not proc.alive(left), "gone", 10)

	def test_what_leaves_its_group_ends_with_it_too(self):
		"""A program that puts itself into the background keeps neither the client nor the log."""
		d = self.serve("setsid sleep 100 >/dev/null & echo $!")
		left = int(talk(self.endpoint))
		wait_until(lambda: not proc.alive(left), "gone", 10)
		wait_until(lambda: not [s for s in proc.everything() if s.ppid == d.pid and s.name == "sleep"], "gone")

	def test_idle(self):
		d = self.serve(["/bin/cat"], timeouts={"idle": "1s"})
		with self.endpoint.connect() as s:
			start = time.monotonic()
			while time.monotonic() - start < 2.2:	# not silent, for longer than the limit
				s.sendall(b"x")
				recv_exact(s, 1)
				time.sleep(0.1)
			self.cut(s, 0.7, "idle", d)

	def test_idle_knows_a_program_that_only_writes(self):
		d = self.serve("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.3; done; exec sleep 100",
			       timeouts={"idle": "1s", "first_byte": 0})
		with self.endpoint.connect() as s:
			self.assertEqual(recv_exact(s, 16), b"1\n2\n3\n4\n5\n6\n7\n8\n")
			self.cut(s, 0.7, "idle", d)

	def test_first_byte(self):
		"""The server speaks first; a client that never does is cut, one that has spoken is not."""
		d = self.serve("echo hello; exec cat", timeouts={"first_byte": "1s"})
		with self.endpoint.connect() as silent, self.endpoint.connect() as talker:
			self.assertEqual(recv_exact(silent, 6), b"hello\n")
			self.assertEqual(recv_exact(talker, 6), b"hello\n")
			talker.sendall(b"x")
			self.assertEqual(recv_exact(talker, 1), b"x")
			self.cut(silent, 0.5, "first.?byte", d)
			time.sleep(1)	# longer than the limit, from the talker's point of view
			talker.sendall(b"y")
			self.assertEqual(recv_exact(talker, 1), b"y")

	def test_no_limit_no_end(self):
		self.serve(["/bin/cat"], timeouts={"first_byte": 0, "idle": 0, "total": 0})
		with self.endpoint.connect() as s:
			time.sleep(1.5)
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")


main()
