#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers that people run from inetd, under a real systemd: the installed unit with nothing but the drop-in that
--unit-dropin prints for the service serves their real clients. --check=host agrees before and after."""

import sys
sys.dont_write_bytecode = True

from harness import *


class ServerCase(SystemdCase):
	def serve(self, status=78, **service):
		"""Without the drop-in the check and the daemon refuse the service; with it the daemon serves."""
		self.configure({"server": {"handler": "exec", "user": "root", "sandbox": {"level": "default"},
					   **service}})
		self.drop_in("[Service]\nRestart=no\n", name="10-once.conf")
		check = (self.sandbox.installed("sbin/preforkd"), "--check=host")
		refused = self.run(*check)
		self.assertEqual(refused.returncode, status, refused.stderr)
		self.assertNotEqual(self.systemctl("start", "preforkd", check=False).returncode, 0)
		self.assertEqual(self.show("ExecMainStatus"), str(status))
		self.systemctl("reset-failed", "preforkd")
		text = self.relax()
		done = self.run(*check)
		self.assertEqual((done.returncode, done.stderr), (0, ""), text)
		self.systemctl("start", "preforkd")
		return text

	def sh(self, script):
		"""As root inside."""
		return self.run("sh", "-euc", script, check=True).stdout

	def user(self, name="joe", password="secret"):
		"""A user whose home is where the unit lets programs look."""
		self.sh("useradd -m -d /srv/%s -s /bin/sh %s; echo %s:%s | chpasswd" % (name, name, name, password))


class Files(ServerCase):
	def setUp(self):
		super().setUp()
		self.sandbox.write("/srv/files/hello", "hello, client\n")

	@needs_tool("rsync")
	def test_rsync(self):
		self.sandbox.write("/etc/rsyncd.conf", "use chroot = yes\n[data]\npath = /srv/files\n")
		self.serve(listen="*:873", command=["/usr/bin/rsync", "--daemon", "--config=/etc/rsyncd.conf"])
		self.assertEqual(self.sh("rsync rsync://localhost/data/hello /tmp/got; cat /tmp/got"),
				 "hello, client\n")

	@needs_tool("in.tftpd", "tftp")
	def test_tftpd(self):
		"""It takes the socket, and serves from a folder that becomes its root."""
		self.serve(listen="udp:127.0.0.1:69", command=["/usr/sbin/in.tftpd", "-s", "/srv/files"])
		self.assertEqual(self.sh("cd /tmp; tftp 127.0.0.1 -c get hello; cat hello"), "hello, client\n")

	@needs_tool("vsftpd", "curl")
	def test_vsftpd(self):
		self.sandbox.write("/etc/vsftpd-test.conf", "listen=NO\nlisten_ipv6=NO\nanonymous_enable=YES\n"
				   "anon_root=/srv/files\nsecure_chroot_dir=/usr/share/empty\n"
				   "background=NO\nftp_username=joe\n")
		self.sh("mkdir -p /usr/share/empty; useradd -d /srv/files joe")
		self.serve(listen="127.0.0.1:21", command=["/usr/sbin/vsftpd", "/etc/vsftpd-test.conf"])
		self.assertEqual(self.sh("curl -sS ftp://127.0.0.1/hello"), "hello, client\n")

	@needs_tool("git")
	def test_git(self):
		self.sh("git init -q /srv/git/x; cd /srv/git/x; echo hello >file; git add file; "
			"git -c user.name=x -c user.email=x@x commit -qm x")
		self.serve(listen="*:9418", user="nobody",
			   command=["/usr/bin/git", "-c", "safe.directory=*", "daemon", "--inetd",
				    "--base-path=/srv/git", "--export-all"])
		self.assertEqual(self.sh("git clone -q git://localhost/x /tmp/clone; cat /tmp/clone/file"), "hello\n")


class Users(ServerCase):
	"""Servers that become the user who logs in."""

	@needs_tool("popa3d")
	def test_popa3d(self):
		"""It writes, which the configuration says."""
		self.user()
		self.sandbox.write("/var/mail/joe", "From x@x Thu Jan  1 00:00:00 1970\nSubject: hello\n\n"
				   "hello, joe\n\n")
		self.sh("chown joe:mail /var/mail/joe; chmod 660 /var/mail/joe")
		self.serve(listen="127.0.0.1:110", command=["/usr/sbin/popa3d"],
			   sandbox={"level": "default", "write": ["/var/mail"]})
		said = talk(self.tcp(110), b"USER joe\r\nPASS secret\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n").decode()
		self.assertIn("hello, joe", said)
		self.assertEqual(self.sh("cat /var/mail/joe"), "")

	@needs_tool("dropbear", "dbclient", "dropbearkey")
	def test_dropbear(self):
		self.user()
		self.sh("""
			mkdir -p /srv/joe/.ssh /etc/dropbear
			dropbearkey -t ed25519 -f /etc/dropbear/host >/dev/null
			dropbearkey -t ed25519 -f /root/key | grep ^ssh- >/srv/joe/.ssh/authorized_keys
			chown -R joe: /srv/joe; chmod -R go= /srv/joe""")
		self.serve(listen="127.0.0.1:22", command=["/usr/sbin/dropbear", "-i", "-r", "/etc/dropbear/host"])
		self.assertEqual(self.sh("dbclient -y -y -i /root/key joe@127.0.0.1 id -un"), "joe\n")


	def test_set_user_id(self):
		"""A program that gets the rights of another user from its file."""
		self.sh("install -m 4755 -o games /usr/bin/id /srv/id")
		service = {"listen": "127.0.0.1:70", "user": "nobody", "command": ["/srv/id", "-un"]}
		self.serve(**service)
		self.assertEqual(talk(self.tcp(70)), b"nobody\n")
		self.configure({"server": {"handler": "exec", "sandbox": {"no_new_privileges": False}, **service}})
		self.relax()
		self.systemctl("restart", "preforkd")
		self.assertEqual(talk(self.tcp(70)), b"games\n")


class Keys(ServerCase):
	"""Keys that need more than the unit has for its user."""

	def test_surroundings(self):
		self.sandbox.write("/srv/look", "#!/bin/sh\nls -A /tmp; grep -c : /proc/net/dev\n", 0o755)
		self.serve(71, user="preforkd", listen="127.0.0.1:70", command=["/srv/look"],
			   sandbox={"private_tmp": True, "private_network": True, "required": True})
		self.assertEqual(talk(self.tcp(70)), b"1\n")

	def alone(self, script, **keys):
		"""The answer of SCRIPT in a service whose sandbox has these keys; the check knows what they need."""
		text = self.serve(71, user="preforkd", listen="127.0.0.1:70", command=["/bin/sh", "-c", script],
				  sandbox={"required": True, **keys})
		for key in keys:
			self.assertIn("services.server.sandbox." + key, text)
		return talk(self.tcp(70)).decode()

	def test_read_only(self):
		self.assertEqual(self.alone("cat /etc/hostname >/dev/null; echo x >/tmp/x || echo kept",
					    read_only=True), "kept\n")

	def test_private_network(self):
		self.assertEqual(self.alone("grep -c : /proc/net/dev", private_network=True), "1\n")

	def test_groups(self):
		"""Its user is the daemon's; only root can take groups."""
		self.serve(user="preforkd", groups=["games"], listen="127.0.0.1:70", command=["/usr/bin/id", "-Gn"])
		self.assertEqual(talk(self.tcp(70)), b"preforkd games\n")

	def test_group(self):
		self.serve(user="preforkd", group="games", listen="127.0.0.1:70", command=["/usr/bin/id", "-gn"])
		self.assertEqual(talk(self.tcp(70)), b"games\n")

	def test_root_in_surroundings(self):
		"""Root of the host is root in a user namespace only with CAP_SETFCAP."""
		self.serve(user="root", listen="127.0.0.1:70", command=["/bin/sh", "-c", "id -u; ls -A /tmp"],
			   sandbox={"private_tmp": True, "required": True})
		self.assertEqual(talk(self.tcp(70)), b"0\n")

	def test_filter_for_set_user_id(self):
		"""A service that requires its filter, and lets programs have new rights."""
		self.serve(user="nobody", listen="127.0.0.1:70",
			   command=["/bin/grep", "Seccomp:\\|NoNewPrivs:", "/proc/self/status"],
			   sandbox={"no_new_privileges": False, "required": True})
		self.assertEqual(talk(self.tcp(70)).split(), [b"NoNewPrivs:", b"0", b"Seccomp:", b"2"])

	def test_private_pids(self):
		"""Only with a /proc of its own, which the kernel mounts if nothing hides a part of the old one."""
		self.assertEqual(self.alone("cd /proc; echo [0-9]*", private_pids=True), "1 2\n")

	def test_priority_and_limits(self):
		self.serve(user="preforkd", listen="127.0.0.1:70", program={"nice": -5}, limits={"core": "10M"},
			   command=["/bin/bash", "-c", "nice; ulimit -Hc"])
		self.assertEqual(talk(self.tcp(70)), b"-5\n10240\n")


class Web(ServerCase):
	@needs_tool("gunicorn", "curl")
	def test_gunicorn(self):
		"""It accepts by itself."""
		self.sandbox.write("/srv/app/app.py", "def app(environ, start):\n"
				   "    start('200 OK', [])\n    return [b'hello, client\\n']\n")
		self.serve(handler="listen", listen="127.0.0.1:80", user="www-data", workers={"min": 2, "max": 2},
			   command=["/usr/bin/gunicorn", "--chdir", "/srv/app", "app:app"])
		self.assertEqual(self.sh("curl -sS http://127.0.0.1/"), "hello, client\n")


main()
