#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line: checking, printing, helping and refusing."""

import sys
sys.dont_write_bytecode = True

import os
import re
import resource
import subprocess
import unittest

from harness import *

NO_NAMESPACES = no_namespaces()


class CommandLine(Case):
	def config(self, services=None, name="preforkd.conf", **top):
		services = services or {"echo": {"handler": "echo", "listen": "127.0.0.1:7007"}}
		return self.write(name, Config(services, **top).text())

	def run_with(self, path, *arguments, **options):
		return run_preforkd("-c", path, *arguments, **options)

	def ok(self, done):
		self.assertEqual(done.returncode, 0, done.stderr)
		return done.stdout

	def bad(self, done, status, *patterns):
		self.assertEqual(done.returncode, status, done.stdout + done.stderr)
		for pattern in patterns:
			self.assertRegex(done.stderr, pattern)
		return done


class Check(CommandLine):
	def test_good(self):
		for option in ("-t", "--check"):
			self.ok(self.run_with(self.config(), option))

	def test_bad_with_file_and_line(self):
		path = self.write("bad.conf", 'user = "nobody";\n'
				  'services: {\n  echo: {\n    handler = "echo";\n    listen = "127.0.0.1:7007";\n'
				  '    backlog = "many";\n  };\n};\n')
		self.bad(self.run_with(path, "-t"), 78, re.escape(path) + r":6: .*services\.echo\.backlog")

	def test_every_problem(self):
		path = self.write("bad.conf", 'user = "nobody";\n'
				  'services: {\n  a: { handler = "echo"; listen = "127.0.0.1:99999"; };\n'
				  '  b: { handler = "nothing"; listen = "127.0.0.1:7008"; };\n'
				  '  c: { handler = "echo"; listen = "127.0.0.1:7009"; baklog = 5; };\n'
				  '  d: { handler = "echo"; listen = "127.0.0.1:7010"; workers: { min = 9; max = 2; }; '
				  '};\n'
				  '  e: { handler = "exec"; listen = "127.0.0.1:7011"; command = [ "/no/such" ]; '
				  '};\n};\n')
		self.bad(self.run_with(path, "-t"), 78, r"bad\.conf:3: .*services\.a\.listen",
			 r"bad\.conf:4: .*services\.b\.handler", r"bad\.conf:5: .*baklog.*backlog",
			 r"bad\.conf:6: .*services\.d\.workers", r"bad\.conf:7: .*/no/such")

	def test_limits_of_control_groups(self):
		path = self.write("bad.conf", 'user = "nobody";\n'
				  'services: {\n  a: { handler = "exec"; listen = "127.0.0.1:7007"; '
				  'command = "/bin/cat";\n'
				  '    limits: { memory = "1K";\n      tasks = -1; };\n  };\n'
				  '};\n')
		self.bad(self.run_with(path, "-t"), 78, r"bad\.conf:4: .*services\.a\.limits\.memory.*1M",
			 r"bad\.conf:5: .*services\.a\.limits\.tasks")
		path = self.write("useless.conf", 'user = "nobody";\nservices: {\n  b: { handler = "echo"; '
				  'listen = "127.0.0.1:7008"; limits: { tasks = 5; }; };\n};\n')
		self.assertRegex(self.run_with(path, "-t").stderr,
				 r"useless\.conf:3: .*limits\.tasks: has no effect: this service runs no program")

	def test_two_services_on_one_address(self):
		self.bad(self.run_with(self.config({"a": {"handler": "echo", "listen": "127.0.0.1:7007"},
						    "b": {"handler": "echo", "listen": "127.0.0.1:7007"}}), "-t"),
			 78, r"127\.0\.0\.1:7007")

	def test_syntax_error(self):
		path = self.write("bad.conf", "services: {\n  echo: { handler = ; };\n};\n")
		self.bad(self.run_with(path, "-t"), 78, r"bad\.conf:2")

	def test_include_of_a_folder(self):
		"""The library's own way to end a process must not be ours."""
		folder = self.folder("included")
		path = self.write("bad.conf", '@include "%s"\n' % folder)
		self.bad(self.run_with(path, "-t"), 78, r"bad\.conf")

	def test_missing_file(self):
		self.bad(self.run_with(self.path("nothing.conf"), "-t"), 78, r"nothing\.conf")

	def test_the_daemon_checks_too(self):
		path = self.write("bad.conf", "services: {\n")
		self.bad(self.run_with(path, "-l", "stderr"), 78, r"bad\.conf:\d")

	@needs_root()
	def test_root_must_say_for_whom(self):
		self.bad(self.run_with(self.config(user=None, group=None), "-t"), 78, r"user")
		self.ok(self.run_with(self.config(user="root", group="root"), "-t"))

	def test_conf_d(self):
		path = self.config()
		folder = self.folder("conf.d")
		with open(os.path.join(folder, "10-more.conf"), "w", encoding="ascii") as f:
			f.write('services: { more: { handler = "daytime"; listen = "127.0.0.1:7013"; }; };\n')
		self.assertRegex(self.ok(self.run_with(path, "-T")), r"more\b[^}]*daytime")
		with open(os.path.join(folder, "20-bad.conf"), "w", encoding="ascii") as f:
			f.write('\nservices: { worse: { handler = "nothing"; listen = "127.0.0.1:7014"; }; };\n')
		self.bad(self.run_with(path, "-t"), 78, r"20-bad\.conf:2: .*services\.worse\.handler")

	@needs_root()
	def test_files_that_others_may_change(self):
		"""Root does not take them, nor a folder where others may put some; who only looks at them may."""
		path = self.config()
		folder = self.folder("conf.d")
		more = self.write("conf.d/more.conf", '@include "../included"\n')
		included = self.write("included", "")
		self.ok(self.run_with(path, "-t"))
		for file in (path, more, included, folder):
			mode = os.stat(file).st_mode & 0o777
			os.chmod(file, mode | 0o002)
			for options in (("-t",), ("-l", "stderr")):
				self.bad(self.run_with(path, *options), 78,
					 r"%s can be written by everybody \(mode %04o\)"
					 % (os.path.basename(file), mode | 0o002))
			self.ok(self.run_with(path, "--check=portable"))
			os.chmod(file, mode)
			os.chown(file, 65534, -1)
			self.bad(self.run_with(path, "-t"), 78,
				 "%s belongs to the user 65534, who could change it; it must belong to root"
				 % os.path.basename(file))
			os.chown(file, 0, -1)
		self.ok(self.run_with(path, "-t"))

	def test_what_is_hardly_meant(self):
		path = self.config({"echo": {"handler": "echo", "listen": "*:0"}})
		self.folder("conf.d")
		self.write("conf.d/more.conf.old", "nonsense")
		self.write("conf.d/.more.conf", "nonsense")
		done = self.run_with(path, "-t")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertRegex(done.stderr, r'"\*:0": the port is 0, so the kernel chooses .* \(warning\)')
		self.assertRegex(done.stderr, r"conf\.d/more\.conf\.old: it is not read, because .* \(warning\)")
		self.assertNotIn(".more.conf:", done.stderr.replace("/more.conf", ""))

	@needs_root("needs root to look into the daemon")
	@needs_tool("strace")
	def test_binds_nothing_and_writes_nothing(self):
		path = self.config({
			"echo": {"handler": "echo", "listen": ["127.0.0.1:7007", "*:7008",
							       "unix:" + self.path("s"), "unix:@name"]},
			"cat": {"handler": "exec", "listen": "127.0.0.1:7009", "command": ["/bin/cat"]}})
		log = self.path("strace")
		before = sorted(os.listdir(self.tmp))
		for option in ("-t", "--check=portable", "--check=host", "-T"):
			done = subprocess.run(["strace", "-f", "-o", log, "-e", "trace=network,file,desc,process",
					       PREFORKD, "-c", path, option], stdin=subprocess.DEVNULL,
					      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
					      env={**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
						   + ":detect_leaks=0"}, timeout=PATIENCE)
			if "ptrace" in done.stderr and done.returncode != 0:
				self.skipTest("strace may not trace here")
			self.assertEqual(done.returncode, 0, done.stderr)
			with open(log, encoding="utf-8", errors="replace") as f:
				calls = f.read().splitlines()
			self.assertTrue(any("exit_group(0)" in c for c in calls))
			for call in calls:
				# names may be looked up, over sockets of any kind; a netlink one is bound for that
				if re.search(r"\bbind\(", call):
					self.assertIn("AF_NETLINK", call)
				self.assertNotRegex(call, r"\b(listen|mkdir|mknod|unlink|rename|symlink|link|chmod|"
						    r"fchmod|chown|fchown|truncate|creat)(at|at2|64)?\(")
				if re.search(r"\bopen(at)?\(", call) and re.search(r"O_WRONLY|O_RDWR|O_CREAT", call):
					self.assertRegex(call, r'"/dev/(null|tty)"|ENOENT|"/proc/')
			os.unlink(log)
			self.assertEqual(sorted(os.listdir(self.tmp)), before)


class Portable(CommandLine):
	"""For another machine: what only this one could answer is not asked."""

	ELSEWHERE = {"git": {"handler": "exec", "listen": ["no-such-host.invalid:9418", "127.0.0.1:9418"],
			     "user": "no-such-user", "command": ["/no/such/program", "--inetd"],
			     "socket": {"device": "none0"}}}

	def test_nothing_of_this_host_is_needed(self):
		path = self.config(self.ELSEWHERE, user="nobody-knows", group="no-such-group",
				   control={"group": "no-such-group"})
		done = self.run_with(path, "--check=portable")
		self.ok(done)
		self.assertEqual(done.stderr, "")
		self.bad(self.run_with(path, "-t"), 78, "no-such-host", "no-such-user|not started as root",
			 "/no/such/program")

	def test_mistakes_are_found(self):
		self.bad(self.run_with(self.config(self.ELSEWHERE), "--check=portable", "-o",
				       "services.git.workers.max=0"), 78, r"services\.git\.workers\.max")

	def test_who_starts_it_does_not_matter(self):
		done = self.run_with(self.config(user=None, group=None), "--check=portable")
		self.ok(done)
		self.assertRegex(done.stderr, r"user: missing.*\(warning\)")

	@needs_tool("strace")
	def test_nothing_of_this_host_is_looked_at(self):
		path = self.config(self.ELSEWHERE, user="nobody-knows", group="no-such-group")
		log = self.path("strace")
		done = subprocess.run(["strace", "-f", "-o", log, "-e", "trace=network,file", PREFORKD, "-c", path,
				       "--check=portable"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
				      stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE,
				      env={**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
					   + ":detect_leaks=0"})
		if "ptrace" in done.stderr and done.returncode != 0:
			self.skipTest("strace may not trace here")
		self.assertEqual(done.returncode, 0, done.stderr)
		with open(log, encoding="utf-8", errors="replace") as f:
			self.assertNotRegex(f.read(), r"/etc/(passwd|group|nsswitch|hosts|resolv)|/no/such|socket\(")


class Host(CommandLine):
	"""Asked versus got; all of them warnings."""

	def config(self, services=None, **top):
		return super().config(services, control={"path": ""}, **top)

	def warns(self, done, *patterns):
		self.ok(done)
		lines = done.stderr.splitlines()
		self.assertEqual(len(lines), 1, lines)
		self.assertTrue(lines[0].endswith(" (warning)"), lines[0])
		for pattern in patterns:
			self.assertRegex(lines[0], pattern)

	def check(self, path, **options):
		"""All counters but the queue, which another test looks at."""
		return self.run_with(path, "-o", "defaults.backlog=1", "--check=host", **options)

	def test_enough(self):
		done = self.check(self.config())
		self.ok(done)
		self.assertEqual(done.stderr, "")

	def test_mistakes_are_found(self):
		self.bad(self.run_with(self.config(), "-o", "services.echo.backlog=0", "--check=host"), 78, "backlog")

	@unittest.skipIf(NO_NAMESPACES, NO_NAMESPACES)
	def test_queue(self):
		fresh_network()
		with open("/proc/sys/net/core/somaxconn", "w", encoding="ascii") as f:
			f.write("128")
		path = self.config({"echo": {"handler": "echo", "listen": "127.0.0.1:7007", "backlog": 1000}})
		self.warns(self.run_with(path, "--check=host"), re.escape(path) + r":\d+: services\.echo\.backlog: ",
			   r"\b1000\b", r"\b128\b", r"net\.core\.somaxconn")
		self.assertEqual(self.run_with(path, "-t").stderr, "", "only where it is asked for")

	def test_descriptors(self):
		def few():
			resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))
		self.warns(self.check(self.config(), preexec_fn=few), r"services\.echo\.listen", r"is 30;",
			   "LimitNOFILE=.*ulimit -n")

	@needs_root()
	def test_processes_of_a_user(self):
		def few():
			resource.setrlimit(resource.RLIMIT_NPROC, (5, 5))
		path = self.config({"cat": {"handler": "exec", "listen": "127.0.0.1:7007", "command": ["/bin/cat"]}})
		self.warns(self.check(path, preexec_fn=few), r"\bservices\.cat\b", "user nobody may become 32 .*is 5;",
			   "LimitNPROC=.*ulimit -u")

	@needs_root()
	def test_processes_of_a_control_group(self):
		group = new_control_group(10)
		if group is None:
			self.skipTest("no control group of one's own with a limit of processes")
		self.addCleanup(os.rmdir, group)

		def enter():
			with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as f:
				f.write("0")
		self.warns(self.check(self.config(), preexec_fn=enter),
			   r"workers\.max: all services may become 17 processes, 16 of them of services\.echo",
			   "is 10;", "raise pids.max of the control group .*" + re.escape(os.path.basename(group)))

	def few_descriptors(self, **workers):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text, "workers": workers}},
				how={"limits": {"RLIMIT_NOFILE": [30, 30]}})
		self.assertEqual(talk(endpoint, b"x"), b"x")
		return d

	def test_the_daemon_says_it_once_and_starts(self):
		d = self.few_descriptors()
		d.stop()
		lines = d.grep("LimitNOFILE=")
		self.assertEqual(len(lines), 1, lines)
		self.assertRegex(lines[0], r"warning: .*preforkd\.conf:\d+: services\.echo\.listen: .*is 30;")
		self.assertLess(d.lines().index(lines[0]), d.lines().index(d.grep("listening")[0]), "before the start")

	def test_a_reload_that_changes_something_says_it_again(self):
		d = self.few_descriptors(max=2)
		done = run_preforkctl("-s", d.control, "reload")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(len(d.grep("LimitNOFILE=")), 1, "nothing has changed")
		with open(d.config_file, encoding="utf-8") as f:
			text = f.read()
		d.configure(text.replace("max = 2", "max = 3"))
		done = run_preforkctl("-s", d.control, "reload")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertIn("LimitNOFILE=", done.stdout + done.stderr)
		d.stop()
		self.assertEqual(len(d.grep("LimitNOFILE=")), 2)


class Print(CommandLine):
	def test_round_trip(self):
		path = self.config({
			"echo": {"handler": "echo", "listen": ["127.0.0.1:7007", "unix:@x"], "backlog": 77,
				 "workers": {"min": 3, "max": 30, "max_requests": 1000},
				 "timeouts": {"idle": "90s", "total": "1h", "first_byte": "500ms"}},
			"cat": {"handler": "exec", "listen": "*:7009", "socket": {"nodelay": True},
				"command": ["/bin/cat", 'a "quoted" \\ one', "-"]}},
			log={"level": "debug", "facility": "local3"})
		for option in ("-T", "--print-config"):
			first = self.ok(self.run_with(path, option))
			again = self.write("again.conf", first)
			self.ok(self.run_with(again, "-t"))
			self.assertEqual(self.ok(self.run_with(again, option)), first)
		for word in ("77", "1000", "unix:@x", "local3"):
			self.assertIn(word, first)

	def test_set(self):
		path = self.config()
		for option in (["-o", "services.echo.backlog=55"], ["--set", "services.echo.backlog=55"],
			       ["--set=services.echo.backlog=55"]):
			self.assertRegex(self.ok(self.run_with(path, *option, "-T")), r"backlog\s*=\s*55\b")

	def test_set_again_and_again(self):
		text = self.ok(self.run_with(self.config(), "-o", "services.echo.backlog=55", "-o",
					     "services.echo.workers.max=9", "-o", "services.echo.backlog=56", "-T"))
		self.assertRegex(text, r"backlog\s*=\s*56\b")
		self.assertRegex(text, r"max\s*=\s*9\b")

	def test_set_wrongly(self):
		for value in ("services.echo.backlog=many", "services.echo.baklog=1", "nonsense=1",
			      "services.nobody.backlog=1"):
			self.bad(self.run_with(self.config(), "-o", value, "-t"), 78, "-o")
		self.bad(self.run_with(self.config(), "-o", "services.echo.baklog=1", "-t"), 78, "backlog")

	def test_set_is_in_force(self):
		endpoint = Endpoint.v4()
		self.daemon({"echo": {"handler": "echo", "listen": Endpoint.v4().text}},
			    arguments=("-l", "stderr", "-o", "services.echo.listen=" + endpoint.text))
		self.assertEqual(talk(endpoint, b"x"), b"x")


class Options(CommandLine):
	def test_version(self):
		for option in ("-V", "--version"):
			self.assertRegex(self.ok(run_preforkd(option)), r"^preforkd .*\d")

	def test_help(self):
		for option in ("-h", "--help"):
			text = self.ok(run_preforkd(option))
			for word in ("--config", "--set", "--check", "--print-config", "--daemon", "--log",
				     "--help-config", "--version"):
				self.assertIn(word, text)

	def test_help_config(self):
		text = self.ok(run_preforkd("--help-config"))
		for word in ("backlog", "max_requests", "first_byte", "echo", "exec"):
			self.assertIn(word, text)
		some = self.ok(run_preforkd("--help-config", "services.NAME.workers")) \
			if "services.NAME" in text else self.ok(run_preforkd("--help-config", "log"))
		self.assertLess(len(some), len(text))
		self.assertNotEqual(run_preforkd("--help-config", "no.such.key").returncode, 0)

	def test_wrong_usage(self):
		path = self.config()
		for arguments in (["--nonsense"], ["-Z"], ["-c"], ["-c", path, "-t", "something"],
				  ["-c", path, "--check=elsewhere"], ["-c", path, "--check", "host"],
				  ["-c", path, "--check=host", "-T"], ["-c", path, "-l", "nowhere", "-t"],
				  ["-c", path, "-o", "novalue", "-t"]):
			done = run_preforkd(*arguments)
			self.assertEqual(done.returncode, 64, "%s: %s" % (arguments, done.stderr))
			self.assertTrue(done.stderr)

	def test_output_that_cannot_be_written(self):
		with open("/dev/full", "w", encoding="ascii") as full:
			done = subprocess.run([PREFORKD, "-c", self.config(), "-T"], stdout=full,
					      stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
		self.assertNotEqual(done.returncode, 0)


main()
