# SPDX-License-Identifier: MIT
"""Test cases on top of unittest, with the results as TAP."""

import atexit
import ctypes
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import unittest

from . import conf, daemon

IS_ROOT = os.geteuid() == 0
TEST_LIMIT = 240 if daemon.SANITIZED else 120	# seconds that one test may take
PR_SET_CHILD_SUBREAPER = 36


def needs_root(reason="needs root"):
	return unittest.skipUnless(IS_ROOT, reason)


def needs_tool(*names):
	missing = [name for name in names if shutil.which(name) is None]
	return unittest.skipIf(missing, "not installed: " + " ".join(missing))


class OutOfTime(Exception):
	pass


class Case(unittest.TestCase):
	"""A test with a folder of its own, and daemons that end with it."""

	maxDiff = 2000

	def setUp(self):
		self.daemons = []
		self.tmp = tempfile.mkdtemp(prefix="preforkd-test-")
		os.chmod(self.tmp, 0o755)
		self.addCleanup(shutil.rmtree, self.tmp, ignore_errors=True)
		signal.signal(signal.SIGALRM, self._out_of_time)
		signal.alarm(TEST_LIMIT)
		self.addCleanup(signal.alarm, 0)

	def _out_of_time(self, _number, _frame):
		raise OutOfTime("the test took more than %d s" % TEST_LIMIT)

	def _callTestMethod(self, method):
		# What returns something is no test: a decorator that wanted arguments, a generator.
		try:
			self.assertIsNone(method(), "the test returned something: it has not run")
		except PermissionError as e:
			if IS_ROOT or not str(e.filename).startswith("/proc/"):
				raise
			self.skipTest("needs root to look into the daemon")

	def path(self, *parts):
		return os.path.join(self.tmp, *parts)

	def folder(self, name, for_workers=False):
		"""A new folder; FOR_WORKERS: one that the workers' user may write to."""
		path = self.path(name)
		os.mkdir(path)
		os.chmod(path, 0o755)
		if for_workers and IS_ROOT:
			shutil.chown(path, conf.SERVICE_USER)
		return path

	def write(self, name, text, mode=0o644):
		path = self.path(name)
		with open(path, "w", encoding="utf-8") as f:
			f.write(text)
		os.chmod(path, mode)
		return path

	def daemon(self, services, start=True, top=None, **options):
		"""A daemon that serves SERVICES; it is ready when this returns, unless START is false."""
		config = services if isinstance(services, (conf.Config, str)) else \
			conf.Config(services, **(top or {}))
		d = daemon.Daemon(self.folder("d%d" % len(self.daemons)), config, **options)
		self.daemons.append(d)
		self.addCleanup(self._end, d)
		if start:
			d.start()
		return d

	def _end(self, d):
		d.destroy()
		for line in d.lines():
			for sign in ("AddressSanitizer", "runtime error:", "LeakSanitizer:"):
				self.assertNotIn(sign, line, "the sanitizer found something")


class Result(unittest.TestResult):
	"""Prints one TAP line a test, and why it failed as a comment."""

	def __init__(self, out):
		super().__init__()
		self._out = out
		self._told = None
		self._start = None

	def _line(self, test, verdict, remark=""):
		name = "%s.%s" % (type(test).__name__, test._testMethodName)
		self._out.write("%s %d - %s%s\n" % (verdict, self.testsRun, name, remark))
		self._out.flush()

	def startTest(self, test):
		super().startTest(test)
		self._told = None
		self._start = time.monotonic()

	def _bad(self, test, error):
		if self._told is None:	# a clean-up that fails too adds its reason, not a second line
			self._line(test, "not ok")
		self._told = False
		text = "".join(traceback.format_exception(*error))
		for d in getattr(test, "daemons", []):
			text += "log of %s:\n%s" % (d.folder, "".join(x + "\n" for x in d.lines()[-60:]))
		for line in text.splitlines():
			printable = "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in line)
			self._out.write("#   %s\n" % printable)
		self._out.flush()

	def addFailure(self, test, err):
		super().addFailure(test, err)
		self._bad(test, err)

	def addError(self, test, err):
		super().addError(test, err)
		self._bad(test, err)

	def addSubTest(self, test, subtest, err):
		super().addSubTest(test, subtest, err)
		if err is not None:
			self._bad(test, (err[0], AssertionError("%s: %s" % (subtest._subDescription(), err[1])),
					 err[2]))

	def addSkip(self, test, reason):
		super().addSkip(test, reason)
		if not reason:
			self.addFailure(test, (AssertionError, AssertionError("a skipped test says why"), None))
		elif self._told is None:
			self._told = True
			self._line(test, "ok", " # SKIP " + reason)

	def stopTest(self, test):
		super().stopTest(test)
		if self._told is None:
			self._line(test, "ok")
		took = time.monotonic() - self._start
		if took > 1:
			self._out.write("# took %.1f s\n" % took)
			self._out.flush()


def _tests(module, wanted):
	"""The module's tests in the order in which they are written."""
	classes = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Case)
		   and c.__module__ == module.__name__]
	for c in classes:
		for name in vars(c):
			full = "%s.%s" % (c.__name__, name)
			if name.startswith("test_") and (not wanted or any(w in full for w in wanted)):
				yield c(name)


def main():
	"""Runs the tests of the calling script; arguments pick those whose names contain them."""
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
	atexit.register(daemon.destroy_all)
	# Whatever loses its parent comes to us, so that nothing outlives the tests unseen.
	ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	tests = list(_tests(sys.modules["__main__"], sys.argv[1:]))
	sys.stdout.write("1..%d\n" % len(tests))
	sys.stdout.flush()
	if not os.access(daemon.PREFORKD, os.X_OK):
		sys.stdout.write("Bail out! no program %s (set PREFORKD)\n" % daemon.PREFORKD)
		sys.exit(1)
	result = Result(sys.stdout)
	for test in tests:
		test.run(result)
	sys.stdout.flush()
	sys.exit(0 if result.wasSuccessful() else 1)
