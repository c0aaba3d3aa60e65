#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A new binary takes over in the same process, and no client is lost."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import socket
import threading

from harness import *
from harness.upgrade_case import UpgradeCase, echo, image


class Accepted(UpgradeCase):
	def test_same_process_other_binary(self):
		endpoint = Endpoint.v4()
		d = self.serve({"echo": echo(endpoint)})
		old = d.workers()
		before = image(d.pid)
		self.put(PREFORKD)
		done = self.upgrade(d)
		self.assertIn("upgraded", done.stdout + done.stderr)
		self.assertEqual(d.admin.told("ping")["pid"], d.pid)
		self.assertNotEqual(image(d.pid), before)
		wait_until(lambda: not any(map(proc.alive, old)), "the old workers leave")
		new = wait_until(d.workers, "new workers")
		self.assertEqual({image(pid) for pid in new}, {image(d.pid)})
		self.assertEqual(talk(endpoint, b"x"), b"x")
		self.told(d, 2)
		self.assertEqual(d.admin.status()["generation"], 2)
		self.assertEqual(d.stop(), 0)

	def test_by_signal(self):
		endpoint = Endpoint.v4()
		d = self.serve({"echo": echo(endpoint)})
		before = image(d.pid)
		for n in range(3):
			self.put(PREFORKD)
			d.kill(signal.SIGUSR2)
			self.told(d, n + 2)
			d.wait_log("upgraded: version .* took over from")
			self.assertNotEqual(image(d.pid), before)
			before = image(d.pid)
			self.assertEqual(talk(endpoint, b"x"), b"x")
		self.assertEqual(d.stop(), 0)

	def crossing(self, endpoint, **service):
		"""A client that is served while the binaries change goes on to its end, and its worker ends with it."""
		d = self.serve({"echo": echo(endpoint, **service)})
		with hold(endpoint) as s:
			busy = [w["pid"] for w in d.admin.workers() if w["state"] == "busy"]
			self.assertEqual(len(busy), 1)
			for n in range(3):
				self.put(PREFORKD)
				self.upgrade(d)
				data = payload(n, 200000)
				sender = threading.Thread(target=s.sendall, args=(data,), daemon=True)
				sender.start()
				self.assertEqual(recv_exact(s, len(data)), data)
				sender.join()
				self.assertTrue(proc.alive(busy[0]))
				self.assertEqual(proc.stat(busy[0]).ppid, d.pid)
				self.assertEqual(talk(endpoint, b"other"), b"other")
			s.sendall(b"the end")
			s.shutdown(socket.SHUT_WR)
			self.assertEqual(read_all(s), b"the end")
		wait_until(lambda: not proc.alive(busy[0]), "its worker leaves")
		wait_until(lambda: proc.zombies(d.pid) == [], "all that died are reaped")
		self.assertEqual(d.stop(), 0)

	def test_a_client_crosses(self):
		self.crossing(Endpoint.v4())

	def test_a_client_crosses_unix(self):
		self.crossing(Endpoint.unix(self.path("socket")))

	def test_a_client_crosses_abstract(self):
		self.crossing(Endpoint.abstract())

	def test_a_program_crosses(self):
		self.crossing(Endpoint.v4(), handler="exec", command=["/bin/cat"])

	def test_a_program_crosses_unix(self):
		self.crossing(Endpoint.unix(self.path("socket")), handler="exec", command=["/bin/cat"])

	def queued(self, endpoint):
		d = self.serve({"echo": echo(endpoint, workers={"min": 1, "max": 1, "max_spare": 1})})
		with hold(endpoint) as busy:
			queue = []
			for i in range(30):
				s = endpoint.connect()
				s.sendall(b"%d" % i)
				s.shutdown(socket.SHUT_WR)
				queue.append(s)
			self.put(PREFORKD)
			self.upgrade(d)	# whose worker serves them, though the old one is busy
			for i, s in enumerate(queue):
				self.assertEqual(read_all(s), b"%d" % i)
				s.close()
			busy.sendall(b"still here")
			self.assertEqual(recv_exact(busy, 10), b"still here")
		self.assertEqual(d.stop(), 0)

	def test_who_is_queued_is_served(self):
		self.queued(Endpoint.v4())

	def test_who_is_queued_is_served_unix(self):
		self.queued(Endpoint.unix(self.path("socket")))

	def test_the_configuration_is_read_again(self):
		a, b, c = Endpoint.v4(), Endpoint.v4(), Endpoint.unix(self.path("added"))
		d = self.serve({"a": echo(a), "gone": echo(b)})
		with hold(b) as held:
			d.configure(Config({"a": {**echo(a), "handler": "daytime"}, "added": echo(c)}))
			self.put(PREFORKD)
			self.upgrade(d)
			self.assertRegex(talk(a), rb"\d\d:\d\d")
			self.assertEqual(talk(c, b"x"), b"x")
			wait_until(b.refuses, "the removed address refuses")
			held.sendall(b"to the end")
			self.assertEqual(recv_exact(held, 10), b"to the end")
		self.assertEqual([s["name"] for s in d.admin.status()["services"]], ["a", "added"])
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists(c.address))

	def test_who_is_queued_at_a_removed_address(self):
		for endpoint in (Endpoint.v4(), Endpoint.unix(self.path("socket"))):
			with self.subTest(endpoint.text):
				other = Endpoint.v4()
				d = self.serve({"gone": echo(endpoint, workers={"min": 1, "max": 1, "max_spare": 1}),
						"stays": echo(other)})
				with hold(endpoint) as busy:
					queue = [endpoint.connect() for _ in range(10)]
					for i, s in enumerate(queue):
						s.sendall(b"%d" % i)
						s.shutdown(socket.SHUT_WR)
					d.configure(Config({"stays": echo(other)}))
					self.put(PREFORKD)
					self.upgrade(d)
					busy.sendall(b"more")
					self.assertEqual(recv_exact(busy, 4), b"more")
				for i, s in enumerate(queue):
					self.assertEqual(read_all(s), b"%d" % i)
					s.close()
				wait_until(endpoint.refuses, "nobody listens there any more")
				self.assertEqual(d.stop(), 0)

	def test_in_the_background(self):
		"""The new image neither goes there again nor takes standard error for the log's place."""
		endpoint = Endpoint.v4()
		control = self.path("control")
		path = self.write("preforkd.conf", Config({"echo": echo(endpoint)}, control={"path": control}).text())
		before = {s.pid for s in proc.everything() if s.ppid == os.getpid()}
		done = run_preforkd("-d", "-c", path, binary=self.binary)
		self.assertEqual(done.returncode, 0, done.stderr)
		left, = [s.pid for s in proc.everything() if s.ppid == os.getpid() and s.pid not in before]
		self.addCleanup(self.end_tree, left)
		for _ in range(3):
			before = image(left)
			self.put(PREFORKD)
			done = run_preforkctl("-s", control, "upgrade")
			self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
			self.assertNotEqual(image(left), before)
			self.assertEqual(talk(endpoint, b"x"), b"x")
			for fd in range(3):
				self.assertEqual(os.readlink("/proc/%d/fd/%d" % (left, fd)), "/dev/null")
		os.kill(left, signal.SIGTERM)
		self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(left, 0)[1]), 0)

	def end_tree(self, pid):
		for each in proc.tree(pid):
			os.kill(each, signal.SIGKILL)

	def test_sockets_that_were_handed_over(self):
		"""LISTEN_FDS counts once: afterwards they are the daemon's, and still somebody else's, too."""
		with socket.socket() as web, socket.socket() as stranger:
			for s in (web, stranger):
				s.bind(("127.0.0.1", 0))
				s.listen(50)
			endpoint, own = Endpoint.v4(port=web.getsockname()[1]), Endpoint.v4()
			d = self.serve({"echo": {**echo(own), "listen": ["systemd:web", own.text]}},
				       how={"fds": [web.fileno()]}, env={"LISTEN_FDNAMES": "web"})
			for _ in range(3):
				with hold(endpoint) as s:
					self.put(PREFORKD)
					self.upgrade(d)
					s.sendall(b"on")
					self.assertEqual(recv_exact(s, 2), b"on")
				self.assertEqual(talk(endpoint, b"x"), b"x")
				self.assertEqual(talk(own, b"x"), b"x")
			self.assertEqual(d.stop(), 0)
			self.assertFalse(endpoint.refuses(), "its queue is not the daemon's to close")
			self.assertTrue(own.refuses())

	def test_the_watchdog_is_fed(self):
		d = self.serve({"echo": echo(Endpoint.v4())}, env={"WATCHDOG_USEC": "400000"})
		self.upgrade(d)
		fed = len(d.notify.seen("WATCHDOG=1"))
		self.assertIsNotNone(d.notify.wait("WATCHDOG=1", count=fed + 3))
		self.assertEqual(d.stop(), 0)


main()
