# SPDX-License-Identifier: MIT
"""The C sources as text: which files there are, what each one includes, defines, and uses."""

import os
import re

FOLDERS = ("client", "ctl", "daemon", "include", "modules")

# A comment, a string, or a character. A string may contain what looks like a comment, and the other way round.
_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.M | re.S)
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)\s*")
_FUNCTION = re.compile(r"^([A-Za-z_][^;{}=]*)\n\{(?:\}|(.*?)^\})", re.M | re.S)
_FUNCTION_NAME = re.compile(r"(\w+)\(")
_INITIALIZER = re.compile(r"=([^;]*);")
_NAME = re.compile(r"(->\s*|\.\s*|\b(?:struct|enum|union|goto)\s+)?\b([A-Za-z_]\w*)")


def read(path):
	with open(path, encoding="utf-8") as f:
		return f.read()


def files(top):
	"""Every .c and .h file of the product."""
	for folder in FOLDERS:
		for path, _, names in os.walk(os.path.join(top, folder)):
			for name in names:
				if name.endswith((".c", ".h")):
					yield os.path.relpath(os.path.join(path, name), top)


def includes(text):
	"""The pairs (kind, target) of the #include lines that are not in a comment; kind is < or "."""
	return _INCLUDE.findall(_TOKEN.sub(lambda m: " " if m[0][0] == "/" else m[0], text))


def include_path(texts, folder, target):
	"""Which of the files TEXTS is meant by #include "TARGET" in a file of FOLDER; None: none of them."""
	for base in ("daemon", "", folder, "include"):
		path = os.path.normpath(os.path.join(base, target))
		if path in texts:
			return path
	return None


def _is_local(name, function):
	"""True if FUNCTION declares a parameter or a variable of this name."""
	return re.search(
		rf"\b(?!(?:return|else|case|sizeof)\b)\w+(?:\s+|\s*\*+\s*){name}\s*[,;=)\[]|,\s*\*+{name}\b(?!\()|"
		rf"\(\*{name}\)\(", function)


class Code:
	"""What one file defines with external linkage (`defines`), and which of a set of names it uses."""

	def __init__(self, text):
		code = _TOKEN.sub(lambda m: " " if m[0][0] == "/" else '""', text)
		code = _ATTRIBUTE.sub("", _DIRECTIVE.sub("", code))
		self.defines = set()
		self._own = set()  # the static ones too
		self._chunks = []
		for head, body in _FUNCTION.findall(code):
			name = _FUNCTION_NAME.search(head)
			if name:
				self._own.add(name[1])
			if name and not re.search(r"\bstatic\b", head):
				self.defines.add(name[1])
			self._chunks.append((head, body))
		self._chunks += [("", values) for values in _INITIALIZER.findall(_FUNCTION.sub("", code))]

	def uses(self, names):
		"""Which of NAMES stand in a function or an initializer, called or as a value. No prototypes, no
		members."""
		names = names.keys() - self._own
		found = set()
		for head, body in self._chunks:
			here = {name for before, name in _NAME.findall(body) if not before and name in names} - found
			found |= {name for name in here if not _is_local(name, head + body)}
		return found
