# SPDX-License-Identifier: MIT
"""A name server of one's own, and the mount that makes a program ask it."""

import shutil
import socket
import struct
import threading


class NameServer:
	"""
	Answers for the names in ADDRESSES, a dict of lists of addresses that a test may change; others do not
	exist. While `silent` it answers nothing, and it takes `delay` seconds for an answer. It needs port 53: a
	network of its own (fresh_network()).
	"""

	def __init__(self, addresses, address="127.0.0.1"):
		self.addresses = dict(addresses)
		self.silent = False
		self.delay = 0
		self.asked = 0
		self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		self._socket.bind((address, 53))
		self.address = address
		threading.Thread(target=self._serve, daemon=True).start()

	def _serve(self):
		while True:
			try:
				question, client = self._socket.recvfrom(512)
			except OSError:
				return
			self.asked += 1
			if not self.silent and self.delay:
				threading.Timer(self.delay, self._send, (question, client)).start()
			elif not self.silent:
				self._send(question, client)

	def _send(self, question, client):
		try:
			self._socket.sendto(self._answer(question), client)
		except OSError:
			pass	# closed meanwhile

	def _answer(self, question):
		labels, at = [], 12
		while question[at]:
			labels.append(question[at + 1:at + 1 + question[at]].decode("ascii"))
			at += 1 + question[at]
		kind = struct.unpack_from(">H", question, at + 1)[0]
		asked = question[12:at + 5]
		known = self.addresses.get(".".join(labels).lower())
		family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
		found = [socket.inet_pton(family, a) for a in known or []
			 if (":" in a) == (family == socket.AF_INET6)] if family else []
		head = question[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, len(found), 0, 0)
		return head + asked + b"".join(struct.pack(">HHHLH", 0xc00c, kind, 1, 1, len(a)) + a for a in found)

	def close(self):
		self._socket.close()

	def prefix(self, case):
		"""A command before a program that makes it ask here, and nowhere else."""
		conf = case.write("resolv.conf", "nameserver %s\noptions timeout:1 attempts:5\n" % self.address)
		switch = case.write("nsswitch.conf", "hosts: files dns\n")
		return (shutil.which("unshare"), "-m", "sh", "-c",
			'mount --bind "$0" /etc/resolv.conf && mount --bind "$1" /etc/nsswitch.conf && '
			'shift && exec "$@"', conf, switch)
