# SPDX-License-Identifier: MIT
"""The servers that are measured: each starts on loopback, says where, and is ended by its pid.

Start them with `with`; what they wrote to standard error is shown when they do not come up.
"""

import grp
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE = 30  # seconds for a server to come up or to go away


class Missing(Exception):
	"""A program that is not installed."""


class Failed(Exception):
	"""A server that did not come up."""


def free_port():
	"""A port that the kernel has just given, for servers that cannot ask for one themselves."""
	with socket.socket() as s:
		s.bind(("127.0.0.1", 0))
		return s.getsockname()[1]


class Server:
	"""A process of ours in a session of its own."""

	name = "server"

	def __init__(self):
		self.folder = tempfile.mkdtemp(prefix="preforkd-bench-")
		self.process = None
		self.port = None

	def __enter__(self):
		try:
			self.start()
		except BaseException:
			self.__exit__()
			raise
		return self

	def __exit__(self, *_):
		if self.process is not None and self.process.poll() is None:
			self.process.terminate()
			try:
				self.process.wait(PATIENCE)
			except subprocess.TimeoutExpired:
				self.process.kill()
				self.process.wait()
		if self.process is not None:
			self.end_group()
			if self.process.stdout:
				self.process.stdout.close()
		shutil.rmtree(self.folder, ignore_errors=True)

	def end_group(self):
		"""What a server left behind: the session that we made for it, and nothing else."""
		try:
			os.killpg(self.process.pid, signal.SIGKILL)
		except ProcessLookupError:
			pass

	def start(self):
		raise NotImplementedError

	@property
	def address(self):
		return f"127.0.0.1:{self.port}"

	@property
	def pid(self):
		return self.process.pid

	def path(self, name):
		return os.path.join(self.folder, name)

	def spawn(self, command, **options):
		with open(self.path("stderr"), "w") as stderr:
			self.process = subprocess.Popen(
				command, stdin=subprocess.DEVNULL, stderr=stderr,
				start_new_session=True, **options)

	def fail(self, what):
		with open(self.path("stderr"), errors="replace") as f:
			raise Failed(f"{self.name}: {what}\n{f.read()[-2000:]}")

	def wait_for_port(self):
		"""For servers that tell nobody when they are ready."""
		end = time.monotonic() + PATIENCE
		while time.monotonic() < end:
			if self.process.poll() is not None:
				self.fail(f"ended with {self.process.returncode}")
			try:
				socket.create_connection(("127.0.0.1", self.port), 1).close()
				return
			except ConnectionRefusedError:
				time.sleep(0.005)
		self.fail("accepts no connection")


class Yardstick(Server):
	def __init__(self, program, processes):
		super().__init__()
		self.program, self.processes = program, processes
		self.name = os.path.basename(program)

	def start(self):
		self.spawn([self.program, str(self.processes)], stdout=subprocess.PIPE, text=True)
		line = self.process.stdout.readline()
		if not line:
			self.fail("did not come up")
		self.port = int(line)


class Preforkd(Server):
	"""One service. SETTINGS are lines of libconfig for it, without the address."""

	name = "preforkd"

	def __init__(self, program, settings):
		super().__init__()
		self.program, self.settings = program, settings
		self.ready_ms = None  # from just before the start to READY=1

	scheme = ""

	def configuration(self):
		lines = []
		if os.geteuid() == 0:
			lines += ['user = "nobody";', f'group = "{grp.getgrgid(65534).gr_name}";']
		lines += ['control: { path = ""; };']
		lines += ["services: {", "  bench: {", f'    listen = "{self.scheme}{self.address}";']
		lines += ["    " + line for line in self.settings]
		lines += ["  };", "};", ""]
		return "\n".join(lines)

	def start(self):
		self.port = free_port()
		with open(self.path("preforkd.conf"), "w") as f:
			f.write(self.configuration())
		os.chmod(self.folder, 0o755)
		with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
			notify.bind(self.path("notify"))
			os.chmod(self.path("notify"), 0o666)
			env = dict(os.environ, NOTIFY_SOCKET=self.path("notify"))
			before = time.perf_counter()
			self.spawn([self.program, "-c", self.path("preforkd.conf"), "-l", "stderr"], env=env)
			self.wait_for_ready(notify)
			self.ready_ms = (time.perf_counter() - before) * 1000

	def wait_for_ready(self, notify):
		end = time.monotonic() + PATIENCE
		while time.monotonic() < end:
			# A short wait only to notice a daemon that has died.
			if select.select([notify], [], [], 0.2)[0]:
				if b"READY=1" in notify.recv(65536).split(b"\n"):
					return
			elif self.process.poll() is not None:
				self.fail(f"ended with {self.process.returncode}")
		self.fail("said no READY=1")


class PreforkdDatagrams(Preforkd):
	"""The same for datagrams. The port is one that was free for connections a moment ago."""

	scheme = "udp:"

