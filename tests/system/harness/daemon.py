# SPDX-License-Identifier: MIT
"""The real binary, running."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time

from . import proc
from .ask import Control
from .conf import Config
from .notify import NotifySocket
from .waiting import PATIENCE, wait_until

_here = os.path.dirname(os.path.abspath(__file__))
TOP_SRCDIR = os.path.abspath(os.environ.get("TOP_SRCDIR", os.path.join(_here, "..", "..", "..")))
TOP_BUILDDIR = os.path.abspath(os.environ.get("TOP_BUILDDIR", os.path.join(TOP_SRCDIR, "build")))
PREFORKD = os.path.abspath(os.environ.get("PREFORKD", os.path.join(TOP_BUILDDIR, "preforkd")))
PREFORKC = os.path.abspath(os.environ.get("PREFORKC", os.path.join(TOP_BUILDDIR, "preforkc")))
PREFORKCTL = os.path.abspath(os.environ.get("PREFORKCTL", os.path.join(TOP_BUILDDIR, "preforkctl")))


def _is_sanitized():
	try:
		with open(PREFORKD, "rb") as f:
			return b"__asan_init" in f.read()
	except OSError:
		return False


SANITIZED = _is_sanitized()
SUN_PATH_MOST = 107	# bytes of a unix socket's path
_running = []


def _environment(extra):
	keep = ("PATH", "HOME", "TERM", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
	env = {name: os.environ[name] for name in keep if name in os.environ}
	env.update(extra or {})
	return {name: value for name, value in env.items() if value is not None}


def run_preforkd(*arguments, timeout=PATIENCE, env=None, binary=None, **options):
	"""Runs the program to its end; for what is over at once, such as --check."""
	return subprocess.run([binary or PREFORKD, *arguments], stdin=subprocess.DEVNULL, text=True,
			      stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
			      env=_environment(env), check=False, **options)


def run_preforkctl(*arguments, timeout=PATIENCE, env=None, prefix=(), **options):
	"""Runs it to its end."""
	done = subprocess.run([*prefix, PREFORKCTL, *arguments], stdin=subprocess.DEVNULL, text=True,
			      stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
			      env=_environment(env), check=False, **options)
	for sign in ("AddressSanitizer", "runtime error:", "LeakSanitizer:"):
		assert sign not in done.stderr, done.stderr
	return done


def _is_readable(stream, timeout):
	"""Not select(2): there may be many descriptors."""
	poll = select.poll()
	poll.register(stream, select.POLLIN)
	return bool(poll.poll(timeout))


class Daemon:
	"""
	One preforkd in the foreground, in a session of its own, which says on NOTIFY_SOCKET when it
	is ready. All that descends from it ends with it.
	"""

	def __init__(self, folder, config, arguments=("-l", "stderr"), env=None, how=None, binary=None,
		     prefix=(), notify=True):
		self.folder = folder
		self.config_file = os.path.join(folder, "preforkd.conf")
		self.control = os.path.join(folder, "control")	# unless the test says otherwise
		if len(os.fsencode(self.control)) > SUN_PATH_MOST:
			self.control = ""
		self.configure(config)
		self.arguments = list(arguments)
		if isinstance(config, str) and "control" not in " ".join([config, *self.arguments]):
			self.arguments += ["-o", "control.path=" + self.control]
		self.binary = binary or PREFORKD
		self.prefix = list(prefix)	# a command that ends by running the daemon in its place
		self.how = how or {}		# for launch.py
		if self.how.get("uid"):		# who makes the control socket
			os.chown(folder, self.how["uid"], -1)
		self.notify = NotifySocket(os.path.join(folder, "notify")) if notify else None
		self.env = dict(env or {})
		if self.notify:
			self.env.setdefault("NOTIFY_SOCKET", self.notify.path)
		self.process = None
		self._reader = None
		self._raw, self._rest, self._complete = [], b"", False	# the log; what has no end of line yet
		self._changed = threading.Condition()

	def configure(self, config):
		"""Writes its configuration file; a Config gets a control socket in the daemon's folder."""
		if isinstance(config, Config):
			config = config.text(control={"path": self.control})
		with open(self.config_file, "w", encoding="utf-8") as f:
			f.write(config)

	# Start and end

	def launch(self, **popen):
		"""Starts it, without waiting for anything."""
		command = [sys.executable, "-I", "-S", os.path.join(_here, "launch.py"), json.dumps(self.how),
			   *self.prefix, self.binary, "-c", self.config_file, *self.arguments]
		options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
			   "stderr": subprocess.PIPE, "start_new_session": True,
			   "pass_fds": self.how.get("fds") or (), "env": _environment(self.env)}
		options.update(popen)
		self._strangers = proc.orphans()
		self.process = subprocess.Popen(command, **options)
		_running.append(self)
		if self.process.stderr:
			self._reader = threading.Thread(target=self._collect, args=(self.process.stderr,),
							daemon=True)
			self._reader.start()
		return self

	def start(self, **popen):
		self.launch(**popen)
		self.wait_ready()
		return self

	def wait_ready(self):
		end = time.monotonic() + PATIENCE
		while not self.notify.wait("READY=1", timeout=0.1):
			status = self.process.poll()
			if status is not None:
				raise AssertionError("ended with %d before it was ready" % status)
			if time.monotonic() > end:
				raise AssertionError("not ready after %g s" % PATIENCE)

	@property
	def pid(self):
		return self.process.pid

	def kill(self, number):
		os.kill(self.pid, number)

	def wait(self, timeout=PATIENCE):
		"""Its exit status; afterwards the log is complete."""
		try:
			status = self.process.wait(timeout)
		except subprocess.TimeoutExpired:
			raise AssertionError("still runs after %g s" % timeout) from None
		if self._reader:
			self._reader.join(2)	# longer only if something still holds its standard error
		return status

	def stop(self, number=signal.SIGTERM, timeout=PATIENCE):
		"""Ends it gracefully; fails if anything of it is left. Returns the exit status."""
		self.kill(number)
		status = self.wait(timeout)
		wait_until(lambda: not self.remains(), "no process left after the end", 5)
		return status

	def remains(self):
		"""The living processes that descend from it, with their titles."""
		return [(pid, proc.title(pid)) for pid in self._tree()]

	def _tree(self):
		# A process that has lost its parent comes to us (tap.py), in a session of its own or of the daemon.
		others = {d.pid for d in _running if d is not self}
		return proc.tree(self.pid, *proc.orphans(others.union(self._strangers)))

	def destroy(self):
		"""Ends everything at once, whatever the state."""
		if self.process is not None:
			if self.process.poll() is None:
				self.process.kill()
				self.process.wait()
			for pid in self._tree():
				try:
					os.kill(pid, signal.SIGKILL)
				except ProcessLookupError:
					pass
		if self.notify:
			self.notify.close()
		if self in _running:
			_running.remove(self)

	# Orders

	@property
	def admin(self):
		return Control(self.control)

	def ctl(self, *arguments, **options):
		return run_preforkctl("-s", self.control, *arguments, **options)

	def reload(self, config=None, **options):
		"""The result of `preforkctl reload` with CONFIG, or with the configuration that is there."""
		if config is not None:
			self.configure(config)
		return self.ctl("reload", **options)

	# Its processes

	def workers(self):
		"""The pids of its workers: the master's children that carry the program's title."""
		return [pid for pid in proc.children(self.pid) if proc.title(pid).startswith("preforkd: ")]

	def wait_workers(self, count, timeout=None):
		"""Waits until there are exactly COUNT, and returns them."""
		wait_until(lambda: len(self.workers()) == count, "%d workers" % count, timeout)
		return self.workers()

	# Its log

	def _collect(self, stream):
		"""The thread that reads the log, so that the daemon never waits for us."""
		while not self._complete:
			_is_readable(stream, None)
			with self._changed:
				self._take(stream)
		stream.close()

	def _take(self, stream):
		"""All that is in the pipe. The caller has the lock: nobody else has taken a part of it."""
		while not self._complete and _is_readable(stream, 0):
			data = os.read(stream.fileno(), 1 << 16)
			*whole, self._rest = (self._rest + data).split(b"\n")
			if not data:
				self._complete = True
				whole = [self._rest] if self._rest else []
			self._raw += whole
			self._changed.notify_all()

	def raw_lines(self):
		"""All that the daemon has written until now."""
		with self._changed:
			if self._reader:
				self._take(self.process.stderr)
			return list(self._raw)

	def lines(self):
		return [x.decode("utf-8", "backslashreplace") for x in self.raw_lines()]

	def mark(self):
		"""Where the log is now, for `since`. A process may be about to write a line: what must not be in the
		log is looked for after stop()."""
		return len(self.raw_lines())

	def grep(self, pattern, since=0):
		return [x for x in self.lines()[since:] if re.search(pattern, x)]

	def wait_log(self, pattern, since=0, timeout=PATIENCE):
		"""The first line from SINCE on that matches."""
		end = time.monotonic() + timeout
		while True:
			count = self.mark()
			found = self.grep(pattern, since)
			if found:
				return found[0]
			with self._changed:
				left = end - time.monotonic()
				if left <= 0:
					raise AssertionError("no line matches %r" % pattern)
				if len(self._raw) == count:
					self._changed.wait(min(left, 1))


def destroy_all():
	for d in list(_running):
		d.destroy()
