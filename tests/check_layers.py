#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the source tree against its plan: which room may include which, no circles of files or headers, how long a
file and how large a room may grow, and that every source file is in the local.mk of its folder. Prints TAP.

    check_layers.py             runs the check
    check_layers.py --circles   prints each circle of files, with the includes and functions that tie it
    check_layers.py --known     prints what tests/layers-known should contain now

tests/layers-known lists what is still wrong. A line that is missing there is a failure, and so is a line that is no
longer needed: the file only shrinks. Without the file nothing is excused.

The rules are run over made-up trees first (layers/made_up.py), at least one for each way to break each rule: a rule
that no longer sees anything is a failure too.
"""

import os
import re
import sys

sys.dont_write_bytecode = True

from layers import circles, made_up, source  # noqa: E402 # after the line above

# A room may include itself and what stands to the right of it.
LAYERS = ["main", "master", "control", "upgrade", "change", "fleet", "pool", "worker", "gate", "services", "sandbox",
		"board", "listeners", "config", "syntax", "net", "base"]
MAY_INCLUDE = {room: set(LAYERS[i:]) - {"main"} for i, room in enumerate(LAYERS)}
MAY_INCLUDE["main"] |= {"loader"}
MAY_INCLUDE["loader"] = {"loader"} | MAY_INCLUDE["services"]
MAY_INCLUDE["client"] = {"client", "net", "base"}
MAY_INCLUDE["modules"] = {"modules"}  # they see what is installed
MAY_INCLUDE["ctl"] = {"ctl", "net", "base"}

# The rooms that see the interface of a service. The configuration knows it as a table of names.
SEES_MODULE_H = {"main", "master", "control", "upgrade", "change", "fleet", "pool", "worker", "gate", "services",
		"sandbox", "loader", "config", "modules"}

# The public header includes the C library only, so that it compiles wherever there is one.
PUBLIC_HEADER = "include/preforkd/module.h"
LIBC = {"errno.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "string.h",
		"sys/socket.h", "sys/types.h", "time.h"}

MAX_LINES = {".c": 500, ".h": 200}
MAX_SHARE = 13  # per cent of the product's lines that may be in one room
# Files that may be longer for good: path -> (limit, reason). A file to be cured is in tests/layers-known instead.
EXCEPTIONS = {}


class Known:
	"""The lines of tests/layers-known, and which of them are needed."""

	def __init__(self, top):
		path = os.path.join(top, "tests/layers-known")
		self.lines = source.read(path).splitlines() if os.path.exists(path) else []
		self.needed = {}  # line -> line that should be in the file, in the order of the rules

	def excuses(self, line):
		self.needed[line] = line
		return line in self.lines

	def excuses_size(self, path, size, unit, step):
		"""A line "PATH: up to N UNIT" excuses what is not larger than N; N is rounded up, to leave some
		room."""
		self.needed[path] = f"{path}: up to {(size + step - 1) // step * step} {unit}"
		for line in self.lines:
			match = re.fullmatch(rf"{re.escape(path)}: up to (\d+) {unit}", line)
			if match:
				self.needed[path] = line
				return size <= int(match[1])
		return False

	def stale(self):
		return [line for line in self.lines if line not in self.needed.values()]


class Tree:
	def __init__(self, top, exceptions):
		self.top = top
		self.exceptions = exceptions
		self.known = Known(top)
		self.texts = {path: source.read(os.path.join(top, path)) for path in sorted(source.files(top))}
		self.graph = circles.Graph(self.texts)

	def has(self, path):
		return os.path.exists(os.path.join(self.top, path))

	def of_folder(self, folder):
		"""The .c and .h files of one folder, without its subfolders."""
		return [path for path in self.texts if os.path.dirname(path) == folder]


def folder_of(room):
	if room == "main":
		return "daemon"
	return room if room in ("client", "ctl", "modules") else "daemon/" + room


def include_problems(tree, room, path):
	for kind, target in source.includes(tree.texts[path]):
		if target.startswith("preforkd/"):
			if room not in SEES_MODULE_H:
				yield f"{path}: <{target}> is not for {room}"
			continue
		if kind == "<":
			if tree.has(os.path.join("daemon", target)):
				yield f"{path}: <{target}> should be in quotes"
			continue
		if "/" not in target and not folder_of(room).startswith("daemon"):
			target = f"{room}/{target}"  # beside it: that folder is on no search path
		if "/" not in target:
			yield f'{path}: "{target}" does not say its folder'
		elif not any(tree.has(os.path.join(base, target)) for base in ("daemon", "")):
			yield f'{path}: there is no "{target}"'
		elif target.split("/")[0] not in MAY_INCLUDE[room] and not tree.known.excuses(f"{path} {target}"):
			yield f'{path}: {room} may not include "{target}"'


def size_problems(tree, path):
	lines = tree.texts[path].count("\n")
	usual = MAX_LINES[os.path.splitext(path)[1]]
	limit = tree.exceptions.get(path, (usual,))[0]
	if lines > limit and not tree.known.excuses_size(path, lines, "lines", 50):
		yield f"{path}: {lines} lines, more than {limit}"
	if path in tree.exceptions and lines <= usual:
		yield f"{path}: has {lines} lines and no longer needs its exception"


def licence_problems(tree, path):
	if not tree.texts[path].startswith("/* SPDX-License-Identifier: MIT */\n"):
		yield f"{path}: the first line is not the licence line"


def listing_problems(tree, folder):
	"""Every file is listed, and every listed file exists."""
	there = {os.path.basename(path) for path in tree.of_folder(folder)}
	fragment = f"{folder}/local.mk"
	if not there:
		return
	if not tree.has(fragment):
		yield f"{fragment} is missing"
		return
	listed = set(re.findall(rf"(?:%D%|{folder})/([\w.]+\.[ch])\b", source.read(os.path.join(tree.top, fragment))))
	for name in sorted(there - listed):
		yield f"{fragment} does not list {name}"
	for name in sorted(listed - there):
		yield f"{fragment} lists {name}, which is not there"


def room_problems(tree, room):
	folder = folder_of(room)
	for path in tree.of_folder(folder):
		yield from include_problems(tree, room, path)
		yield from size_problems(tree, path)
		yield from licence_problems(tree, path)
	yield from listing_problems(tree, folder)


def public_header_problems(tree):
	for kind, target in source.includes(tree.texts[PUBLIC_HEADER]):
		if kind != "<" or target not in LIBC:
			yield f"{PUBLIC_HEADER}: {target} is not of the C library"
	yield from size_problems(tree, PUBLIC_HEADER)


def unknown_rooms(tree):
	for folder in sorted({os.path.dirname(path) for path in tree.texts}):
		room = folder.removeprefix("daemon/")
		if folder.startswith("daemon/") and (room not in MAY_INCLUDE or folder != folder_of(room)):
			yield f"{folder} has no place in the layers"


def fat_rooms(tree):
	total = sum(text.count("\n") for text in tree.texts.values())
	for room in MAY_INCLUDE:
		folder = folder_of(room)
		lines = sum(tree.texts[path].count("\n") for path in tree.of_folder(folder))
		percent = -(-100 * lines // max(total, 1))  # rounded up
		if percent > MAX_SHARE and not tree.known.excuses_size(folder, percent, "%", 1):
			share = 100 * lines / total
			yield f"{folder}: {lines} lines, {share:.1f} % of the product; more than {MAX_SHARE} %"


def file_circles(tree):
	for circle in tree.graph.circles:
		edges = tree.graph.circle_edges(circle)
		new = [edge for edge in edges if not tree.known.excuses(f"{edge[0]} -> {edge[1]}")]
		if new:
			yield f"in a circle of {len(circle)} files (all of it: tests/check_layers.py --circles):"
		yield from (circles.describe(edge, edges[edge]) for edge in new)


def header_circles(tree):
	for circle in tree.graph.header_circles:
		yield f"these headers include each other: {', '.join(circle)}"


def stale_lines(tree):
	"""Last: the other rules have said by now which lines they need."""
	for line in tree.known.stale():
		yield f"cured: delete it from tests/layers-known: {line}"
	for path in sorted(set(tree.exceptions) - set(tree.texts)):
		yield f"{path} has an exception and is not there"


def cases(tree):
	for room in MAY_INCLUDE:
		yield f"room {room}", list(room_problems(tree, room))
	yield "the public header", list(public_header_problems(tree))
	yield "no other rooms", list(unknown_rooms(tree))
	yield f"no room has more than {MAX_SHARE} % of the lines", list(fat_rooms(tree))
	yield "no circle of files", list(file_circles(tree))
	yield "no circle of headers", list(header_circles(tree))
	yield "no line of tests/layers-known is out of date", list(stale_lines(tree))


def all_problems(top, exceptions):
	return [problem for _, problems in cases(Tree(top, exceptions)) for problem in problems]


def print_circles(tree):
	for circle in tree.graph.circles:
		print(f"A circle of {len(circle)} files:")
		for edge, reasons in tree.graph.circle_edges(circle).items():
			print("  " + circles.describe(edge, reasons))
		print()
	print(f"{len(tree.graph.circles)} circles")


def print_known(tree):
	"""Sorted, so that a cure changes no line but its own."""
	list(cases(tree))
	for line in sorted(tree.known.needed.values(), key=lambda line: (" -> " in line, line)):
		print(line)


def run(tree):
	results = made_up.results(all_problems)
	results += cases(tree)
	print(f"1..{len(results)}")
	for n, (name, problems) in enumerate(results, 1):
		print(f"{'not ok' if problems else 'ok'} {n} - {name}")
		for problem in problems:
			print(f"#   {problem}")


def main():
	commands = {"": run, "--circles": print_circles, "--known": print_known}
	command = " ".join(sys.argv[1:])
	if command not in commands:
		print("usage: check_layers.py [--circles | --known]", file=sys.stderr)
		return 2
	top = os.environ.get("TOP_SRCDIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
	commands[command](Tree(top, EXCEPTIONS))
	return 0


if __name__ == "__main__":
	sys.exit(main())
