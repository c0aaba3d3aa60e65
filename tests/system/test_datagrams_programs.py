#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that take datagrams from the socket that they inherit."""

import sys
sys.dont_write_bytecode = True

import ast
import os
import re
import shutil
import signal
import subprocess
import time

from harness import *
from harness.datagram_case import DatagramCase, gram


class Programs(DatagramCase):
	"""Like inetd with "wait": the program gets the socket and reads the datagrams."""

	TAKES_ALL = """
import os, socket, sys
s = socket.socket(fileno=os.dup(0))
sys.stderr.write("begins %d\\n" % os.getpid())
s.settimeout(float(sys.argv[1]))
try:
    while True:
        data, peer = s.recvfrom(70000)
        s.sendto(b"%d " % os.getpid() + data, peer)
except TimeoutError:
    pass
"""

	def program(self, idle, **more):
		script = self.write("takes.py", self.TAKES_ALL, 0o755)
		endpoint = gram(Endpoint.v4())
		d = self.daemon({"takes": {"handler": "exec", "listen": endpoint.text,
					   "command": ["/usr/bin/python3", script, str(idle)], **more}})
		return d, endpoint

	def test_one_program_takes_many(self):
		d, endpoint = self.program(30)
		with self.asker(endpoint) as a:
			answers = [a.ask(b"%d" % i).split() for i in range(50)]
		self.assertEqual([n for _, n in answers], [b"%d" % i for i in range(50)])
		self.assertEqual(len({pid for pid, _ in answers}), 1)
		d.wait_log("begins") # what it says on its stderr comes when it comes
		self.assertEqual(len(d.grep("begins")), 1)

	def test_what_it_does_not_take_is_no_client_that_waits(self):
		"""The service can have only one program: the log must not advise to raise workers.max."""
		endpoint = gram(Endpoint.v4())
		d = self.daemon({"deaf": {"handler": "exec", "listen": endpoint.text,
					  "command": ["/bin/sleep", "1000"]}})
		with self.asker(endpoint) as a:
			a.send(b"x")
		wait_until(lambda: self.status(d)["workers"]["busy"] == 1, "the program has it")
		since = d.admin.status()["uptime"]
		wait_until(lambda: d.admin.status()["uptime"] > since + 2.2, "two ticks")
		self.assertEqual(d.grep("all workers are busy"), [])

	def test_its_environment(self):
		"""It says nothing of a client: there is none."""
		says = "import os, socket; s = socket.socket(fileno=0); _, peer = s.recvfrom(9); " \
			"s.sendto(repr(dict(os.environ)).encode(), peer)"
		for endpoint, said in ((gram(Endpoint.v4()),
					{"PROTO": "UDP", "UDPLOCALIP": "127.0.0.1", "UDPLOCALPORT": None}),
				       (gram(Endpoint.abstract()), {"PROTO": "UNIX", "UNIXLOCALPATH": None})):
			with self.subTest(endpoint.text):
				self.daemon({"env": {"handler": "exec", "listen": endpoint.text,
						     "command": ["/usr/bin/python3", "-c", says]}})
				with self.asker(endpoint) as a:
					env = ast.literal_eval(a.ask(b"x").decode())
				where = "@" + endpoint.address[1:] if said["PROTO"] == "UNIX" else str(endpoint.port)
				self.assertEqual({k: v for k,
						  v in env.items() if re.match("PROTO|TCP|UDP|UNIX|REMOTE", k)},
						 {k: where if v is None else v for k, v in said.items()})

	def test_it_ends_and_begins_again(self):
		_, endpoint = self.program(0.05)
		with self.asker(endpoint) as a:
			pids = set()
			for _ in range(3):
				pid = a.ask(b"x").split()[0].decode()
				wait_until(lambda: not os.path.exists("/proc/" + pid), "it ends when nobody asks")
				pids.add(pid)
			self.assertEqual(len(pids), 3)

	def test_reload_asks_it_to_leave(self):
		d, endpoint = self.program(30)
		with self.asker(endpoint) as a:
			before = a.ask(b"x").split()[0]
			services = {"takes": {"handler": "exec", "listen": endpoint.text,
					      "command": ["/usr/bin/python3",
						      os.path.join(os.path.dirname(self.path("x")), "takes.py"), "31"]}}
			self.assertEqual(d.reload(Config(services)).returncode, 0)
			wait_until(lambda: not os.path.exists("/proc/" + before.decode()), "the old one goes")
			self.assertNotEqual(a.ask(b"y").split()[0], before)

	def test_stop(self):
		d, endpoint = self.program(30)
		with self.asker(endpoint) as a:
			pid = a.ask(b"x").split()[0].decode()
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists("/proc/" + pid))

	FORKS = """
import os, socket, sys, time
s = socket.socket(fileno=os.dup(0))
data, peer = s.recvfrom(70000)
s.close()
parent = os.getpid()
if os.fork():
    os._exit(0)
os.close(0)
os.close(1)
while os.getppid() == parent:
    time.sleep(0.001)
sys.stderr.write((("x" * 999) + "\\n") * int(data))
sys.stderr.flush()
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(("127.0.0.1", 0))
own.sendto(b"%d" % os.getpid(), peer)
while own.recvfrom(100)[0] != b"end":
    pass
own.sendto(b"done", peer)
"""

	def forking(self, **more):
		"""As the tftpd of BSD: a child for each client, and it ends."""
		script = self.write("forks.py", self.FORKS, 0o755)
		endpoint = gram(Endpoint.v4())
		d = self.daemon({"forks": {"handler": "exec", "listen": endpoint.text,
					   "command": ["/usr/bin/python3", script], **more}})
		return d, endpoint

	def test_a_client_does_not_wait_for_those_before(self):
		d, endpoint = self.forking()
		askers = [self.asker(endpoint) for _ in range(3)]
		served = []
		for a in askers:
			a.send(b"0")
			pid, child = a.socket.recvfrom(100)
			served.append((a, int(pid), child))
		self.assertEqual([pid for _, pid, _ in served if not os.path.exists("/proc/%d" % pid)], [])
		for a, pid, child in served[1:]:
			a.socket.sendto(b"end", child)
			self.assertEqual(a.take(), b"done")
			wait_until(lambda pid=pid: not os.path.exists("/proc/%d" % pid), "it is buried")
		# and one that is here when all are to leave is served to the end
		a, _, child = served[0]
		d.kill(signal.SIGTERM)
		d.wait_log("stopping")
		a.socket.sendto(b"end", child)
		self.assertEqual(a.take(), b"done")
		self.assertEqual(d.wait(), 0)

	def test_what_is_left_at_work_may_say_much(self):
		_, endpoint = self.forking()
		with self.asker(endpoint) as a:
			a.send(b"200")
			_, child = a.socket.recvfrom(100)
			a.socket.sendto(b"end", child)
			self.assertEqual(a.take(), b"done")

	def test_what_is_left_at_work_ends_with_its_time(self):
		d, endpoint = self.forking(timeouts={"drain": "200ms"})
		with self.asker(endpoint) as a:
			a.send(b"0")
			pid = int(a.take())
		self.assertEqual(d.stop(), 0)
		self.assertFalse(os.path.exists("/proc/%d" % pid))

	def idler(self, command):
		endpoint = gram(Endpoint.v4())
		d = self.daemon({"idler": {"handler": "exec", "listen": endpoint.text, "command": [command],
					   "timeouts": {"drain": "100ms"}}}) # for what it will not take, either
		with self.asker(endpoint) as a:
			a.send(b"x")
		return d

	def test_one_that_takes_nothing_is_not_started_without_end(self):
		d = self.idler("/bin/true")
		d.wait_log("ends again and again")
		before, since = self.status(d)["requests"], time.monotonic()
		self.assertGreaterEqual(before, 100)
		wait_until(lambda: self.status(d)["requests"] >= before + 3, "it is started yet")
		self.assertLess(self.status(d)["requests"] - before, 10 * (time.monotonic() - since) + 2)
		self.assertEqual(d.stop(), 0)

	def test_one_that_fails_is_started_every_second(self):
		d = self.idler("/bin/false")
		d.wait_log("idler: /bin/false exited with status 1")
		since = time.monotonic()
		wait_until(lambda: len(d.grep("exited with status 1")) >= 2, "it fails again")
		self.assertGreater(time.monotonic() - since, 0.8)
		self.assertEqual(d.stop(), 0)

	def refuses(self, words, **service):
		d = self.daemon({"a": {"handler": "exec", "command": ["/bin/cat"], **service}}, start=False).launch()
		self.assertEqual(d.wait(), 78)
		self.assertTrue(d.grep(words), d.lines())

	def test_a_program_for_both_kinds_is_refused(self):
		tcp = Endpoint.v4()
		self.refuses("either connections or datagrams", listen=[tcp.text, gram(tcp).text])

	def test_rules_that_cannot_be_kept_are_refused(self):
		self.refuses("so no client can be refused", listen=gram(Endpoint.v4()).text,
			     access={"deny": ["10.0.0.0/8"]})

	@needs_root()
	@needs_tool("in.tftpd")
	@needs_tool("tftp")
	def test_tftpd(self):
		served = self.folder("tftp")
		files = {"small": payload("s", 100), "large": payload("l", 700_000)}
		for name, data in files.items():
			with open(os.path.join(served, name), "wb") as f:
				f.write(data)
		endpoint = gram(Endpoint.v4())
		d = self.daemon({"tftp": {"handler": "exec", "listen": endpoint.text, "user": "root",
					  "command": [shutil.which("in.tftpd"), "--secure", "--user", SERVICE_USER,
						      served]}})
		for name, data in files.items():
			got = self.path("got-" + name)
			done = subprocess.run(["tftp", "-m", "binary", "127.0.0.1", str(endpoint.port), "-c", "get",
					       name, got],
					      timeout=PATIENCE, capture_output=True, text=True, check=False)
			self.assertEqual(done.returncode, 0, done.stderr)
			with open(got, "rb") as f:
				self.assertTrue(f.read() == data, name)
		self.assertEqual(d.stop(), 0)


if __name__ == "__main__":
	main()
