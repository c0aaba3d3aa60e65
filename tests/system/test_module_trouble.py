#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Modules that do what they must not while they are loaded, in init(), or while they serve."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import socket
import threading
import time

from harness import *
from harness import modules
from harness.module_case import INCLUDES, ModuleCase, Talk


# A constructor, or init(), does something that it must not: a name for it, its code, and what is said of it.
TROUBLE = [
	("segv", "raise(SIGSEGV);", r"crashed \(SIGSEGV\) {when}"),
	("null", "*(volatile int *)0 = 1;", r"crashed \(SIG(SEGV|ILL|TRAP)\) {when}"),
	("abort", "abort();", r"crashed \(SIGABRT\) {when}"),
	("exit", "exit(0);", r"ended the process \(exit status 0\) {when}"),
	("exit3", "_exit(3);", r"ended the process \(exit status 3\) {when}"),
	("thread", "pthread_t t; if (pthread_create(&t, NULL, idle, NULL) != 0) abort();",
	 r"{who} left 1 thread running"),
	("busy thread",
	 "pthread_t t; if (pthread_create(&t, NULL, busy, NULL) != 0) abort(); while (!at_work) continue;",
	 r"{who} left 1 thread running"), # it would crash if its code were unmapped
	("connected", "int s = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in a = { .sin_family = AF_INET, "
	 ".sin_port = htons(PORT), .sin_addr = { htonl(INADDR_LOOPBACK) } }; "
	 "if (connect(s, (struct sockaddr *)&a, sizeof(a)) < 0) abort();",
	 r"{who} left the connection to 127\.0\.0\.1:{port} open \(descriptor \d+\)"),
	("file", 'if (open("/etc/passwd", O_RDONLY) < 0) abort();',
	 r"{who} left the descriptor \d+ open \(/etc/passwd\): close it{keep}$"),
	("process", "if (fork() == 0) for (;;) pause();", r"{who} left a process running"),
	("daemon", "if (fork() == 0) { setsid(); if (fork() == 0) for (;;) pause(); _exit(0); } wait(NULL);",
	 r"{who} left a process running"),
	("umask", "umask(0);", r"{who} changed the umask"),
	("chdir", 'if (chdir("/tmp") < 0) abort();', r"{who} changed the working directory"),
	("sigchld", "signal(SIGCHLD, SIG_IGN);", r"{who} changed the handling of SIGCHLD"),
	("mask", "sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, NULL);", r"{who} changed the mask of signals"),
	("locale", 'if (setlocale(LC_ALL, "C.UTF-8") == NULL) abort();', r"{who} changed the locale"),
	("all closed", "for (int fd = 3; fd < 64; fd++) close(fd);",
	 r"closed descriptors that were not its own, {when}"),
	("closed", "close(2);", r"{who} closed the descriptor 2, which was not its own"),
]

if os.geteuid() == 0:
	TROUBLE.append(("user", "if (seteuid(65534) < 0) abort();",
			r"{who} changed the user or group, which is that of the whole daemon"))


class Trouble(ModuleCase):
	"""In the constructor and in init(): a message, and everything else unharmed."""

	def setUp(self):
		super().setUp()
		self.listener = socket.create_server(("127.0.0.1", 0))
		self.addCleanup(self.listener.close)
		self.port = self.listener.getsockname()[1]

	def trouble(self, what, in_init, name="m.so"):
		before = INCLUDES + ("static int init(void) { %s return 0; }\n" if in_init else
				     "__attribute__((constructor)) static void begin(void) { %s }\n") % what
		return self.build(modules.small(before, ".init = init," if in_init else ""), "-DPORT=%d" % self.port,
				  "-pthread", "-fno-delete-null-pointer-checks", name=name, strict=False)

	def pattern(self, text, in_init):
		return r"module \S+/\w+\.so: " + text.replace("{port}", str(self.port)).replace(
			"{when}", r"in init\(\)" if in_init else "while it was loaded").replace(
			"{who}", r"init\(\)" if in_init else "loading it").replace(
			"{keep}", r", or give it to preforkd_keep\(\)" if in_init else "")

	def test_constructor(self):
		for name, what, text in TROUBLE:
			with self.subTest(name):
				self.refused(self.trouble(what, False), self.pattern(text, False))

	def test_init_at_the_start(self):
		for name, what, text in TROUBLE:
			path = self.trouble(what, True)
			with self.subTest(name):
				# --check does not call it
				self.assertEqual(self.check(path).returncode, 0)
				done = run_preforkd("-c", self.path("check.conf"), "-l", "stderr", timeout=40,
						    env=modules.CRASHING)
				self.assertEqual(done.returncode, 78, done.stderr)
				self.assertRegex(done.stderr, r"check\.conf:\d+: services\.mod\.path: " +
						 self.pattern(text, True))
				self.assertTrue(self.endpoint.refuses())

	def test_reload_is_rejected(self):
		d = self.daemon(self.service(self.build(modules.small())), env=modules.CRASHING)
		workers = d.workers()
		fds = None
		for in_init in (False, True):
			for name, what, text in TROUBLE:
				self.trouble(what, in_init)
				with self.subTest("%s %s" % (name, in_init)):
					done = d.reload()
					self.assertEqual(done.returncode, 1, done.stdout)
					self.assertRegex(done.stderr, self.pattern(text, in_init))
					self.assertEqual(d.workers(), workers)
					self.assertEqual(talk(self.endpoint), b"hello")
				if fds is None: # what a start leaves behind for a moment has gone by now
					fds = proc.descriptors(d.pid)
		self.assertEqual(os.listdir("/proc/%d/task" % d.pid), [str(d.pid)])
		wait_until(lambda: proc.descriptors(d.pid) <= fds, "no more descriptors than before")
		self.build(modules.small())
		self.assertEqual(d.reload().stdout, "nothing has changed\n")
		self.assertEqual(d.stop(), 0)

	def test_init_refuses(self):
		refuse = self.build(
			modules.small('static int init(void) { return preforkd_fail(NULL, "no %s", "luck"); }\n',
						  ".init = init,"))
		d = self.daemon(self.service(refuse), start=False).launch()
		self.assertEqual(d.wait(), 78)
		d.wait_log(r"services\.mod\.path: module \S+/m\.so: init\(\): no luck")

	def test_kept_and_not_open(self):
		"""The number would be given to another descriptor, which the workers would then have."""
		for what in ("int fd = dup(1); preforkd_keep(fd); close(fd);", "preforkd_keep(1);"):
			self.trouble(what, True)
			d = self.daemon(self.service(self.path("m.so")), start=False).launch()
			self.assertEqual(d.wait(), 78)
			d.wait_log(r"init\(\) gave the descriptor \d+ to preforkd_keep\(\), which it has not left open")

	def test_what_cannot_be_kept(self):
		"""More than there is room for, and a connection that all workers would talk through."""
		for what, text in (
			("for (int i = 0; i < 17; i++) if (preforkd_keep(dup(1)) < 0) return preforkd_fail(NULL, "
			 "\"%d\", i);",
			 "16$"),
			("int s[2]; if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0 || preforkd_keep(s[0]) < 0 || "
			 "preforkd_keep(s[1]) < 0) return -1;", "left the connection to .* open"),
		):
			self.trouble(what, True)
			d = self.daemon(self.service(self.path("m.so")), start=False).launch()
			self.assertEqual(d.wait(), 78)
			d.wait_log(r"init\(\):? " + text)

	def test_worker_start_refuses(self):
		self.build(modules.small('static int start(void) { return preforkd_fail(NULL, "no %s", "luck"); }\n',
					 ".worker_start = start,"))
		d = self.daemon(self.service(self.path("m.so")), start=False).launch()
		self.assertNotEqual(d.wait(), 0)
		d.wait_log(r"mod: worker leaves: the service could not start: no luck")

	def test_endless_init(self):
		"""Clients are served while the module hangs in the trial, and the trial is ended."""
		d = self.daemon(self.service(self.build(modules.small())))
		self.trouble("for (;;) pause();", True)
		done = []
		reload = threading.Thread(target=lambda: done.append(d.reload(timeout=60)))
		reload.start()
		while not done:
			start = time.monotonic()
			self.assertEqual(talk(self.endpoint), b"hello")
			self.assertLess(time.monotonic() - start, 5)
			reload.join(0.2)
		self.assertEqual(done[0].returncode, 1)
		self.assertRegex(done[0].stderr, r"module \S+/m\.so: did not return within 10s in init\(\)")

	def test_what_it_leaves_running_is_ended(self):
		"""Also what holds the pipe of a child that crashed."""
		path = self.trouble("if (fork() == 0) for (;;) pause(); raise(SIGSEGV);", False)
		start = time.monotonic()
		self.refused(path, self.pattern(r"crashed \(SIGSEGV\) {when}", False))
		self.assertLess(time.monotonic() - start, 8)


class Crash(ModuleCase):
	def test_one_of_fifty(self):
		"""A crash is one client's."""
		path = modules.probe(self.path("m.so"))
		d = self.daemon(self.service(path, workers={"min": 50, "max": 50, "max_spare": 50}),
				env=modules.CRASHING)
		size = 200000
		clients = [Talk(self.endpoint) for _ in range(50)]
		data = payload(2, size)
		for c in clients:
			c.s.sendall(b"raw %d\n" % size + data[:size // 2])
			self.assertEqual(recv_exact(c.s, size // 2), data[:size // 2])
		worker = next(w["pid"] for w in d.admin.workers("mod")
			      if (w["peer"] or "").endswith(":%d" % clients[17].s.getsockname()[1]))
		os.kill(worker, signal.SIGSEGV)
		wait_until(lambda: not proc.alive(worker), "it is dead")
		done = 0
		for i, c in enumerate(clients):
			try:
				c.s.sendall(data[size // 2:])
				done += recv_exact(c.s, size - size // 2) == data[size // 2:]
			except (ConnectionError, AssertionError):
				self.assertEqual(i, 17)
		self.assertEqual(done, 49)
		for c in clients:
			c.__exit__()
		d.wait_log(r"mod.*SIGSEGV")
		wait_until(lambda: len(d.workers()) == 50, "fifty again")
		self.assertEqual(d.admin.service("mod")["crashes"], 1)
		self.assertEqual(d.stop(), 0)


	def test_exit(self):
		"""A service that ends the process has crashed it, whatever the status says; one in its timer, too."""
		path = modules.probe(self.path("m.so"))
		# a sanitizer that looks for leaks at the exit makes calls that are forbidden otherwise
		d = self.daemon(self.service(path, sandbox={"level": "off"}))
		for status in (0, 3):
			with Talk(self.endpoint) as c:
				self.assertEqual(c.ask("x"), "[x]")
				self.assertEqual(c.ask("exit %d" % status), "")
				d.wait_log(
					r"error: mod 127\.0\.0\.1:%d: worker \d+ ended with status %d while it served "
					r"this client" %
					   (c.s.getsockname()[1], status))
		self.assertEqual(d.admin.service("mod")["crashes"], 2)
		self.build(modules.small("#include <stdlib.h>\nstatic void timer(void) { exit(0); }\n",
					 ".timer = timer, .timer_ms = 500,"))
		self.assertEqual(d.reload().returncode, 0)
		d.wait_log(r"error: mod: worker \d+ ended with status 0; idle, ")
		self.assertEqual(d.stop(), 0)


main()
