# SPDX-License-Identifier: MIT
"""What passes connections on: peers of the handler proxy, and what is measured of them. Each is told the yardstick's
address, as its manual says, with its limits out of the way."""

import os
import shutil
import subprocess

import peers
import servers
import works
from peers import Peer, environment, find
from servers import Missing, free_port

CONNECTIONS, SMALL, LARGE, BULK = "relay-connections", "relay-64", "relay-256K", "relay-bulk"
BULK_BYTES = 16 << 20  # of one exchange: yardstick_source.c


class Relay(Peer):
	"""UPSTREAM: the server that it connects to."""

	work = None  # all of those below

	def __init__(self, upstream):
		super().__init__()
		self.upstream = upstream

	@property
	def target(self):
		return self.upstream.address


HAPROXY_CONF = """
global
	maxconn 2000
defaults
	mode tcp
	option splice-auto
	timeout connect 10s
	timeout client 60s
	timeout server 60s
	maxconn 2000
listen bench
	bind 127.0.0.1:{port} backlog 4096
	server s {target}
"""


class Haproxy(Relay):
	name, variable = "haproxy", "HAPROXY"

	def start(self):
		program = self.installed()
		self.port = free_port()
		with open(self.path("conf"), "w") as f:
			f.write(HAPROXY_CONF.format(port=self.port, target=self.target))
		self.spawn([program, "-db", "-f", self.path("conf")], stdout=subprocess.DEVNULL)
		self.wait_for_port()


NGINX_CONF = """
{module}
daemon off;
pid {folder}/pid;
error_log {folder}/stderr;
worker_processes auto;
{user}
events {{ worker_connections 8192; }}
stream {{
	server {{
		listen 127.0.0.1:{port} backlog=4096;
		proxy_pass {target};
	}}
}}
"""


class Nginx(Relay):
	name, variable = "nginx", "NGINX"
	modules = "/usr/lib/nginx/modules/ngx_stream_module.so"

	@classmethod
	def installed(cls):
		program = find(cls.name, cls.variable)
		if not os.path.exists(cls.modules):
			raise Missing("nginx's stream module")
		return program

	def start(self):
		program = self.installed()
		self.port = free_port()
		os.chmod(self.folder, 0o755)
		with open(self.path("conf"), "w") as f:
			f.write(NGINX_CONF.format(module=f"load_module {self.modules};", folder=self.folder,
						  port=self.port,
						  target=self.target,
						  user="user nobody nogroup;" if os.geteuid() == 0 else ""))
		self.spawn([program, "-c", self.path("conf"), "-p", self.folder])
		self.wait_for_port()


class SocketProxyd(Relay):
	name, variable = "systemd-socket-proxyd", "SYSTEMD_SOCKET_PROXYD"

	@classmethod
	def installed(cls):
		program = os.environ.get(cls.variable) or shutil.which(cls.name, path="/usr/lib/systemd:/lib/systemd")
		if not program:
			raise Missing(cls.name)
		return find("systemd-socket-activate", "SYSTEMD_SOCKET_ACTIVATE"), program

	def start(self):
		activate, program = self.installed()
		self.port = free_port()
		self.spawn([activate, "-l", f"127.0.0.1:{self.port}", program, self.target])
		self.wait_for_port()


class Rinetd(Relay):
	name, variable = "rinetd", "RINETD"

	def start(self):
		program = self.installed()
		self.port = free_port()
		with open(self.path("conf"), "w") as f:
			f.write(f"127.0.0.1 {self.port} 127.0.0.1 {self.upstream.port}\n")
		self.spawn([program, "-f", "-c", self.path("conf")], env=environment())
		self.wait_for_port()


class SocatRelay(Relay):
	name, variable = "socat", "SOCAT"

	def start(self):
		program = self.installed()
		self.port = free_port()
		self.spawn([program, f"TCP-LISTEN:{self.port},bind=127.0.0.1,fork,reuseaddr,backlog=4096,nodelay",
			    f"TCP:{self.target},nodelay"], env=environment())
		self.wait_for_port()


class XinetdRedirect(Relay, peers.Xinetd):
	def settings(self):
		return f"redirect = 127.0.0.1 {self.upstream.port}", "instances = UNLIMITED"


RELAYS = [Haproxy, Nginx, SocketProxyd, Rinetd, SocatRelay, XinetdRedirect]


def available():
	return peers.sort_out(RELAYS)


def measures(bench, stack, program, others, *arguments, warm=200):
	"""One for UPSTREAM itself, one for the daemon in front of it, and one for each peer."""
	upstream = stack.enter_context(servers.Yardstick(bench.program(program), works.WORKERS))
	found = [lambda: bench.rate(upstream, *arguments)]
	for make in sides(bench, upstream, others):
		server = stack.enter_context(make())
		bench.load("-n", str(warm), *arguments, server.address)
		found.append(lambda server=server: bench.rate(server, *arguments))
	return found


def connections(bench, stack, *others):
	return measures(bench, stack, "yardstick", others, "-c", "16", "-s", "64")


def small(bench, stack, *others):
	works.on_one_processor(stack)
	return measures(bench, stack, "yardstick", others, "-c", "1", "--keep", "-s", "64")


def large(bench, stack, *others):
	return measures(bench, stack, "yardstick", others, "-c", "4", "--keep", "-s", "256K")


def bulk(bench, stack, *others):
	return measures(bench, stack, "yardstick_source", others, "-c", "1", "--keep", "-s", "64", "-r",
			str(BULK_BYTES),
			warm=4)


def sides(bench, upstream, others):
	"""The daemon, and each of OTHERS, in front of UPSTREAM."""
	def daemon():
		return servers.Preforkd(bench.preforkd, ['handler = "proxy";', f'upstream = "{upstream.address}";',
							works.fixed(works.WORKERS)])

	def again():
		return type(upstream)(upstream.program, upstream.processes)
	return [again if bench.self_test else daemon] + [lambda peer=peer: peer(upstream) for peer in others]
