#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The banner: what each client gets that is let in, before the service says or does anything."""

import sys
sys.dont_write_bytecode = True

import os
import re
import socket
import time
import unittest

from harness import *
from harness import modules, proxy
from harness.gate import come, refused

BANNER = b'220 "ready"\t\\o/\r\n'
TEXT = r'220 \"ready\"\t\\o/\r\n'	# as a file has it
LONG = 4096


def config(endpoint, lines):
	"""The text of a configuration: the harness would write the backslashes of an escape as they are."""
	base = Config({}).text().replace("services = {\n};\n", "")
	return '%s\nservices: { a: { listen = "%s"; %s }; };\n' % (base, endpoint.text, lines)


class Banner(Case):
	def serve(self, endpoint, lines, banner=TEXT, **options):
		self.d = self.daemon(config(endpoint, 'banner = "%s"; %s' % (banner, lines)), **options)
		return self.d

	def counts(self):
		return self.d.admin.service("a")["bytes"]

	def wait_counts(self, received, sent):
		wait_until(lambda: self.counts() == {"in": received, "out": sent},
			   "%d bytes in, %d out" % (received, sent))


class Handlers(Banner):
	def each_address(self):
		return Endpoint.v4(), Endpoint.unix(self.path("s%d" % time.monotonic_ns()))

	def test_echo(self):
		for endpoint in self.each_address():
			self.serve(endpoint, 'handler = "echo";')
			self.assertEqual(talk(endpoint, b"hello"), BANNER + b"hello")
			self.assertEqual(talk(endpoint), BANNER)
			self.wait_counts(5, 2 * len(BANNER) + 5)

	def test_a_client_that_waits_for_it(self):
		endpoint = Endpoint.v4()
		self.serve(endpoint, 'handler = "echo";')
		with endpoint.connect() as s:
			self.assertEqual(recv_exact(s, len(BANNER)), BANNER)
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")

	def test_programs(self):
		for endpoint in self.each_address():
			self.serve(endpoint, 'handler = "exec"; command = [ "/bin/sh", "-c", "echo first; exec cat" ];')
			self.assertEqual(talk(endpoint, b"hello"), BANNER + b"first\nhello")
			# the bytes of a program on a unix socket are not seen
			seen = (5, 11) if endpoint.family == socket.AF_INET else (0, 0)
			self.wait_counts(seen[0], len(BANNER) + seen[1])

	def test_programs_on_unix_sockets_are_not_limited_by_it(self):
		"""Their clients' bytes are not seen, so first_byte does not hold there, banner or not."""
		endpoint = Endpoint.unix(self.path("s"))
		self.serve(endpoint, 'handler = "exec"; command = [ "/bin/cat" ]; timeouts: { first_byte = "200ms"; '
			   'idle = "200ms"; };')
		with endpoint.connect() as s:
			self.assertEqual(recv_exact(s, len(BANNER)), BANNER)
			time.sleep(1)	# for the limits
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")

	def test_proxy(self):
		for endpoint in self.each_address():
			behind = Endpoint.v4()
			self.daemon({"echo": {"handler": "echo", "listen": behind.text}})
			self.serve(endpoint, 'handler = "proxy"; upstream = "%s";' % behind.text)
			self.assertEqual(talk(endpoint, b"hello"), BANNER + b"hello")
			self.wait_counts(5, len(BANNER) + 5)

	@unittest.skipIf(modules.no_modules(), modules.no_modules())
	def test_modules(self):
		modules.build(self.path("m.so"), os.path.join(TOP_SRCDIR, "tests", "system", "module_wild.c"),
			      "-D_GNU_SOURCE")
		endpoint = Endpoint.v4()
		self.serve(endpoint, 'handler = "module"; path = "%s";' % self.path("m.so"))
		self.assertRegex(talk(endpoint, b"hello\n"), b"^" + re.escape(BANNER) + rb"\d+: hello\n$")

	def test_services_that_speak_first(self):
		endpoint = Endpoint.v4()
		self.serve(endpoint, 'handler = "daytime";')
		self.assertRegex(talk(endpoint), b"^" + re.escape(BANNER) + rb"\d\d \w+ \d+ ")


class Clients(Banner):
	def test_after_the_proxy_header(self):
		endpoint = Endpoint.v4()
		self.serve(endpoint, 'handler = "echo"; proxy_protocol: { from = "127.0.0.1"; };')
		with endpoint.connect() as s:
			s.settimeout(.3)
			self.assertRaises(TimeoutError, s.recv, 1)	# nothing before the header
			s.settimeout(PATIENCE)
			s.sendall(proxy.v1())
			self.assertEqual(recv_exact(s, len(BANNER)), BANNER)
			s.sendall(b"x")
			self.assertEqual(recv_exact(s, 1), b"x")
		self.wait_counts(1, len(BANNER) + 1)

	def test_refused_clients_get_the_other_one(self):
		endpoint = Endpoint.v4()
		d = self.serve(endpoint, 'handler = "echo"; access: { deny = "127.0.0.2"; banner = "no\\n"; };')
		self.assertEqual(talk(endpoint), BANNER)
		with come(endpoint, "127.0.0.2") as s:
			self.assertEqual(read_all(s), b"no\n")
		wait_until(lambda: refused(d, "a", "denied") == 1, "one refused")

	def test_one_that_does_not_read(self):
		"""Its window has no room for all of the banner: the limit of timeouts.send holds."""
		endpoint = Endpoint.v4()
		d = self.serve(endpoint, 'handler = "daytime"; timeouts: { send = "300ms"; };', banner="x" * LONG)
		with socket.socket() as s:
			s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
			s.connect(endpoint.address)
			d.wait_log(r"timeouts\.send")
			wait_until(lambda: d.admin.service("a")["connections"]["active"] == 0, "no client")
		self.assertEqual(talk(endpoint)[:LONG], b"x" * LONG)

	def test_one_that_is_gone(self):
		endpoint = Endpoint.v4()
		d = self.serve(endpoint, 'handler = "echo";')
		for _ in range(20):
			s = endpoint.connect()
			s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
			s.close()
		self.assertEqual(talk(endpoint, b"hello"), BANNER + b"hello")
		self.assertEqual(d.admin.service("a")["crashes"], 0)

	def test_a_reload_changes_it(self):
		endpoint = Endpoint.v4()
		d = self.serve(endpoint, 'handler = "echo";')
		self.assertEqual(talk(endpoint), BANNER)
		self.assertEqual(d.reload(config(endpoint, 'handler = "echo"; banner = "new";')).returncode, 0)
		self.assertEqual(talk(endpoint), b"new")
		self.assertEqual(d.reload(config(endpoint, 'handler = "echo";')).returncode, 0)
		self.assertEqual(talk(endpoint), b"")


class Values(Banner):
	def check(self, lines):
		file = self.write("check.conf", config(Endpoint.v4(), lines))
		return run_preforkd("--check", "-c", file)

	def test_its_length(self):
		self.assertEqual(self.check('handler = "echo"; banner = "%s";' % ("x" * LONG)).returncode, 0)
		done = self.check('handler = "echo"; banner = "%s";' % ("x" * (LONG + 1)))
		self.assertEqual(done.returncode, 78)
		self.assertRegex(done.stderr,
				 r"check\.conf:\d+: services\.a\.banner: has 4097 bytes; 4096 are the most")

	def test_programs_that_accept_by_themselves(self):
		done = self.check('handler = "listen"; command = "/bin/cat"; banner = "x";')
		self.assertRegex(done.stderr,
				 r"check\.conf:\d+: services\.a\.banner: has no effect: the program accepts")

	def test_the_words_of_xinetd(self):
		done = self.check('handler = "echo"; banner_success = "x"; banner_fail = "x";')
		self.assertEqual(done.returncode, 78)
		self.assertRegex(done.stderr, "banner_success.*here it is banner")
		self.assertRegex(done.stderr, r"banner_fail.*here it is access\.banner")


if __name__ == "__main__":
	main()
