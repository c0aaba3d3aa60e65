# SPDX-License-Identifier: MIT
"""Real proxies: HAProxy, and nginx with its stream module, each with a configuration of its own and no other files."""

import glob
import os
import shutil
import subprocess
import tempfile
import threading

from .waiting import wait_until

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
_STREAM = ["/usr/lib/nginx/modules/ngx_stream_module.so", "/usr/lib*/nginx/modules/ngx_stream_module.so",
	   "/usr/share/nginx/modules/ngx_stream_module.so"]


def _find(name):
	return shutil.which(name, path=_PATH)


def no_haproxy():
	"""Why there can be none, or None."""
	return None if _find("haproxy") else "not installed: haproxy"


def _stream_module():
	return next((path for pattern in _STREAM for path in glob.glob(pattern)), None)


def no_nginx():
	if not _find("nginx"):
		return "not installed: nginx"
	return None if _stream_module() else "not installed: nginx's stream module"


class _Program:
	"""Runs COMMAND until close(), or until we end."""

	def __init__(self, command, listens):
		prefix = [_find("setpriv"), "--pdeathsig", "KILL", "--"] if _find("setpriv") else []
		self.process = subprocess.Popen(prefix + command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
						stderr=subprocess.STDOUT, cwd=self.folder)
		self._lines = []
		self._reader = threading.Thread(target=self._collect, daemon=True)
		self._reader.start()
		try:
			for endpoint in listens:
				wait_until(lambda: self._serves(endpoint), "it listens on %s" % endpoint)
		except BaseException:
			self.close()
			raise

	def _collect(self):
		for line in self.process.stdout:
			self._lines.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))
		self.process.stdout.close()

	def _serves(self, endpoint):
		if self.process.poll() is not None:
			self._reader.join(2)
			raise AssertionError("ended: %s" % "\n".join(self._lines))
		return endpoint.inodes()

	def log(self):
		return list(self._lines)

	def close(self):
		if self.process.poll() is None:
			self.process.terminate()
			try:
				self.process.wait(5)
			except subprocess.TimeoutExpired:
				self.process.kill()
				self.process.wait()
		shutil.rmtree(self.folder, ignore_errors=True)

	def write(self, name, text):
		path = os.path.join(self.folder, name)
		with open(path, "w", encoding="utf-8") as f:
			f.write(text)
		return path


class HAProxy(_Program):
	"""ROUTES: (endpoint, what the line `server` says of the one behind it)."""

	def __init__(self, routes, binds=None):
		self.folder = tempfile.mkdtemp(prefix="preforkd-haproxy-")
		text = "global\n\tmaxconn 500\n\tnbthread 1\n\tlog stdout format raw daemon\n" \
			"defaults\n\tmode tcp\n\tlog global\n" \
			"\ttimeout connect 10s\n\ttimeout client 60s\n\ttimeout server 60s\n"
		for number, (endpoint, server) in enumerate(routes):
			bind = (binds or {}).get(endpoint, "%s:%d" % endpoint.address)
			text += "listen l%d\n\tbind %s\n\tserver s%d %s\n" % (number, bind, number, server)
		super().__init__([_find("haproxy"), "-db", "-f", self.write("haproxy.cfg", text)],
				 [endpoint for endpoint, _ in routes])


class Nginx(_Program):
	"""ROUTES: (endpoint, where it leads to). RETURNS: {endpoint: a text that it answers in place of that}."""

	def __init__(self, routes, binds=None, returns=None):
		self.folder = tempfile.mkdtemp(prefix="preforkd-nginx-")
		text = "load_module %s;\ndaemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr notice;\n" \
			"events { worker_connections 256; }\nstream {\n\tproxy_protocol on;\n\tproxy_half_close on;\n" \
			% _stream_module()
		returns = returns or {}
		for endpoint, target in routes:
			bind = (binds or {}).get(endpoint, endpoint.text)
			does = 'return "%s"' % returns[endpoint] if endpoint in returns else "proxy_pass " + target
			text += "\tserver { listen %s; %s; }\n" % (bind, does)
		super().__init__([_find("nginx"), "-e", "stderr", "-p", self.folder, "-c",
				  self.write("nginx.conf", text + "}\n")], [endpoint for endpoint, _ in routes])
