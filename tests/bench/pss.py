#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mean proportional memory (Pss) of the children of a process, in kB: pss.py PID"""

import sys


def children(pid):
	"""The direct children of all threads of PID."""
	with open(f"/proc/{pid}/task/{pid}/children") as f:
		return [int(word) for word in f.read().split()]


def pss_kb(pid):
	with open(f"/proc/{pid}/smaps_rollup") as f:
		for line in f:
			if line.startswith("Pss:"):
				return int(line.split()[1])
	raise ValueError(f"no Pss of process {pid}")


def mean_of_children(pid):
	"""Mean Pss in kB, and how many children there are."""
	values = [pss_kb(child) for child in children(pid)]
	if not values:
		raise ValueError(f"process {pid} has no children")
	return sum(values) / len(values), len(values)


def main():
	if len(sys.argv) != 2:
		sys.exit(__doc__)
	mean, count = mean_of_children(int(sys.argv[1]))
	print(f"{mean:.1f} kB, mean of {count}")


if __name__ == "__main__":
	main()
