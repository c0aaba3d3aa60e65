#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The clients that people use: nc, curl, git and rsync, over every family."""

import sys
sys.dont_write_bytecode = True

import filecmp
import os
import subprocess
import unittest

from harness import *

TIME = 60


def run(*command, stdin=None, env=None, cwd=None):
	done = subprocess.run(command, input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
			      stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIME, check=False,
			      env={**os.environ, **(env or {})}, cwd=cwd)
	if done.returncode != 0:
		raise AssertionError("%s: status %d: %s" % (" ".join(command), done.returncode,
							    done.stderr.decode("utf-8", "replace")))
	return done.stdout


def has_unix_nc():
	"""The netcat of OpenBSD: -U for unix sockets, -N for the half-close."""
	try:
		text = subprocess.run(["nc", "-h"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
				      stderr=subprocess.STDOUT, timeout=TIME, check=False).stdout
	except OSError:
		return False
	return b"OpenBSD" in text


needs_nc = unittest.skipUnless(has_unix_nc(), "needs netcat-openbsd")
needs_v6 = unittest.skipUnless(can_ipv6(), "no IPv6 on this host")


class Small(Case):
	def serve(self, handler, endpoint):
		return self.daemon({handler: {"handler": handler, "listen": endpoint.text}})

	def nc_echo(self, endpoint, *how):
		self.serve("echo", endpoint)
		data = payload(endpoint.text, 700_000)
		self.assertTrue(run("nc", "-N", *how, stdin=data) == data, "the same bytes come back")

	@needs_nc
	def test_nc_ipv4(self):
		endpoint = Endpoint.v4()
		self.nc_echo(endpoint, "127.0.0.1", str(endpoint.port))

	@needs_nc
	@needs_v6
	def test_nc_ipv6(self):
		endpoint = Endpoint.v6()
		self.nc_echo(endpoint, "::1", str(endpoint.port))

	@needs_nc
	def test_nc_unix(self):
		endpoint = Endpoint.unix(self.path("d0", "s"))
		self.nc_echo(endpoint, "-U", endpoint.address)

	@needs_nc
	def test_nc_half_close_with_a_program(self):
		"""The program answers after the client has finished sending."""
		endpoint = Endpoint.v4()
		self.daemon({"sum": {"handler": "exec", "listen": endpoint.text, "command": ["/usr/bin/wc", "-c"]}})
		self.assertEqual(run("nc", "-N", "127.0.0.1", str(endpoint.port), stdin=b"x" * 1234).strip(),
				 b"1234")

	@needs_nc
	def test_nc_only_listens(self):
		endpoint = Endpoint.v4()
		self.serve("daytime", endpoint)
		self.assertRegex(run("nc", "-d", "127.0.0.1", str(endpoint.port)), rb"\d\d:\d\d:\d\d.*\r\n")

	def curl_echo(self, endpoint, *how):
		self.serve("echo", endpoint)
		with subprocess.Popen(["curl", "-sSN", *how, "telnet://%s" % endpoint.text],
				      stdin=subprocess.PIPE, stdout=subprocess.PIPE) as curl:
			try:
				for word in (b"hello\n", b"preforkd\n"):
					curl.stdin.write(word)
					curl.stdin.flush()
					self.assertEqual(curl.stdout.readline(), word)
			finally:
				curl.kill()

	@needs_tool("curl")
	def test_curl_ipv4(self):
		self.curl_echo(Endpoint.v4())

	@needs_tool("curl")
	@needs_v6
	def test_curl_ipv6(self):
		self.curl_echo(Endpoint.v6(), "-g")

	@needs_tool("curl")
	def test_curl_only_listens(self):
		endpoint = Endpoint.v4()
		self.serve("daytime", endpoint)
		with subprocess.Popen(["curl", "-sSN", "telnet://%s" % endpoint.text], stdin=subprocess.PIPE,
				      stdout=subprocess.PIPE) as curl:
			try:
				self.assertRegex(curl.stdout.readline(), rb"\d\d:\d\d:\d\d.*\r\n")
			finally:
				curl.kill()


GIT_ENV = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


def big_history(path, commits=40, files=100):
	"""A bare repository of some thousand objects. Returns its tip."""
	run("git", "init", "-q", "--bare", path, env=GIT_ENV)
	stream = []
	for c in range(commits):
		stream.append(b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 1\nx"
			      % (1_700_000_000 + c))
		for f in range(files):
			content = b"%d %d %s\n" % (c, f, payload((c, f).__repr__(), 300).hex().encode())
			stream.append(b"M 100644 inline dir%d/file%d\ndata %d\n%s" % (f % 7, f, len(content),
										 content))
	run("git", "-C", path, "fast-import", "--quiet", stdin=b"\n".join(stream) + b"\n", env=GIT_ENV)
	run("git", "-C", path, "symbolic-ref", "HEAD", "refs/heads/main", env=GIT_ENV)
	return run("git", "-C", path, "rev-parse", "main", env=GIT_ENV)


@needs_tool("git")
class Git(Case):
	def clone(self, endpoint, url, env=None):
		base = self.folder("srv", for_workers=True)
		tip = big_history(os.path.join(base, "repo.git"))
		if IS_ROOT:	# git serves a repository only to its owner
			run("chown", "-R", SERVICE_USER, base)
		git = run("sh", "-c", "command -v git").decode().strip()
		d = self.daemon({"git": {
			"handler": "exec", "listen": endpoint.text,
			"command": [git, "daemon", "--inetd", "--export-all", "--base-path=" + base, base]}})
		copy = self.path("copy")
		run("git", "clone", "-q", url, copy, env={**GIT_ENV, **(env or {})})
		self.assertEqual(run("git", "-C", copy, "rev-parse", "HEAD", env=GIT_ENV), tip)
		run("git", "-C", copy, "fsck", "--strict", env=GIT_ENV)
		count = run("git", "-C", copy, "rev-list", "--objects", "--all", env=GIT_ENV).count(b"\n")
		self.assertGreater(count, 3000)
		for f in range(100):
			with open(os.path.join(copy, "dir%d" % (f % 7), "file%d" % f), "rb") as file:
				self.assertTrue(file.read().startswith(b"39 %d " % f))
		self.assertEqual(d.stop(), 0)

	def test_clone_ipv4(self):
		endpoint = Endpoint.v4()
		self.clone(endpoint, "git://%s/repo.git" % endpoint.text)

	@needs_v6
	def test_clone_ipv6(self):
		endpoint = Endpoint.v6()
		self.clone(endpoint, "git://%s/repo.git" % endpoint.text)

	@needs_nc
	def test_clone_unix(self):
		endpoint = Endpoint.unix(self.path("d0", "s"))
		proxy = self.write("proxy", "#!/bin/sh\nexec nc -U -N '%s'\n" % endpoint.address, 0o755)
		self.clone(endpoint, "git://unix/repo.git", {"GIT_PROXY_COMMAND": proxy})


@needs_tool("rsync")
class Rsync(Case):
	def copy(self, endpoint, url, env=None):
		tree = self.folder("tree")
		for i in range(300):
			folder = os.path.join(tree, "d%d" % (i % 10))
			os.makedirs(folder, exist_ok=True)
			with open(os.path.join(folder, "f%d" % i), "wb") as f:
				f.write(payload(i, 500 * i % 60_000))
		conf = self.write("rsyncd.conf", "use chroot = no\n[data]\n\tpath = %s\n\tread only = yes\n" % tree)
		rsync = run("sh", "-c", "command -v rsync").decode().strip()
		d = self.daemon({"rsync": {"handler": "exec", "listen": endpoint.text,
					   "command": [rsync, "--daemon", "--config=" + conf]}})
		dest = self.path("dest")
		run("rsync", "-a", url, dest + "/", env=env)
		same = filecmp.dircmp(tree, dest)
		self.assertEqual(sorted(os.listdir(dest)), sorted(os.listdir(tree)))
		self.assertFalse(same.left_only or same.right_only or same.diff_files)
		for i in range(300):
			name = os.path.join("d%d" % (i % 10), "f%d" % i)
			self.assertTrue(filecmp.cmp(os.path.join(tree, name), os.path.join(dest, name), False), name)
		self.assertEqual(d.stop(), 0)

	def test_copy_ipv4(self):
		endpoint = Endpoint.v4()
		self.copy(endpoint, "rsync://%s/data/" % endpoint.text)

	@needs_v6
	def test_copy_ipv6(self):
		endpoint = Endpoint.v6()
		self.copy(endpoint, "rsync://%s/data/" % endpoint.text)

	@needs_nc
	def test_copy_unix(self):
		endpoint = Endpoint.unix(self.path("d0", "s"))
		self.copy(endpoint, "rsync://unix/data/", {"RSYNC_CONNECT_PROG": "nc -U -N " + endpoint.address})


main()
