#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The surroundings of programs and workers: the groups `program` and `limits`."""

import sys
sys.dont_write_bytecode = True

import os
import resource
import stat
import unittest

from harness import *
from harness.listen_case import PYTHON
from harness.look import LookCase, has_capability, limits_of, number_in

MIB = 1 << 20
CAP_SYS_NICE, CAP_SYS_RESOURCE = 23, 24
LIMITS = {"nofile": 64, "nproc": 900, "cpu": "100s", "as": "4G", "data": "3G", "stack": "1M", "core": 0,
	  "fsize": "2M", "memlock": "16K"}
EXPECTED = {"nofile": [64] * 2, "nproc": [900] * 2, "cpu": [100, 101], "as": [4096 * MIB] * 2,
	    "data": [3072 * MIB] * 2, "stack": [MIB] * 2, "core": [0] * 2, "fsize": [2 * MIB] * 2,
	    "memlock": [16384] * 2}


class SurroundingsCase(LookCase):
	def everything(self, **more):
		return {"program": {"argv0": "a%f name", "directory": self.room, "umask": "0027", "nice": 7,
				    "oom_score_adjust": 900, **more}, "limits": LIMITS}

	def check_everything(self, seen, command):
		self.assertEqual(seen["argv"], ["a%f name", *command[1:]])
		self.assertEqual((seen["cwd"], seen["umask"], seen["nice"], seen["oom"]),
				 (self.room, 0o027, 7, 900))
		self.assertEqual(seen["limits"], EXPECTED)

	def check_nothing(self, seen, d, command):
		"""As if there were no such keys."""
		limits = limits_of(d.pid)
		if IS_ROOT:	# programs have another user
			limits["core"] = [0, 0]
		self.assertEqual(seen["argv"], command)
		self.assertEqual((seen["cwd"], seen["nice"]), ("/", os.nice(0)))
		self.assertEqual(seen["umask"], int(proc.status(d.pid, "Umask"), 8))
		self.assertEqual(seen["oom"], min(1000, number_in(d.pid, "oom_score_adj") + 100))
		self.assertEqual(seen["limits"], limits)


class Programs(SurroundingsCase):
	def test_exec_all(self):
		endpoint = Endpoint.v4()
		service = self.exec_service(endpoint, **self.everything())
		d = self.daemon({"a": service})
		for _ in range(3):
			self.check_everything(self.see(endpoint), service["command"])
		# the worker itself is not limited, so that it can start programs
		limits = limits_of(d.workers()[0])
		self.assertEqual(limits["cpu"][0], resource.RLIM_INFINITY)
		self.assertEqual(limits["nofile"], limits_of(d.pid)["nofile"])
		self.assertEqual(d.stop(), 0)

	def test_exec_none(self):
		endpoint = Endpoint.v4()
		service = self.exec_service(endpoint)
		d = self.daemon({"a": service})
		self.check_nothing(self.see(endpoint), d, service["command"])

	def test_listen_all(self):
		endpoint = Endpoint.v4()
		service = self.listen_service(endpoint, **self.everything())
		d = self.daemon({"a": service})
		self.check_everything(self.see(endpoint), service["command"])
		self.assertEqual(d.stop(), 0)

	def test_listen_none(self):
		endpoint = Endpoint.v4()
		service = self.listen_service(endpoint)
		d = self.daemon({"a": service})
		seen = self.see(endpoint)
		self.check_nothing(seen, d, service["command"])
		self.assertEqual(seen["fds"], [0, 1, 2, 3])

	def test_unlimited(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"a": self.exec_service(endpoint, limits={"cpu": "unlimited"})})
		self.assertEqual(self.see(endpoint)["limits"]["cpu"], [resource.RLIM_INFINITY] * 2)
		self.assertEqual(d.stop(), 0)

	@needs_root()
	def test_core_of_a_user(self):
		"""A core could have data of clients: a program of another user leaves none, unless it is asked for."""
		user, same, asked = Endpoint.v4(), Endpoint.v4(), Endpoint.v4()
		self.daemon({"user": self.exec_service(user), "same": self.exec_service(same, user="root"),
			     "asked": self.exec_service(asked, limits={"core": "1M"})},
			    prefix=["/usr/bin/prlimit", "--core=2097152:4194304"])
		self.assertEqual(self.see(user)["limits"]["core"], [0, 0])
		if not SANITIZED:	# they forbid the daemon cores
			self.assertEqual(self.see(same)["limits"]["core"], [2 * MIB, 4 * MIB])
		self.assertEqual(self.see(asked)["limits"]["core"], [MIB, MIB])

	@unittest.skipUnless(has_capability(CAP_SYS_NICE), "needs CAP_SYS_NICE")
	def test_more_urgent(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		more = {"program": {"nice": os.nice(0) - 1}}
		self.daemon({"a": self.exec_service(a, **more), "b": self.listen_service(b, **more)})
		for endpoint in (a, b):
			self.assertEqual(self.see(endpoint)["nice"], os.nice(0) - 1)

	@unittest.skipUnless(has_capability(CAP_SYS_RESOURCE), "needs CAP_SYS_RESOURCE")
	def test_more_than_the_daemon_has(self):
		"""A program of another user gets it as well."""
		a, b = Endpoint.v4(), Endpoint.v4()
		more = {"limits": {"nofile": 3000, "memlock": "unlimited"}, "program": {"oom_score_adjust": -7}}
		self.daemon({"a": self.exec_service(a, **more), "b": self.listen_service(b, **more)},
			    prefix=["/usr/bin/prlimit", "--nofile=1000:2000", "--memlock=8192:8192"])
		for endpoint in (a, b):
			seen = self.see(endpoint)
			self.assertEqual(seen["limits"]["nofile"], [3000, 3000])
			self.assertEqual(seen["limits"]["memlock"], [resource.RLIM_INFINITY] * 2)
			self.assertEqual(seen["oom"], -7)


class Environment(SurroundingsCase):
	def serve(self, top=None, env=None, **more):
		self.a, self.b = Endpoint.v4(), Endpoint.v4()
		self.services = {"a": self.exec_service(self.a, **more), "b": self.listen_service(self.b, **more)}
		return self.daemon(Config(self.services, **(top or {})), env=env)

	def test_variables(self):
		d = self.serve(top={"defaults": {"program": {"environment": {"TZ": "UTC", "LANG": "C"},
							     "pass_environment": ["COLOUR"]}}},
			       env={"COLOUR": "red", "SIZE": "7", "SECRET": "x"},
			       program={"environment": {"LANG": "%c $x", "HOME": "/none", "SIZE": "8"},
					"pass_environment": ["SIZE", "MISSING", "COLOUR"]})
		for when in ("at the start", "after an upgrade"):
			for endpoint in (self.a, self.b):
				env = self.see(endpoint)["env"]
				self.assertEqual({name: env.get(name) for name in
						  ("TZ", "LANG", "HOME", "SIZE", "COLOUR", "SECRET", "MISSING")},
						 {"TZ": "UTC", "LANG": "%c $x", "HOME": "/none", "SIZE": "8",
						  "COLOUR": "red", "SECRET": None, "MISSING": None}, when)
				self.assertEqual(env["PREFORKD_SERVICE"], "a" if endpoint is self.a else "b")
				self.assertIn("/bin", env["PATH"])
			self.assertEqual(self.see(self.a)["env"]["REMOTE_ADDR"], "127.0.0.1")
			self.assertEqual(self.see(self.b)["env"]["LISTEN_FDS"], "1")
			done = d.ctl("upgrade")
			self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
			self.assertEqual(d.ctl("restart", "b").returncode, 0)
		self.assertEqual(d.stop(), 0)

	def test_reload(self):
		d = self.serve()
		self.assertNotIn("X", self.see(self.a)["env"])
		for service in self.services.values():
			service["program"] = {"environment": {"X": "1"}}
		done = d.reload(Config(self.services))
		self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
		self.assertEqual(self.see(self.a)["env"]["X"], "1")
		wait_until(lambda: self.see(self.b)["env"].get("X") == "1", "the new program answers")
		self.assertIn("nothing has changed", d.reload().stdout.lower())


class Listener(SurroundingsCase):
	def test_on_standard_input(self):
		"""As FastCGI programs, and those of inetd's "wait", want it."""
		endpoint = Endpoint.v4()
		d = self.daemon({"a": self.listen_service(endpoint, 0, program={"listener_fd": 0})})
		seen = self.see(endpoint)
		self.assertEqual(seen["fds"], [0, 1, 2])
		self.assertFalse([name for name in seen["env"] if name.startswith("LISTEN_")])
		self.assertIn("NOTIFY_SOCKET", seen["env"])
		self.assertEqual(d.ctl("restart", "a").returncode, 0)
		wait_until(lambda: self.see(endpoint)["pid"] != seen["pid"], "the new program answers")
		self.assertEqual(d.stop(), 0)

	def test_on_another_number(self):
		for number in (4, 9, 1000):
			endpoint = Endpoint.v4()
			d = self.daemon({"a": self.listen_service(endpoint, number, program={"listener_fd": number})})
			seen = self.see(endpoint)
			self.assertEqual(seen["fds"], [0, 1, 2, number])
			self.assertNotIn("LISTEN_FDS", seen["env"])
			self.assertEqual(d.stop(), 0)


class Workers(SurroundingsCase):
	@unittest.skipIf(SANITIZED, "a sanitizer needs more address space than any limit")
	def test_of_a_built_in_service(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		more = self.everything()
		del more["program"]["argv0"]
		d = self.daemon({"a": {"handler": "echo", "listen": a.text, **more},
				 "b": {"handler": "echo", "listen": b.text}})
		self.assertEqual(talk(a, b"hello"), b"hello")
		for pid in d.workers():
			if proc.title(pid).startswith("preforkd: a"):
				self.assertEqual(limits_of(pid), EXPECTED)
				self.assertEqual(number_in(pid, "oom_score_adj"), 900)
				self.assertEqual(proc.status(pid, "Umask"), "0027")
				self.assertEqual(os.getpriority(os.PRIO_PROCESS, pid), 7)
				if IS_ROOT:
					self.assertEqual(os.readlink("/proc/%d/cwd" % pid), self.room)
			else:
				self.assertEqual(limits_of(pid)["nofile"], limits_of(d.pid)["nofile"])
				self.assertEqual(os.getpriority(os.PRIO_PROCESS, pid), os.nice(0))
		self.assertEqual(d.stop(), 0)

	def test_that_cannot_live_with_a_limit(self):
		"""It does not serve, and says which limit it is; a reload to it is rejected."""
		endpoint = Endpoint.v4()
		service = {"handler": "echo", "listen": endpoint.text}
		d = self.daemon({"a": service})
		for limit, value in (("nofile", 8), ("data", "4K")):
			with self.subTest(limit=limit):
				done = d.reload(Config({"a": {**service, "limits": {limit: value}}}))
				self.assertEqual(done.returncode, 1, done.stdout)
				said = "limits: %s = %s: too low: the worker itself needs more" % (limit, value)
				self.assertRegex(done.stdout + done.stderr, said)
		self.assertEqual(talk(endpoint, b"hello"), b"hello")
		d.reload(Config({"a": service}))
		self.assertEqual(d.stop(), 0)


class Ended(SurroundingsCase):
	"""By a limit, which is named."""

	def test_cpu_for_each_connection(self):
		endpoint = Endpoint.v4()
		script = "import sys, time\nend = float(sys.stdin.readline())\n" \
			 "while time.process_time() < end: pass\nprint('ok')"
		d = self.daemon({"a": {"handler": "exec", "listen": endpoint.text, "limits": {"cpu": 1},
				       "command": [PYTHON, "-I", "-S", "-c", script],
				       "workers": {"min": 1, "min_spare": 1, "max": 1}}})
		worker = d.workers()[0]
		for _ in range(2):	# together more than the limit
			self.assertEqual(talk(endpoint, b"0.7\n"), b"ok\n")
		mark = d.mark()
		with endpoint.connect() as s:
			s.sendall(b"30\n")
			self.assertRaises(ConnectionResetError, s.recv, 1)
		d.wait_log(r"killed by signal 24 \(SIGXCPU\).*limits.cpu is 1s", mark)
		wait_until(lambda: d.admin.service("a")["deaths"], "the death is known")
		self.assertEqual(d.admin.service("a")["deaths"][0]["reason"], "limits.cpu is 1s")
		self.assertEqual(talk(endpoint, b"0.1\n"), b"ok\n")
		self.assertEqual(d.workers(), [worker])
		self.assertEqual(d.stop(), 0)

	def test_file_size(self):
		"""The limit kills a program that accepts by itself, and the log names the limit."""
		endpoint = Endpoint.v4()
		file = os.path.join(self.room, "file")
		os.chmod(self.room, stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO)
		script = "import signal, socket, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n" \
			 "socket.socket(fileno=3).accept()\nopen(sys.argv[1], 'wb').write(b'x' * 5000)"
		d = self.daemon({"a": {"handler": "listen", "listen": endpoint.text, "limits": {"fsize": "4K"},
				       "command": [PYTHON, "-I", "-S", "-c", script, file], "workers": {"min": 1},
				       "timeouts": {"start": "100ms", "prove": "0"}}})
		endpoint.connect().close()
		d.wait_log(r"program \d+ was killed by signal 25 \(SIGXFSZ\).*limits.fsize is 4K")


class Changes(SurroundingsCase):
	def test_reload(self):
		a, b = Endpoint.v4(), Endpoint.v4()
		d = self.daemon({"a": self.exec_service(a), "b": self.listen_service(b)})
		self.assertNotEqual(self.see(a)["cwd"], self.room)
		done = d.reload(Config({"a": self.exec_service(a, program={"directory": self.room}),
					"b": self.listen_service(b, limits={"nofile": 50})}))
		self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
		self.assertEqual(self.see(a)["cwd"], self.room)
		wait_until(lambda: self.see(b)["limits"]["nofile"] == [50, 50], "the new program answers")
		self.assertEqual(d.stop(), 0)

	def test_upgrade(self):
		"""Programs of before run on; those that start later have the same."""
		a, b = Endpoint.v4(), Endpoint.v4()
		more = self.everything()
		d = self.daemon({"a": self.exec_service(a, **more), "b": self.listen_service(b, **more)})
		before = self.see(b)
		done = d.ctl("upgrade")
		self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
		self.check_everything(self.see(a), self.exec_service(a)["command"])
		self.assertEqual(self.see(b), before)
		self.assertEqual(d.stop(), 0)


class Refused(SurroundingsCase):
	def refused(self, message, key, value, **how):
		endpoint = Endpoint.v4()
		group, name = key.split(".")
		config = Config({"a": self.exec_service(endpoint, **{group: {name: value}})})
		path = self.write("bad.conf", config.text())
		done = run_preforkd("--check", "-c", path, **how)
		self.assertEqual(done.returncode, 78, done.stderr)
		self.assertRegex(done.stderr, r"bad\.conf:\d+: services\.a\.%s: %s" % (key, message))

	def test_directory(self):
		self.refused('"here" must be a full path', "program.directory", "here")
		self.refused('"/no/such": No such file', "program.directory", "/no/such")
		self.refused('"/bin/sh" is not a directory', "program.directory", "/bin/sh")

	@needs_root()
	def test_directory_of_another(self):
		os.chmod(self.room, 0o700)
		self.refused(".*the user nobody", "program.directory", self.room)

	def test_more_than_the_daemon_has(self):
		def lower():
			resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
			resource.setrlimit(resource.RLIMIT_CPU, (1000, 2000))
			if IS_ROOT:
				os.setgroups([])
				os.setresgid(65534, 65534, 65534)
				os.setresuid(65534, 65534, 65534)
		for key, value, message in (
				("limits.nofile", 300, r"300 is more than the daemon itself has, 200 "
				 r"\(the hard limit of RLIMIT_NOFILE\); raise LimitNOFILE="),
				("limits.cpu", "1h", "1h is more than the daemon itself has, 2000s"),
				("limits.nofile", "unlimited", "unlimited is more than"),
				("program.nice", os.nice(0) - 1, "-?[0-9]+ is more urgent than the daemon itself is"),
				("program.oom_score_adjust", -1000, "-1000 is less than the daemon itself has")):
			with self.subTest(key=key):
				self.refused_as_nobody(message, key, value, lower)

	def refused_as_nobody(self, message, key, value, lower):
		if IS_ROOT:
			os.chmod(self.tmp, 0o755)
		endpoint = Endpoint.v4()
		group, name = key.split(".")
		config = Config({"a": self.exec_service(endpoint, **{group: {name: value}})}, user=None, group=None)
		path = self.write("bad.conf", config.text())
		done = run_preforkd("--check", "-c", path, preexec_fn=lower)
		self.assertEqual(done.returncode, 78, done.stderr)
		self.assertRegex(done.stderr, r"bad\.conf:\d+: services\.a\.%s: %s" % (key, message))


main()
