# SPDX-License-Identifier: MIT
"""
The cost of the walls of `sandbox`: a daemon with them beside the same daemon with `sandbox.level = "off"`.

Rates say little on a machine that has other work, so the cost of a connection is also measured as processor time: that
of the daemon with all processes below it, which includes the programs of exec and the kernel's work for them.
"""

import contextlib
import os
import socket
import time

import pss
import servers
import works

OFF = 'level = "off";'
LANDLOCK = 'read = "/"; execute = "/"; write = [ "/tmp", "/dev" ]; tcp_connect = 443; tcp_bind = 0;'
OF_FILES = "private_tmp = true; read_only = true;"
# Each one alone, without the filter of system calls; then all of them.
WALLS = {
	"filter": 'level = "default";',
	"strict filter": 'level = "strict";',
	"private_tmp": OFF + "private_tmp = true;",
	"private_network": OFF + "private_network = true;",
	"private_pids": OFF + "private_pids = true;",
	"read_only": OFF + "read_only = true;",
	"Landlock": OFF + LANDLOCK,
	"all": f'level = "strict"; private_network = true; private_pids = true; {OF_FILES} {LANDLOCK}',
}
EXEC_WORKERS = 4
EXEC_CONNECTIONS = 1000  # of a round
IDLE_EXEC_WORKERS = 50
START_EXEC_WORKERS = 50
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
STRANGERS = 2
ATTACK_RATE = 500

# A stranger's program does one of these, in the background of a shell.
ATTACKS = {
	"spins": "while :; do :; done",
	"starts processes": "while :; do for i in 1 2 3 4 5 6 7 8; do /bin/true & done; wait; done",
	"fills /tmp": "while :; do dd if=/dev/zero of=/tmp/full bs=64k count=2048 2>&1; rm -f /tmp/full; done",
	"allocates memory": "while :; do head -c 32M /dev/zero | tail -c 32M >/dev/null; done",
}


# ---- a daemon ----

def daemon(bench, handler, walls, workers, *lines):
	"""A wall that this machine lacks is an error, and not a cheap wall."""
	return servers.Preforkd(bench.preforkd, [f'handler = "{handler}";', *lines, works.fixed(workers),
						 f"sandbox: {{ required = true; {walls} }};"])


def beside_off(bench, walls, handler, workers, *lines):
	"""Both sides; a test of the bench itself has the same on both."""
	return [lambda walls=walls: daemon(bench, handler, walls, workers, *lines)
		for walls in (OFF, OFF if bench.self_test else walls)]


CAT = 'command = [ "/bin/cat" ];'


def exec_cat(bench, stack):
	return works.rates(bench, stack, beside_off(bench, WALLS["filter"], "exec", works.WORKERS, CAT), "-c", "8",
			   "-s", "64")


def echo(bench, stack):
	return works.rates(bench, stack, beside_off(bench, WALLS["strict filter"], "echo", works.WORKERS), "-c", "16",
			   "-s", "64")


# ---- processor time ----

def tree(pid):
	"""PID and all processes below it."""
	found = [pid]
	for process in found:
		with contextlib.suppress(OSError):
			found += pss.children(process)
	return found


def cpu_us(pid):
	"""The sum for the processes of the tree, and of those that they have waited for."""
	ticks = 0
	for process in tree(pid):
		with contextlib.suppress(OSError), open(f"/proc/{process}/stat") as f:
			ticks += sum(int(word) for word in f.read().rsplit(")", 1)[1].split()[11:15])
	return ticks * TICK_US


def costs(bench, stack, sides, connections):
	"""Microseconds of processor time for one connection, of each side."""
	def measure(server):
		before = cpu_us(server.pid)
		bench.load("-n", str(connections), "-c", "4", "-s", "64", "--sources", str(works.SOURCES),
			   server.address)
		return (cpu_us(server.pid) - before) / connections

	both = [stack.enter_context(make()) for make in sides]
	for server in both:
		measure(server)  # everything touched once
	return [lambda server=server: measure(server) for server in both]


def exec_cost(wall):
	def work(bench, stack):
		return costs(bench, stack, beside_off(bench, WALLS[wall], "exec", EXEC_WORKERS, CAT), EXEC_CONNECTIONS)
	return work


def echo_cost(bench, stack):
	return costs(bench, stack, beside_off(bench, WALLS["strict filter"], "echo", EXEC_WORKERS),
		     20 * EXEC_CONNECTIONS)


# ---- memory and start ----

def memory_of_a_worker(server):
	"""Mean Pss in kB, together with the first process of its pid namespace."""
	return sum(pss.pss_kb(process) for process in tree(server.pid)[1:]) / len(pss.children(server.pid))


def idle_memory(wall, handler, *lines):
	"""For a new daemon in each round: pages are shared among the workers of one daemon only."""
	def work(bench, stack):
		def measure(make):
			with make() as server:
				return memory_of_a_worker(server)
		del stack
		return [lambda make=make: measure(make)
			for make in beside_off(bench, WALLS[wall], handler, IDLE_EXEC_WORKERS, *lines)]
	return work


def start(wall):
	def work(bench, stack):
		def measure(make):
			with make() as server:
				return server.ready_ms
		del stack
		return [lambda make=make: measure(make)
			for make in beside_off(bench, WALLS[wall], "exec", START_EXEC_WORKERS, CAT)]
	return work


# ---- a stranger's program ----

class Neighbours(servers.Preforkd):
	"""Echo, and beside it a service whose program attacks: it says one byte, and then does ATTACKS, all at once."""

	def __init__(self, bench, attacks, nice):
		super().__init__(bench.preforkd, ['handler = "echo";', works.fixed(works.WORKERS)])
		self.stranger = servers.free_port()
		script = "printf x; " + " ".join(f"({attack}) >/dev/null &" for attack in attacks) + " wait"
		self.stranger_settings = [
			'handler = "exec";', f'command = [ "/bin/sh", "-c", "{script}" ];', works.fixed(STRANGERS),
			f"program: {{ nice = {nice}; }};", "limits: { nproc = 200; };",
			f'sandbox: {{ required = true; {WALLS["all"]} }};',
		]
		if os.geteuid() == 0:
			self.stranger_settings.append('user = "daemon";')  # limits.nproc counts all that a user runs

	def configuration(self):
		service = ["  stranger: {", f'    listen = "127.0.0.1:{self.stranger}";',
			   *(f"    {line}" for line in self.stranger_settings), "  };", "};", ""]
		return super().configuration().removesuffix("};\n") + "\n".join(service)

	@contextlib.contextmanager
	def attack(self):
		quiet = len(tree(self.pid))
		with contextlib.ExitStack() as clients:
			for _ in range(STRANGERS):
				client = clients.enter_context(socket.create_connection(("127.0.0.1", self.stranger)))
				client.settimeout(servers.PATIENCE)
				if client.recv(1) != b"x":
					raise servers.Failed("the stranger's program does not start")
				client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
			yield
			if len(tree(self.pid)) < quiet + 2 * STRANGERS:
				self.fail("the stranger's programs have given up")
		end = time.monotonic() + servers.PATIENCE
		while len(tree(self.pid)) > quiet:
			if time.monotonic() > end:
				raise servers.Failed("the stranger's programs stay")
			time.sleep(0.01)


def attacked(nice, *attacks):
	"""The p99 of echo in milliseconds, at rest and during ATTACKS."""
	def work(bench, stack):
		server = stack.enter_context(Neighbours(bench, attacks, nice))

		def quiet():
			seconds = max(3, round(bench.seconds))
			return bench.load("-t", f"{seconds}s", "--rate", str(ATTACK_RATE), "-c", "256", "--sources",
					  str(works.SOURCES), server.address)["latency_ms"]["p99"]

		def during():
			with server.attack():
				return quiet()
		return [quiet, quiet if bench.self_test else during]
	return work
