# SPDX-License-Identifier: MIT
"""The peers: what people use today in place of preforkd. Each is started as its manual says, with its
limits out of the way, and serves on loopback."""

import os
import platform
import shutil
import subprocess

from servers import Missing, Server, free_port

UNPACKED = os.environ.get("PEERS")
PROCESSES = 16  # of those that keep a pool
FULL = 64  # of all of them, where it is about having no more


def find(name, variable):
	"""A peer's program, from the environment, from PATH, or from packages that were only unpacked."""
	path = [os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]
	if UNPACKED:
		path += [os.path.join(UNPACKED, "usr", folder) for folder in ("sbin", "bin")]
	program = os.environ.get(variable) or shutil.which(name, path=":".join(path))
	if not program or not os.access(program, os.X_OK):
		raise Missing(name)
	return program


def environment():
	"""With the libraries and Perl modules of packages that were only unpacked."""
	env = dict(os.environ)
	if UNPACKED:
		folders = {"PERL5LIB": ["usr/share/perl5"],
			   "LD_LIBRARY_PATH": [f"usr/lib/{platform.machine()}-linux-gnu",
					       f"lib/{platform.machine()}-linux-gnu"]}
		for name, below in folders.items():
			added = [os.path.join(UNPACKED, folder) for folder in below]
			env[name] = ":".join(([env[name]] if env.get(name) else []) + added)
	return env


class Peer(Server):
	"""WORK: the line of the table where it competes. MOST: as many clients at once, None: as many as come, or those
	of a pool. installed() raises Missing."""

	work = "exec"
	name = variable = most = None

	@classmethod
	def installed(cls):
		return find(cls.name, cls.variable)


class Tcpserver(Peer):
	name, variable = "tcpserver", "TCPSERVER"

	def start(self):
		program = self.installed()
		self.port = free_port()
		# No look-ups, as many at once as the work has clients, the backlog of the others.
		self.spawn([program, "-q", "-HRl0", "-c", str(self.most or 1000), "-b", "4096", "127.0.0.1",
			    str(self.port), "/bin/cat"])
		self.wait_for_port()


def whoami():
	return "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")


class Xinetd(Peer):
	name, variable = "xinetd", "XINETD"

	def settings(self):
		"""What is done with a connection, and how many there may be at once."""
		return "server = /bin/cat", f'instances = {self.most or "UNLIMITED"}'

	def start(self):
		program = self.installed()
		self.port = free_port()
		lines = ["type = UNLISTED", "socket_type = stream", "protocol = tcp", "bind = 127.0.0.1",
			 f"port = {self.port}", "wait = no", f"user = {whoami()}", *self.settings(),
			 "per_source = UNLIMITED", "cps = 1000000 1"]
		with open(self.path("xinetd.conf"), "w") as f:
			f.write("service bench\n{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n")
		self.spawn([program, "-dontfork", "-f", self.path("xinetd.conf"), "-pidfile",
			    self.path("pid"), "-filelog", self.path("log")], env=environment())
		self.wait_for_port()


class OpenbsdInetd(Peer):
	name, variable = "openbsd-inetd", "INETD"

	@classmethod
	def installed(cls):
		return find("inetd", cls.variable)

	def start(self):
		program = self.installed()
		self.port = free_port()
		with open(self.path("inetd.conf"), "w") as f:
			f.write(f"127.0.0.1:{self.port} stream tcp nowait.1000000000 {whoami()} /bin/cat cat\n")
		self.spawn([program, "-i", "-q", "4096", "-R", "1000000000", self.path("inetd.conf")],
			   env=environment())
		self.wait_for_port()


class Socat(Peer):
	name, variable = "socat", "SOCAT"

	def start(self):
		program = self.installed()
		self.port = free_port()
		# nofork: the forked socat becomes the program, which gets the socket itself.
		self.spawn([program, f"TCP-LISTEN:{self.port},bind=127.0.0.1,fork,reuseaddr,backlog=4096",
			    "EXEC:/bin/cat,nofork"])
		self.wait_for_port()


class SocketActivate(Peer):
	name, variable = "systemd-socket-activate", "SYSTEMD_SOCKET_ACTIVATE"

	def start(self):
		program = self.installed()
		self.port = free_port()
		self.spawn([program, "--accept", "--inetd", "-l", f"127.0.0.1:{self.port}", "/bin/cat"])
		self.wait_for_port()


PERL_ECHO = """
package Echo;
use strict;
use parent 'Net::Server::PreFork';
sub process_request {
	my $data;
	while (sysread(STDIN, $data, 65536)) { syswrite(STDOUT, $data); }
}
package main;
Echo->run(host => '127.0.0.1', port => $ARGV[0], ipv => 4, log_level => 0, listen => 4096,
	min_servers => $ARGV[1], min_spare_servers => 1, max_spare_servers => $ARGV[1] - 1,
	max_servers => $ARGV[1], max_requests => 1000000000);
"""


class NetServer(Peer):
	name, variable, work = "Net::Server::PreFork", "PERL", "echo-connections"

	@classmethod
	def installed(cls):
		perl = find("perl", cls.variable)
		test = subprocess.run([perl, "-MNet::Server::PreFork", "-e1"], capture_output=True,
				      env=environment())
		if test.returncode != 0:
			raise Missing(cls.name)
		return perl

	def start(self):
		program = self.installed()
		self.port = free_port()
		self.spawn([program, "-e", PERL_ECHO, str(self.port), str(self.most or PROCESSES)], env=environment())
		self.wait_for_port()


APACHE_CONF = """
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
ListenBacklog 4096
PidFile {folder}/pid
ErrorLog {folder}/stderr
LogLevel error
DefaultRuntimeDir {folder}
LoadModule mpm_prefork_module {modules}/mod_mpm_prefork.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule echo_module {modules}/mod_echo.so
ServerLimit {n}
StartServers {n}
MinSpareServers 1
MaxSpareServers {n}
MaxRequestWorkers {n}
MaxConnectionsPerChild 0
ProtocolEcho On
AcceptFilter http none
"""


class Apache(Peer):
	"""mod_echo, which answers a line at a time. Its AcceptFilter is TCP_DEFER_ACCEPT, which saves a
	wake-up; others could have that too (socket.defer_accept in preforkd), so nobody has it here."""

	name, variable, work = "Apache prefork", "APACHE", "echo-connections"

	@classmethod
	def installed(cls):
		return find("apache2", cls.variable)

	def start(self):
		program = self.installed()
		modules = os.environ.get("APACHE_MODULES", os.path.join(program.removesuffix("/sbin/apache2"),
									 "lib/apache2/modules"))
		if not os.path.exists(os.path.join(modules, "mod_echo.so")):
			raise Missing("Apache's mod_echo")
		self.port = free_port()
		with open(self.path("httpd.conf"), "w") as f:
			f.write(APACHE_CONF.format(folder=self.folder, port=self.port, modules=modules,
						   n=self.most or PROCESSES))
			if os.geteuid() == 0:
				f.write("User nobody\nGroup #65534\n")
		os.chmod(self.folder, 0o755)
		self.spawn([program, "-D", "FOREGROUND", "-f", self.path("httpd.conf")], env=environment())
		self.wait_for_port()


def full(peer):
	"""The same with no more than FULL clients at once, for the work where that matters."""
	return type("Full" + peer.__name__, (peer,), {"work": "full", "most": FULL})


PEERS = [Tcpserver, Xinetd, OpenbsdInetd, Socat, SocketActivate, NetServer, Apache,
	 full(Tcpserver), full(Xinetd), full(NetServer), full(Apache)]


def available():
	return sort_out(PEERS)


def sort_out(all_of_them):
	"""The peers that can be started here, and the names of those that are not installed."""
	found, missing = [], []
	for peer in all_of_them:
		try:
			peer.installed()
			found.append(peer)
		except Missing:
			if peer.name not in missing:
				missing.append(peer.name)
	return found, missing
