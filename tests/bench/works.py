# SPDX-License-Identifier: MIT
"""What is measured: one function a line of the table, each of which yields one round's value.

A side is a pair (name, measure); measure() gives one number. Sides of one work are measured in turn.
"""

import contextlib
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import threading
import time

import orders
import peers
import pss
import servers

WORKERS = 16  # in every echo and exec work, for the yardstick and the daemon alike
SLICES = 4  # of a round
SOURCES = 64  # enough that no port of the load generator's is waited for
IDLE_WORKERS = 200
START_WORKERS = 1000
BURST_CLIENTS = 200
RELOAD_SERVICES, RELOAD_WORKERS = 50, 200
RELOAD_RATE = 500  # connections a second, of clients that a reload must not slow down
STATUS_WORKERS, STATUS_TIMES = 1000, 21
SILENT, GIVE_UP_MS = 1000, 10000
NETWORKS = 10000


class Bench:
	"""The programs, and how long a round takes."""

	def __init__(self, folder, preforkd, preforkc, seconds, self_test):
		self.preforkd, self.preforkc, self.seconds = preforkd, preforkc, seconds
		self.self_test = self_test
		self.folder = folder

	def program(self, name):
		return os.path.join(self.folder, name)

	def load(self, *arguments):
		"""One run of the load generator; anything lost spoils the measurement."""
		command = [self.preforkc, "load", "--json", *arguments]
		run = subprocess.run(command, capture_output=True, text=True)
		if run.returncode != 0:
			raise servers.Failed(f"{' '.join(command)}: {run.stdout}{run.stderr}")
		return json.loads(run.stdout)

	def rate(self, server, *arguments):
		return self.load("-t", f"{int(self.seconds * 1000 / SLICES)}ms", "--sources", str(SOURCES),
				 *arguments, server.address)["rate"]

	def echo_yardstick(self, processes=WORKERS):
		return servers.Yardstick(self.program("yardstick"), processes)

	def exec_yardstick(self):
		return servers.Yardstick(self.program("yardstick_exec"), WORKERS)

	def daemon(self, handler, workers):
		return servers.Preforkd(self.preforkd, [f'handler = "{handler}";', workers])

	def echo_daemon(self):
		if self.self_test:
			return self.echo_yardstick()
		return self.daemon("echo", fixed(WORKERS))

	def exec_daemon(self):
		if self.self_test:
			return self.exec_yardstick()
		return servers.Preforkd(self.preforkd, ['handler = "exec";', 'command = [ "/bin/cat" ];',
							fixed(WORKERS)])


def fixed(n):
	"""A pool that neither grows nor shrinks."""
	return f"workers: {{ min = {n}; max = {n}; min_spare = 1; max_spare = {n}; }};"


def rates(bench, stack, sides, *arguments):
	"""Starts the servers of SIDES, which stay up, and gives a measurement for each."""
	measures = []
	for make in sides:
		server = stack.enter_context(make())
		bench.load("-n", "200", *arguments, server.address)  # everything touched once
		measures.append(lambda server=server: bench.rate(server, *arguments))
	return measures


def echo_connections(bench, stack, *others):
	# One line: that is what Apache's mod_echo waits for.
	line = "the same 64 bytes for all of them, for there are line servers\\r\\n"
	return rates(bench, stack, [bench.echo_yardstick, bench.echo_daemon, *others], "-c", "16",
		     "--send", line)


def on_one_processor(stack):
	"""Client and servers together on one processor: for one client that takes turns with its servers.
	Otherwise the place that the scheduler happens to choose outweighs all that the server does.
	Returns all processors."""
	before = os.sched_getaffinity(0)
	stack.callback(os.sched_setaffinity, 0, before)
	os.sched_setaffinity(0, {max(before)})
	return before


def echo_small(bench, stack):
	on_one_processor(stack)
	return rates(bench, stack, [bench.echo_yardstick, bench.echo_daemon], "-c", "1", "--keep",
		     "-s", "64")


def echo_datagrams(bench, stack):
	"""
	Of one source, whose rate is not limited here. The servers have a processor of their own and more to do than
	they can: else what is measured is how often both ends fall asleep.
	"""
	processors = on_one_processor(stack)
	daemon = servers.PreforkdDatagrams(bench.preforkd, ['handler = "echo";', 'access: { per_source_rate = "0"; };',
							    fixed(1)])
	yardstick = servers.Yardstick(bench.program("yardstick_datagram"), 1)
	if bench.self_test:
		daemon = servers.Yardstick(bench.program("yardstick_datagram"), 1)

	def measure(server):
		command = [bench.program("yardstick_datagram"), "load", str(server.port),
			   str(int(bench.seconds * 1000 / SLICES)), "64"]
		return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
	both = [stack.enter_context(server) for server in (yardstick, daemon)]
	os.sched_setaffinity(0, {min(processors)})
	return [lambda server=server: measure(server) for server in both]


def echo_large(bench, stack):
	on_one_processor(stack)
	return rates(bench, stack, [bench.echo_yardstick, bench.echo_daemon], "-c", "1", "--keep",
		     "-s", "64K")


def exec_cat(bench, stack, *others):
	return rates(bench, stack, [bench.exec_yardstick, bench.exec_daemon, *others], "-c", "8",
		     "-s", "64")


def idle_memory(bench, stack):
	def measure(make):
		with make() as server:
			mean, count = pss.mean_of_children(server.pid)
			if count < IDLE_WORKERS:
				raise servers.Failed(f"{server.name}: {count} workers, not {IDLE_WORKERS}")
			return mean

	def yardstick():
		return bench.echo_yardstick(IDLE_WORKERS)

	def daemon():
		return yardstick() if bench.self_test else bench.daemon("echo", fixed(IDLE_WORKERS))

	del stack
	return [lambda: measure(yardstick), lambda: measure(daemon)]


def start(bench, stack):
	def forks():
		run = subprocess.run([bench.program("forks"), str(START_WORKERS)], check=True,
				     capture_output=True, text=True)
		return float(run.stdout)

	def daemon():
		if bench.self_test:
			return forks()
		with bench.daemon("echo", fixed(START_WORKERS)) as server:
			return server.ready_ms

	del stack
	return [forks, daemon]


def burst(bench, stack):
	def measure(make):
		with make() as server:
			return bench.load("-c", str(BURST_CLIENTS), "--hold", server.address)["last_answer_ms"]

	def yardstick():
		return bench.echo_yardstick(BURST_CLIENTS)

	def daemon():
		if bench.self_test:
			return yardstick()
		# As a fresh installation has it, but for the numbers that the work is about.
		return bench.daemon("echo", "workers: { min = 4; max = 256; };")

	del stack
	return [lambda: measure(yardstick), lambda: measure(daemon)]


def many(bench, stack):
	return stack.enter_context(orders.Many(bench.preforkd, RELOAD_SERVICES,
					       RELOAD_WORKERS // RELOAD_SERVICES))


def reload(bench, stack):
	"""Every worker of every service is replaced. Beside as many bare forks."""
	def forks():
		run = subprocess.run([bench.program("forks"), str(RELOAD_WORKERS)], check=True,
				     capture_output=True, text=True)
		return float(run.stdout)

	if bench.self_test:
		return [forks, forks]
	return [forks, many(bench, stack).change]


def reload_latency(bench, stack, pause=1.0):
	"""The p99 of clients that come at a fixed rate, without and with reloads meanwhile, PAUSE seconds apart."""
	if bench.self_test:
		server = stack.enter_context(bench.echo_yardstick())
	else:
		server = many(bench, stack)

	def quiet():
		seconds = max(3, round(bench.seconds))
		return bench.load("-t", f"{seconds}s", "--rate", str(RELOAD_RATE), "-c", "16", "--sources",
				  str(SOURCES), server.address)["latency_ms"]["p99"]

	def during():
		over, failed, count = threading.Event(), [], [0]

		def go_on():
			try:
				while not over.is_set():
					server.change()
					count[0] += 1
					over.wait(pause)
			except (OSError, ValueError, servers.Failed) as error:
				failed.append(error)
		thread = threading.Thread(target=go_on, daemon=True)
		thread.start()
		try:
			return quiet()
		finally:
			over.set()
			thread.join()
			if failed or count[0] == 0:
				raise servers.Failed(f"reloads during a load: {count[0]} went well; {failed}")

	return [quiet, quiet if bench.self_test else during]


def reload_storm(bench, stack):
	"""One after the other: the processors do nothing but replace workers."""
	return reload_latency(bench, stack, 0)


def status(bench, stack):
	"""From connect to the end of the answer, with as many workers; beside an answer that says nothing."""
	if bench.self_test:
		server = stack.enter_context(bench.echo_yardstick())
		bench.load("-n", "1", server.address)

		def exchange():
			bench.load("-n", "1", server.address)
		return [lambda: median_ms(exchange)] * 2
	server = stack.enter_context(orders.Many(bench.preforkd, RELOAD_SERVICES,
						 STATUS_WORKERS // RELOAD_SERVICES))
	found = len(server.control.ask("workers")["workers"])
	if found != STATUS_WORKERS:
		raise servers.Failed(f"{found} workers, not {STATUS_WORKERS}")
	return [lambda: median_ms(lambda: server.control.ask("ping")),
		lambda: median_ms(lambda: server.control.ask("status"))]


def median_ms(what):
	times = []
	for _ in range(STATUS_TIMES):
		before = time.perf_counter()
		what()
		times.append((time.perf_counter() - before) * 1000)
	return statistics.median(times)


def run_for_cpu(command):
	"""Its output, and the processor time that it took, in seconds."""
	with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
		output = process.stdout.read()
		_, status, usage = os.wait4(process.pid, 0)
		process.returncode = os.waitstatus_to_exitcode(status)
	if process.returncode != 0 or "Socket errors" in output or "Non-2xx" in output:
		raise servers.Failed(f"{' '.join(command)}: {output}")
	return output, usage.ru_utime + usage.ru_stime


def client_cost(bench, stack):
	"""The load generator itself beside wrk: one thread, 16 kept connections, as fast as it goes."""
	wrk = peers.find("wrk", "WRK")
	seconds = max(1, round(bench.seconds))
	http = stack.enter_context(servers.Yardstick(bench.program("yardstick_http"), WORKERS))
	echo = stack.enter_context(bench.echo_yardstick())

	def with_wrk():
		output, cpu = run_for_cpu([wrk, "-t1", "-c16", f"-d{seconds}s", f"http://{http.address}/"])
		return int(re.search(r"(\d+) requests in", output).group(1)) / cpu

	def with_preforkc():
		output, cpu = run_for_cpu([bench.preforkc, "load", "--json", "--keep", "-c", "16",
					   "-t", f"{seconds}s", echo.address])
		return json.loads(output)["outcomes"]["ok"] / cpu

	return [with_wrk, with_wrk if bench.self_test else with_preforkc]


def one_answer(address, patience):
	"""A well-behaved client: how many milliseconds until it is answered, at most PATIENCE. One that is turned away
	comes again."""
	line, start = b"the word of one who has something to say\r\n", time.perf_counter()
	end = start + patience / 1000
	while (left := end - time.perf_counter()) > 0:
		with contextlib.suppress(OSError), socket.socket() as s:
			s.settimeout(left)
			s.connect(address)
			s.sendall(line)
			got = b""
			while len(got) < len(line) and (part := s.recv(len(line))):
				got += part
			if got == line:
				return (time.perf_counter() - start) * 1000
		time.sleep(0.005)
	return patience


def behind_the_silent(make):
	"""So many clients that say nothing, and then one that does."""
	soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
	resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, SILENT + 200)), hard))
	with make() as server, contextlib.ExitStack() as crowd:
		address = ("127.0.0.1", server.port)
		if one_answer(address, GIVE_UP_MS) >= GIVE_UP_MS:
			raise servers.Failed(f"{server.name} does not answer at all")
		for _ in range(SILENT):
			s = crowd.enter_context(socket.socket())
			s.setblocking(False)
			s.connect_ex(address)
		return one_answer(address, GIVE_UP_MS)


def full(bench, stack, *others, on_full="evict"):
	def yardstick():
		return bench.echo_yardstick(peers.FULL)

	def daemon():
		if bench.self_test:
			return yardstick()
		return bench.daemon("echo", fixed(peers.FULL).replace("}", f'on_full = "{on_full}"; }}'))

	del stack
	return [lambda make=make: behind_the_silent(make) for make in (yardstick, daemon, *others)]


def full_queue(bench, stack):
	"""As a fresh installation has it: timeouts.first_byte_busy."""
	return full(bench, stack, on_full="queue")


class Gated(servers.Preforkd):
	"""Echo for proxies, with a long list of who may not come and limits that nobody reaches."""

	def __init__(self, program, workers):
		super().__init__(program, [])
		self.settings = [
			'handler = "echo";', workers,
			f'access: {{ deny_file = "{self.path("networks")}"; per_source = 1000; prefix4 = 32; '
			'per_source_rate = "1000000/1s"; rate = "1000000/1s"; };',
			'proxy_protocol: { from = "127.0.0.0/8"; };']

	def start(self):
		with open(self.path("networks"), "w") as f:
			f.writelines(f"{20 + i // 256 // 256}.{i // 256 % 256}.{i % 256}.0/24\n"
				     for i in range(NETWORKS))
		super().start()


def gate(bench, stack):
	"""Connections that go through all of the gate, beside the same where nothing is configured."""
	def rate(server, *arguments):
		ms = str(int(bench.seconds * 1000 / SLICES))
		run = subprocess.run([bench.program("knock"), str(server.port), "16", ms, *arguments],
				     capture_output=True, text=True)
		if run.returncode != 0:
			raise servers.Failed(f"knock: {run.stderr}")
		return float(run.stdout)

	plain = stack.enter_context(bench.echo_daemon())
	if bench.self_test:
		return [lambda: rate(plain)] * 2
	gated = stack.enter_context(Gated(bench.preforkd, fixed(WORKERS)))
	rate(plain), rate(gated, "proxy")  # everything touched once
	return [lambda: rate(plain), lambda: rate(gated, "proxy")]


@contextlib.contextmanager
def prepared(bench, work, *others):
	"""The measurements of WORK, with its servers up for as long as they are needed."""
	with contextlib.ExitStack() as stack:
		yield work(bench, stack, *others)
