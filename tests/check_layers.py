#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the source tree against its own plan: who may include whom, how long a file may grow,
and that every source file is in the local.mk of its folder. Prints TAP, one case a room.

The rules are run over made-up trees first, one for each way to break them, so that a rule
that no longer sees anything is a failure too.
"""

import os
import re
import sys
import tempfile

# A room may include itself and what stands to the right of it.
LAYERS = ["main", "master", "control", "upgrade", "change", "fleet", "pool", "worker", "gate", "services", "board",
		"listeners", "config", "syntax", "net", "base"]
MAY_INCLUDE = {room: set(LAYERS[i:]) - {"main"} for i, room in enumerate(LAYERS)}
MAY_INCLUDE["main"] |= {"loader"}
MAY_INCLUDE["loader"] = {"loader"} | MAY_INCLUDE["services"]
MAY_INCLUDE["client"] = {"client", "net", "base"}
MAY_INCLUDE["modules"] = {"modules"}  # they see what is installed
MAY_INCLUDE["ctl"] = {"ctl", "net", "base"}

# Includes that run the wrong way and are still to be turned round: none may be added.
KNOWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers-known")

# The rooms that see the interface of a service. The configuration knows it as a table of names.
SEES_MODULE_H = {"main", "master", "control", "upgrade", "change", "fleet", "pool", "worker", "gate", "services",
		"loader", "config", "modules"}

# What the public header may include: it must compile wherever there is a C library.
LIBC = {"errno.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "string.h",
		"sys/socket.h", "sys/types.h", "time.h"}

MAX_LINES = {".c": 800, ".h": 200}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def read(path):
	with open(path, encoding="utf-8") as f:
		return f.read()


def known():
	return read(KNOWN).splitlines() if os.path.exists(KNOWN) else []


def sources(top, folder):
	"""The .c and .h files of one folder, without its subfolders."""
	path = os.path.join(top, folder)
	if not os.path.isdir(path):
		return []
	return sorted(os.path.join(folder, name) for name in os.listdir(path)
			if os.path.splitext(name)[1] in MAX_LINES)


def folder_of(room):
	if room == "main":
		return "daemon"
	return room if room in ("client", "ctl", "modules") else "daemon/" + room


def room_of_include(target):
	""""base/err.h" -> "base"; None for a name without a folder."""
	return target.split("/")[0] if "/" in target else None


def include_problems(top, room, path):
	text = COMMENT.sub("", read(os.path.join(top, path)))
	for kind, target in INCLUDE.findall(text):
		if target.startswith("preforkd/"):
			if room not in SEES_MODULE_H:
				yield f"{path}: <{target}> is not for {room}"
			continue
		if kind == "<":
			if os.path.exists(os.path.join(top, "daemon", target)):
				yield f"{path}: <{target}> should be in quotes"
			continue
		if "/" not in target and not folder_of(room).startswith("daemon"):
			target = f"{room}/{target}"  # beside it: that folder is on no search path
		other = room_of_include(target)
		if other is None:
			yield f'{path}: "{target}" does not say its folder'
		elif other not in MAY_INCLUDE[room] and f"{path} {target}" not in known():
			yield f'{path}: {room} may not include "{target}"'
		elif not any(os.path.exists(os.path.join(top, base, target)) for base in ("daemon", "")):
			yield f'{path}: there is no "{target}"'


def size_problems(top, path):
	lines = read(os.path.join(top, path)).count("\n")
	limit = MAX_LINES[os.path.splitext(path)[1]]
	if lines > limit:
		yield f"{path}: {lines} lines, more than {limit}"


def licence_problems(top, path):
	if not read(os.path.join(top, path)).startswith("/* SPDX-License-Identifier: MIT */\n"):
		yield f"{path}: the first line is not the licence line"


def listing_problems(top, folder):
	"""Every file is listed, every listed file exists, and the list is sorted."""
	there = {os.path.basename(path) for path in sources(top, folder)}
	fragment = os.path.join(top, folder, "local.mk")
	if not there:
		return
	if not os.path.exists(fragment):
		yield f"{folder}/local.mk is missing"
		return
	listed = re.findall(rf"(?:%D%|{folder})/([\w.]+\.[ch])\b", read(fragment))
	for name in sorted(there - set(listed)):
		yield f"{folder}/local.mk does not list {name}"
	for name in sorted(set(listed) - there):
		yield f"{folder}/local.mk lists {name}, which is not there"


def room_problems(top, room):
	folder = folder_of(room)
	for path in sources(top, folder):
		yield from include_problems(top, room, path)
		yield from size_problems(top, path)
		yield from licence_problems(top, path)
	yield from listing_problems(top, folder)


def public_header_problems(top):
	path = "include/preforkd/module.h"
	text = COMMENT.sub("", read(os.path.join(top, path)))
	for kind, target in INCLUDE.findall(text):
		if kind != "<" or target not in LIBC:
			yield f"{path}: {target} is not of the C library"
	yield from size_problems(top, path)


def unknown_rooms(top):
	for name in sorted(os.listdir(os.path.join(top, "daemon"))):
		if os.path.isdir(os.path.join(top, "daemon", name)) and name[0] != ".":
			if name not in MAY_INCLUDE and sources(top, "daemon/" + name):
				yield f"daemon/{name} has no place in the layers"


def cases(top):
	for room in MAY_INCLUDE:
		yield f"room {room}", list(room_problems(top, room))
	yield "the public header", list(public_header_problems(top))
	yield "no other rooms", list(unknown_rooms(top))


# One broken tree for each rule: the file, what is in it, and a word of the complaint.
SPDX = "/* SPDX-License-Identifier: MIT */\n"
BROKEN = [
	("daemon/base/x.c", SPDX + '#include "net/addr.h"\n', "base may not include"),
	("daemon/net/x.c", SPDX + '#include "config/config.h"\n', "net may not include"),
	("daemon/config/x.c", SPDX + '#include "services/kinds.h"\n', "config may not include"),
	("daemon/worker/x.c", SPDX + '#include "master/spawn.h"\n', "worker may not include"),
	("client/x.c", SPDX + '#include "config/config.h"\n', "client may not include"),
	("ctl/x.c", SPDX + '#include "config/config.h"\n', "ctl may not include"),
	("modules/x.c", SPDX + '#include "base/err.h"\n', "modules may not include"),
	("daemon/master/x.c", SPDX + '#include "ctl/call.h"\n', "master may not include"),
	("daemon/worker/x.c", SPDX + '#include "control/status.h"\n', "worker may not include"),
	("daemon/net/x.c", SPDX + "#include <preforkd/module.h>\n", "is not for net"),
	("daemon/net/x.c", SPDX + '#include "addr.h"\n', "does not say its folder"),
	("daemon/net/x.c", SPDX + '#include "net/none.h"\n', "there is no"),
	("daemon/net/x.c", SPDX + "#include <net/addr.h>\n", "should be in quotes"),
	("daemon/net/x.c", SPDX + "\n" * 800, "more than 800"),
	("daemon/net/x.h", SPDX + "\n" * 200, "more than 200"),
	("daemon/net/x.c", "int x;\n", "licence line"),
	("daemon/net/unlisted.c", SPDX, "does not list unlisted.c"),
	("daemon/net/local.mk", "x += %D%/gone.c\n", "lists gone.c"),
	("daemon/attic/x.c", SPDX, "no place in the layers"),
	("include/preforkd/module.h", "#include <systemd/sd-bus.h>\n", "not of the C library"),
]

# And what must not draw a complaint.
SOUND = [
	("daemon/master/x.c", SPDX + '#include "control/status.h"\n', "may not include"),
]


def breaks(path, text, complaint):
	"""True if the tree with this one file draws this complaint."""
	with tempfile.TemporaryDirectory() as top:
		files = {"include/preforkd/module.h": "", "daemon/net/addr.h": SPDX,
			"daemon/net/local.mk": "x += %D%/addr.h %D%/x.c\n", path: text}
		for name, content in files.items():
			os.makedirs(os.path.join(top, os.path.dirname(name)), exist_ok=True)
			with open(os.path.join(top, name), "w", encoding="utf-8") as f:
				f.write(content)
		return any(complaint in problem for _, problems in cases(top) for problem in problems)


def main():
	top = os.environ.get("TOP_SRCDIR") or os.path.dirname(os.path.dirname(
		os.path.abspath(__file__)))
	results = [(f"sees: {complaint}", [] if breaks(path, text, complaint) else ["not seen"])
		for path, text, complaint in BROKEN]
	results += [(f"lets through: {path}", ["complains"] if breaks(path, text, complaint) else [])
		for path, text, complaint in SOUND]
	results += cases(top)
	print(f"1..{len(results)}")
	for n, (name, problems) in enumerate(results, 1):
		print(f"{'not ok' if problems else 'ok'} {n} - {name}")
		for problem in problems:
			print(f"#   {problem}")
	return 0


if __name__ == "__main__":
	sys.exit(main())
