#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""As a service of a real systemd: installed, enabled, started, reloaded, upgraded."""

import sys
sys.dont_write_bytecode = True

import json
import os
import re
import time

from harness import *

PORTS = {"echo": 7, "discard": 9, "daytime": 13, "chargen": 19, "time": 37}


class Install(SystemdCase):
	PREPARE = ""	# as it is after "make install"

	def listeners(self):
		"""The local addresses that anybody listens on."""
		out = self.run("ss", "-Hltn", check=True).stdout
		return {line.split()[3] for line in out.splitlines()}

	def test_from_make_install_to_a_service(self):
		self.run("systemd-sysusers", check=True)
		self.systemctl("daemon-reload")
		self.systemctl("enable", "--now", "preforkd")
		self.assertEqual(self.systemctl("is-enabled", "preforkd").stdout.strip(), "enabled")
		self.assertEqual(self.listeners(), {"127.0.0.1:%d" % port for port in PORTS.values()})
		self.assertEqual(talk(self.tcp(PORTS["echo"]), b"hello"), b"hello")
		self.assertEqual(talk(self.tcp(PORTS["discard"]), b"hello"), b"")
		self.assertRegex(talk(self.tcp(PORTS["daytime"])), rb"\d\d:\d\d")
		self.assertEqual(len(talk(self.tcp(PORTS["time"]))), 4)
		with self.tcp(PORTS["chargen"]).connect() as s:
			recv_exact(s, 5000)
		self.assertRegex(self.systemctl("status", "preforkd").stdout,
				 r'Status: "serving: 5 services, 1\d workers, [01] busy, 0 refused"')
		everybody = {proc.status(pid, "Uid").split()[0] for pid in self.sandbox.pids()}
		user = self.run("id", "-u", "preforkd").stdout.strip()
		self.assertEqual(everybody, {user})
		self.systemctl("stop", "preforkd")
		self.assertEqual(self.show("Result"), "success")
		self.assertEqual(self.sandbox.pids(), [])
		self.assertEqual(self.listeners(), set())
		self.assertNotEqual(self.run("test", "-e", "/run/preforkd").returncode, 0)

	def test_without_its_user(self):
		"""Says so; nothing runs."""
		if not self.run("id", "preforkd").returncode:
			self.skipTest("this host has a user preforkd")
		self.assertNotEqual(self.systemctl("start", "preforkd", check=False).returncode, 0)
		self.wait_journal("Failed to determine user credentials|Failed at step USER")

	def test_up_after_boot(self):
		self.boot("systemd-sysusers; systemctl enable preforkd")
		self.wait_state("active")
		self.assertEqual(talk(self.tcp(PORTS["echo"]), b"hello"), b"hello")

	def test_folder_of_a_running_daemon_is_left_alone(self):
		"""As the installation of a new version of the package does."""
		self.run("systemd-sysusers", check=True)
		self.run("systemd-tmpfiles", "--create", "preforkd.conf", check=True)
		self.assertEqual(self.run("stat", "-c", "%U %a", "/run/preforkd").stdout, "root 755\n")
		self.systemctl("start", "preforkd")
		self.run("systemd-tmpfiles", "--create", "preforkd.conf", check=True)
		self.assertEqual(self.run("stat", "-c", "%U %a", "/run/preforkd").stdout, "preforkd 755\n")


class Start(SystemdCase):
	def fails(self, *patterns):
		"""It does not start, is not tried again, and the journal says why."""
		self.assertNotEqual(self.systemctl("start", "preforkd", check=False).returncode, 0)
		self.wait_state("failed")
		self.assertEqual(self.show("ExecMainStatus"), "78")
		self.assertEqual(self.show("NRestarts"), "0")
		for pattern in patterns:
			self.wait_journal(pattern)

	def test_wrong_configuration(self):
		self.configure('services: { x: { handler = "ehco"; listen = "127.0.0.1:7"; }; };')
		self.fails(r"preforkd\.conf:1: .*ehco.*did you mean")

	def test_user_of_its_own_without_the_right(self):
		self.configure({"x": {"handler": "echo", "listen": "127.0.0.1:7", "user": "nobody"}})
		self.fails(r'cannot become "nobody".*preforkd --unit-dropin')

	def test_address_that_is_not_there_yet(self):
		"""Tried again until it is."""
		self.configure({"x": {"handler": "echo", "listen": "127.1.2.3:7"}})
		self.run("ip", "addr", "del", "127.0.0.1/8", "dev", "lo", check=True)
		self.assertNotEqual(self.systemctl("start", "preforkd", check=False).returncode, 0)
		self.wait_journal("127.1.2.3:7: .*[Cc]annot assign")
		self.run("ip", "addr", "add", "127.0.0.1/8", "dev", "lo", check=True)
		self.wait_state("active")
		self.assertEqual(talk(self.tcp(7, "127.1.2.3"), b"hello"), b"hello")

	def test_module(self):
		"""An installed one, by its name, under the strictest rules."""
		self.configure({"hi": {"handler": "module", "path": "hello.so", "listen": "127.0.0.1:70"}})
		self.systemctl("start", "preforkd")
		self.assertIn(b"Hello, Joe, at 127.0.0.1:", talk(self.tcp(70), b"Joe\n"))
		self.systemctl("reload", "preforkd")
		self.systemctl("stop", "preforkd")
		self.assertEqual(self.show("Result"), "success")

	def test_drop_in(self):
		"""Programs, and services with a user of their own."""
		self.configure({
			"id": {"handler": "exec", "listen": "127.0.0.1:70", "command": ["/usr/bin/id", "-un"],
			       "user": "nobody"},
			"same": {"handler": "exec", "listen": "127.0.0.1:71", "command": ["/usr/bin/id", "-un"]},
			"echo": {"handler": "echo", "listen": ["127.0.0.1:7", "unix:/run/preforkd/echo"],
				 "socket": {"owner": "nobody", "mode": "0600"}}})
		self.relax()
		self.systemctl("start", "preforkd")
		self.assertEqual(talk(self.tcp(70)), b"nobody\n")
		self.assertEqual(talk(self.tcp(71)), b"preforkd\n")
		self.assertEqual(talk(self.tcp(7), b"x"), b"x")
		self.assertEqual(talk(self.unix("/run/preforkd/echo"), b"x"), b"x")
		self.assertEqual(self.run("stat", "-c", "%U %a", "/run/preforkd/echo").stdout, "nobody 600\n")
		self.systemctl("reload", "preforkd")
		self.systemctl("stop", "preforkd")
		self.assertEqual(self.show("Result"), "success")

	def test_program_under_the_default_unit(self):
		self.configure({"cat": {"handler": "exec", "listen": "127.0.0.1:70", "command": ["/bin/cat"]},
				"caps": {"handler": "exec", "listen": "127.0.0.1:71",
					 "command": ["/bin/grep", "CapEff", "/proc/self/status"]}})
		self.systemctl("start", "preforkd")
		self.assertEqual(talk(self.tcp(70), b"hello"), b"hello")
		self.assertEqual(int(talk(self.tcp(71)).split()[1], 16), 0, "the right to low ports is the master's")


class Running(SystemdCase):
	def serve(self, services=None, **top):
		self.configure(services or {"echo": {"handler": "echo", "listen": "127.0.0.1:7"}}, **top)
		self.systemctl("start", "preforkd")
		return self.show("MainPID")

	def test_reload(self):
		master = self.serve()
		self.configure({"echo": {"handler": "echo", "listen": ["127.0.0.1:7", "127.0.0.1:8",
								       "unix:/run/preforkd/echo"]}})
		self.systemctl("reload", "preforkd")
		for endpoint in (self.tcp(7), self.tcp(8), self.unix("/run/preforkd/echo")):
			self.assertEqual(talk(endpoint, b"hello"), b"hello")
		self.assertEqual((self.show("ActiveState"), self.show("MainPID")), ("active", master))

	@needs_tool("python3")
	def test_reload_that_takes_longer_than_a_start_may(self):
		"""systemd is asked for patience for as long as the programs need."""
		self.sandbox.write("/usr/local/bin/slow", "#!/usr/bin/python3\nimport os, socket, time\n"
				   "time.sleep(7 if os.path.exists('/var/slow') else 0)\n"
				   "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
				   "n = os.environ['NOTIFY_SOCKET']\n"
				   "s.sendto(b'READY=1', '\\0' + n[1:] if n[0] == '@' else n)\n"
				   "time.sleep(1000)\n", mode=0o755)
		self.drop_in("[Service]\nTimeoutStartSec=4\n")
		program = {"handler": "listen", "listen": "127.0.0.1:7007", "command": ["/usr/local/bin/slow"],
			   "program": {"notify": True}, "workers": {"min": 1}}
		self.configure({"slow": program})
		self.systemctl("restart", "preforkd")
		self.sandbox.write("/var/slow", "")
		self.configure({"slow": {**program, "command": ["/usr/local/bin/slow", "again"]}})
		start = time.monotonic()
		done = self.systemctl("reload", "preforkd", check=False, timeout=60)
		self.assertGreater(time.monotonic() - start, 6, done.stderr)
		self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
		self.assertEqual(self.show("ActiveState"), "active")

	def test_reload_that_is_rejected(self):
		"""The exit status says so, the journal says why; nothing has changed."""
		master = self.serve()
		self.configure(
			'services: {\n x: { handler = "echo"; listen = "127.0.0.1:8"; wrokers: { max = 1; }; };\n};')
		done = self.systemctl("reload", "preforkd", check=False)
		self.assertNotEqual(done.returncode, 0)
		self.wait_journal(r"preforkd\.conf:2: .*wrokers")
		# preforkctl does not say it once more
		self.assertEqual(len([m for m in self.messages() if "wrokers" in m]), 1)
		self.assertEqual((self.show("ActiveState"), self.show("SubState"), self.show("MainPID")),
				 ("active", "running", master))
		self.assertIn("rejected: ", self.show("StatusText"))
		self.assertEqual(talk(self.tcp(7), b"hello"), b"hello")
		self.assertTrue(self.tcp(8).refuses())
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:8"}})
		self.systemctl("reload", "preforkd")
		self.assertNotIn("rejected", self.show("StatusText"))

	def test_upgrade(self):
		"""The same process, as systemd sees it; and it is watched and reloaded as before."""
		self.drop_in("[Service]\nWatchdogSec=2s\n")
		master = self.serve()
		program = self.sandbox.installed("sbin/preforkd")
		with hold(self.tcp(7)) as client:
			self.run("cp", program, program + ".new", check=True)
			self.run("mv", program + ".new", program, check=True)
			self.ctl("upgrade", check=True)
			client.sendall(b"still")
			self.assertEqual(recv_exact(client, 5), b"still")
		self.assertEqual(self.run("readlink", "/proc/%s/exe" % master).stdout.strip(), program)
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:8"}})
		self.systemctl("reload", "preforkd")
		self.assertEqual(talk(self.tcp(8), b"hello"), b"hello")
		stamp = self.show("WatchdogTimestampMonotonic")
		wait_until(lambda: self.show("WatchdogTimestampMonotonic") != stamp, "the watchdog is fed")
		self.assertEqual((self.show("ActiveState"), self.show("MainPID"), self.show("NRestarts")),
				 ("active", master, "0"))

	def test_who_may_use_the_control_socket(self):
		"""Root and a group that was told so, nobody else."""
		self.drop_in("[Service]\nSupplementaryGroups=adm\n")
		self.serve(control={"group": "adm"})
		self.assertEqual(json.loads(self.ctl("--json", "status", check=True).stdout)["pid"],
				 int(self.show("MainPID")))
		ctl = self.sandbox.installed("sbin/preforkctl")
		as_nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup")
		self.assertNotEqual(self.run(*as_nobody, "--clear-groups", ctl, "reload").returncode, 0)
		self.run(*as_nobody, "--groups=adm", ctl, "reload", check=True)

	def test_instances(self):
		"""Each has its configuration, its control socket and its folder."""
		for name, port in (("a", 7), ("b", 8)):
			self.configure({name: {"handler": "echo", "listen": ["127.0.0.1:%d" % port,
									     "unix:/run/preforkd-%s/x" % name]}},
									     name + ".conf")
		further = 'services: { more: { handler = "echo"; listen = "127.0.0.1:%d"; }; };\n'
		self.configure(further % 10, "a.d/more.conf")
		self.configure(further % 11, "conf.d/more.conf")
		self.systemctl("start", "preforkd@a", "preforkd@b")
		for name, port in (("a", 7), ("b", 8)):
			self.assertEqual(talk(self.tcp(port), b"x"), b"x")
			self.assertEqual(talk(self.unix("/run/preforkd-%s/x" % name), b"x"), b"x")
			status = json.loads(self.ctl("-s", "/run/preforkd-%s/control" % name, "--json", "status",
						     check=True).stdout)
			self.assertEqual([service["name"] for service in status["services"]],
					 [name, "more"] if name == "a" else [name])
			self.assertEqual(status["pid"], int(self.show("MainPID", "preforkd@%s.service" % name)))
		self.assertTrue(self.tcp(11).refuses())
		self.configure({"a": {"handler": "echo", "listen": "127.0.0.1:9"}}, "a.conf")
		self.systemctl("reload", "preforkd@a")
		self.assertEqual(talk(self.tcp(9), b"x"), b"x")
		self.systemctl("stop", "preforkd@a")
		self.assertTrue(self.tcp(9).refuses())
		self.assertEqual(talk(self.unix("/run/preforkd-b/x"), b"x"), b"x")

class Many(SystemdCase):
	"""However many clients come: no unit for any of them, no work for the service manager, no memory that grows."""

	CLIENTS = 100000 if os.environ.get("PREFORKD_TEST_FULL") else 10000

	def units(self):
		return self.systemctl("list-units", "--all", "--no-legend", "--plain").stdout.splitlines()

	def busy(self):
		"""Ticks that the service manager has worked."""
		fields = self.run("/bin/cat", "/proc/1/stat", check=True).stdout.rsplit(")", 1)[1].split()
		return int(fields[11]) + int(fields[12])

	def memory(self, pid):
		text = self.run("/bin/cat", "/proc/%s/status" % pid, check=True).stdout
		return int(re.search(r"RssAnon:\s+(\d+)", text)[1])

	def test_clients_are_nothing_to_the_service_manager(self):
		self.configure({"echo": {"handler": "echo", "listen": "127.0.0.1:7"}})
		self.systemctl("start", "preforkd")
		load = [self.sandbox.installed("bin/preforkc"), "load", "-c", "4", "-s", "16", "-n"]
		self.run(*load, "500", "127.0.0.1:7", check=True)
		master = self.show("MainPID")
		units, busy, memory = self.units(), self.busy(), self.memory(master)
		self.run(*load, str(self.CLIENTS), "127.0.0.1:7", check=True, timeout=10 * PATIENCE)
		worked = self.busy() - busy
		self.assertEqual(len(self.units()), len(units))
		self.assertLess(worked, 100, "a second of work")
		self.assertLess(self.memory(master) - memory, 512)


main()
