# SPDX-License-Identifier: MIT
"""A network, mounts, or a control group of one's own, where a test may turn the host's knobs."""

import ctypes
import os
import subprocess
import threading

CLONE_NEWNET = 0x40000000


def _why_not(what, *command):
	"""Root of a container may lack the right: so it is tried."""
	if os.geteuid() != 0:
		return "needs root (a %s namespace)" % what
	probe = subprocess.run(["unshare", *command], check=False,
			       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
	return None if probe.returncode == 0 else "no %s namespace: %s" % (what, probe.stderr.strip())


def no_namespaces():
	"""Why there can be no network namespace, or None."""
	return _why_not("network", "-n", "ip", "link", "set", "lo", "up")


def no_mounts():
	"""Why there can be no mounts of one's own, or None."""
	return _why_not("mount", "-m", "mount", "--make-rprivate", "/")


def no_user_namespace():
	"""Why an ordinary user can have no mounts and no network of its own, or None."""
	probe = subprocess.run(["unshare", "-Umn", "--map-root-user", "mount", "--make-rprivate", "/"], check=False,
			       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
	return None if probe.returncode == 0 else "no user namespace: " + probe.stderr.strip()


def fresh_network():
	"""This thread, and what it starts from now on, gets a new network with loopback only."""
	libc = ctypes.CDLL(None, use_errno=True)
	if libc.unshare(CLONE_NEWNET) != 0:
		code = ctypes.get_errno()
		raise OSError(code, os.strerror(code))
	subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def far_network(pid, here="192.0.2.2", there="192.0.2.1"):
	"""
	This thread, and what it starts from now on, gets a network HERE with a cable to THERE, in the network of
	process PID. The result is a call that pulls the cable: nothing gets through any more, and neither end is told.
	"""
	fresh_network()
	script = ("ip link add near type veth peer name far netns %d && ip addr add %s/24 dev near && "
		  "ip link set near up" % (threading.get_native_id(), there))
	subprocess.run(["nsenter", "-t", str(pid), "-n", "sh", "-c", script], check=True)
	subprocess.run(["ip", "addr", "add", here + "/24", "dev", "far"], check=True)
	subprocess.run(["ip", "link", "set", "far", "up"], check=True)
	return lambda: subprocess.run(["ip", "link", "set", "far", "down"], check=True)


def new_control_group(most):
	"""A control group that allows MOST processes, or None: where there may be none, it cannot be tried."""
	for top in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
		path = os.path.join(top, "preforkd-test-%d" % os.getpid())
		try:
			os.mkdir(path)
		except OSError:
			continue
		try:
			with open(os.path.join(path, "pids.max"), "w", encoding="ascii") as f:
				f.write("%d" % most)
			return path
		except OSError:
			os.rmdir(path)
	return None
