#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Surroundings of a service: a /tmp and a network of its own, and files that cannot be written."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import socket

from harness import *
from harness.private_case import PrivateCase

INTERFACES = "tail -n +3 /proc/net/dev | sed 's/:.*//'"
ALL = {"private_tmp": True, "private_network": True, "read_only": True}
NO_USER = {"refuse": {"unshare": None}}	# as RestrictNamespaces=yes of a unit


class Tmp(PrivateCase):
	def test_is_empty_and_its_own(self):
		marker = os.path.join("/tmp", "preforkd-test-%d" % os.getpid())
		with open(marker, "x", encoding="ascii"):
			self.addCleanup(os.unlink, marker)
		self.serve("ls -A /tmp /var/tmp; touch %s-new /var/tmp/y" % marker, private_tmp=True)
		for _ in range(3):
			self.assertEqual(self.ask(), "/tmp:\n\n/var/tmp:\n")
		self.assertFalse(os.path.exists(marker + "-new"))

	def test_is_emptied_whatever_is_in_it(self):
		"""By the same worker: links, hidden files, folders without any right, a folder below 1000 others."""
		self.serve("""
			ls -A /tmp /var/tmp; D=$(printf 'd/%.0s' {1..100})
			cd /tmp; mkdir -p a/b; touch a/b/c .hidden; ln -s /etc/passwd link; ln -s / root; mkfifo fifo
			ln .hidden hard; chmod 000 a/b a
			cd /var/tmp; for i in 1 2 3 4 5 6 7 8 9 10; do mkdir -p $D && cd $D || echo no; done
			chmod 555 /tmp /var/tmp 2>/dev/null
			""", private_tmp=True)
		before = self.d.workers()
		for _ in range(3):
			self.assertEqual(self.ask(), "/tmp:\n\n/var/tmp:\n")
		self.assertEqual(self.d.workers(), before)
		self.assertTrue(os.path.exists("/etc/passwd"))

	def test_is_bounded(self):
		"""In bytes and in files, and the next client has all of the room again."""
		self.serve("""
			head -c 100M /dev/zero 2>&1 >/tmp/big | grep -o 'No space'; stat -c %s /tmp/big
			rm /tmp/big; cd /tmp; for ((i = 0; i < 5000; i++)); do : >$i || break; done 2>/dev/null; echo $i
			head -c 100M /dev/zero >/var/tmp/big 2>/dev/null
			""", private_tmp=True)
		first = self.ask().split()
		self.assertEqual(first[:2], ["No", "space"])
		self.assertLessEqual(int(first[2]), 64 << 20)
		self.assertGreater(int(first[2]), 60 << 20)
		self.assertTrue(4000 < int(first[3]) < 4096, first)
		self.assertEqual(self.ask().split(), first)

	def test_parallel_clients_do_not_meet(self):
		self.d = self.daemon({"x": self.program("read name; touch /tmp/$name; echo; read x; ls /tmp", most=8,
							sandbox={"private_tmp": True})})
		clients = [self.endpoint.connect() for _ in range(8)]
		for i, s in enumerate(clients):
			s.sendall(b"client%d\n" % i)
			self.assertEqual(recv_exact(s, 1), b"\n")
		for i, s in enumerate(clients):
			s.sendall(b"\n")
			self.assertEqual(read_all(s), b"client%d\n" % i)
			s.close()

	@needs_root()
	def test_that_cannot_be_emptied(self):
		"""A mount in it is left by a program of root: the worker serves no other client."""
		self.d = self.daemon({"x": self.program(
			"ls -A /tmp; mkdir /tmp/m; mount -t tmpfs none /tmp/m", user="root",
			sandbox={"private_tmp": True, "level": "off"})})
		before = self.d.workers()
		self.assertEqual(self.ask(), "")
		self.assertEqual(self.ask(), "")
		self.assertTrue(self.d.grep("cannot be removed; the worker leaves"), self.d.lines())
		self.assertNotEqual(self.d.workers(), before)

	def test_of_a_worker_that_is_killed_nothing_is_left(self):
		self.serve("echo; touch /tmp/x; sleep 1000", private_tmp=True)
		with open("/proc/self/mounts", encoding="utf-8") as f:
			mounts = f.read()
		with self.endpoint.connect() as s:
			recv_exact(s, 1)
			worker, = self.d.workers()
			os.kill(worker, signal.SIGKILL)
		wait_until(lambda: self.d.workers() and worker not in self.d.workers(), "another worker")
		with open("/proc/self/mounts", encoding="utf-8") as f:
			self.assertEqual(f.read(), mounts)


class Network(PrivateCase):
	LOOK = (INTERFACES + "; (exec 3<>/dev/tcp/127.0.0.1/%d) 2>&1 | "
		"grep -o 'Connection refused' | uniq")

	def test_has_nothing_but_loopback(self):
		other = Scripted(lambda s: s.sendall(b"here"))
		self.addCleanup(other.close)
		for endpoint in (Endpoint.v4(), *([Endpoint.v6()] if can_ipv6() else []),
				 Endpoint.unix(self.folder("s", for_workers=True) + "/s")):
			self.serve(self.LOOK % other.port, endpoint, private_network=True)
			self.assertEqual(self.ask().split(), ["lo", "Connection", "refused"])
			self.assertEqual(self.d.stop(), 0)

	def test_loopback_works(self):
		code = ("import socket; a = socket.create_server(('127.0.0.1', 0)); "
			"b = socket.create_connection(a.getsockname()); print('yes')")
		self.serve("python3 -I -S -c \"%s\"" % code, private_network=True)
		self.assertEqual(self.ask(), "yes\n")

	def test_of_a_built_in_service(self):
		self.endpoint = Endpoint.v4()
		self.d = self.daemon({"x": {"handler": "echo", "listen": self.endpoint.text,
					    "sandbox": ALL}})
		self.assertEqual(self.ask(b"hello"), "hello")
		for worker in self.d.workers():
			if os.geteuid() == 0:
				self.assertNotEqual(os.stat("/proc/%d/ns/net" % worker).st_ino,
						    os.stat("/proc/self/ns/net").st_ino)

	def test_of_a_proxy_with_unix_upstreams(self):
		upstream = Scripted(lambda s: s.sendall(b"upstream"), socket.AF_UNIX, self.path("up"))
		self.addCleanup(upstream.close)
		os.chmod(self.path("up"), 0o777)
		self.endpoint = Endpoint.v4()
		self.d = self.daemon({"x": {"handler": "proxy", "listen": self.endpoint.text, "upstream": upstream.text,
					    "sandbox": {"private_network": True}}})
		self.assertEqual(self.ask(), "upstream")

	def test_of_a_proxy_with_others(self):
		for upstream in ("127.0.0.1:80", "unix:@name"):
			done = self.check({"handler": "proxy", "listen": "127.0.0.1:0", "upstream": upstream,
					   "sandbox": {"private_network": True}})
			self.assertEqual(done.returncode, 78)
			self.assertRegex(done.stderr, r":\d+: services.x\..*cannot be reached with "
					 "sandbox.private_network")

	def test_queued_clients_of_a_unix_socket_are_served_at_a_stop(self):
		"""How many wait is asked of the network in which the listener is."""
		place = self.folder("s", for_workers=True)
		self.serve("read x; echo $x", Endpoint.unix(place + "/s"), private_network=True)
		first = self.endpoint.connect()
		wait_until(lambda: self.d.admin.service("x")["workers"]["busy"] == 1, "the worker is busy")
		others = [self.endpoint.connect() for _ in range(3)]
		for s in others:
			s.sendall(b"a\n")
		os.kill(self.d.pid, signal.SIGTERM)
		first.sendall(b"b\n")
		self.assertEqual(read_all(first), b"b\n")
		for s in others:
			self.assertEqual(read_all(s), b"a\n")
			s.close()
		first.close()
		self.assertEqual(self.d.wait(), 0)


class ReadOnly(PrivateCase):
	WRITE = "for f in %s; do (echo x >$f) 2>&1 | sed 's/.*: //'; done"

	def test_no_file_can_be_written(self):
		name = "preforkd-test-%d" % os.getpid()
		files = [self.folder("a", for_workers=True) + "/a", "/dev/shm/" + name, "/var/tmp/" + name]
		self.serve(self.WRITE % " ".join(files), read_only=True)
		self.assertEqual(self.ask().splitlines(), ["Read-only file system"] * 3)
		for f in files:
			self.assertFalse(os.path.exists(f))

	def test_what_can_be_written(self):
		self.serve(self.WRITE % "/dev/null /tmp/x /var/tmp/x" +
			   "; echo 700 >/proc/self/oom_score_adj; cat /proc/self/oom_score_adj", read_only=True,
			   private_tmp=True)
		self.assertEqual(self.ask(), "700\n")

	def test_the_files_that_are_listed_can_be_written(self):
		folder, other = self.folder("a", for_workers=True), self.folder("b", for_workers=True)
		self.serve(self.WRITE % (folder + "/a " + other + "/b"), read_only=True, write=[folder], read=["/"],
			   execute=["/"])
		self.assertEqual(self.ask(), "Read-only file system\n")
		self.assertTrue(os.path.exists(folder + "/a"))

	@needs_root()
	def test_root_cannot_change_the_host_in_proc(self):
		with open("/proc/sys/vm/swappiness", encoding="ascii") as f:
			before = f.read()
		self.d = self.daemon({"x": self.program("(echo 1 >/proc/sys/vm/swappiness) 2>&1", user="root",
							sandbox={"read_only": True})})
		self.assertIn("Read-only", self.ask())
		with open("/proc/sys/vm/swappiness", encoding="ascii") as f:
			self.assertEqual(f.read(), before)


class Life(PrivateCase):
	def test_reload_and_upgrade(self):
		script = "ls -A /tmp; touch /tmp/x; " + INTERFACES
		service = self.program(script, sandbox=ALL)
		self.d = self.daemon({"x": service})
		self.assertEqual(self.ask().split(), ["lo"])
		other = {**service, "sandbox": {"private_network": True}}
		self.assertEqual(self.d.reload(Config({"x": other})).returncode, 0)
		self.d.reload(Config({"x": service}))
		self.assertEqual(self.ask().split(), ["lo"])
		done = self.d.ctl("upgrade")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(self.ask().split(), ["lo"])
		self.assertEqual(self.d.stop(), 0)

	def test_a_program_that_accepts_itself(self):
		code = ("import os, socket; s = socket.socket(fileno=3)\n"
			"print(open('/proc/net/dev').read().count(':'), os.listdir('/tmp'), flush=True)\n"
			"while True: c = s.accept()[0]; c.sendall(str(os.statvfs('/').f_flag & 1).encode()); c.close()")
		self.endpoint = Endpoint.v4()
		self.d = self.daemon({"x": {"handler": "listen", "listen": self.endpoint.text,
					    "command": ["/usr/bin/python3", "-I", "-S", "-c", code],
					    "workers": {"min": 1}, "program": {"notify": False},
					    "timeouts": {"start": "100ms"}, "sandbox": ALL}})
		self.assertEqual(self.ask(), "1")
		self.assertTrue(self.d.grep(r"1 \[\]$"), self.d.lines())

	def test_notify_needs_the_network(self):
		done = self.check({"handler": "listen", "listen": "127.0.0.1:0", "command": ["/bin/sleep", "1000"],
				   "program": {"notify": True}, "sandbox": {"private_network": True}})
		self.assertEqual(done.returncode, 78)
		self.assertRegex(done.stderr, r":\d+: services.x\..*program.notify cannot reach")


class Lacking(PrivateCase):
	def test_is_told_once(self):
		service = self.program("echo here", sandbox=ALL)
		d = self.daemon({"x": {**service, "workers": {"min": 3}}}, how=NO_USER)
		self.assertEqual(self.ask(), "here\n")
		for key, what in (("private_tmp", "use /tmp and /var/tmp of the host"),
				  ("private_network", "have the network of the host"),
				  ("read_only", "can write files")):
			line, = d.grep("sandbox." + key)
			self.assertRegex(line, "services.x.sandbox.%s: cannot be had, .*%s.*not permitted" %
					 (key, what))
		self.assertEqual(d.stop(), 0)

	def test_is_required(self):
		for key in ("private_tmp", "private_network", "read_only"):
			d = self.daemon({"x": self.program("echo here", sandbox={key: True, "required": True})},
					how=NO_USER, start=False).launch()
			self.assertEqual(d.wait(), 71)
			self.assertTrue(d.grep(r"sandbox.%s: cannot be had.*\(sandbox.required\)" % key), d.lines())


main()
