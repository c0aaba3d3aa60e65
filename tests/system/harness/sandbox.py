# SPDX-License-Identifier: MIT
"""
A systemd of one's own: sandbox.py JSON. Boots it in new namespaces and cgroups (sandbox.sh does the inside), says on
standard output how that went, as one line of JSON, and takes everything down at the end of its standard input,
which comes when the test closes it or dies, however that may be.

Its own little program, because it stays behind in the PID namespace that it makes, and outlives a test that is
killed.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = \
	0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG = 1
BOOT_LIMIT = 30
libc = ctypes.CDLL(None, use_errno=True)


class Cannot(Exception):
	"""This host does not let us, for a reason that is worth telling."""


def unshare(flags):
	if libc.unshare(flags) != 0:
		raise Cannot("no namespaces: " + os.strerror(ctypes.get_errno()))


def hierarchies():
	"""Where this process is in each cgroup hierarchy: {"": folder} for cgroup2, {"memory": folder} and so on."""
	here, found = {}, {}
	with open("/proc/self/cgroup", encoding="utf-8") as f:
		for line in f:
			_, names, path = line.rstrip("\n").split(":", 2)
			here.update((name, path) for name in names.split(","))
	with open("/proc/self/mountinfo", encoding="utf-8") as f:
		for line in f:
			mount, filesystem = (part.split() for part in line.split(" - ", 1))
			if filesystem[0] not in ("cgroup", "cgroup2"):
				continue
			names = [""] if filesystem[0] == "cgroup2" else filesystem[2].split(",")
			for name in names:
				if name in here:
					path = os.path.relpath(here[name], mount[3])
					found.setdefault(name, os.path.normpath(os.path.join(mount[4], path)))
	return found


class Cgroups:
	"""A folder of ours in every hierarchy that is needed."""

	def __init__(self, name, enforce):
		self.folders = []
		self.mode = "unified"
		places = hierarchies()
		if "" not in places:
			raise Cannot("no cgroup2 file system")
		own = self._make(places[""], name)
		if not enforce or self._limits(places[""], own):
			return
		self.mode = "hybrid"
		for controller in ("name=systemd", "memory", "pids"):
			if controller not in places:
				raise Cannot("no cgroup controllers that limit memory and tasks")
			self._make(places[controller], name)

	def _make(self, parent, name):
		folder = os.path.join(parent, name)
		try:
			os.mkdir(folder)
		except OSError as e:
			raise Cannot("no cgroup of one's own: %s: %s" % (folder, e.strerror)) from None
		self.folders.append(folder)
		return folder

	@staticmethod
	def _limits(parent, own):
		"""Whether cgroup2 itself limits memory and tasks, perhaps after it was asked to."""
		try:
			with open(parent + "/cgroup.subtree_control", "w", encoding="ascii") as f:
				f.write("+memory +pids")
		except OSError:
			pass	# is so already, or cannot be
		with open(own + "/cgroup.controllers", encoding="ascii") as f:
			return {"memory", "pids"} <= set(f.read().split())

	def enter(self):
		for folder in self.folders:
			with open(folder + "/cgroup.procs", "w", encoding="ascii") as f:
				f.write("0")

	def remove(self):
		"""All in it have been killed, but some may not be gone yet."""
		end = time.monotonic() + 5
		while self.folders and time.monotonic() < end:
			for folder in list(self.folders):
				try:
					for path, _, _ in os.walk(folder, topdown=False):
						os.rmdir(path)
					self.folders.remove(folder)
				except OSError:
					time.sleep(0.01)


def first_process(how, folder, cgroups, log):
	"""Never returns."""
	try:
		libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
		os.dup2(os.open("/dev/null", os.O_RDWR), 0)
		os.dup2(log, 1)
		os.dup2(log, 2)
		cgroups.enter()
		unshare(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET)
		script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sandbox.sh")
		os.execv("/bin/sh", ["/bin/sh", script, folder, cgroups.mode, how["tree"], how["prepare"]])
	except BaseException as e:
		os.write(2, str(e).encode())
		os._exit(1)


def wait_booted(pid, log):
	"""Until systemd takes orders."""
	end = time.monotonic() + BOOT_LIMIT
	while True:
		if os.waitpid(pid, os.WNOHANG)[0] == pid or time.monotonic() > end:
			text = os.pread(log, 1 << 16, 0).decode("utf-8", "replace").strip()
			raise Cannot("systemd does not boot: " + (text.splitlines() or ["no reason given"])[-1])
		# Not before: until then its root is the host's, which may have a systemd, too.
		if os.path.basename(os.readlink("/proc/%d/exe" % pid)) == "systemd" and \
				os.path.exists("/proc/%d/root/run/systemd/private" % pid):
			return
		time.sleep(0.005)


def say(**what):
	sys.stdout.write(json.dumps(what) + "\n")
	sys.stdout.flush()


def main():
	how = json.loads(sys.argv[1])
	for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
		signal.signal(number, lambda *_: sys.exit(1))
	folder = tempfile.mkdtemp(prefix="preforkd-systemd-")
	log = os.memfd_create("log")
	cgroups, pid = None, 0
	try:
		cgroups = Cgroups(os.path.basename(folder), how["enforce"])
		unshare(CLONE_NEWPID)
		pid = os.fork()
		if pid == 0:
			first_process(how, folder, cgroups, log)
		wait_booted(pid, log)
		say(pid=pid, mode=cgroups.mode, place=folder)
		while os.read(0, 1):
			pass
	except Cannot as e:
		say(cannot=str(e))
	finally:
		if pid > 0:
			try:
				os.kill(pid, signal.SIGKILL)	# and the kernel kills all the others
				os.waitpid(pid, 0)
			except (ProcessLookupError, ChildProcessError):
				pass
		if cgroups:
			cgroups.remove()
		shutil.rmtree(folder, ignore_errors=True)


main()
