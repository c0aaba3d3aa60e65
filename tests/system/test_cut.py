#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is cut does not look whole: the client finds a reset after what it got, and not the end of an answer."""

import sys
sys.dont_write_bytecode = True


from harness import *

NONE = {"first_byte": 0, "first_byte_busy": 0, "idle": 0, "send": 0, "total": 0}
# gives one line for one line, and goes on until it is ended
PROGRAM = ["/bin/sh", "-c", "read x; echo part; exec sleep 1000"]
HANDLERS = {"echo": {"handler": "echo"}, "exec": {"handler": "exec", "command": PROGRAM}}


def end_of(s):
	"""All that comes, and whether it ends as a whole answer does."""
	got = b""
	try:
		while part := s.recv(1 << 16):
			got += part
	except ConnectionResetError:
		return got, False
	return got, True


class CutCase(Case):
	def serve(self, service, endpoint=None, timeouts=None, **more):
		self.endpoint = endpoint or Endpoint.v4()
		self.d = self.daemon({"it": {"listen": str(self.endpoint), "timeouts": {**NONE, **(timeouts or {})},
					     "workers": {"min": 1, "max": 1, "max_spare": 1}, **service, **more}})

	def ask(self):
		s = self.endpoint.connect()
		s.sendall(b"part\n")
		return s

	def check_reset(self, s):
		self.assertEqual(end_of(s), (b"part\n", False))
		s.close()
		wait_until(lambda: self.d.admin.service("it")["workers"]["busy"] == 0, "the worker is free")

	def check_end(self, s, whole=b"part\n"):
		self.assertEqual(end_of(s), (whole, True))
		s.close()


class Reset(CutCase):
	def each(self, limit):
		for service in HANDLERS.values():
			self.serve(service, timeouts={limit: "500ms"})
			yield self.ask()
			self.d.wait_log(r"it .*\(timeouts\.%s\)$" % limit)

	def test_idle(self):
		for s in self.each("idle"):
			self.check_reset(s)

	def test_total(self):
		for s in self.each("total"):
			self.check_reset(s)

	def test_drain(self):
		for service in HANDLERS.values():
			self.serve(service, timeouts={"drain": "300ms"})
			with self.ask() as s:
				self.assertEqual(recv_exact(s, 5), b"part\n")
				self.assertEqual(self.d.stop(), 0)
				self.assertEqual(end_of(s), (b"", False))

	def test_a_request_without_an_answer(self):
		"""Nothing could be the answer, too."""
		self.serve({"handler": "exec", "command": ["/bin/sleep", "1000"]}, timeouts={"idle": "300ms"})
		self.assertEqual(end_of(self.ask()), (b"", False))

	def test_a_proxy(self):
		for limit in ("idle", "total"):
			with Upstream() as upstream:
				self.serve({"handler": "proxy", "upstream": upstream.text}, timeouts={limit: "500ms"})
				self.check_reset(self.ask())

	def test_a_program_that_dies_by_a_signal(self):
		self.serve({"handler": "exec", "command": ["/bin/sh", "-c", "read x; echo part; kill -SEGV $$"]})
		self.check_reset(self.ask())
		self.d.wait_log("it .*: /bin/sh was killed by signal 11")

	def test_a_filter_of_a_program_that_dies_by_a_signal(self):
		"""The filter may finish, but what it got was a part."""
		self.serve({"handler": "exec", "command": ["/bin/bash", "-c", "exec > >(sed s/tr/rt/); echo patr; "
							   "kill -SEGV $$"]})
		self.check_reset(self.ask())

	def test_a_program_that_waits_for_its_client(self):
		"""It is in read(2), and ignores SIGTERM: the client does not wait for its end."""
		script = "trap '' TERM; echo part; while :; do read x; sleep 1; done"
		self.serve({"handler": "exec", "command": ["/bin/bash", "-c", script]}, timeouts={"idle": "500ms"})
		with self.ask() as s:
			self.check_reset(s)

	def test_bytes_are_counted(self):
		self.serve(HANDLERS["exec"], timeouts={"idle": "500ms"})
		self.check_reset(self.ask())
		wait_until(lambda: self.d.admin.service("it")["connections"]["failed"] == 1, "counted")
		service = self.d.admin.service("it")
		self.assertEqual((service["bytes"]["in"], service["bytes"]["out"]), (5, 5))

	def test_what_a_first_byte_is_waited_for(self):
		"""The program has greeted its client."""
		self.serve({"handler": "exec", "command": ["/bin/sh", "-c", "echo part; exec sleep 1000"]},
			   timeouts={"first_byte": "500ms"})
		self.check_reset(self.endpoint.connect())


class Plain(CutCase):
	def test_a_client_that_has_asked_for_nothing(self):
		for service in HANDLERS.values():
			self.serve(service, timeouts={"first_byte": "300ms"})
			self.check_end(self.endpoint.connect(), b"")

	def test_on_request(self):
		for service in HANDLERS.values():
			self.serve(service, timeouts={"idle": "300ms"}, on_cut="close")
			self.check_end(self.ask())
		self.serve({"handler": "exec", "command": ["/bin/sh", "-c", "read x; echo part; kill -SEGV $$"]},
			   on_cut="close")
		self.check_end(self.ask())

	def test_a_unix_socket(self):
		"""It knows no reset."""
		self.serve(HANDLERS["echo"], Endpoint.unix(self.path("d0", "s")), timeouts={"idle": "300ms"})
		self.check_end(self.ask())

	def test_a_failure_of_a_program(self):
		"""It has said that it has ended."""
		self.serve({"handler": "exec", "command": ["/bin/sh", "-c", "read x; echo part; exit 3"]})
		self.check_end(self.ask())


class Upstream(Scripted):
	"""Gives a line back, and waits for the end."""

	def __init__(self):
		super().__init__(self.give_back)

	@staticmethod
	def give_back(connection):
		while part := connection.recv(4096):
			connection.sendall(part)

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self.close()


main()
