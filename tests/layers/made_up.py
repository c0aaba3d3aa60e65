# SPDX-License-Identifier: MIT
"""Made-up trees that break one rule each, and some that break none: they show that the rules see what they should."""

import os
import tempfile

SPDX = "/* SPDX-License-Identifier: MIT */\n"
BASE = {"include/preforkd/module.h": "", "daemon/net/local.mk": "x += %D%/addr.h %D%/x.c\n"}


def lines(n):
	return SPDX + "\n" * (n - 1)


def c(*headers_and_code):
	"""The text of a file: the names of headers are included, the rest is code."""
	return SPDX + "".join(f'#include "{part}"\n' if part.endswith(".h") else part + "\n"
			      for part in headers_and_code)


def function(name, body, head="void "):
	return f"{head}{name}(void)\n{{\n\t{body};\n}}\n"


def calls(name, other):
	return c(function(name, f"{other}()"))


X = "daemon/net/x.c"
A, B, D = "daemon/net/a.c", "daemon/net/b.c", "daemon/net/d.c"
AH, BH, DH = "daemon/net/a.h", "daemon/net/b.h", "daemon/net/d.h"
ARROW = f"{A} -> {B}: "
KNOWN = "tests/layers-known"

# What is broken, the files, and a part of the complaint.
BROKEN = [
	("base includes net", {"daemon/base/x.c": c("net/addr.h"), "daemon/net/addr.h": SPDX}, "base may not include"),
	("net includes config", {X: c("config/config.h"), "daemon/config/config.h": SPDX}, "net may not include"),
	("config includes services", {"daemon/config/x.c": c("services/kinds.h"), "daemon/services/kinds.h": SPDX},
		"config may not include"),
	("worker includes master", {"daemon/worker/x.c": c("master/spawn.h"), "daemon/master/spawn.h": SPDX},
		"worker may not include"),
	("worker includes control", {"daemon/worker/x.c": c("control/status.h"), "daemon/control/status.h": SPDX},
		"worker may not include"),
	("master includes loader", {"daemon/master/x.c": c("loader/loader.h"), "daemon/loader/loader.h": SPDX},
		"master may not include"),
	("loader includes gate", {"daemon/loader/x.c": c("gate/gate.h"), "daemon/gate/gate.h": SPDX},
		"loader may not include"),
	("client includes config", {"client/x.c": c("config/config.h"), "daemon/config/config.h": SPDX},
		"client may not include"),
	("ctl includes config", {"ctl/x.c": c("config/config.h"), "daemon/config/config.h": SPDX},
	 "ctl may not include"),
	("modules include base", {"modules/x.c": c("base/err.h"), "daemon/base/err.h": SPDX},
	 "modules may not include"),
	("master includes ctl", {"daemon/master/x.c": c("ctl/call.h"), "ctl/call.h": SPDX}, "master may not include"),
	("net sees the interface of a service", {X: SPDX + "#include <preforkd/module.h>\n"}, "is not for net"),
	("no folder", {X: c("addr.h"), "daemon/net/addr.h": SPDX}, "does not say its folder"),
	("no such header", {X: c("net/none.h")}, "there is no"),
	("no quotes", {X: SPDX + "#include <net/addr.h>\n", "daemon/net/addr.h": SPDX}, "should be in quotes"),
	("a long .c", {X: lines(501)}, "501 lines, more than 500"),
	("a long header", {"daemon/net/x.h": lines(201)}, "201 lines, more than 200"),
	("a long public header", {"include/preforkd/module.h": lines(201)}, "more than 200"),
	("a known long .c has grown", {X: lines(601), KNOWN: f"{X}: up to 600 lines\n"}, "601 lines, more than 500"),
	("a fat room", {X: lines(14), "daemon/base/x.c": lines(86)}, "daemon/net: 14 lines, 14.0 % of the product"),
	("a known fat room has grown", {X: lines(15), "ctl/x.c": lines(85), KNOWN: "daemon/net: up to 14 %\n"},
		"daemon/net: 15 lines"),
	("no licence line", {X: "int x;\n"}, "licence line"),
	("a file that is not listed", {"daemon/net/unlisted.c": SPDX}, "does not list unlisted.c"),
	("a listed file that is gone", {"daemon/net/local.mk": "x += %D%/gone.c\n", X: SPDX}, "lists gone.c"),
	("no local.mk", {"daemon/base/x.c": SPDX}, "daemon/base/local.mk is missing"),
	("a new room", {"daemon/attic/x.c": SPDX}, "no place in the layers"),
	("a folder in a room", {"daemon/net/attic/x.c": SPDX}, "no place in the layers"),
	("a public header with more than libc", {"include/preforkd/module.h": "#include <systemd/sd-bus.h>\n"},
		"not of the C library"),

	("includes, two files", {A: c("net/b.h"), AH: SPDX, B: c("net/a.h"), BH: SPDX}, ARROW + '"net/b.h"'),
	("includes, three files", {A: c("net/b.h"), AH: SPDX, B: c("net/d.h"), BH: SPDX, D: c("net/a.h"), DH: SPDX},
		f'{D} -> {A}: "net/a.h"'),
	("includes, one of them in a header", {A: c("net/b.h"), AH: SPDX, BH: c("net/a.h")}, f"{A} -> {BH}: "),
	("includes, beside it", {"ctl/a.c": c("b.h"), "ctl/a.h": SPDX, "ctl/b.c": c("a.h"), "ctl/b.h": SPDX},
		"ctl/a.c -> ctl/b.c: "),
	("calls without includes", {A: calls("a", "b"), B: calls("b", "a")}, ARROW + "b()"),
	("an include and a call", {A: c("net/b.h", function("a", "")), BH: SPDX, B: calls("b", "a")},
	 f"{B} -> {A}: a()"),
	("a function as a value", {A: c(function("a", "sort(b)")), B: c(function("b", "x = a"))}, ARROW + "b()"),
	("a call of which the result is followed", {A: c(function("a", "use(x, *b())")), B: calls("b", "a")},
	 ARROW + "b()"),
	("a function in a table", {A: c("const struct row rows[] = {\n\t{.run = b},\n};", function("a", "")),
		B: calls("b", "a")}, ARROW + "b()"),
	("a call in a static function", {A: c(function("go", "b()", "static void "), function("a", "")),
		B: calls("b", "a")}, ARROW + "b()"),
	("a call in an inline function of a header", {AH: c(function("go", "b()", "static inline void ")),
		B: c("net/a.h", function("b", "go()"))}, f"{AH} -> {B}: b()"),
	("a long list of parameters, an attribute",
	 {A: c("__attribute__((format(printf, 1, 2))) int a(const char *fmt,\n"
		"\t\t...)\n{\n\treturn b();\n}\n"), B: calls("b", "a")}, ARROW + "b()"),
	("a circle that grows", {A: calls("a", "b"), B: calls("b", "a") + function("b2", "d()"), D: calls("d", "b"),
		KNOWN: f"{A} -> {B}\n{B} -> {A}\n"}, f"{D} -> {B}: b()"),
	("a circle above a file that is in none", {A: c(function("a", "")), B: calls("b", "d") + function("b2", "a()"),
		D: calls("d", "b") + function("d2", "a()")}, f"{B} -> {D}: d()"),
	("headers", {AH: c("net/b.h"), BH: c("net/a.h")}, f"include each other: {AH}, {BH}"),
	("headers with their .c", {AH: c("net/b.h"), BH: c("net/a.h"), A: SPDX, B: SPDX,
		KNOWN: f"{A} -> {B}\n{B} -> {A}\n"}, f"include each other: {AH}, {BH}"),
	("a known include is cured", {X: SPDX, KNOWN: f"{X} config/config.h\n"},
	 f"cured: delete it from {KNOWN}: {X} "),
	("a known circle is cured", {A: calls("a", "b"), B: calls("b", "d"), KNOWN: f"{A} -> {B}\n"}, "cured: "),
	("a known long file is cured", {X: lines(500), KNOWN: f"{X}: up to 600 lines\n"}, "cured: "),
	("a known fat room is cured", {X: lines(13), "ctl/x.c": lines(87), KNOWN: "daemon/net: up to 14 %\n"},
	 "cured: "),
	("a known file is gone", {KNOWN: f"{X}: up to 600 lines\n"}, "cured: "),
]

# What must not draw a complaint that contains these words.
SOUND = [
	("master includes control", {"daemon/master/x.c": c("control/status.h"), "daemon/control/status.h": SPDX},
		"may not include"),
	("main includes loader", {"daemon/main.c": c("loader/loader.h"), "daemon/loader/loader.h": SPDX},
		"may not include"),
	("an include in a comment", {"daemon/base/x.c": SPDX + '/*\n#include "net/addr.h"\n*/\n'}, "may not include"),
	("a known include", {"daemon/base/x.c": c("net/addr.h"), "daemon/net/addr.h": SPDX,
		KNOWN: "daemon/base/x.c net/addr.h\n"}, "base may"),
	("500 lines", {X: lines(500)}, "lines, more"),
	("a known long .c", {X: lines(600), KNOWN: f"{X}: up to 600 lines\n"}, "lines, more"),
	("a long .c does not make its line stale", {X: lines(551), KNOWN: f"{X}: up to 600 lines\n"}, "cured"),
	("a room of 13 %", {X: lines(13), "ctl/x.c": lines(87)}, "daemon/net: 13 lines"),
	("a known fat room", {X: lines(14), "ctl/x.c": lines(86), KNOWN: "daemon/net: up to 14 %\n"}, "daemon/net: "),
	("a header and its .c", {A: c("net/a.h", function("a", "a2()"), function("a2", "a()")), AH: SPDX}, " -> "),
	("a known circle", {A: calls("a", "b"), B: calls("b", "a"), KNOWN: f"{A} -> {B}\n{B} -> {A}\n"}, " -> "),
	("a known circle is not stale", {A: calls("a", "b"), B: calls("b", "a"), KNOWN: f"{A} -> {B}\n{B} -> {A}\n"},
		"cured"),
	("one way only", {A: c("net/b.h", function("a", "b()")), B: c(function("b", "")), BH: SPDX}, " -> "),
	("static functions of the same name", {A: calls("a", "go") + function("go", "", "static void "),
		B: calls("b", "a") + function("go", "", "static void ")}, " -> "),
	("a static function and one with linkage", {A: calls("a", "go") + function("go", "", "static void "),
		B: calls("go", "a") + calls("b", "a")}, " -> "),
	("functions of the same name", {A: calls("a", "show"), B: calls("show", "a"), D: calls("show", "b")}, " -> "),
	("a static function named like one of the C library", {A: calls("a", "read"),
		B: calls("b", "a") + function("read", "", "static void ")}, " -> "),
	("in a comment", {A: c("/* calls b() */", function("a", "/* b() */ 0; // b()")), B: calls("b", "a")}, " -> "),
	("in a string", {A: c(function("a", r"""puts("b() \" b()"); c = '"'; puts("b()")""")), B: calls("b", "a")},
		" -> "),
	("in a prototype", {A: c("void b(void);", function("a", "")), B: calls("b", "a")}, " -> "),
	("in a directive", {A: c(function("a", "\n#if \\\n\tb()\n#endif\n")), B: calls("b", "a")}, " -> "),
	("a member", {A: c(function("a", "p->b(); p.b = 1")), B: calls("b", "a")}, " -> "),
	("a type", {A: c("struct s {\n\tint b;\n};", function("a", "struct b *p = q")), B: calls("b", "a")}, " -> "),
	("a local variable", {A: c(function("a", "int b = 0; use(b)")), B: calls("b", "a")}, " -> "),
	("a parameter", {A: c("void a(const char *b)\n{\n\tuse(b);\n}"), B: calls("b", "a")}, " -> "),
]

# The same with the table of exceptions.
EXCEPTED = {X: (600, "it is one table")}
BROKEN_EXCEPTIONS = [
	("longer than its exception", {X: lines(601)}, "601 lines, more than 600"),
	("an exception that is not needed", {X: lines(500)}, "no longer needs its exception"),
	("an exception for a file that is gone", {}, "has an exception and is not there"),
]
SOUND_EXCEPTIONS = [
	("as long as its exception", {X: lines(600)}, X),
]


def _complains(all_problems, files, complaint, exceptions):
	with tempfile.TemporaryDirectory() as top:
		for name, content in (BASE | files).items():
			os.makedirs(os.path.join(top, os.path.dirname(name)), exist_ok=True)
			with open(os.path.join(top, name), "w", encoding="utf-8") as f:
				f.write(content)
		os.makedirs(os.path.join(top, "daemon"), exist_ok=True)
		return any(complaint in problem for problem in all_problems(top, exceptions))


def results(all_problems):
	"""Pairs of a name and a list of problems; ALL_PROBLEMS(top, exceptions) is the check."""
	found = []
	for exceptions, broken, sound in (({}, BROKEN, SOUND), (EXCEPTED, BROKEN_EXCEPTIONS, SOUND_EXCEPTIONS)):
		for name, files, complaint in broken:
			seen = _complains(all_problems, files, complaint, exceptions)
			found.append((f"sees: {name}", [] if seen else [f"no complaint with {complaint}"]))
		for name, files, complaint in sound:
			seen = _complains(all_problems, files, complaint, exceptions)
			found.append((f"lets through: {name}", [f"a complaint with {complaint}"] if seen else []))
	return found
