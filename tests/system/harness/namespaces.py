# SPDX-License-Identifier: MIT
"""A network of one's own, where a test may turn the host's knobs."""

import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000


def no_namespaces():
	"""Why there can be no network namespace, or None."""
	if os.geteuid() != 0:
		return "needs root (a network namespace)"
	probe = subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], check=False,
			       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
	return None if probe.returncode == 0 else "no network namespace: " + probe.stderr.strip()


def fresh_network():
	"""This thread, and what it starts from now on, gets a new network with loopback only."""
	libc = ctypes.CDLL(None, use_errno=True)
	if libc.unshare(CLONE_NEWNET) != 0:
		code = ctypes.get_errno()
		raise OSError(code, os.strerror(code))
	subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
