# SPDX-License-Identifier: MIT
"""Modules, built as their authors would: with a compiler and pkg-config."""

import os
import shutil
import subprocess

from .daemon import SANITIZED, TOP_BUILDDIR, TOP_SRCDIR

# What all small ones have; MORE are further members.
HELLO = """
#include <preforkd/module.h>
%(before)s
static int serve(struct preforkd_conn *conn)
{
	return preforkd_write(conn, "hello", 5);
}
%(extern)s const struct preforkd_module preforkd_module = {
	.abi = PREFORKD_MODULE_ABI, .size = sizeof(preforkd_module), .name = "small", .summary = "says hello",
	.flags = PREFORKD_STREAM, .serve = serve, %(more)s
};
"""

# A crash is a crash, and not a report and an exit status.
CRASHING = {"ASAN_OPTIONS": ":".join(x for x in (os.environ.get("ASAN_OPTIONS"),
			     "handle_segv=0:handle_abort=0:detect_leaks=0") if x)} if SANITIZED else {}


def no_modules():
	"""Why none can be built, or None."""
	missing = [name for name in ("cc", "pkg-config") if shutil.which(name) is None]
	return "not installed: " + " ".join(missing) if missing else None


def small(before="", more=""):
	return HELLO % {"before": before, "more": more, "extern": ""}


# Writes into the memory of the process that the client names, or of its parent, where the module has the same address.
ATTACK = small("""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static char room[16];

static const char *call(int pid)
{
	struct iovec vec = {room, sizeof(room)};

	return process_vm_writev(pid, &vec, 1, &vec, 1, 0) == sizeof(room) ? "written" : strerror(errno);
}

static const char *through_proc(int pid)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	(void)close(fd);
	return "opened";
}
""").replace('return preforkd_write(conn, "hello", 5);', """char line[64], text[128];
	size_t len;
	int pid;

	if (preforkd_read_line(conn, line, sizeof(line), &len) <= 0)
		return -1;
	pid = atoi(line) != 0 ? atoi(line) : getppid();
	(void)snprintf(text, sizeof(text), "%s, %s\\n", call(pid), through_proc(pid));
	if (pid == getpid())
		strcpy(text, "itself\\n");
	return preforkd_write(conn, text, strlen(text));""")


def flags(pc_folder=TOP_BUILDDIR, sysroot=None):
	"""What pkg-config says; beside a tree that is not installed it finds preforkd-uninstalled.pc."""
	env = dict(os.environ, PKG_CONFIG_PATH=pc_folder)
	if sysroot:
		env["PKG_CONFIG_SYSROOT_DIR"] = sysroot
	return subprocess.run(["pkg-config", "--cflags", "preforkd"], env=env, check=True, timeout=60, text=True,
			      stdout=subprocess.PIPE).stdout.split()


def build(target, source, *arguments, compiler="cc", include=None, strict=True):
	"""TARGET from SOURCE, a text or the name of a file; put in place with rename(2), as packages do."""
	if "\n" in source:
		name = target + (".cc" if compiler != "cc" else ".c")
		with open(name, "w", encoding="utf-8") as f:
			f.write(source)
		source = name
	warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers"] if strict else []
	subprocess.run([compiler, "-shared", "-fPIC", "-O1", *warnings, *(include or flags()), *arguments, "-o",
			target + ".new", source], check=True, timeout=120)
	os.chmod(target + ".new", 0o755)
	os.rename(target + ".new", target)
	return target


def probe(target, *arguments):
	return build(target, os.path.join(TOP_SRCDIR, "tests", "system", "module_probe.c"), *arguments)
