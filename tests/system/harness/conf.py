# SPDX-License-Identifier: MIT
"""Configurations: Python values in, libconfig text out."""

import grp
import os

# Whom workers run as: nobody, when we are root; otherwise who we are.
SERVICE_USER = "nobody"


def _nobodys_group():
	try:
		return grp.getgrgid(65534).gr_name
	except KeyError:
		return "nogroup"


def _scalar(value):
	if isinstance(value, bool):
		return "true" if value else "false"
	if isinstance(value, int):
		return str(value) if -2**31 <= value < 2**31 else "%dL" % value
	return '"%s"' % str(value).replace("\\", "\\\\").replace('"', '\\"')


def libconfig(value, depth=0):
	"""VALUE as libconfig text; a dict at the top gives the settings of a file."""
	if isinstance(value, dict):
		inside = "".join("%s%s = %s;\n" % ("\t" * depth, key, libconfig(item, depth + 1))
				 for key, item in value.items())
		return inside if depth == 0 else "{\n%s%s}" % (inside, "\t" * (depth - 1))
	if isinstance(value, (list, tuple)):
		return "[ %s ]" % ", ".join(_scalar(item) for item in value)
	return _scalar(value)


class Config:
	"""A whole configuration: the services of a test, and small pools unless it says otherwise."""

	def __init__(self, services, **top):
		self.top = {}
		if os.geteuid() == 0:
			self.top.update(user=SERVICE_USER, group=_nobodys_group())
		self.top["defaults"] = {
			"workers": {"min": 2, "min_spare": 1, "max_spare": 4, "max": 16},
			"timeouts": {"drain": "20s"},
		}
		self.top.update(top)
		self.top["services"] = services

	def text(self, **more):
		"""As a file has it. MORE are settings of the top that count where the test says nothing."""
		top = {key: value for key, value in {**more, **self.top}.items() if value is not None}
		return libconfig(top)
