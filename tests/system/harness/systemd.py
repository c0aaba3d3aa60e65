# SPDX-License-Identifier: MIT
"""A real systemd as process 1, with this build installed, in namespaces of its own: sandbox.py boots it.

Files inside are reached through Sandbox.path(), sockets through Sandbox.tcp() and unix(); commands run inside
with run(). Needs root, and a host that lets us; otherwise the test is skipped with the reason.
"""

import contextlib
import ctypes
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

from . import proc
from .conf import Config
from .daemon import SANITIZED, TOP_BUILDDIR
from .net import Endpoint
from .tap import IS_ROOT, Case
from .waiting import PATIENCE, wait_until

SANITIZER_SIGNS = re.compile("AddressSanitizer|runtime error:|LeakSanitizer")
CLONE_NEWNET = 0x40000000
_here = os.path.dirname(os.path.abspath(__file__))
_environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
# Looking for leaks takes system calls that the unit forbids.
_sanitized = "mkdir -p /etc/systemd/system.conf.d; " \
	"printf '[Manager]\\nDefaultEnvironment=ASAN_OPTIONS=detect_leaks=0\\n' " \
	">/etc/systemd/system.conf.d/sanitized.conf;"
# Where systemd looks.
_searched = re.compile(r"^(/usr/local|/usr|)/lib/(systemd/system|sysusers\.d|tmpfiles\.d)$")


def _find(tree, end):
	"""The file whose path ends so."""
	for folder, _, files in os.walk(tree):
		for name in files:
			if os.path.join(folder, name).endswith("/" + end):
				return os.path.join(folder, name)
	return None


def _check_found(tree, kind, name):
	"""Whether the folder with the file NAME is one in which systemd looks for things of this KIND."""
	path = _find(tree, os.path.join(kind, name))
	if path is None or not _searched.match(os.path.dirname(path)[len(tree):]):
		raise unittest.SkipTest("configured without the system's folder for " + kind)


def _relocate(tree):
	"""A build for some folder, such as that of "make distcheck", is installed as one for /usr/local: services
	may not look into /tmp or home directories. Its paths are in the units only."""
	unit = _find(tree, "preforkd.service")
	if unit is None:
		return
	with open(unit, encoding="utf-8") as f:
		prefix = re.search("^ExecStart=(.*)/sbin/preforkd ", f.read(), re.MULTILINE).group(1)
	if prefix in ("", "/usr", "/usr/local"):
		return
	shutil.copytree(tree + prefix, tree + "/usr/local", dirs_exist_ok=True)
	shutil.rmtree(tree + prefix)
	folder = os.path.dirname(_find(tree, "preforkd.service"))
	for name in os.listdir(folder):
		with open(os.path.join(folder, name), "r+", encoding="utf-8") as f:
			text = f.read().replace(prefix, "/usr/local")
			f.seek(0)
			f.truncate()
			f.write(text)


@functools.lru_cache(maxsize=None)
def _installed():
	"""The folder in which "make install" has put this build, once for all tests of a program."""
	if not os.path.exists(os.path.join(TOP_BUILDDIR, "Makefile")):
		raise unittest.SkipTest("not in a build folder: there is nothing to install from")
	tree = tempfile.mkdtemp(prefix="preforkd-installed-")
	# Goes when we do, however that is.
	subprocess.Popen(["/bin/sh", "-c", 'cat; rm -rf "$0"', tree], stdin=subprocess.PIPE,
			 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
	env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
	done = subprocess.run(["make", "-s", "-C", TOP_BUILDDIR, "DESTDIR=" + tree, "install"], env=env,
			      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
			      check=False)
	if done.returncode != 0:
		raise AssertionError("make install: " + done.stdout)
	_relocate(tree)
	_check_found(tree, "systemd/system", "preforkd.service")
	_check_found(tree, "sysusers.d", "preforkd.conf")
	_check_found(tree, "tmpfiles.d", "preforkd.conf")
	return tree


def _setns(fd):
	libc = ctypes.CDLL(None, use_errno=True)
	if libc.setns(fd, CLONE_NEWNET) != 0:
		code = ctypes.get_errno()
		raise OSError(code, os.strerror(code))


class Inside(Endpoint):
	"""An address in a sandbox."""

	sandbox = None

	def connect(self, timeout=PATIENCE):
		with self.sandbox.network():
			return super().connect(timeout)


class Sandbox:
	"""
	One systemd, booted. PREPARE is shell code that runs in its tree before; ENFORCE: limits of memory and tasks
	must hold.
	"""

	def __init__(self, prepare="", enforce=False):
		if not IS_ROOT:
			raise unittest.SkipTest("needs root (a systemd of its own)")
		missing = [name for name in ("nsenter", "setpriv", "mount", "tar", "make") if not shutil.which(name)]
		missing += [] if os.path.exists("/lib/systemd/systemd") else ["systemd"]
		if missing:
			raise unittest.SkipTest("not installed: " + " ".join(missing))
		self.tree = _installed()
		how = {"tree": self.tree, "prepare": (_sanitized if SANITIZED else "") + prepare, "enforce": enforce}
		# A session of its own: what interrupts the test must not keep it from taking down what it built.
		self._helper = subprocess.Popen(
			[sys.executable, "-I", "-S", os.path.join(_here, "sandbox.py"), json.dumps(how)],
			stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment,
			start_new_session=True)
		said = json.loads(self._helper.stdout.readline() or '{"cannot": "the helper failed"}')
		if "cannot" in said:
			self.close()
			raise unittest.SkipTest(said["cannot"])
		self.pid = said["pid"]
		self.mode = said["mode"]	# of its cgroups
		self.place = said["place"]	# the folder out here that it needs, and the name of its cgroups
		self.folder = "systemd"		# as failures call it
		state = self.run("systemctl", "is-system-running", "--wait").stdout.strip()
		if state != "running":
			failed = self.run("systemctl", "--failed", "--no-legend", "--plain").stdout
			self.close()
			raise AssertionError("booted, but %s: %s" % (state, failed))

	def alive(self):
		return self._helper.poll() is None

	def close(self):
		self._helper.stdin.close()
		self._helper.stdout.close()
		self._helper.wait(PATIENCE)

	# Commands and files inside

	def command(self, *words, timeout=PATIENCE):
		"""The command to run out here so that WORDS run in there, for TIMEOUT seconds at most."""
		return ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--",
			"timeout", "-k", "1", str(timeout), *words]

	def start(self, *words, timeout=PATIENCE, **options):
		"""Does not wait for its end."""
		return subprocess.Popen(self.command(*words, timeout=timeout), stdin=subprocess.DEVNULL,
					env=_environment, text=True, **options)

	def run(self, *words, check=False, timeout=PATIENCE):
		done = subprocess.run(self.command(*words, timeout=timeout), stdin=subprocess.DEVNULL, env=_environment,
				      text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
		if check and done.returncode != 0:
			raise AssertionError("%s: status %d\n%s%s" % (" ".join(words), done.returncode, done.stdout,
								      done.stderr))
		return done

	def path(self, path):
		"""The file PATH of the inside, from here."""
		return "/proc/%d/root%s" % (self.pid, path)

	def installed(self, end):
		"""Where "make install" has put the file whose path ends so, seen from inside."""
		return _find(self.tree, end)[len(self.tree):]

	def write(self, path, text, mode=0o644):
		os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
		with open(self.path(path), "w", encoding="utf-8") as f:
			f.write(text)
		os.chmod(self.path(path), mode)

	def pids(self, unit="preforkd.service"):
		"""The processes of a unit, as we number them, the main one first."""
		place = "/sys/fs/cgroup%s/system.slice/%s/cgroup.procs" % (
			"/systemd" if self.mode == "hybrid" else "", unit)
		try:
			with open(self.path(place), encoding="ascii") as f:
				# The file has them as the reader's PID namespace numbers them.
				return sorted(map(int, f.read().split()))
		except OSError:
			return []

	# Its network

	@contextlib.contextmanager
	def network(self):
		"""Sockets that this thread makes meanwhile are inside."""
		with open("/proc/thread-self/ns/net", "rb") as here, open("/proc/%d/ns/net" % self.pid, "rb") as there:
			_setns(there.fileno())
			try:
				yield
			finally:
				_setns(here.fileno())

	def _inside(self, endpoint):
		endpoint.sandbox = self
		return endpoint

	def tcp(self, port, host="127.0.0.1"):
		return self._inside(Inside.v6(host, port) if ":" in host else Inside.v4(host, port))

	def unix(self, path):
		return self._inside(Inside("unix:" + path, socket.AF_UNIX, self.path(path)))

	# systemd

	def systemctl(self, *words, check=True, timeout=PATIENCE):
		return self.run("systemctl", *words, check=check, timeout=timeout)

	def show(self, name, unit="preforkd.service"):
		return self.run("systemctl", "show", "-P", name, unit, check=True).stdout.strip()

	def wait_state(self, state, unit="preforkd.service", timeout=PATIENCE):
		wait_until(lambda: self.show("ActiveState", unit) == state, "%s is %s" % (unit, state), timeout, 0.05)

	def main_pid(self, unit="preforkd.service"):
		"""The main process of the service, as this side numbers it; 0: none runs."""
		inner = self.show("MainPID", unit)
		for pid in self.pids(unit):
			if proc.status(pid, "NSpid").split()[-1] == inner:
				return pid
		return 0

	def journal(self, *matches, unit="preforkd.service"):
		"""The entries of a unit, and of systemd about it, as dictionaries."""
		self.run("journalctl", "--sync")
		out = self.run("journalctl", "-o", "json", "--no-pager", *(["-u", unit] if unit else []), *matches)
		return [json.loads(line) for line in out.stdout.splitlines()]

	def messages(self, *matches, unit="preforkd.service"):
		return [str(entry.get("MESSAGE")) for entry in self.journal(*matches, unit=unit)]

	def wait_journal(self, pattern, count=1, unit="preforkd.service", timeout=PATIENCE):
		"""The COUNT-th entry whose message matches."""
		def look():
			found = [entry for entry in self.journal(unit=unit)
				 if re.search(pattern, str(entry.get("MESSAGE")))]
			return found[count - 1] if len(found) >= count else None
		return wait_until(look, "a message with %r" % pattern, timeout, 0.1)

	def lines(self):
		"""For the report of a failure."""
		try:
			return self.run("journalctl", "--no-pager", "-o", "short-monotonic", "-n",
					"80").stdout.splitlines()
		except OSError:
			return []


class SystemdCase(Case):
	"""A test with a sandbox in which everything is installed and nothing is started."""

	PREPARE = "systemd-sysusers"
	ENFORCE = False

	def setUp(self):
		super().setUp()
		self.boot()

	def boot(self, prepare=None):
		"""A sandbox; the last one is the one that the methods here speak of."""
		self.sandbox = Sandbox(self.PREPARE if prepare is None else prepare, self.ENFORCE)
		self.daemons.append(self.sandbox)	# whose log is shown if the test fails
		self.addCleanup(self._end_sandbox, self.sandbox)
		for name in ("run", "systemctl", "show", "wait_state", "journal", "messages", "wait_journal", "tcp",
			     "unix"):
			setattr(self, name, getattr(self.sandbox, name))
		return self.sandbox

	def _end_sandbox(self, sandbox):
		lines = sandbox.messages(unit=None) if SANITIZED and sandbox.alive() else []
		sandbox.close()
		self.assertEqual([line for line in lines if SANITIZER_SIGNS.search(line)], [],
				 "the sanitizer found something")

	def configure(self, services, name="preforkd.conf", **top):
		"""Writes the configuration, with small pools unless the test says otherwise."""
		config = services if isinstance(services, str) else \
			Config(services, **{"user": "preforkd", "group": None, **top}).text()
		folder = os.path.dirname(self.sandbox.installed("preforkd/preforkd.conf"))
		self.sandbox.write(os.path.join(folder, name), config)

	def ctl(self, *words, check=False):
		"""preforkctl, inside."""
		return self.run(self.sandbox.installed("sbin/preforkctl"), *words, check=check)

	def relax(self):
		"""Installs the drop-in that the configuration needs, and returns its text."""
		text = self.run(self.sandbox.installed("sbin/preforkd"), "--unit-dropin", check=True).stdout
		self.drop_in(text, name="needs.conf")
		return text

	def drop_in(self, text, unit="preforkd.service", name="test.conf"):
		self.sandbox.write("/etc/systemd/system/%s.d/%s" % (unit, name), text)
		self.systemctl("daemon-reload")
