# SPDX-License-Identifier: MIT
"""Tests of preforkctl against a made-up daemon."""

import copy

from .control import ScriptedControl
from .daemon import run_preforkctl
from .tap import Case

OK, FAILED, USAGE, UNREACHABLE, SYSTEM, NOT_PERMITTED = 0, 1, 64, 69, 71, 77
SILENCE = 5	# seconds that it waits for an answer

ECHO = {
	"name": "echo", "handler": "echo", "state": "serving",
	"workers": {"idle": 2, "busy": 1, "starting": 0, "retiring": 0, "min": 2, "max": 64},
	"listeners": [{"address": "127.0.0.1:7", "queue": 0, "backlog": 4096, "backlog_asked": 4096, "drops": 0}],
	"connections": {"accepted": 10, "active": 1, "failed": 3, "refused": {"draining": 0}},
	"requests": 10, "bytes": {"in": 1, "out": 2}, "crashes": 0, "rate": 1.5,
}
STATUS = {
	"version": "0.1.0", "pid": 4711, "state": "serving", "generation": 3, "uptime": 12345.6,
	"last_reload": None, "log_lost": 0, "services": [ECHO],
}
WORKERS = [
	{"service": "echo", "pid": 12, "state": "busy", "peer": "192.0.2.7:4711", "listener": "127.0.0.1:7",
	 "age": 200.0, "since": 1.0, "requests": 10, "bytes": {"in": 1, "out": 2048}, "generation": 3},
	{"service": "echo", "pid": 13, "state": "idle", "peer": None, "listener": "127.0.0.1:7",
	 "age": 200.0, "since": 90.0, "requests": 0, "bytes": {"in": 0, "out": 0}, "generation": 3},
]


def changed(**members):
	"""The status with other members."""
	status = copy.deepcopy(STATUS)
	status.update(members)
	return status


class CtlCase(Case):
	def fake(self, answer, **options):
		"""A daemon that answers so, or always with this."""
		control = ScriptedControl(self.path("control"), answer if callable(answer) else lambda _: answer,
					  **options)
		self.addCleanup(control.close)
		return control

	def ctl(self, *arguments, **options):
		return run_preforkctl("-s", self.path("control"), *arguments, **options)

	def expect(self, done, status, out=None, err=None):
		self.assertEqual(done.returncode, status, done.stdout + done.stderr)
		if out is not None:
			self.assertEqual(done.stdout, out)
		if err is not None:
			self.assertIn(err, done.stderr)

	def failed(self, done, status, err):
		"""Says why on one line, and nothing else."""
		self.expect(done, status, out="", err=err)
		self.assertTrue(done.stderr.startswith("preforkctl: "), done.stderr)
		self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
