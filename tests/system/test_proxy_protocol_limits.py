#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PROXY headers that come in pieces, late, or too long."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import time

from harness import *
from harness.gate import *
from harness.proxy import *
from harness.proxy_case import CLIENT6, ProxyCase, SERVER6, bytewise, say, say_slowly


class Whole(ProxyCase):
	"""No byte after the header is lost or added."""

	PROGRAM = ["/bin/cat"]

	def headers(self):
		return (v1(), v1("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SERVER6, 65535, 65535), v2(),
			v2(CLIENT6, SERVER6),
			v2(tlvs=tlv(NOOP, bytes(4000)), checksum=True), v2_unix(), v2_local(), b"PROXY UNKNOWN\r\n")

	def check(self, handler, **more):
		self.serve(handler=handler, **more)
		total = 0
		for number, header in enumerate(self.headers()):
			for size in (0, 1, 7, 1460, 100000):
				data = payload("%s %d %d" % (handler, number, size), size)
				self.assertEqual(talk(self.endpoint, header + data), data)
				total += size
		self.bytes_are_counted(total)

	def bytes_are_counted(self, total):
		"""Those that came: of what a program has sent only what was taken when it ended is known."""
		wait_until(lambda: self.d.admin.service("s")["bytes"]["in"] == total, "%d bytes" % total)

	def test_at_once_echo(self):
		self.check("echo")

	def test_at_once_exec(self):
		self.check("exec", command=self.PROGRAM)

	def slowly(self, handler, **more):
		self.serve(handler=handler, **more)
		for header in (v1(), v2(checksum=True), v2_local(), b"PROXY UNKNOWN whatever\r\n"):
			self.assertEqual(say_slowly(self.endpoint, bytewise(header + b"PROXY payload\r\n")),
					 b"PROXY payload\r\n")
		self.count()

	def test_byte_by_byte_echo(self):
		self.slowly("echo")

	def test_byte_by_byte_exec(self):
		self.slowly("exec", command=self.PROGRAM)

	def test_two_pieces(self):
		"""Wherever it is cut in two."""
		self.serve()
		for header in (v1(), v2(checksum=True)):
			for n in range(1, len(header) + 1):
				self.assertEqual(say_slowly(self.endpoint, [header[:n], header[n:] + b"x"]), b"x")

	def test_a_second_header_is_payload(self):
		self.serve()
		self.assertEqual(say(self.endpoint, v1() + v1("192.0.2.8") + v2()), v1("192.0.2.8") + v2())

	def test_the_answer_does_not_wait_for_payload(self):
		self.serve(handler="daytime")
		with self.endpoint.connect() as s:
			s.sendall(v2())
			self.assertIn(b":", read_all(s))

	def test_signals(self):
		d = self.serve(workers={"min": 1, "min_spare": 1, "max_spare": 1, "max": 1})
		worker, = d.wait_workers(1)
		with self.endpoint.connect() as s:
			for byte in bytewise(v2(checksum=True) + b"x"):
				s.sendall(byte)
				for _ in range(3):
					os.kill(worker, signal.SIGHUP)
			self.assertEqual(recv_exact(s, 1), b"x")


class Limits(ProxyCase):
	def cut(self, pieces, low=0.9, high=8):
		"""The worker's end comes after about a second, whatever comes until then."""
		with self.endpoint.connect() as s:
			s.settimeout(0.1)
			start = time.monotonic()
			pieces = list(pieces)
			while True:
				try:
					if pieces:
						s.sendall(pieces.pop(0))
					self.assertEqual(s.recv(1), b"")
					break
				except TimeoutError:
					self.assertLess(time.monotonic() - start, high)
				except (ConnectionResetError, BrokenPipeError):
					break
			self.assertGreater(time.monotonic() - start, low)

	def test_stalls(self):
		self.serve(timeout="1s")
		self.cut([])
		self.cut([v1()[:20]])
		self.cut([v2()[:20]])
		self.cut([v1()[:-1]])
		self.count(proxy_timeout=4)
		self.d.wait_log(
			r"refused: proxy_timeout \(0 bytes of a PROXY header within 1s \(proxy_protocol\.timeout\)\)")
		self.assertEqual(self.d.admin.service("s")["connections"]["probes"], 0)

	def test_trickles(self):
		"""A byte now and then is not enough."""
		self.serve(timeout="1s")
		self.cut(bytewise(v2(tlvs=tlv(NOOP, bytes(200)))))
		self.cut(bytewise(b"PROXY UNKNOWN" + b"x" * 90))
		self.count(proxy_timeout=2)

	def test_total_holds_too(self):
		self.serve(timeout="1h", timeouts={"total": "1s"})
		self.cut([v1()[:20]])
		self.count(proxy_timeout=1)
		self.d.wait_log(r"timeouts\.total")

	def test_not_for_what_follows(self):
		"""The header's limit ends with the header."""
		self.serve(timeout="700ms")
		with self.endpoint.connect() as s:
			s.sendall(v1())
			time.sleep(1)
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		self.count()

	def first_byte(self, **more):
		self.serve(timeouts={"first_byte": "1s", "idle": "1h"}, **more)
		self.cut([v2()])
		self.d.wait_log(r"s 192\.0\.2\.7:4711: no first byte within 1s \(timeouts\.first_byte\), via ")

	def test_a_header_is_no_first_byte_echo(self):
		self.first_byte()

	def test_a_header_is_no_first_byte_exec(self):
		self.first_byte(handler="exec", command=["/bin/cat"])

	def test_stop_at_once(self):
		"""A worker that waits for a header leaves when it must."""
		self.serve(timeout="1h", timeouts={"drain": "1h"})
		with self.endpoint.connect() as s, self.endpoint.connect() as t:
			s.sendall(v1()[:20])
			wait_until(lambda: self.d.admin.service("s")["workers"]["busy"] == 2, "both are waited for")
			start = time.monotonic()
			self.d.kill(signal.SIGTERM)
			self.d.wait_log("stopping")
			self.assertEqual(self.d.stop(), 0)
			self.assertLess(time.monotonic() - start, 10)
			self.assertRaises(ConnectionResetError, t.recv, 1)

	def test_workers_come_back(self):
		"""More stalled headers than there are workers: everybody is served in the end."""
		self.serve(timeout="1s", workers={"min": 2, "min_spare": 1, "max_spare": 2, "max": 2})
		stalled = [self.endpoint.connect() for _ in range(6)]
		for s in stalled:
			s.sendall(b"PROXY")
		self.assertEqual(say(self.endpoint, v1() + b"x"), b"x")
		for s in stalled:
			s.close()


if __name__ == "__main__":
	main()
