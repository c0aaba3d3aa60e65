#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stopping: what was queued is served, what does not end is cut, and impatience is heard."""

import sys
sys.dont_write_bytecode = True

import fcntl
import os
import pty
import signal
import socket
import termios
import threading
import time

from harness import *


class Graceful(Case):
	def test_idle(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}})
		start = time.monotonic()
		self.assertEqual(d.stop(), 0)
		self.assertLess(time.monotonic() - start, 5)
		self.assertTrue(endpoint.refuses())

	def queue(self, endpoint, services, busy_count):
		d = self.daemon(services)
		busy = [hold(endpoint) for _ in range(busy_count)]
		queued = []
		for i in range(50):
			s = endpoint.connect()
			s.sendall(b"question %d" % i)
			s.shutdown(socket.SHUT_WR)
			queued.append(s)
		d.kill(signal.SIGTERM)
		self.assertTrue(d.notify.wait("STOPPING=1"))
		for s in busy:	# those that it serves just now are served on
			s.sendall(b"still here?")
			self.assertEqual(recv_exact(s, 11), b"still here?")
			s.close()
		for i, s in enumerate(queued):
			self.assertEqual(read_all(s), b"question %d" % i)
			s.close()
		self.assertEqual(d.wait(), 0)
		self.assertTrue(endpoint.refuses())

	def echo(self, endpoint):
		return {"echo": {"handler": "echo", "listen": endpoint.text, "timeouts": {"drain": "25s"},
				 "workers": {"min": 4, "max": 4, "max_spare": 4}}}

	def test_50_queued_clients_are_served(self):
		endpoint = Endpoint.v4()
		self.queue(endpoint, self.echo(endpoint), 4)

	def test_50_queued_clients_are_served_unix(self):
		endpoint = Endpoint.unix(self.path("d0", "s"))
		self.queue(endpoint, self.echo(endpoint), 4)

	def test_50_queued_clients_of_a_program(self):
		endpoint = Endpoint.v4()
		services = self.echo(endpoint)
		services["echo"].update(handler="exec", command=["/bin/cat"])
		self.queue(endpoint, services, 4)

	def test_sigint_is_the_same(self):
		endpoint = Endpoint.v4()
		d = self.daemon(self.echo(endpoint))
		with hold(endpoint) as s:
			d.kill(signal.SIGINT)
			self.assertTrue(d.notify.wait("STOPPING=1"))
			s.sendall(b"more")
			self.assertEqual(recv_exact(s, 4), b"more")
		self.assertEqual(d.wait(), 0)

	def test_term_to_one_worker(self):
		"""It finishes its client, takes no other, and is replaced."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 1, "max": 1, "max_spare": 1}}})
		worker, = d.wait_workers(1)
		with hold(endpoint) as s:
			os.kill(worker, signal.SIGTERM)
			for _ in range(5):
				s.sendall(b"more")
				self.assertEqual(recv_exact(s, 4), b"more")
		self.assertEqual(talk(endpoint, b"next"), b"next")
		wait_until(lambda: not proc.alive(worker), "the old worker is gone")
		self.assertEqual(d.stop(), 0)

	def test_term_to_idle_workers_again_and_again(self):
		"""However the signal falls relative to accept(), the worker leaves and no client is lost."""
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 2, "max": 4}}})
		for i in range(60):
			workers = wait_until(d.workers, "workers")
			s = endpoint.connect()
			os.kill(workers[i % len(workers)], signal.SIGTERM)
			s.sendall(b"x")
			s.shutdown(socket.SHUT_WR)
			self.assertEqual(read_all(s), b"x")
			s.close()
			wait_until(lambda w=workers[i % len(workers)]: not proc.alive(w), "it left")
		self.assertEqual(d.stop(), 0)


class Load(Case):
	"""Eight clients at a time, each with one short question after the other."""

	def crowd(self, endpoint, over):
		"""Starts them; returns their threads, and the list of what went wrong for a client that had
		connected."""
		wrong = []

		def client(number):
			count = 0
			while not over.is_set():
				question = b"%d %d" % (number, count)
				count += 1
				try:
					s = endpoint.connect()
				except OSError:	# it has stopped
					return
				try:
					s.sendall(question)
					s.shutdown(socket.SHUT_WR)
					answer = read_all(s)
					if answer != question:
						wrong.append(answer)
				except OSError as e:
					wrong.append(e)
				finally:
					s.close()
		threads = [threading.Thread(target=client, args=(i,), daemon=True) for i in range(8)]
		for thread in threads:
			thread.start()
		return threads, wrong

	def test_retiring_workers_lose_nobody(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "workers": {"min": 4, "max": 12, "max_spare": 4, "max_requests": 20}}})
		over = threading.Event()
		threads, wrong = self.crowd(endpoint, over)
		end = time.monotonic() + 2
		while time.monotonic() < end:
			for pid in d.workers()[:3]:
				try:
					os.kill(pid, signal.SIGTERM)
				except ProcessLookupError:
					pass
			time.sleep(0.01)
		over.set()
		for thread in threads:
			thread.join()
		self.assertEqual(wrong, [])
		self.assertEqual(d.stop(), 0)

	def test_stop_under_load(self):
		"""Once the path is gone nobody can come any more, so all who came are served."""
		for i in range(5):
			endpoint = Endpoint.unix(self.path("socket%d" % i))
			d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
						  "workers": {"min": 4, "max": 8, "max_spare": 4}}})
			over = threading.Event()
			threads, wrong = self.crowd(endpoint, over)
			time.sleep(0.1)
			status = d.stop()
			over.set()
			for thread in threads:
				thread.join()
			self.assertEqual((status, wrong), (0, []))


class Limited(Case):
	def test_a_client_that_never_ends(self):
		endpoint = Endpoint.v4()
		d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text,
					  "timeouts": {"drain": "1s"}}})
		with hold(endpoint) as s:
			port = s.getsockname()[1]
			start = time.monotonic()
			d.stop()
			took = time.monotonic() - start
			self.assertGreaterEqual(took, 0.9)
			self.assertLess(took, 10)
			try:
				self.assertEqual(s.recv(1), b"")
			except ConnectionResetError:
				pass
		d.wait_log(r"echo.*127\.0\.0\.1:%d" % port)

	def test_a_program_that_never_ends(self):
		"""The whole process group, even if it does not want to hear SIGTERM."""
		endpoint = Endpoint.v4()
		d = self.daemon({"sh": {"handler": "exec", "listen": endpoint.text, "timeouts": {"drain": "1s"},
					"command": ["/bin/sh", "-c",
						    "trap '' TERM; (trap '' TERM; sleep 100) & echo $$; sleep 100"]}})
		with endpoint.connect() as s:
			program = int(s.makefile().readline())
			port = s.getsockname()[1]
			start = time.monotonic()
			d.stop()	# fails if anything of the session is left
			self.assertLess(time.monotonic() - start, 15)
			self.assertFalse(proc.alive(program))
		d.wait_log(r"sh.*127\.0\.0\.1:%d" % port)

	def impatient(self, services, endpoint, first, second):
		d = self.daemon(services)
		with hold(endpoint):
			d.kill(first)
			self.assertTrue(d.notify.wait("STOPPING=1"))
			start = time.monotonic()
			d.kill(second)
			d.wait()
			self.assertLess(time.monotonic() - start, 10)
		wait_until(lambda: not d.remains(), "nothing left", 5)

	def test_second_term_is_now(self):
		endpoint = Endpoint.v4()
		self.impatient({"echo": {"handler": "echo", "listen": endpoint.text, "timeouts": {"drain": "10min"}}},
			       endpoint, signal.SIGTERM, signal.SIGTERM)

	def test_second_int_is_now(self):
		endpoint = Endpoint.v4()
		self.impatient({"cat": {"handler": "exec", "listen": endpoint.text, "command": ["/bin/cat"],
					"timeouts": {"drain": "10min"}}},
			       endpoint, signal.SIGINT, signal.SIGINT)


class Terminal(Case):
	def test_signal_to_all(self):
		"""As systemd's KillMode=control-group does: the workers get it too."""
		for number in (signal.SIGINT, signal.SIGTERM):
			with self.subTest(signal.Signals(number).name):
				endpoint = Endpoint.v4()
				d = self.daemon({"echo": {"handler": "echo", "listen": endpoint.text}})
				with hold(endpoint) as s:
					for pid in [d.pid, *d.workers()]:
						os.kill(pid, number)
					self.assertTrue(d.notify.wait("STOPPING=1"))
					for _ in range(5):
						s.sendall(b"more")
						self.assertEqual(recv_exact(s, 4), b"more")
				self.assertEqual(d.wait(), 0)
				wait_until(lambda d=d: not d.remains(), "nothing left", 5)

	def on_a_terminal(self, services):
		"""The daemon in the foreground of a terminal of its own, and the terminal's other side."""
		d = self.daemon(services, start=False, arguments=())
		master, slave = pty.openpty()
		self.addCleanup(os.close, master)

		# A session whose terminal this is; ctty in the child needs code before exec.
		def own_terminal():
			fcntl.ioctl(0, termios.TIOCSCTTY, 0)
		d.launch(stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal)
		os.close(slave)
		d.wait_ready()
		return d, master

	def test_ctrl_c(self):
		endpoint = Endpoint.v4()
		d, master = self.on_a_terminal({"echo": {"handler": "echo", "listen": endpoint.text}})
		with hold(endpoint) as s:
			os.write(master, b"\x03")
			self.assertTrue(d.notify.wait("STOPPING=1"))
			s.sendall(b"more")
			self.assertEqual(recv_exact(s, 4), b"more")
		self.assertEqual(d.wait(), 0)
		wait_until(lambda: not d.remains(), "nothing left", 5)

	def test_ctrl_c_is_for_the_daemon_only(self):
		"""A program that a client is using hears of it from its worker, when its time is over."""
		endpoint = Endpoint.v4()
		d, master = self.on_a_terminal({"cat": {"handler": "exec", "listen": endpoint.text,
							"command": ["/bin/cat"]}})
		with hold(endpoint) as s:
			os.write(master, b"\x03")
			self.assertTrue(d.notify.wait("STOPPING=1"))
			s.sendall(b"more")
			self.assertEqual(recv_exact(s, 4), b"more")
		self.assertEqual(d.wait(), 0)

	def test_nobody_else_has_the_terminal(self):
		"""Workers and programs cannot open it, so they can push no keys into it (TIOCSTI)."""
		at_once, accepts = Endpoint.v4(), Endpoint.v4()
		said = os.path.join(self.folder("said", for_workers=True), "text")
		try_it = "(exec 2>/dev/null; : </dev/tty) && echo open || echo none"
		d, _ = self.on_a_terminal({
			"echo": {"handler": "echo", "listen": Endpoint.v4().text},
			"once": {"handler": "exec", "listen": at_once.text, "command": ["/bin/sh", "-c", try_it]},
			"long": {"handler": "listen", "listen": accepts.text, "program": {"notify": False},
				 "timeouts": {"start": "100ms"}, "workers": {"min": 1, "max": 1},
				 "command": ["/bin/sh", "-c", "exec >%s; %s; exec sleep 1000" % (said, try_it)]}})
		self.assertEqual(talk(at_once), b"none\n")
		wait_until(lambda: os.path.exists(said) and os.path.getsize(said) > 0, "it has tried")
		with open(said, encoding="ascii") as f:
			self.assertEqual(f.read(), "none\n")
		children = proc.children(d.pid)
		self.assertGreaterEqual(len(children), 3)
		for pid in children:
			self.assertEqual(proc.stat(pid).session, pid)


main()
