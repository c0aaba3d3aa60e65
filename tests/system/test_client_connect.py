#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""preforkc connect: against preforkd, nc, and servers that do wrong; what it says, and its exit status."""

import sys
sys.dont_write_bytecode = True

import os
import re
import shutil
import socket
import subprocess
import threading
import time
import unittest

from harness import *

OK, CUT, USAGE, UNREACHABLE, NOT_PERMITTED = 0, 1, 64, 69, 77
needs_v6 = unittest.skipUnless(can_ipv6(), "no IPv6 on this host")


class ClientCase(Case):
	def serve(self, serve, **options):
		server = Scripted(serve, **options)
		self.addCleanup(server.close)
		return server

	def expect(self, done, status, text=None):
		self.assertEqual(done.returncode, status, done.stderr)
		if text is not None:
			self.assertIn(text, done.stderr)


class Right(ClientCase):
	def echo(self, endpoint):
		self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}})
		data = payload(endpoint.text, 700_000)
		done = run_preforkc(endpoint.text, stdin=data)
		self.expect(done, OK)
		self.assertEqual(done.stderr, "")
		self.assertTrue(done.stdout == data, "the same bytes come back")

	def test_preforkd_ipv4(self):
		self.echo(Endpoint.v4())

	@needs_v6
	def test_preforkd_ipv6(self):
		self.echo(Endpoint.v6())

	def test_preforkd_unix(self):
		self.echo(Endpoint.unix(self.path("d0", "s")))

	def test_preforkd_abstract(self):
		self.echo(Endpoint.abstract())

	def test_program_answers_after_our_end(self):
		endpoint = Endpoint.v4()
		self.daemon({"sum": {"handler": "exec", "listen": endpoint.text, "command": ["/usr/bin/wc", "-c"]}})
		done = run_preforkc("connect", endpoint.text, stdin=b"x" * 1234)
		self.assertEqual(done.stdout.strip(), b"1234")
		self.expect(done, OK)

	def test_server_finishes_first(self):
		endpoint = Endpoint.v4()
		self.daemon({"daytime": {"handler": "daytime", "listen": endpoint.text}})
		self.assertRegex(run_preforkc(endpoint.text).stdout, rb"\d\d:\d\d:\d\d.*\r\n")

	@needs_tool("nc")
	def test_nc_listens(self):
		endpoint = Endpoint.v4()
		with subprocess.Popen(["nc", "-l", "-N", "127.0.0.1", str(endpoint.port)],
				      stdin=subprocess.PIPE, stdout=subprocess.PIPE) as nc:
			try:
				nc.stdin.write(b"from nc\n")
				nc.stdin.close()
				# its one connection is for us: whether it listens is seen from outside
				wait_until(lambda: listens(endpoint.port), "nc listens")
				done = run_preforkc(endpoint.text, stdin=b"to nc\n")
				self.expect(done, OK)
				self.assertEqual(done.stdout, b"from nc\n")
				self.assertEqual(nc.stdout.read(), b"to nc\n")
			finally:
				nc.kill()

	def test_verbose_tells_who_answered(self):
		server = self.serve(lambda c: c.recv(1))
		done = run_preforkc("-v", server.text)
		self.expect(done, OK)
		self.assertRegex(done.stderr, r"connected to %s in \d+\.\d{3} ms\n$" % re.escape(server.text))

	@needs_v6
	def test_next_address_at_once_after_a_refusal(self):
		"""localhost has both families, or is tried with what it has."""
		server = self.serve(lambda c: c.recv(1))
		took = []
		for _ in range(5):	# others may keep the machine busy, but not each time
			begin = time.monotonic()
			done = run_preforkc("-v", "localhost:%d" % server.port)
			self.expect(done, OK, "connected to 127.0.0.1:%d" % server.port)
			took.append(time.monotonic() - begin)
		self.assertLess(min(took), 0.2 if not SANITIZED else 5)


def listens(port):
	with open("/proc/net/tcp", encoding="ascii") as f:
		return any(line.split()[1] == "0100007F:%04X" % port and line.split()[3] == "0A"
			   for line in f.readlines()[1:])


class Wrong(ClientCase):
	def test_name_does_not_resolve(self):
		self.expect(run_preforkc("no-such-name.invalid:1"), UNREACHABLE, "cannot resolve")

	def test_refused(self):
		endpoint = Endpoint.v4()
		self.expect(run_preforkc(endpoint.text), UNREACHABLE, endpoint.text + ": refused")

	def test_no_such_unix_socket(self):
		self.expect(run_preforkc("unix:" + self.path("none")), UNREACHABLE, "no such socket")

	def test_not_permitted(self):
		less = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")
		path = self.path("s")
		self.serve(lambda c: None, family=socket.AF_UNIX, address=path)
		os.chmod(path, 0)
		done = run_preforkc("unix:" + path, prefix=less if IS_ROOT else ())
		self.expect(done, NOT_PERMITTED, "not permitted")

	def test_reset_in_the_middle(self):
		def serve(c):
			c.sendall(b"half of")
			c.recv(5)	# all of it: what is unread would reset by itself
			reset_at_close(c)
		done = run_preforkc(self.serve(serve).text, stdin=b"hello")
		self.expect(done, CUT, "has cut the connection after 7 bytes")
		self.assertEqual(done.stdout, b"half of")

	def test_closed_early(self):
		"""The answer so far is there, and the end is in good order."""
		def serve(c):
			c.recv(5)
			c.sendall(b"enough")
		done = run_preforkc(self.serve(serve).text, stdin=b"hello")
		self.expect(done, OK)
		self.assertEqual(done.stdout, b"enough")

	def test_silence_ends_after_the_limit(self):
		done = run_preforkc("-w", "300ms", self.serve(lambda c: time.sleep(PATIENCE)).text, stdin=None)
		self.expect(done, CUT, "nothing came or went for 300ms")

	def test_nobody_answers_full_queue(self):
		"""A TCP queue that is full drops our SYN without a word."""
		with socket.socket() as full:
			full.bind(("127.0.0.1", 0))
			full.listen(0)
			address = full.getsockname()
			text = "%s:%d" % address
			fillers = []
			try:
				for _ in range(4):
					fillers.append(socket.socket())
					fillers[-1].setblocking(False)
					fillers[-1].connect_ex(address)
				done = run_preforkc("-w", "500ms", text)
				self.expect(done, UNREACHABLE, text + ": nobody answers (time-out after 500ms)")
			finally:
				for s in fillers:
					s.close()

	def test_unix_queue_full(self):
		path = self.path("full")
		with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as filler:
			full.bind(path)
			full.listen(0)
			filler.connect(path)
			self.expect(run_preforkc("unix:" + path), UNREACHABLE, "queue is full")

	def test_datagram_socket_for_a_stream(self):
		with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
			s.bind(self.path("dgram"))
			self.expect(run_preforkc("unix:" + self.path("dgram")), UNREACHABLE, "other type")

	def test_usage(self):
		for arguments in ((), ("a:1", "b:2"), ("-x", "a:1"), ("-w", "soon", "a:1"), ("nothing",),
				  ("127.0.0.1:0",), ("*:80",)):
			with self.subTest(arguments=arguments):
				self.expect(run_preforkc("connect", *arguments), USAGE)


class Datagrams(ClientCase):
	def answer(self, s, count):
		def run():
			for _ in range(count):
				data, peer = s.recvfrom(65536)
				s.sendto(b"<" + data + b">", peer)
		threading.Thread(target=run, daemon=True).start()

	def test_udp(self):
		with socket.socket(type=socket.SOCK_DGRAM) as s:
			s.bind(("127.0.0.1", 0))
			self.answer(s, 2)
			text = "127.0.0.1:%d" % s.getsockname()[1]
			for arguments in (("-u", text), ("udp:" + text,)):
				done = run_preforkc("-w", "300ms", *arguments, stdin=b"hello")
				self.expect(done, OK)
				self.assertEqual(done.stdout, b"<hello>")

	def test_unix(self):
		with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
			s.bind(self.path("s"))
			self.answer(s, 1)
			done = run_preforkc("-u", "-w", "300ms", "unix:" + self.path("s"), stdin=b"hello")
			self.expect(done, OK)
			self.assertEqual(done.stdout, b"<hello>")

	def test_nobody_there(self):
		with socket.socket(type=socket.SOCK_DGRAM) as s:
			s.bind(("127.0.0.1", 0))
			text = "127.0.0.1:%d" % s.getsockname()[1]
		self.expect(run_preforkc("-u", text, stdin=b"hello"), UNREACHABLE, "takes no datagrams")


class BlackHole(ClientCase):
	"""A name with both families, where packets of IPv6 vanish."""

	@unittest.skipIf(no_namespaces(), no_namespaces())
	@unittest.skipIf(shutil.which("ip") is None, "not installed: ip")
	def test_falls_to_ipv4_within_300_ms(self):
		fresh_network()
		for command in ("link add v0 type veth peer name v1", "link set v0 up", "link set v1 up",
				"-6 addr add 2001:db8::2/64 dev v0 nodad",
				# whoever has this address never says so, and never answers
				"-6 neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev v0 nud permanent"):
			made = subprocess.run(["ip", *command.split()], stderr=subprocess.PIPE, text=True, check=False)
			if made.returncode != 0:
				self.skipTest("ip %s: %s" % (command, made.stderr.strip()))
		hosts = self.write("hosts", "127.0.0.1 both.test\n2001:db8::1 both.test\n")
		prefix = ("unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts)
		server = self.serve(lambda c: c.sendall(b"hello"))
		name = "both.test:%d" % server.port
		done = run_preforkc("-v", name, prefix=prefix)
		self.expect(done, OK)
		self.assertEqual(done.stdout, b"hello")
		found = re.search(r"connected to 127\.0\.0\.1:\d+ in ([\d.]+) ms, 2 of 2 addresses tried",
				  done.stderr)
		self.assertTrue(found, done.stderr)
		self.assertGreaterEqual(float(found.group(1)), 249)
		self.assertLess(float(found.group(1)), 300 if not SANITIZED else 1000)
		# both in vain: the one refuses at once, the other never answers
		server.close()
		done = run_preforkc("-w", "500ms", name, prefix=prefix)
		self.expect(done, UNREACHABLE, "127.0.0.1:%d: refused" % server.port)
		self.assertIn("[2001:db8::1]:%d: nobody answers" % server.port, done.stderr)


main()
