#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Modules that serve datagrams."""

import sys
sys.dont_write_bytecode = True

import socket

from harness import *
from harness import modules
from harness.module_case import ModuleCase


class Datagrams(ModuleCase):
	"""The request turned round; "long" has an answer of 300 bytes, "none" has none."""

	SOURCE = """
#include <stddef.h>
#include <string.h>
#include <preforkd/module.h>
struct o { const char *mark; };
static const struct preforkd_option options[] = {
	{ .name = "mark", .type = PREFORKD_STRING, .offset = 0, .preset = "-", .help = "" }, { .name = NULL } };
static const struct preforkd_counter counters[] = { { .name = "answers" }, { .name = "ticks" }, { .name = NULL } };
static void timer(void) { preforkd_count(1, 1); }
static ssize_t answer(const void *request, size_t size, void *reply, size_t max)
{
	const char *in = request, *mark = ((const struct o *)preforkd_options())->mark;
	char *out = reply;

	preforkd_count(0, 1);
	if (size == 4 && memcmp(in, "none", 4) == 0)
		return -1;
	if (size == 4 && memcmp(in, "long", 4) == 0) {
		memset(out, *mark, max < 300 ? max : 300);
		return 300;
	}
	for (size_t i = 0; i < size && i < max; i++)
		out[i] = in[size - 1 - i];
	return (ssize_t)size;
}
static int serve(struct preforkd_conn *conn) { return preforkd_write(conn, "hello", 5); }
const struct preforkd_module preforkd_module = {
	.abi = PREFORKD_MODULE_ABI, .size = sizeof(preforkd_module), .name = "turned", .summary = "",
	.flags = KINDS, .serve = (KINDS & PREFORKD_STREAM) != 0 ? serve : NULL, .answer = answer,
	.options = options, .options_size = sizeof(struct o), .counters = counters, .timer = timer, .timer_ms = 20 };
"""
	BOTH = "-DKINDS=(PREFORKD_STREAM|PREFORKD_DATAGRAM|PREFORKD_SPEAKS_FIRST)"
	ALONE = "-DKINDS=PREFORKD_DATAGRAM"

	def asker(self):
		s = socket.socket(self.endpoint.family, socket.SOCK_DGRAM)
		self.addCleanup(s.close)
		s.settimeout(PATIENCE)
		s.connect(self.endpoint.address)
		return s

	def ask(self, s, data):
		s.send(data)
		return s.recv(1000)

	def count(self, d, name):
		return d.admin.service("mod")["counters"][name]

	def test_beside_connections(self):
		path = self.build(self.SOURCE, self.BOTH)
		d = self.daemon(self.service(path, listen=[self.endpoint.text, "udp:" + self.endpoint.text],
					     workers={"min": 1, "max": 4}))
		s = self.asker()
		self.assertEqual(self.ask(s, b"abc"), b"cba")
		self.assertEqual(self.ask(s, b""), b"")
		self.assertEqual(talk(self.endpoint), b"hello")
		s.send(b"none")
		s.send(b"long")
		wait_until(lambda: d.admin.service("mod")["connections"]["refused"]["answer_size"] == 1, "no amplifier")
		self.assertEqual(self.ask(s, b"xyz"), b"zyx", "and the others had no answer")
		self.assertEqual(self.count(d, "answers"), 5)
		self.assertEqual(d.stop(), 0)

	def test_alone(self):
		"""No serve() is needed; who is allowed gets more; the timer goes on; an upgrade keeps it all."""
		path = self.build(self.SOURCE, self.ALONE)
		d = self.daemon(self.service(path, {"mark": "+"}, listen="udp:" + self.endpoint.text,
					     access={"allow": "127.0.0.1"}))
		s = self.asker()
		self.assertEqual(self.ask(s, b"long"), b"+" * 300)
		first = self.count(d, "ticks")
		wait_until(lambda: self.count(d, "ticks") >= first + 4, "the timer goes on while nobody comes")
		done = d.ctl("upgrade")
		self.assertEqual(done.returncode, 0, done.stderr)
		self.assertEqual(self.ask(s, b"ab"), b"ba")
		self.assertEqual(self.count(d, "answers"), 2)
		self.assertEqual(d.stop(), 0)

	def test_what_it_does_not_serve(self):
		stream = self.build(modules.small(), name="stream.so")
		alone = self.build(self.SOURCE, self.ALONE, name="alone.so")
		for path, listen, pattern in (
			(stream, "udp:127.0.0.1:7", "does not serve datagrams"),
			(stream, "udp:systemd:web", "does not serve datagrams"),
			(alone, "127.0.0.1:7", "serves datagrams only"),
			(alone, "systemd:web", "serves datagrams only"),
		):
			with self.subTest(pattern, listen=listen):
				text = Config({"mod": {**self.service(path)["mod"], "listen": listen}}).text()
				done = run_preforkd("--check", "-c", self.write("c.conf", text))
				self.assertEqual(done.returncode, 78, done.stderr)
				self.assertRegex(done.stderr, r"services\.mod\.listen\S*: .*" + pattern)


main()
