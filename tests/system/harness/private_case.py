# SPDX-License-Identifier: MIT
"""Services with surroundings of their own: namespaces."""

import os

from . import namespaces
from .conf import Config
from .daemon import run_preforkd
from .net import Endpoint, talk
from .tap import Case


def cannot():
	"""Why a service can have no namespaces here, or None."""
	if os.geteuid() == 0:
		return namespaces.no_mounts() or namespaces.no_namespaces()
	return namespaces.no_user_namespace()


class PrivateCase(Case):
	def setUp(self):
		super().setUp()
		why = cannot()
		if why:
			self.skipTest(why)

	def program(self, script, endpoint=None, most=1, **more):
		"""A service that runs SCRIPT for each client, one client after the other in the same worker."""
		self.endpoint = endpoint or Endpoint.v4()
		command = ["/bin/bash", "-c", script] if isinstance(script, str) else script
		return {"handler": "exec", "listen": str(self.endpoint), "command": command,
			"workers": {"min": 1, "max": most, "max_spare": 1}, **more}

	def serve(self, script, endpoint=None, **sandbox):
		self.d = self.daemon({"x": self.program(script, endpoint, sandbox=sandbox)})

	def check(self, service):
		return run_preforkd("--check", "-c", self.write("check.conf", Config({"x": service}).text()))

	def ask(self, text=b""):
		return talk(self.endpoint, text).decode()
