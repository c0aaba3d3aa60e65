#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the journal, syslog and rsyslogd have of what is logged."""

import sys
sys.dont_write_bytecode = True

import os
import signal

from harness import *

LOCAL3 = "19"
# An event, and what its line says. Each has a MESSAGE_ID of its own, for those that act on it.
EVENTS = {
	"start": r"^started: ",
	"reload": r"^nothing has changed$",
	"stop": r"^stopping: ",
	"crash": r"worker \d+ .*(killed|crash|signal)",
	"full": r"all workers are busy",
}


class Log(SystemdCase):
	def serve(self, services=None, **top):
		self.configure(services or {"echo": {"handler": "echo", "listen": "127.0.0.1:7",
						     "workers": {"min": 1, "min_spare": 1, "max": 1}}}, **top)
		self.systemctl("start", "preforkd")

	def find(self, pattern):
		"""An entry of ours."""
		entry = self.wait_journal(pattern)
		self.assertEqual((entry["SYSLOG_IDENTIFIER"], entry["_SYSTEMD_UNIT"], entry["_COMM"]),
				 ("preforkd", "preforkd.service", "preforkd"))
		return entry

	def test_fields_of_the_journal(self):
		self.serve({"echo": {"handler": "echo", "listen": "127.0.0.1:7"},
			    "sh": {"handler": "exec", "listen": "127.0.0.1:8",
				   "command": ["/bin/sh", "-c", "echo oh dear >&2"]}}, log={"connections": "all"})
		for port, name, pattern in ((7, "echo", "5 bytes"), (8, "sh", "oh dear")):
			with self.tcp(port).connect() as s:
				s.sendall(b"hello")
				recv_exact(s, 5) if name == "echo" else read_all(s)
				peer = "127.0.0.1:%d" % s.getsockname()[1]
			entry = self.find("%s %s: .*%s" % (name, peer, pattern))
			self.assertEqual((entry["SERVICE"], entry["PEER"], entry["_TRANSPORT"]),
					 (name, peer, "journal"))
			self.assertNotEqual(entry["_PID"], self.show("MainPID"))
			self.assertEqual(entry["WORKER_PID"], entry["_PID"])
			self.assertIn(entry["MESSAGE"], self.messages("PEER=" + peer, "SERVICE=" + name))
		self.assertEqual(self.find("^started")["PRIORITY"], "5")

	def test_events(self):
		self.serve()
		with hold(self.tcp(7)), self.tcp(7).connect():
			self.wait_journal(EVENTS["full"])
		worker = next(pid for pid in self.sandbox.pids() if pid != self.sandbox.main_pid())
		inner = proc.status(worker, "NSpid").split()[-1]
		os.kill(worker, signal.SIGKILL)
		crash = self.wait_journal(EVENTS["crash"])
		self.assertEqual((crash["SERVICE"], crash["WORKER_PID"]), ("echo", inner))
		self.systemctl("reload", "preforkd")
		self.systemctl("stop", "preforkd")
		ids = {}
		for event, pattern in EVENTS.items():
			entry = self.find(pattern)
			self.assertRegex(entry.get("MESSAGE_ID", "none"), "^[0-9a-f]{32}$", event)
			ids[event] = entry["MESSAGE_ID"]
		self.assertEqual(len(set(ids.values())), len(ids))

	def test_syslog(self):
		"""Through /dev/log, with facility and tag."""
		self.serve(log={"target": "syslog", "facility": "local3"})
		entry = self.find("^started")
		self.assertEqual((entry["_TRANSPORT"], entry["SYSLOG_FACILITY"], entry["PRIORITY"]),
				 ("syslog", LOCAL3, "5"))
		self.assertEqual(entry["SYSLOG_PID"], self.show("MainPID"))

	@needs_tool("/usr/sbin/rsyslogd")
	def test_rsyslogd(self):
		"""A file, from either target."""
		self.boot("systemd-sysusers; systemctl enable rsyslog; "
			  "echo 'local3.*;local4.* /var/log/preforkd.log' >/etc/rsyslog.d/preforkd.conf")
		for target, facility in (("syslog", "local3"), ("journal", "local4")):
			self.serve(log={"target": target, "facility": facility})
			pid = self.show("MainPID")
			line = r" preforkd\[%s\]: started: serving: 1 service" % pid
			wait_until(lambda: self.run("grep", "-E", line, "/var/log/preforkd.log").stdout, line)
			self.systemctl("stop", "preforkd")


main()
