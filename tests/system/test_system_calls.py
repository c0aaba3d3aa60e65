#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""System calls that sandbox.level forbids to programs: refused, told, counted."""

import sys
sys.dont_write_bytecode = True

import errno
import os
import platform

from harness import *
from harness.datagram_case import Asker, gram

NUMBERS = {	# of system calls, on x86-64 and on the others
	"mount": (165, 40), "ptrace": (101, 117), "unshare": (272, 97), "bpf": (321, 280), "keyctl": (250, 219),
	"setns": (308, 268), "reboot": (169, 142), "clone3": (435, 435), "chroot": (161, 51), "mknodat": (259, 33),
	"fchmodat": (268, 53), "socket": (41, 198),
}
COLUMN = 0 if platform.machine() == "x86_64" else 1
NEWUSER, PTRACE_TRACEME = 0x10000000, 0
AT_FDCWD, CHARACTER, SET_USER_ID = -100, 0o020666, 0o4755
AF_PACKET, RAW, NOBODY = 17, 3, 65534

# Makes the calls that its arguments say, one for each line "NAME NUMBER ARGUMENT...", and prints what became of each.
PROGRAM = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for line in sys.stdin:
	name, *numbers = line.split()
	ctypes.set_errno(0)
	result = libc.syscall(*[ctypes.c_long(int(n)) for n in numbers])
	print(name, ctypes.get_errno() if result < 0 else 0, flush=True)
"""


def call(name, *arguments):
	return " ".join([name, str(NUMBERS[name][COLUMN]), *map(str, arguments)])


FORBIDDEN = [call("mount"), call("ptrace", PTRACE_TRACEME), call("unshare", NEWUSER), call("bpf", 0, 0, 0),
	     call("keyctl", 0, 0, 0), call("setns", -1, 0), call("reboot", 0, 0, 0)]


class SystemCallsCase(Case):
	def serve(self, handler="exec", how=None, **service):
		self.endpoint = Endpoint.v4()
		self.daemon_ = self.daemon({"x": {
			"handler": handler, "listen": self.endpoint.text,
			"command": ["/usr/bin/env", "python3", "-I", "-S", "-c", PROGRAM],
			"workers": {"min": 1, "max": 1, "max_spare": 1}, **service}}, how=how)
		return self.daemon_

	def make(self, *calls):
		"""The result of each: an errno, or 0."""
		answer = talk(self.endpoint, ("\n".join(calls) + "\n").encode())
		return {name: int(code) for name, code in (line.split() for line in answer.decode().splitlines())}

	def count(self):
		return self.daemon_.admin.service("x")["violations"]

	def all_refused(self, *calls):
		self.assertEqual(self.make(*calls), {one.split()[0]: errno.EPERM for one in calls})


STRICT = [call("chroot", 0), call("mknodat", AT_FDCWD, 0, CHARACTER, 0), call("fchmodat", AT_FDCWD, 0, SET_USER_ID),
	  call("socket", AF_PACKET, RAW, 0)]


class Programs(SystemCallsCase):
	def told(self, *calls):
		for one in calls:
			text = "tried %s, which sandbox.level forbids" % one.split()[0]
			self.daemon_.wait_log(text)
			line, = self.daemon_.grep(text)
			self.assertRegex(line, r"x 127\.0\.0\.1:\d+: /usr/bin/env \(pid \d+\) tried")

	def test_a_forbidden_call_is_refused_told_and_counted(self):
		d = self.serve()
		self.all_refused(*FORBIDDEN)
		self.told(*FORBIDDEN)
		wait_until(lambda: self.count() == len(FORBIDDEN), "all are counted")
		self.assertIn("sandbox.level has refused %d system calls" % len(FORBIDDEN), d.ctl("status").stdout)
		self.assertEqual(d.stop(), 0)

	def test_many_calls_are_few_lines(self):
		d = self.serve()
		many = [call("mount")] * 300
		self.assertEqual(self.make(*many), {"mount": errno.EPERM})
		wait_until(lambda: self.count() == len(many), "all are counted")
		self.assertLessEqual(len(d.grep("tried mount")), 2)
		self.assertEqual(d.stop(), 0)

	def test_a_call_that_hides_its_arguments_is_unknown(self):
		"""The C library makes an older one then, so that there are threads and processes."""
		self.serve()
		self.assertEqual(self.make(call("clone3", 0, 0)), {"clone3": errno.ENOSYS})

	def test_strict_forbids_more(self):
		d = self.serve(sandbox={"level": "strict"})
		self.all_refused(*FORBIDDEN, *STRICT)
		self.told(*STRICT)
		self.assertEqual(d.stop(), 0)

	def test_off_forbids_nothing(self):
		d = self.serve(sandbox={"level": "off"})	# these two calls fail because of their arguments
		self.make(*FORBIDDEN[-2:])
		self.assertEqual((d.grep("sandbox.level"), self.count()), ([], 0))

	@needs_root()
	def test_without_no_new_privileges(self):
		"""The master's capabilities are enough to take the filter."""
		d = self.serve(user="nobody", sandbox={"no_new_privileges": False, "required": True})
		self.all_refused(*FORBIDDEN)
		self.told(*FORBIDDEN)
		self.assertEqual(d.stop(), 0)

	def test_what_a_program_has_left_running_is_answered(self):
		"""The program that serves a datagram socket has ended; a process of it goes on."""
		endpoint = gram(Endpoint.v4())
		script = "import os, socket\n" \
			"if os.fork(): os._exit(0)\n" \
			"s = socket.socket(fileno=0); peer = s.recvfrom(100)[1]\n" \
			"try: os.chroot('/'); said = b'0'\n" \
			"except OSError as e: said = b'%d' % e.errno\n" \
			"s.sendto(said, peer)\n"
		d = self.daemon({"x": {"handler": "exec", "listen": endpoint.text, "sandbox": {"level": "strict"},
				       "command": ["/usr/bin/env", "python3", "-I", "-S", "-c", script]}})
		with Asker(endpoint, self.folder("asker")) as asker:
			self.assertEqual(asker.ask(b"x"), b"1")
		d.wait_log("tried chroot, which sandbox.level forbids")


class ProgramsThatAccept(Case):
	def test_a_forbidden_call_is_refused(self):
		endpoint = Endpoint.v4()
		script = "import os, socket\n" \
			"s = socket.socket(fileno=3)\n" \
			"while True:\n" \
			"	c, _ = s.accept()\n" \
			"	try: os.chroot('/'); said = b'0'\n" \
			"	except OSError as e: said = b'%d' % e.errno\n" \
			"	c.sendall(said); c.close()\n"
		d = self.daemon({"x": {"handler": "listen", "listen": endpoint.text, "sandbox": {"level": "strict"},
				       "command": ["/usr/bin/env", "python3", "-I", "-S", "-c", script]}})
		self.assertEqual(talk(endpoint), b"1")
		self.assertEqual(d.stop(), 0)


class BuiltInServices(Case):
	"""Under "strict" they make only the calls that they are known to make."""

	def serve(self, handler, endpoint, **service):
		return self.daemon({"x": {"handler": handler, "listen": endpoint.text,
					  "sandbox": {"level": "strict", "required": True}, **service}})

	def test_echo_serves_all_kinds_of_sockets(self):
		endpoints = [Endpoint.v4(), Endpoint.unix(self.path("s"))] + ([Endpoint.v6()] if can_ipv6() else [])
		for endpoint in endpoints:
			d = self.serve("echo", endpoint)
			data = os.urandom(300000)
			self.assertEqual(talk(endpoint, data), data)
			self.assertEqual((d.stop(), d.grep("SIGSYS")), (0, []))

	def test_the_others(self):
		for handler, expected in (("daytime", rb"\d\d:\d\d"), ("time", rb"(?s)^....$"),
					  ("discard", rb"^$")):
			endpoint = Endpoint.v4()
			d = self.serve(handler, endpoint)
			self.assertRegex(talk(endpoint, b"" if handler != "discard" else b"x"), expected)
			self.assertEqual((d.stop(), d.grep("SIGSYS")), (0, []))

	def test_proxy_with_a_name_that_is_looked_up(self):
		behind, front = Endpoint.v4(), Endpoint.v4()
		self.daemon({"echo": {"handler": "echo", "listen": behind.text}})
		d = self.serve("proxy", front, upstream="localhost:%d" % behind.port, proxy={"resolve": "1s"},
			       sandbox={"level": "strict"})
		self.assertEqual(talk(front, b"hello"), b"hello")
		self.assertEqual((d.stop(), d.grep("SIGSYS")), (0, []))


main()
