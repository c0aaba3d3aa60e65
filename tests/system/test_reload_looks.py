#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A reload compares what is there, and not only the text: files of programs, paths of sockets, interfaces."""

import sys
sys.dont_write_bytecode = True

import os
import re
import shutil
import signal
import socket
import subprocess
import unittest

from harness import *
from harness.listen_case import ListenCase, PYTHON

NO_NAMESPACES, NO_MOUNTS = no_namespaces(), no_mounts()


def echo(listen, **more):
	return {"handler": "echo", "listen": listen, "workers": {"min": 1, "max": 8}, **more}


class Files(ListenCase):
	"""Files of programs that accept by themselves."""

	@needs_root("needs root, or the script is the service's own")
	def test_a_script_that_is_replaced(self):
		self.serve()
		old = self.wait_programs(2)
		self.assertIn("nothing has changed", self.d.reload().stdout)
		self.assertEqual(self.wait_programs(2), old)
		os.rename(shutil.copy(self.script, self.script + ".new"), self.script)
		done = self.d.reload()
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertIn("1 service changed", done.stdout)
		self.wait_programs(2, old)

	def test_the_target_of_a_link(self):
		for version in ("1", "2"):
			shutil.copy(shutil.which("python3", path="/usr/bin"), self.path("python" + version))
		os.symlink("python1", self.path("current"))
		self.serve(command=[self.path("current"), self.script])
		old = self.wait_programs(2)
		os.symlink("python2", self.path("next"))
		os.rename(self.path("next"), self.path("current"))
		done = self.d.reload()
		self.assertEqual(done.returncode, 0, done.stderr)
		self.wait_programs(2, old)

	@needs_root()
	def test_files_of_its_own_do_not_count(self):
		"""A file that the service's user owns is the program's data."""
		data = self.write("data", "")
		os.chown(data, 65534, 65534)
		self.serve(command=[PYTHON, self.script, data], top={"user": "nobody"})
		old = self.wait_programs(2)
		self.write("data", "more")
		os.chown(data, 65534, 65534)
		self.assertIn("nothing has changed", self.d.reload().stdout)
		self.assertEqual(self.wait_programs(2), old)


class Paths(Case):
	def trouble(self, d, name="echo"):
		return d.admin.service(name)["listeners"][0]["trouble"]

	def lose(self, listen, kind):
		path = self.path("socket")
		d = self.daemon({"echo": echo(listen % path)})
		os.unlink(path)
		d.wait_log(re.escape(path) + ".*its path was removed, or is another socket's")
		wait_until(lambda: self.trouble(d) == "no path", "status says so")
		return d, path

	def test_of_a_stream_socket(self):
		d, path = self.lose("unix:%s", socket.SOCK_STREAM)
		done = d.reload()
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertIn("1 address could not be reached, and is bound anew", done.stdout + done.stderr)
		self.assertEqual(talk(Endpoint.unix(path), b"x"), b"x")
		self.assertIsNone(self.trouble(d))
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists(path))

	def test_that_another_socket_has_now(self):
		d, path = self.lose("unix:%s", socket.SOCK_STREAM)
		with socket.socket(socket.AF_UNIX) as other:
			other.bind(path)
			other.listen()
			done = d.reload()
			self.assertEqual(done.returncode, 1, done.stdout)
			self.assertRegex(done.stderr, "not all addresses are there")
			self.assertRegex(done.stderr, re.escape(path) + ".*in use")
		os.unlink(path)
		self.assertEqual(d.reload().returncode, 0)
		self.assertEqual(talk(Endpoint.unix(path), b"x"), b"x")

	def test_with_another_change(self):
		d, path = self.lose("unix:%s", socket.SOCK_STREAM)
		d.configure(Config({"echo": echo("unix:" + path, timeouts={"idle": "7s"})}))
		done = d.reload()
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(talk(Endpoint.unix(path), b"x"), b"x")

	def test_of_the_control_socket(self):
		d = self.daemon({"echo": echo(Endpoint.v4().text)})
		os.unlink(d.control)
		d.wait_log("the path of the control socket was removed")
		d.kill(signal.SIGHUP)

		def is_answered():	# the path is there a little before the socket listens
			try:
				return d.admin.status()["state"] == "serving"
			except (FileNotFoundError, ConnectionRefusedError):
				return False
		wait_until(is_answered, "it is there again")

	def test_of_the_control_socket_is_given_up(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": echo(endpoint.text)})
		d.configure(Config({"echo": echo(endpoint.text)}).text(control={"path": ""}))
		self.assertEqual(d.reload().returncode, 0)
		wait_until(lambda: not os.path.exists(d.control), "the socket is gone")
		self.assertEqual(d.stop(), 0)

	@needs_root()
	def test_the_group_of_the_control_socket(self):
		"""The verdict names what was not done."""
		d = self.daemon({"echo": echo(Endpoint.v4().text)}, how={"uid": 65534})
		endpoint = d.admin.status()["services"][0]["listeners"][0]["address"]
		d.configure(Config({"echo": echo(endpoint)}).text(control={"path": d.control, "group": "adm"}))
		done = d.reload()
		self.assertIn("the control socket: ", done.stdout + done.stderr)


class Interfaces(Case):
	@unittest.skipIf(NO_NAMESPACES, NO_NAMESPACES)
	def test_an_interface_that_is_made_anew(self):
		fresh_network()
		def make():
			for command in ("link add near type veth peer name far", "addr add 192.0.2.1/24 dev near",
					"link set near up", "link set far up"):
				subprocess.run(["ip", *command.split()], check=True)
		def bound():
			return subprocess.run(["ss", "-Htln"], check=True, stdout=subprocess.PIPE, text=True).stdout
		make()
		d = self.daemon({"echo": echo("192.0.2.1:7007", socket={"device": "near"})})
		self.assertIn("192.0.2.1%near:7007", bound())
		subprocess.run(["ip", "link", "del", "near"], check=True)
		d.wait_log("the interface that it is bound to is gone")
		done = d.reload()
		self.assertEqual(done.returncode, 1, done.stdout)
		self.assertRegex(done.stderr, "near|No such device|cannot")
		make()
		wait_until(lambda: d.reload().returncode == 0, "it can be bound", 10)
		self.assertIn("192.0.2.1%near:7007", bound())
		self.assertNotIn("%if", bound())
		self.assertIsNone(d.admin.service("echo")["listeners"][0]["trouble"])
		self.assertEqual(d.stop(), 0)


class Clock(Case):
	@unittest.skipIf(NO_MOUNTS, NO_MOUNTS)
	def test_another_time_zone(self):
		"""All workers answer in the new one, those that have answered before as well."""
		endpoint = Endpoint.v4()
		zones = "/usr/share/zoneinfo/"
		mine = self.path("localtime")
		shutil.copyfile(zones + "Asia/Tokyo", mine)
		os.chmod(mine, 0o644)
		d = self.daemon({"daytime": {"handler": "daytime", "listen": endpoint.text, "workers": {"min": 4}}},
				prefix=["/usr/bin/unshare", "-m", "sh", "-c",
					"mount --bind %s /etc/localtime && exec \"$@\"" % mine, "sh"])
		def answers():
			found = set()
			for _ in range(16):
				with endpoint.connect() as s:
					found.add(read_all(s).split()[-1])
			return found
		self.assertEqual(answers(), {b"+0900"})
		shutil.copyfile(zones + "Asia/Kolkata", mine)
		os.utime(mine, (1, 1))	# the C library compares whole seconds
		self.assertEqual(answers(), {b"+0530"})


main()
