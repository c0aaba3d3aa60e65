# SPDX-License-Identifier: MIT
"""Runs a command in a prepared process: launch.py JSON COMMAND [ARGUMENT]...

Its own little program, so that nothing runs between fork and exec in the test program, which has
threads. The process keeps its pid, so LISTEN_PID and WATCHDOG_PID can be its own.
"""

import ctypes
import errno
import json
import os
import platform
import resource
import signal
import socket
import struct
import subprocess
import sys

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 1, 38, 22, 2
CLONE_NEWNS = 0x00020000
NUMBERS = {	# of system calls
	"x86_64": {"socket": 41, "capset": 126, "prctl": 157, "getdents64": 217, "epoll_ctl": 233,
		   "unshare": 272, "seccomp": 317, "close_range": 436, "landlock_create_ruleset": 444},
	"aarch64": {"epoll_ctl": 21, "getdents64": 61, "capset": 91, "unshare": 97, "prctl": 167, "socket": 198,
		    "seccomp": 277, "close_range": 436, "landlock_create_ruleset": 444},
}
libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
	if result != 0:
		code = ctypes.get_errno()
		raise OSError(code, "%s: %s" % (what, os.strerror(code)))


def refuse(name, first, code):
	"""The system call NAME fails with CODE; unless FIRST is None, only with this first argument."""
	number = NUMBERS[platform.machine()][name]
	load, equal, answer = 0x20, 0x15, 0x06
	only = ((load, 0, 0, 16), (equal, 0, 1, first)) if first is not None else ()	# the argument's low half
	program = b"".join(struct.pack("HBBI", *row) for row in (
		(load, 0, 0, 0),			# the system call's number
		(equal, 0, len(only) + 1, number),
		*only,
		(answer, 0, 0, 0x00050000 | code),
		(answer, 0, 0, 0x7fff0000),		# allow
	))
	text = ctypes.create_string_buffer(program)
	filter_ = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(text))
	check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
	check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_, 0, 0), "seccomp")


def main():
	how = json.loads(sys.argv[1])
	command = sys.argv[2:]
	pid = str(os.getpid())

	if how.get("mounts"):
		check(libc.unshare(CLONE_NEWNS), "unshare")
		subprocess.run(["mount", "--make-rprivate", "/"], check=True)
		for source, target in how["mounts"]:
			subprocess.run(["mount", "--rbind", source, target], check=True)
	if how.get("fds") is not None:
		# First out of the way, then to 3, 4, 5...
		high = [os.dup(fd) for fd in how["fds"]]
		for i, fd in enumerate(high):
			while fd < 3 + len(high):
				fd = os.dup(fd)
			high[i] = fd
		for i, fd in enumerate(high):
			os.dup2(fd, 3 + i, inheritable=True)
		for fd in how["fds"] + high:
			if fd >= 3 + len(high):
				os.set_inheritable(fd, False)
		os.environ["LISTEN_PID"] = pid
		os.environ["LISTEN_FDS"] = str(len(high))
	for name in how.get("own_pid", []):
		os.environ[name] = pid
	for name, value in how.get("limits", {}).items():
		resource.setrlimit(getattr(resource, name), tuple(value))
	if how.get("uid"):
		os.setgroups([])
		os.setresgid(*[how["uid"]] * 3)
		os.setresuid(*[how["uid"]] * 3)
	if how.get("no_ipv6"):	# as on a kernel without it
		refuse("socket", socket.AF_INET6, errno.EAFNOSUPPORT)
	for name, first in how.get("refuse", {}).items():	# as in some containers
		refuse(name, first, errno.EPERM)
	if how.get("die_with_parent", True):
		check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "pdeathsig")
	# Python itself ignores SIGPIPE and SIGXFSZ: start from the default, then as asked.
	for number in (signal.SIGPIPE, signal.SIGXFSZ):
		signal.signal(number, signal.SIG_DFL)
	for number in how.get("ignore", []):
		signal.signal(number, signal.SIG_IGN)
	signal.pthread_sigmask(signal.SIG_BLOCK, how.get("block", []))
	os.execv(command[0], command)


main()
