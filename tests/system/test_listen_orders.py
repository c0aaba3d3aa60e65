#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that accept by themselves, and the orders of preforkctl."""

import sys
sys.dont_write_bytecode = True

import os
import signal
import threading

from harness import *
from harness.listen_case import ListenCase


class Orders(ListenCase):
	def test_reload_during_the_start(self):
		"""The child that reads the configuration is not taken for a process left behind."""
		for order in ("job", "signal"):
			with self.subTest(order):
				self.endpoint = Endpoint.v4()
				d = self.serve(command=["/bin/sleep", "1000"], notify=False, workers={"min": 1},
					       start=False)
				d.launch()
				wait_until(lambda: os.path.exists(d.control), "it can be asked")
				self.assertEqual(d.admin.status()["state"], "starting")
				if order == "job":
					d.admin.told("reload")
				else:
					d.kill(signal.SIGHUP)
				d.wait_ready()
				verdict = d.admin.verdict(1)
				self.assertEqual((verdict["success"], verdict["text"]), (True, "nothing has changed"))
				self.assertEqual(d.grep("left behind"), [])

	def test_pause_and_drain(self):
		self.serve()
		old = self.wait_programs(2)
		self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
		wait_until(lambda: not self.programs(), "nobody runs")
		with self.endpoint.connect() as s:
			self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
			s.sendall(b"waited")
			self.assertEqual(recv_exact(s, 6), b"waited")
		self.wait_programs(2, old)
		self.assertEqual(self.d.ctl("drain").returncode, 0)
		self.assertTrue(self.endpoint.refuses())
		wait_until(lambda: not self.programs(), "nobody runs")
		self.assertEqual(self.d.ctl("undrain").returncode, 0)
		self.wait_programs(2)
		self.assertEqual(self.ask(b"hello"), b"hello")

	def test_those_that_leave_take_no_place(self):
		"""As long as they still serve somebody there are as many others as there should be."""
		self.serve(workers={"min": 1})
		first, = self.wait_programs(1)
		with self.endpoint.connect() as s:
			s.sendall(b"before")
			recv_exact(s, 6)
			self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
			self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
			wait_until(lambda: self.programs("idle"), "another one serves")
			self.assertEqual(self.ask(b"hello"), b"hello")
			second, = self.programs("idle")
			os.kill(second, signal.SIGKILL)
			wait_until(lambda: set(self.programs("idle")) - {second}, "it is started again")
			self.assertTrue(proc.alive(first))
			s.sendall(b"after")
			self.assertEqual(recv_exact(s, 5), b"after")

	def test_paused_while_a_reload_rolls(self):
		self.serve("a", workers={"min": 4})
		self.wait_programs(4)
		mark = self.d.mark()
		over = threading.Thread(target=self.reload, args=("slow",), kwargs={"workers": {"min": 4}})
		over.start()
		wait_until(lambda: len(self.d.grep("starts slow", mark)) == 2, "it has begun")
		self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
		over.join()
		self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
		self.wait_programs(4)

	def test_a_reload_while_paused(self):
		self.serve("a")
		self.wait_programs(2)
		self.assertEqual(self.d.ctl("pause", "prog").returncode, 0)
		wait_until(lambda: not self.programs(), "nobody runs")
		self.assertEqual(self.reload("b").returncode, 0)
		self.assertFalse(self.programs())
		self.assertEqual(self.d.ctl("resume", "prog").returncode, 0)
		self.wait_programs(2)

	def test_defaults_for_others_do_not_count(self):
		defaults = {"access": {"deny": "127.0.0.0/8", "per_source": 1},
			    "timeouts": {"idle": "1s", "start": "20s"},
			    "workers": {"min": 2, "max": 3, "min_spare": 3, "max_spare": 3, "on_full": "refuse"}}
		self.serve(workers={}, top={"defaults": defaults})
		self.wait_programs(2)
		self.assertEqual(self.ask(b"hello"), b"hello")
		done = self.d.ctl("explain", "127.0.0.1")
		self.assertNotIn("denied", done.stdout)
		self.assertFalse(self.d.grep("no effect"))

	def test_min_is_the_number(self):
		self.serve()
		old = self.wait_programs(2)
		self.assertEqual(self.reload(workers={"min": 4}).returncode, 0)
		self.assertTrue(set(old) <= set(self.wait_programs(4)), "no new generation for that")
		self.assertEqual(self.reload(workers={"min": 1}).returncode, 0)
		self.wait_programs(1)

	def test_each_address(self):
		second = Endpoint.unix(self.path("d0", "s"))
		self.serve(listen=[self.endpoint.text, second.text])
		self.wait_programs(4)
		for endpoint in (self.endpoint, second):
			with endpoint.connect() as s:
				s.sendall(b"hello")
				self.assertEqual(recv_exact(s, 5), b"hello")
		self.assertEqual(self.d.stop(), 0)
		self.assertFalse(os.path.exists(second.address))

	def test_upgrade(self):
		self.serve("a", program={"stop_signal": "INT"})
		old = self.wait_programs(2)
		with self.endpoint.connect() as s, Crowd([self.endpoint]) as crowd:
			s.sendall(b"before")
			recv_exact(s, 6)
			self.assertEqual(self.d.ctl("upgrade").returncode, 0)
			self.assertEqual(self.wait_programs(2), old, "the same programs go on")
			s.sendall(b"between")
			self.assertEqual(recv_exact(s, 7), b"between")
			self.assertEqual(self.d.ctl("restart", "prog").returncode, 0)
			self.d.wait_log("told SIGINT")
			s.sendall(b"after")
			self.assertEqual(recv_exact(s, 5), b"after")
		self.assertFalse(crowd.wrong, crowd.examples)
		self.wait_programs(2, old)
		wait_until(lambda: len(self.d.grep("told SIGINT")) == 2, "the last words of both came through")
		self.assertEqual(self.d.stop(), 0)


main()
