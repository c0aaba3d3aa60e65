# SPDX-License-Identifier: MIT
"""Tests of programs that are replaced by others, which may fail: a program to be run, and a service that runs it."""

from .conf import Config
from .crowd import Wrong
from .listen_case import ListenCase
from .waiting import wait_until

# Echoes the first line of each client, and its own name. "dies=SECONDS": ends with status 3 so long after it was ready
# (before that, if it is negative).
# "gate=FILE": only as long as FILE is there. "once=FOLDER": only the copy that makes FOLDER.
# "mute": it never says that it is ready.
PROGRAM = r"""
import os, select, signal, socket, sys, time

words = dict(word.partition("=")[::2] for word in sys.argv[2:])

def has_to_die():
	if "dies" not in words or not os.path.exists(words.get("gate", "/")):
		return False
	try:
		if "once" in words:
			os.mkdir(words["once"])
		return True
	except FileExistsError:
		return False

print("%s starts" % sys.argv[1], flush=True)
server = socket.socket(fileno=3)
server.setblocking(False)
told, tells = os.pipe()
os.set_blocking(tells, False)
signal.set_wakeup_fd(tells)
signal.signal(signal.SIGTERM, lambda *_: None)
end = time.monotonic() + float(words["dies"]) if has_to_die() else None
if float(words.get("dies", 0)) < 0 and end is not None:
	os._exit(3)
if "mute" not in words:
	with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
		s.sendto(b"READY=1", "\0" + os.environ["NOTIFY_SOCKET"][1:])
while True:
	left = None if end is None else max(end - time.monotonic(), 0)
	if left == 0:
		print("Traceback (most recent call last):\n  the last \x1b line", file=sys.stderr, flush=True)
		os._exit(3)
	ready = select.select([server, told], [], [], left)[0]
	if told in ready:
		sys.exit(0)
	if server in ready:
		try:
			client, _ = server.accept()
		except BlockingIOError:
			continue
		with client:
			client.settimeout(5)
			client.sendall(sys.argv[1].encode() + b":" + client.recv(100))
"""


class RollCase(ListenCase):
	binary = None	# of the daemon; None: the one that was built

	def setUp(self):
		super().setUp()
		self.script = self.write("program.py", PROGRAM)

	def named(self, name, *words, **more):
		more.setdefault("workers", {"min": 4})
		return self.service(name, *words, **more)

	def begin(self, **more):
		self.d = self.daemon(self.named("old", **more), binary=self.binary)
		return self.wait_programs(more.get("workers", {}).get("min", 4))

	def roll(self, name="new", *words, **more):
		return self.d.reload(Config(self.named(name, *words, **more)))

	def who(self):
		with self.endpoint.connect() as s:
			s.sendall(b"?")
			return s.recv(100).decode().partition(":")[0]

	def reject(self, done, reason):
		self.assertEqual(done.returncode, 1, done.stdout)
		self.assertIn("reload rejected; all goes on as before", done.stderr)
		self.assertRegex(done.stderr, reason)

	def expect_untouched(self, old, done, reason):
		self.reject(done, reason)
		self.assertEqual(self.wait_programs(len(old)), old, "no copy was told anything")
		self.assertEqual(self.who(), "old")

	def rolling(self):
		return self.d.admin.service("prog")["rolling"]


def ask_who(s, question, _over):
	"""A client of a Crowd."""
	s.sendall(question[:50])
	answer = s.recv(200)
	if answer.partition(b":")[2] != question[:50]:
		raise Wrong("lost", repr(answer))
