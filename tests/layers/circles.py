# SPDX-License-Identifier: MIT
"""Circles of files. A unit is a .c file together with the .h file of the same folder and name, or either alone; it is
called by its .c file where there is one. An edge runs from a unit to another of which it includes the header, or of
which it uses a function: one that exactly one file defines with external linkage."""

import collections
import os

from layers import source


def _components(graph):
	"""The strongly connected components of more than one node, sorted (Tarjan's algorithm, without recursion)."""
	index, low, stack, on_stack, found = {}, {}, [], set(), []

	def enter(node):
		index[node] = low[node] = len(index)
		stack.append(node)
		on_stack.add(node)
		work.append((node, iter(sorted(graph[node]))))

	for root in sorted(graph):
		work = []
		if root not in index:
			enter(root)
		while work:
			node, successors = work[-1]
			for other in successors:
				if other not in index:
					enter(other)
					break
				if other in on_stack:
					low[node] = min(low[node], index[other])
			else:
				work.pop()
				if work:
					low[work[-1][0]] = min(low[work[-1][0]], low[node])
				if low[node] == index[node]:
					at = stack.index(node)
					members = stack[at:]
					del stack[at:]
					on_stack.difference_update(members)
					if len(members) > 1:
						found.append(sorted(members))
	return sorted(found)


class Graph:
	"""circles: lists of units; edges: {(unit, unit): reasons}; header_circles: lists of headers."""

	def __init__(self, texts):
		"""TEXTS: the text of each file of the product, by its path."""
		unit = {path: path[:-2] + ".c" if path[:-2] + ".c" in texts else path for path in texts}
		headers = {path: set() for path in texts if path.endswith(".h")}
		self.edges = collections.defaultdict(list)
		for path, text in texts.items():
			for _, target in source.includes(text):
				other = source.include_path(texts, os.path.dirname(path), target)
				if other is None:
					continue
				self._add(unit[path], unit[other], f'"{target}"')
				if path in headers and other in headers:
					headers[path].add(other)
		self._add_uses(texts, unit)
		self.circles = _components(self._successors(unit.values()))
		self.header_circles = _components(headers)

	def _add(self, unit, other, reason):
		if unit != other and reason not in self.edges[unit, other]:
			self.edges[unit, other].append(reason)

	def _add_uses(self, texts, unit):
		codes = {path: source.Code(text) for path, text in texts.items()}
		homes = collections.defaultdict(set)
		for path, code in codes.items():
			for name in code.defines:
				homes[name].add(unit[path])
		homes = {name: min(where) for name, where in homes.items() if len(where) == 1}
		for path, code in codes.items():
			for name in sorted(code.uses(homes)):
				self._add(unit[path], homes[name], name + "()")

	def _successors(self, units):
		graph = {unit: set() for unit in units}
		for unit, other in self.edges:
			graph[unit].add(other)
		return graph

	def circle_edges(self, circle):
		"""The edges between the units of one circle, and why each is there."""
		return {edge: reasons for edge, reasons in sorted(self.edges.items())
				if edge[0] in circle and edge[1] in circle}


def describe(edge, reasons):
	return f"{edge[0]} -> {edge[1]}: {', '.join(reasons)}"
