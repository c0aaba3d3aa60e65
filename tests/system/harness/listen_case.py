# SPDX-License-Identifier: MIT
"""Tests of programs that accept by themselves: a server to be run, and a service that runs it."""

from .conf import Config
from .net import Endpoint, recv_exact
from .tap import Case
from .waiting import wait_until

PYTHON = "/usr/bin/python3"	# that which runs us may be where a worker's user cannot go


# Echoes; what it does besides is said by words on its command line.
SERVER = r"""
import asyncio, os, signal, socket, sys

words = sys.argv[1:]

def notify(text):
	with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
		s.sendto(text.encode(), "\0" + os.environ["NOTIFY_SOCKET"][1:])

async def client(reader, writer):
	while data := await reader.read(1 << 16):
		if data == b"who\n":
			data = b"%d\n" % os.getpid()
		elif data == b"die\n":
			os.abort()
		elif data == b"eat\n":
			words.append(b"x" * (64 << 20))
		writer.write(data)
		await writer.drain()
	writer.close()

async def pet():
	while True:
		notify("WATCHDOG=1")
		await asyncio.sleep(float(os.environ["WATCHDOG_USEC"]) / 3e6)

async def main():
	stop = asyncio.Event()
	for name in ("SIGTERM", "SIGINT"):
		if "deaf" in words:
			signal.signal(getattr(signal, name), signal.SIG_IGN)
		else:
			asyncio.get_running_loop().add_signal_handler(
				getattr(signal, name), lambda n=name: (print("told", n, flush=True), stop.set()))
	assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_PID"] == str(os.getpid())
	server = await asyncio.start_server(client, sock=socket.socket(fileno=3))
	if "slow" in words:
		await asyncio.sleep(1)
	if "mute" not in words:
		notify("READY=1\nSTATUS=echoes as %d" % os.getpid())
	petting = asyncio.create_task(pet()) if "pet" in words else None
	await stop.wait()
	if petting:
		petting.cancel()
	# Python 3.11 drops the client that it has accepted in the same round in which the server is closed.
	asyncio.get_running_loop().remove_reader(3)
	await asyncio.sleep(0)
	server.close()
	for _ in range(5):	# those who were accepted just now are tasks only after some rounds
		await asyncio.sleep(0)
		others = asyncio.all_tasks() - {asyncio.current_task()}
		await asyncio.gather(*others, return_exceptions=True)

print("starts", *words, flush=True)
asyncio.run(main())
"""


class ListenCase(Case):
	def setUp(self):
		super().setUp()
		self.endpoint = Endpoint.v4()
		self.script = self.write("server.py", SERVER)

	def service(self, *words, command=None, **more):
		more.setdefault("workers", {"min": 2})
		if more.pop("notify", True):
			more.setdefault("program", {})["notify"] = True
		# Shorter than the default: most tests ask what comes after the watch.
		more["timeouts"] = {"prove": "200ms", **more.get("timeouts", {})}
		return {"prog": {"handler": "listen", "listen": more.pop("listen", self.endpoint.text),
				 "command": command or [PYTHON, self.script, *words], **more}}

	def serve(self, *words, start=True, top=None, **more):
		self.d = self.daemon(self.service(*words, **more), start=start, top=top)
		return self.d

	def reload(self, *words, **more):
		return self.d.reload(Config(self.service(*words, **more)))

	def ask(self, question):
		with self.endpoint.connect() as s:
			s.sendall(question)
			return recv_exact(s, len(question))

	def programs(self, state=None):
		return sorted(w["pid"] for w in self.d.admin.workers("prog") if state in (None, w["state"]))

	def wait_programs(self, count, but=()):
		"""COUNT that are ready, none of BUT, and nobody else."""
		def are():
			now = self.d.admin.workers("prog")
			return len(now) == count and all(w["state"] == "idle" for w in now) and \
				not {w["pid"] for w in now} & set(but)
		wait_until(are, "%d programs" % count)
		return self.programs()
