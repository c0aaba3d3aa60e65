# SPDX-License-Identifier: MIT
"""A daemon of many services that is asked and told things while it is measured."""

import grp
import json
import os
import socket
import struct
import time

import servers

HEAD = struct.Struct(">3sBI")


class Control:
	"""The other end of the control socket: one question and one answer a connection."""

	def __init__(self, path):
		self.path = path

	def ask(self, command, **members):
		body = json.dumps({"command": command, **members}).encode()
		with socket.socket(socket.AF_UNIX) as s:
			s.settimeout(servers.PATIENCE)
			s.connect(self.path)
			s.sendall(HEAD.pack(b"PFD", 1, len(body)) + body)
			parts = []
			while part := s.recv(1 << 20):
				parts.append(part)
		reply = b"".join(parts)
		if len(reply) < HEAD.size:
			raise servers.Failed(f"control socket: no answer to {command}")
		answer = json.loads(reply[HEAD.size:])
		if not answer["ok"]:
			raise servers.Failed(f"control socket: {command}: {answer['error']}")
		return answer

	def order(self, command):
		"""Returns when there is a verdict, which must be a good one."""
		job = self.ask(command)["job"]
		end = time.monotonic() + servers.PATIENCE
		while time.monotonic() < end:
			answer = self.ask("job", job=job)
			if answer["done"]:
				if not answer["success"]:
					raise servers.Failed(f"{command}: {answer['text']}: {answer['reasons']}")
				return
		raise servers.Failed(f"{command}: no verdict in {servers.PATIENCE} s")


class Many(servers.Preforkd):
	"""SERVICES echo services with WORKERS workers each. The first one has the address."""

	def __init__(self, program, services, workers):
		super().__init__(program, [])
		self.services, self.workers, self.turn = services, workers, 0
		self.control = Control(self.path("control"))

	def configuration(self):
		lines = []
		if os.geteuid() == 0:
			lines += ['user = "nobody";', f'group = "{grp.getgrgid(65534).gr_name}";']
		lines += [f'control: {{ path = "{self.control.path}"; }};', "defaults: {", '  handler = "echo";',
			  f"  workers: {{ min = {self.workers}; max = {self.workers * 4}; min_spare = 1; "
			  f"max_spare = {self.workers}; }};",
			  # of no effect but that all workers are replaced
			  f'  timeouts: {{ total = "{3600 + self.turn}s"; }};', "};", "services: {"]
		for i in range(self.services):
			where = self.address if i == 0 else f"unix:{self.path(f's{i}')}"
			lines.append(f'  s{i}: {{ listen = "{where}"; }};')
		return "\n".join(lines + ["};", ""])

	def change(self):
		"""Every service needs new workers; how many milliseconds that took, up to the verdict."""
		self.turn = (self.turn + 1) % 1000
		with open(self.path("preforkd.conf"), "w") as f:
			f.write(self.configuration())
		before = time.perf_counter()
		self.control.order("reload")
		return (time.perf_counter() - before) * 1000
