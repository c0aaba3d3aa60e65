# SPDX-License-Identifier: MIT
"""What the tests of orders and reloads share."""

import socket

from .net import read_all
from .tap import Case

OK, FAILED, USAGE = 0, 1, 64


def fixed(n, **more):
	"""The size of a pool that neither grows nor shrinks."""
	return {"min": n, "max": n, "max_spare": n, **more}


def ask(endpoint, question):
	"""A client that has said all it wants and waits."""
	s = endpoint.connect()
	s.sendall(question)
	s.shutdown(socket.SHUT_WR)
	return s


def answer(s):
	with s:
		return read_all(s)


class OrderCase(Case):
	def ordered(self, d, *command, status=OK, said=""):
		"""preforkctl ends with STATUS, and says SAID."""
		done = d.ctl(*command)
		self.assertEqual(done.returncode, status, done.stdout + done.stderr)
		self.assertIn(said, done.stdout if status == OK else done.stderr)

	def state(self, d, name="echo"):
		return d.admin.service(name)["state"]
