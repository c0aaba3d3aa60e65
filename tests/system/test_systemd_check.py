#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The word of --check=host, and what "systemctl start" does then: they agree."""

import sys
sys.dont_write_bytecode = True

import os
import socket

from harness import *

ECHO = {"handler": "echo", "listen": "127.0.0.1:7007"}
PROGRAM = "#!/bin/sh\nread x\necho hello\n"


class CheckCase(SystemdCase):
	def setUp(self):
		super().setUp()
		self.drop_in("[Service]\nRestart=no\n", name="10-once.conf")

	def check(self):
		return self.run(self.sandbox.installed("sbin/preforkd"), "--check=host")

	def agree(self, status, *patterns):
		"""The check ends with STATUS, and so does the daemon; 0: it serves."""
		done = self.check()
		self.assertEqual(done.returncode, status, done.stderr)
		for pattern in patterns:
			self.assertRegex(done.stderr, pattern)
		if not patterns:
			self.assertEqual(done.stderr, "")
		self.systemctl("reset-failed", "preforkd", check=False)
		started = self.systemctl("start", "preforkd", check=False)
		if status == 0:
			self.assertEqual(started.returncode, 0, started.stderr)
			self.systemctl("stop", "preforkd")
			return
		self.assertNotEqual(started.returncode, 0, "it started, against the word of the check: " + done.stderr)
		self.wait_state("failed")
		self.assertEqual(self.show("ExecMainStatus"), str(status), "\n".join(self.messages()[-5:]))

	def conf_d(self, name, services):
		self.configure(services, os.path.join("conf.d", name), user=None)
		folder = os.path.dirname(self.sandbox.installed("preforkd/preforkd.conf"))
		return os.path.join(folder, "conf.d", name)


class Good(CheckCase):
	def test_installed_configuration(self):
		self.agree(0)

	def test_running_daemon_holds_its_own_ports(self):
		listen = ["*:7", "udp:127.0.0.1:7", "unix:/run/preforkd/echo", "unix:@echo"]
		self.configure({"echo": {"handler": "echo", "listen": listen}})
		self.systemctl("start", "preforkd")
		done = self.check()
		self.assertEqual((done.returncode, done.stderr), (0, ""))
		self.systemctl("restart", "preforkd")

	def test_ordinary_user(self):
		"""He is told by systemd as well; whose a busy port is he cannot see."""
		def check():
			return self.run("setpriv", "--reuid=nobody", "--clear-groups",
					self.sandbox.installed("sbin/preforkd"), "--check=host")
		done = check()
		self.assertEqual((done.returncode, done.stderr), (0, ""))
		self.systemctl("start", "preforkd")
		done = check()
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertRegex(done.stderr, r"127\.0\.0\.1:7 is in use by another process \(warning\)")
		self.configure({"x": {**ECHO, "user": "nobody"}})
		done = check()
		self.assertEqual(done.returncode, 78, done.stderr)
		self.assertIn('cannot become "nobody"', done.stderr)

	def test_root_that_may_not_look_at_processes(self):
		"""As in many containers: the port may be the running daemon's."""
		check = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace",
			 self.sandbox.installed("sbin/preforkd"), "--check=host")
		self.systemctl("start", "preforkd")
		done = self.run(*check)
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertRegex(done.stderr, r"127\.0\.0\.1:7 is in use by another process \(warning\)")
		self.configure({"x": ECHO})
		with self.sandbox.network(), socket.create_server(("127.0.0.1", 7007)):
			done = self.run(*check)
			self.assertEqual(done.returncode, 71, done.stderr)

	def test_socket_unit(self):
		"""systemd holds the port for the daemon."""
		self.drop_in("[Socket]\nListenStream=\nListenStream=127.0.0.1:7070\n", "preforkd.socket")
		for listen in ("127.0.0.1:7070", "systemd:echo"):
			self.configure({"echo": {"handler": "echo", "listen": listen}})
			self.systemctl("start", "preforkd.socket")
			self.agree(0)
			self.systemctl("stop", "preforkd.socket", "preforkd.service")
		self.drop_in("[Socket]\nListenStream=\nListenStream=0.0.0.0:7070\n", "preforkd.socket")
		self.systemctl("start", "preforkd.socket")
		self.configure({"echo": {"handler": "echo", "listen": "*:7070"}})
		self.agree(0)
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:7070"}})
		self.agree(71, r"127\.0\.0\.1:7070 is in use by systemd \(pid 1\), which holds it for a socket unit")
		self.configure({"echo": {"handler": "echo", "listen": "systemd:echo"}})
		self.systemctl("stop", "preforkd.socket", "preforkd.service")
		self.agree(71, "systemd:echo: no socket unit of preforkd.service that is active has "
			       "FileDescriptorName=echo")

	def test_drop_in(self):
		self.configure({"echo": {**ECHO, "user": "nobody", "listen": "unix:/run/preforkd/echo",
					 "socket": {"owner": "nobody"}}})
		self.relax()
		self.agree(0)


class User(CheckCase):
	def test_service_with_a_user_of_its_own(self):
		self.configure({"echo": {**ECHO, "user": "nobody"}})
		self.agree(78, r'preforkd\.conf:\d+: services\.echo\.user: cannot become "nobody".*'
			       r"preforkd --unit-dropin")

	def test_root_without_the_right_to_change_users(self):
		self.configure({"echo": {**ECHO, "user": "nobody"}})
		self.drop_in("[Service]\nUser=root\nCapabilityBoundingSet=CAP_KILL\n")
		self.agree(71, r'services\.echo\.user: the user root .* lacks CAP_SETUID, SystemCallFilter=@setuid, '
			       "CAP_SETGID, because a worker becomes the user of its service")

	def test_capabilities_that_it_lacks(self):
		self.configure({"echo": {**ECHO, "sandbox": {"capabilities": ["net_raw"]}}})
		self.agree(78, r"services\.echo\.sandbox\.capabilities: .* lacks CAP_NET_RAW, because the service gets")

	def test_missing_user_of_the_unit(self):
		self.configure({"echo": ECHO}, user=None)
		self.drop_in("[Service]\nUser=no-such-user\n")
		done = self.check()
		self.assertEqual(done.returncode, 71, done.stderr)
		self.assertIn('there is no user "no-such-user"', done.stderr)
		self.assertNotEqual(self.systemctl("start", "preforkd", check=False).returncode, 0)


class Files(CheckCase):
	def test_file_that_only_root_can_read(self):
		path = self.conf_d("a.conf", {"more": ECHO})
		os.chmod(self.sandbox.path(path), 0o600)
		self.agree(78, r"a\.conf: the user preforkd of preforkd\.service cannot read .*/conf\.d/a\.conf "
			       r"\(mode 0600, owner root\).*CAP_DAC_READ_SEARCH")
		self.run("chown", "preforkd", path, check=True)
		self.agree(0)

	def test_folder_that_only_root_can_enter(self):
		self.conf_d("a.conf", {"more": ECHO})
		folder = os.path.dirname(self.sandbox.installed("preforkd/preforkd.conf"))
		for path in (os.path.join(folder, "conf.d"), folder):
			os.chmod(self.sandbox.path(path), 0o700)
			self.agree(78, r"cannot (enter|read) .*%s \(mode 0700, owner root\)" % path)
			os.chmod(self.sandbox.path(path), 0o755)
		self.agree(0)

	def test_list_of_networks(self):
		self.sandbox.write("/etc/allowed", "127.0.0.0/8\n", mode=0o600)
		self.configure({"echo": {**ECHO, "access": {"allow_file": "/etc/allowed"}}})
		self.agree(78, r"/etc/allowed: the user preforkd .* cannot read /etc/allowed")


class Programs(CheckCase):
	def serve(self, path, text=PROGRAM, mode=0o755, **keys):
		self.sandbox.write(path, text, mode)
		self.configure({"x": {"handler": "exec", "listen": "127.0.0.1:7007", "command": [path], **keys}})

	def test_folders_that_the_unit_hides(self):
		for path, rule in (("/home/joe/run", "ProtectHome=yes"), ("/tmp/run", "PrivateTmp=yes"),
				   ("/var/tmp/run", "PrivateTmp=yes")):
			self.serve(path)
			self.agree(78, r'services\.x\.command: "%s": %s of preforkd\.service hides .*; '
				       r'compare "systemctl '
				       r'cat preforkd\.service" with "preforkd --unit-dropin"' % (path, rule))

	def test_directory_that_the_unit_hides(self):
		os.makedirs(self.sandbox.path("/home/joe"))
		self.serve("/usr/local/bin/run", program={"directory": "/home/joe"})
		self.agree(78, r'services\.x\.program\.directory: "/home/joe": ProtectHome=yes .* hides /home')
		self.relax()
		self.agree(0)
		self.serve("/usr/local/bin/run", program={"directory": "/tmp"})
		self.agree(0)

	def test_hidden_program_of_an_optional_service(self):
		self.serve("/tmp/run", optional=True)
		self.agree(0, r'"/tmp/run": PrivateTmp=yes .*; the service is optional, and waits for it \(warning\)')
		self.serve("/home/joe/run", optional=True)
		self.agree(78, r"ProtectHome=yes of preforkd\.service hides /home")

	def test_home_of_root(self):
		self.serve("/root/bin/run")
		os.chmod(self.sandbox.path("/root"), 0o755)
		self.agree(78, r"ProtectHome=yes of preforkd\.service hides /root")

	def test_home_without_the_rule(self):
		self.serve("/home/joe/run")
		self.drop_in("[Service]\nProtectHome=no\n")
		self.agree(0)

	def test_interpreter_in_a_home(self):
		os.makedirs(self.sandbox.path("/home/joe"))
		os.symlink("/bin/sh", self.sandbox.path("/home/joe/sh"))
		self.serve("/usr/local/bin/run", "#!/home/joe/sh\n")
		self.agree(78, r'"/home/joe/sh": ProtectHome=yes')

	def test_nothing_may_run_there(self):
		self.serve("/srv/bin/run")
		self.drop_in("[Service]\nNoExecPaths=/srv\n")
		self.agree(78, r'"/srv/bin/run": NoExecPaths=/srv of preforkd\.service lets nothing in /srv run')
		self.drop_in("[Service]\nNoExecPaths=/srv\nExecPaths=/srv/bin\n")
		self.agree(0)

	def test_module(self):
		self.configure({"hi": {"handler": "module", "path": "hello.so", "listen": "127.0.0.1:7007"}})
		self.agree(0)
		module = self.sandbox.installed("preforkd/hello.so")
		os.chmod(self.sandbox.path(module), 0o600)
		self.agree(78, r"services\.hi\.path: .* cannot read %s \(mode 0600, owner root\)" % module)

	def test_inaccessible(self):
		self.serve("/srv/bin/run")
		self.drop_in("[Service]\nInaccessiblePaths=-/srv\n")
		self.agree(78, r'"/srv/bin/run": InaccessiblePaths=/srv of preforkd\.service hides /srv')

	def test_root_folder_of_its_own(self):
		"""Files that are not there are told of."""
		self.serve("/srv/bin/run")
		self.drop_in("[Service]\nRootDirectory=/srv/root\n")
		done = self.check()
		self.assertRegex(done.stderr, r'"/srv/bin/run": RootDirectory=/srv/root of preforkd\.service has '
					      r"no such file \(warning\)")
		os.makedirs(self.sandbox.path("/srv/root/srv/bin"))
		self.sandbox.write("/srv/root/srv/bin/run", PROGRAM, 0o755)
		self.assertEqual(self.check().stderr, "")
		os.remove(self.sandbox.path("/srv/root/srv/bin/run"))
		self.drop_in("[Service]\nRootDirectory=/srv/root\nBindReadOnlyPaths=/srv/bin\n")
		self.assertEqual(self.check().stderr, "")

	def test_mode_of_the_program(self):
		self.serve("/srv/bin/run", mode=0o750)
		self.agree(78, r"the user preforkd .* cannot run /srv/bin/run \(mode 0750, owner root\)")

	def test_user_of_the_service(self):
		self.serve("/srv/bin/run", user="nobody")
		self.relax()
		os.chmod(self.sandbox.path("/srv/bin"), 0o700)
		self.agree(78, r"the user nobody cannot enter /srv/bin \(mode 0700, owner root\)")


class Addresses(CheckCase):
	def serve(self, *listen, **keys):
		self.configure({"x": {"handler": "echo", "listen": list(listen), **keys}})

	def hold(self, family, kind, address):
		with self.sandbox.network():
			s = socket.socket(family, kind)
			self.addCleanup(s.close)
			s.bind(address)
			if kind == socket.SOCK_STREAM:
				s.listen()

	def test_busy_port(self):
		self.hold(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 7007))
		for listen in ("127.0.0.1:7007", "*:7007", "0.0.0.0:7007"):
			self.serve(listen)
			self.agree(71, r"preforkd\.conf:\d+: services\.x\.listen: .*:7007 is in use by ")
		self.serve("127.0.0.2:7007", "127.0.0.1:7008", "udp:127.0.0.1:7007", "[::1]:7007")
		self.agree(0)

	def test_busy_port_of_an_optional_service(self):
		"""It waits, and the others serve."""
		self.hold(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 7007))
		self.configure({"x": ECHO | {"optional": True}, "y": ECHO | {"listen": "127.0.0.1:7008"}})
		self.agree(0, r"services\.x\.listen: 127\.0\.0\.1:7007 is in use by .*; the service is optional, and "
			      r"waits for it \(warning\)")

	def test_busy_port_of_datagrams(self):
		self.hold(socket.AF_INET6, socket.SOCK_DGRAM, ("::", 7007))
		self.serve("udp:127.0.0.1:7007")
		self.agree(71, r"services\.x\.listen: 127\.0\.0\.1:7007 is in use by ")

	def test_port_of_another_unit(self):
		self.sandbox.write("/etc/systemd/system/other.socket", "[Socket]\nListenStream=127.0.0.1:7007\n")
		self.sandbox.write("/etc/systemd/system/other.service", "[Service]\nExecStart=/bin/sleep 1000\n")
		self.systemctl("daemon-reload")
		self.systemctl("start", "other.socket")
		self.serve("127.0.0.1:7007")
		self.agree(71, r"127\.0\.0\.1:7007 is in use by systemd \(pid 1\), .* socket unit")

	def test_address_that_is_not_there(self):
		self.serve("192.0.2.1:7007")
		self.agree(71, r"services\.x\.listen: 192\.0\.2\.1:7007: this host does not have that address now; "
			       r".*freebind")
		self.serve("[2001:db8::1]:7007")
		self.agree(71, r"\[2001:db8::1\]:7007: this host does not have that address")
		self.serve("192.0.2.1:7007", "[2001:db8::1]:7007", socket={"freebind": True})
		self.agree(0)
		self.serve("127.1.2.3:7007", "[::1]:7007")
		self.agree(0)

	def test_low_port(self):
		self.serve("127.0.0.1:7")
		self.agree(0)
		self.drop_in("[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\n")
		self.agree(71, r"services\.x\.listen: 127\.0\.0\.1:7: the user preforkd of preforkd\.service has no "
			       r"right to ports below 1024 \(CAP_NET_BIND_SERVICE\)")

	def test_family(self):
		self.drop_in("[Service]\nRestrictAddressFamilies=\n"
			     "RestrictAddressFamilies=AF_UNIX AF_INET AF_NETLINK\n")
		self.serve("[::1]:7007")
		self.agree(71, r"RestrictAddressFamilies= of preforkd\.service lacks AF_INET6")
		self.serve("*:7007")
		self.agree(0)

	def test_network_of_its_own(self):
		self.drop_in("[Service]\nPrivateNetwork=yes\n")
		self.serve("127.0.0.1:7007")
		self.agree(0, r"127\.0\.0\.1:7007: PrivateNetwork= of preforkd\.service keeps all clients away ")
		self.serve("192.0.2.1:7007")
		self.agree(71, r"192\.0\.2\.1:7007: PrivateNetwork= .* no interface but loopback")
		self.serve("unix:/run/preforkd/x")
		self.agree(0)
		self.run("ip", "netns", "add", "other", check=True)
		self.drop_in("[Service]\nNetworkNamespacePath=/run/netns/other\n")
		self.serve("0.0.0.0:7007")
		self.agree(0, r"NetworkNamespacePath=/run/netns/other of preforkd\.service is another network: ")

	def test_missing_interface(self):
		self.serve("127.0.0.1:7007", socket={"device": "none0"})
		self.agree(71, r'services\.x\.socket\.device: there is no interface "none0"')


class Paths(CheckCase):
	def serve(self, path, **keys):
		self.configure({"x": {"handler": "echo", "listen": "unix:" + path, **keys}})

	def test_folder_of_root(self):
		os.makedirs(self.sandbox.path("/srv/run"))
		self.drop_in("[Service]\nReadWritePaths=/srv/run\n")
		self.serve("/srv/run/x")
		self.agree(71, r"services\.x\.listen: the user preforkd .* cannot make files in /srv/run "
			       r"\(mode 0755, owner root\)")
		self.run("chown", "preforkd", "/srv/run", check=True)
		self.agree(0)

	def test_folder_that_the_unit_makes_read_only(self):
		os.makedirs(self.sandbox.path("/srv/run"))
		self.run("chown", "preforkd", "/srv/run", check=True)
		self.serve("/srv/run/x")
		self.agree(71, r"ProtectSystem=strict of preforkd\.service makes /srv/run read-only; "
			       r".*ReadWritePaths=/srv/run")

	def test_missing_folder(self):
		self.serve("/run/preforkd/deeper/x")
		self.agree(71, r"services\.x\.listen: /run/preforkd.*: No such file or directory")

	def test_private_tmp(self):
		"""It starts, but nobody can connect."""
		self.serve("/tmp/x")
		self.agree(0, r"PrivateTmp=yes of preforkd\.service gives the daemon a /tmp of its own.*\(warning\)")

	def test_home(self):
		os.makedirs(self.sandbox.path("/home/joe"))
		self.run("chown", "preforkd", "/home/joe", check=True)
		self.serve("/home/joe/x")
		self.agree(71, r"ProtectHome=yes of preforkd\.service hides /home")

	def test_path_of_another_daemon(self):
		self.drop_in("[Service]\nReadWritePaths=/srv\n")
		os.chmod(self.sandbox.path("/srv"), 0o1777)
		with self.sandbox.network():
			s = socket.socket(socket.AF_UNIX)
		self.addCleanup(s.close)
		s.bind(self.sandbox.path("/srv/x"))
		s.listen()
		self.serve("/srv/x")
		self.agree(71, r"services\.x\.listen: unix:/srv/x is in use by ")
		s.close()	# now the path is stale, and its folder sticky
		self.agree(71, r"/srv/x is a stale socket of another user")
		self.run("chown", "preforkd", "/srv/x", check=True)
		self.agree(0)

	def test_file_in_the_way(self):
		self.drop_in("[Service]\nReadWritePaths=/srv\n")
		self.run("chown", "preforkd", "/srv", check=True)
		self.sandbox.write("/srv/x", "")
		self.serve("/srv/x")
		self.agree(71, r"/srv/x exists and is no socket")

	def test_owner_of_the_socket(self):
		self.serve("/run/preforkd/x", socket={"owner": "nobody"})
		self.agree(71, r"services\.x\.socket\.owner: .* cannot give a socket to another user \(CAP_CHOWN\)")
		self.serve("/run/preforkd/x", socket={"group": "adm"})
		self.agree(71, r"services\.x\.socket\.group: .* is not in that group.*SupplementaryGroups=")
		self.drop_in("[Service]\nSupplementaryGroups=adm\n")
		self.agree(0)

	def test_control_socket(self):
		self.configure({"x": ECHO}, control={"path": "/srv/control"})
		self.agree(71, r"preforkd\.conf:\d+: control\.path: .*/srv")


class WithoutSystemd(CheckCase):
	"""As in the image of a host that does not run: the files of the unit say the same as systemd."""

	def compare(self, status, *drop_ins):
		for i, text in enumerate(drop_ins):
			self.drop_in("[Service]\n" + text, name="%d.conf" % (50 + i))
		told = self.check()
		self.assertEqual(told.returncode, status, told.stderr)
		read = self.run("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run/systemd && exec "$@"',
				"sh", self.sandbox.installed("sbin/preforkd"), "--check=host")
		self.assertEqual((read.returncode, read.stderr), (told.returncode, told.stderr))

	def test_installed(self):
		self.compare(0)

	def test_drop_in(self):
		self.configure({"echo": {**ECHO, "user": "nobody"}})
		self.compare(78)
		self.relax()
		self.compare(0)

	def test_rules(self):
		services = {"d": {"handler": "echo", "listen": ["127.0.0.1:7", "[::1]:7", "unix:/srv/d"]}}
		for name, path in (("a", "/home/joe/run"), ("b", "/srv/a/run"), ("c", "/srv/b/run")):
			self.sandbox.write(path, PROGRAM, 0o755)
			services[name] = {"handler": "exec", "listen": "unix:/run/preforkd/" + name, "command": [path]}
		self.configure(services)
		self.compare(78, "NoExecPaths=/srv\nExecPaths=/srv/b", "InaccessiblePaths=-/srv/a",
			     "CapabilityBoundingSet=\nCapabilityBoundingSet=~CAP_NET_BIND_SERVICE",
			     "RestrictAddressFamilies=\nRestrictAddressFamilies=~AF_INET6")

	def test_limits(self):
		self.compare(0, "TasksMax=20\nLimitNOFILE=30:40\nTimeoutStopSec=5s")


class Template(CheckCase):
	def test_instance(self):
		"""preforkd@web.service for web.conf, with a drop-in of its own."""
		self.drop_in("[Service]\nRestart=no\nAmbientCapabilities=\nCapabilityBoundingSet=\n",
			     unit="preforkd@web.service")
		self.configure({"x": {"handler": "echo", "listen": "127.0.0.1:7"}}, "web.conf")
		path = os.path.join(os.path.dirname(self.sandbox.installed("preforkd/preforkd.conf")), "web.conf")
		done = self.run(self.sandbox.installed("sbin/preforkd"), "--check=host", "-c", path)
		self.assertEqual(done.returncode, 71, done.stderr)
		self.assertIn("the user preforkd of preforkd@web.service has no right to ports below 1024", done.stderr)
		self.assertNotEqual(self.systemctl("start", "preforkd@web", check=False).returncode, 0)
		self.assertEqual(self.show("ExecMainStatus", "preforkd@web.service"), "71")


main()
