#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures preforkd beside bare yardsticks and its peers, and its load generator beside wrk.

Everything runs on loopback and in turn. A round of rates is made of short slices, A B C, C B A, A B C,
C B A, so that what else the machine does meets all alike. Each side's median is shown; the ratio is
the median of the ratios within the rounds, because the two sides had the same weather.
The table goes to standard output and, with all values and a plot of the ratios, into a folder. The
exit status is 0 when every goal is met, 1 when one is not, 2 when something could not be measured.

The environment names the programs: PREFORKD, PREFORKC, and for peers (else looked for in PATH)
TCPSERVER, XINETD, INETD, SOCAT, SYSTEMD_SOCKET_ACTIVATE, SYSTEMD_SOCKET_PROXYD, HAPROXY, NGINX,
RINETD, PERL, APACHE, APACHE_MODULES and WRK; PEERS names a folder into which Debian packages were unpacked.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import sys

import peers
import plot
import relays
import servers
import walls
import works

UNITS = {"rate": ("/s", 0), "cost": ("/CPU s", 0), "memory": (" kB", 1), "time": (" ms", 1),
	 "cpu": (" µs", 0), "wait": (" ms", 1)}
LONG_ROUNDS = 3  # of what may take as long as it is given up after


class Goal:
	"""AT_LEAST or AT_MOST, of the ratio to the other side or (ABSOLUTE) of the value itself; or at most so much
	MORE than the other side. None of them: the line informs only."""

	def __init__(self, at_least=None, at_most=None, absolute=False, more=None):
		self.at_least, self.at_most, self.absolute, self.more = at_least, at_most, absolute, more

	def met(self, other, value, ratio):
		if self.more is not None:
			return value - other <= self.more
		value = value if self.absolute else ratio
		if self.at_least is not None:
			return value >= self.at_least
		return self.at_most is None or value <= self.at_most

	def text(self, unit):
		if self.more is not None:
			return f"≤ {self.more:g}{unit} more"
		if self.at_least is None and self.at_most is None:
			return "none"
		sign, limit = ("≥", self.at_least) if self.at_least is not None else ("≤", self.at_most)
		return f"{sign} {limit:g}{unit}" if self.absolute else f"{sign} {limit:.2f}"


# key, what it is, function, kind of value, goal
WORKS = [
	("echo-connections", "echo, 16 clients, connect–64 B–close", works.echo_connections, "rate",
	 Goal(at_least=0.95)),
	("echo-64", "echo, 1 client, 64 B ping-pong", works.echo_small, "rate", Goal(at_least=0.98)),
	("echo-64K", "echo, 1 client, 64 KiB ping-pong", works.echo_large, "rate",
	 Goal(at_least=0.98)),
	("echo-datagrams", "echo over UDP, 64 B, 64 under way, 1 worker", works.echo_datagrams, "rate",
	 Goal(at_least=0.95)),
	("exec", "exec /bin/cat, 8 clients, connect–64 B–close", works.exec_cat, "rate",
	 Goal(at_least=0.97)),
	("filter-exec", "the same, with sandbox.level = default (beside off)", walls.exec_cat, "rate",
	 Goal(at_least=0.97)),
	("filter-echo", "echo, 16 clients, with sandbox.level = strict (beside off)", walls.echo, "rate",
	 Goal(at_least=0.98)),
	("memory", f"idle worker, mean Pss of {works.IDLE_WORKERS}", works.idle_memory, "memory",
	 Goal(at_most=80, absolute=True)),
	("start", f"{works.START_WORKERS} workers, start to READY (beside bare forks)", works.start,
	 "time", Goal(at_most=5)),
	("burst", f"burst: 4 workers, {works.BURST_CLIENTS} clients at once, last answer (beside "
	 f"{works.BURST_CLIENTS} started before)", works.burst, "time",
	 Goal(at_most=100, absolute=True)),
	("reload", f"reload of {works.RELOAD_SERVICES} services with {works.RELOAD_WORKERS} workers, time to "
	 f"verdict (beside {works.RELOAD_WORKERS} bare forks)", works.reload, "time",
	 Goal(at_most=1000, absolute=True)),
	("reload-p99", f"p99 of {works.RELOAD_RATE} clients a second, such a reload a second (beside: none)",
	 works.reload_latency, "time", Goal(at_most=2)),
	("reload-storm", f"p99 of {works.RELOAD_RATE} clients a second, such reloads one after the other "
	 "(beside: none)", works.reload_storm, "time", Goal(at_most=2)),
	("status", f"status with {works.STATUS_WORKERS} workers, connect to whole answer (beside ping)",
	 works.status, "time", Goal(at_most=10, absolute=True)),
	("full",
	 f"{works.SILENT} silent clients, {peers.FULL} workers, on_full = evict: until one that speaks is answered",
	 works.full, "wait", Goal(at_most=100, absolute=True)),
	("full-queue", "the same with the defaults, which close the silent after 3 s", works.full_queue, "wait",
	 Goal(at_most=6000, absolute=True)),
	("gate", f"echo, 16 clients: PROXY v2, {works.NETWORKS} networks, limits of sources and rates (beside: none of "
	 "it)", works.gate, "rate", Goal(at_least=0.97)),
	("relay-connections", "proxy, 16 clients, connect–64 B–close (beside the direct connection)",
	 relays.connections, "rate",
	 Goal(at_least=0.4)),
	("relay-64", "proxy, 1 client, 64 B ping-pong (beside the direct connection)", relays.small, "rate",
	 Goal(at_least=0.4)),
	("relay-256K", "proxy, 4 clients, 256 KiB ping-pong (beside the direct connection)", relays.large, "rate",
	 Goal(at_least=0.4)),
	("relay-bulk", "proxy, 1 client, one way, 16 MiB each (beside the direct connection)", relays.bulk, "rate",
	 Goal(at_least=0.4)),
	("client", "load generator: exchanges for a CPU second of the client, 16 kept; beside wrk",
	 works.client_cost, "cost", Goal(at_least=1)),
]


def of_walls():
	"""For each wall: what a connection to a program costs, an idle worker, and the start of workers."""
	for wall in walls.WALLS:
		name, goal = wall.replace(" ", "-"), wall == "filter"
		yield (f"cost-{name}", f"exec /bin/cat, processor time of a connection; {wall} (beside off)",
		       walls.exec_cost(wall), "cpu", Goal(at_most=1.03) if goal else Goal())
		yield (f"memory-{name}",
		       f"idle worker of exec, mean Pss of {walls.IDLE_EXEC_WORKERS}; {wall} (beside off)",
		       walls.idle_memory(wall, "exec", walls.CAT), "memory", Goal(more=4) if goal else Goal())
		yield (f"start-{name}",
		       f"{walls.START_EXEC_WORKERS} workers of exec, start to READY; {wall} (beside off)",
		       walls.start(wall), "time", Goal())


def of_attacks():
	"""The latency of echo while strangers' programs behind all walls attack in one way, and in all ways."""
	p99 = (f"p99 of {walls.ATTACK_RATE} clients a second, {walls.STRANGERS} programs behind all walls with "
	       "program.nice ")
	for attack, script in walls.ATTACKS.items():
		yield (f"attack-{attack.split()[0]}", f"{p99}= 19: each {attack} (beside: none)",
		       walls.attacked(19, script), "time", Goal(at_most=1.25))
	for nice in (19, 0):
		yield (f"attack-all-{nice}", f"{p99}= {nice}: each does all of this (beside: none)",
		       walls.attacked(nice, *walls.ATTACKS.values()), "time", Goal(at_most=1.25))


WORKS += [
	("cost-echo", "echo, processor time of a connection; strict filter (beside off)", walls.echo_cost, "cpu",
	 Goal(at_most=1.02)),
	("memory-echo", f"idle worker of echo, mean Pss of {walls.IDLE_EXEC_WORKERS}; strict filter (beside off)",
	 walls.idle_memory("strict filter", "echo"), "memory", Goal(more=4)),
	*of_walls(),
	*of_attacks(),
]
ITSELF = [work[0] for work in WORKS if work[2].__module__ == "walls"]
PEER_GOAL, PEER_GOAL_WAIT = Goal(at_least=1), Goal(at_most=1)
# The goals of relays beside each other: level with the best, and well ahead where bytes need not be copied.
RELAY_GOALS = {"relay-connections": Goal(at_least=0.97), "relay-64": Goal(at_least=0.95),
	       "relay-256K": Goal(at_least=1.2)}


def say(text):
	print(text, file=sys.stderr, flush=True)


def one_round(measures, slices, backwards):
	"""The mean of each measure over SLICES turns; every other turn goes backwards."""
	values = [[] for _ in measures]
	for turn in range(slices):
		order = list(range(len(measures)))
		if (turn % 2 == 0) == backwards:
			order.reverse()
		for j in order:
			values[j].append(measures[j]())
	return [statistics.mean(v) for v in values]


def interleave(measures, rounds, slices, label):
	"""The values of each measure, one a round."""
	values = [[] for _ in measures]
	for i in range(rounds):
		for j, value in enumerate(one_round(measures, slices, i % 2 == 1)):
			values[j].append(value)
		say(f"{label}: round {i + 1} of {rounds}: "
		    + ", ".join(f"{v[-1]:.1f}" for v in values))
	return values


def show(value, kind):
	unit, digits = UNITS[kind]
	if kind == "wait" and value >= works.GIVE_UP_MS:
		return f">{works.GIVE_UP_MS / 1000:g} s"
	return f"{value:,.{digits}f}{unit}"


def line(key, beside, what, kind, goal, other, ours):
	"""One line of the table: OTHER's values, OURS, their ratio, and whether the goal is met."""
	a, b = statistics.median(other), statistics.median(ours)
	ratios = [y / x for x, y in zip(other, ours)]
	ratio = statistics.median(ratios)
	return {
		"key": key, "beside": beside, "work": what, "kind": kind, "other": a, "preforkd": b, "ratio": ratio,
		"goal": goal.text(UNITS[kind][0]), "met": goal.met(a, b, ratio),
		"ratio_min": min(ratios), "ratio_max": max(ratios),
		"values": {"other": other, "preforkd": ours},
	}


def other_side(key):
	if key in ITSELF:
		return "itself without"
	if key.startswith("relay-"):
		return "the direct connection"
	return {"client": "wrk", "reload-p99": "itself at rest", "reload-storm": "itself at rest",
		"gate": "itself without", "status": "ping"}.get(key, "the yardstick")


def measure(bench, key, what, work, kind, goal, rounds):
	"""The lines of one work: against the yardstick, and against each peer that does the same."""
	if kind == "wait":
		rounds = min(rounds, LONG_ROUNDS)
	others = [p for p in peers.available()[0] if p.work == key]
	if key.startswith("relay-"):
		others = relays.available()[0]
	if bench.self_test:
		others = []
	with works.prepared(bench, work, *others) as measures:
		values = interleave(measures, rounds, works.SLICES if kind == "rate" else 1, key)
	lines = [line(key, other_side(key), what, kind, goal, values[0], values[1])]
	for peer, other in zip(others, values[2:]):
		lines.append(line(key, peer.name, f"{what}; beside {peer.name}", kind,
				  PEER_GOAL_WAIT if kind == "wait" else RELAY_GOALS.get(key, PEER_GOAL), other,
				  values[1]))
	return lines


def machine():
	model = "unknown processor"
	with open("/proc/cpuinfo") as f:
		for text in f:
			if text.startswith("model name"):
				model = text.split(":", 1)[1].strip()
				break
	return f"{model}, {os.cpu_count()} processors, Linux {platform.release()}"


def table(lines):
	out = ["| work | the other side | preforkd | ratio | goal | met? | ratios |",
	       "| --- | ---: | ---: | ---: | ---: | --- | --- |"]
	for entry in lines:
		met = "–" if entry["goal"] == "none" else "yes" if entry["met"] else "**no**"
		out.append("| {} | {} | {} | {:.3f} | {} | {} | {:.2f} to {:.2f} |".format(
			entry["work"], show(entry["other"], entry["kind"]),
			show(entry["preforkd"], entry["kind"]), entry["ratio"], entry["goal"],
			met, entry["ratio_min"], entry["ratio_max"]))
	return "\n".join(out)


def report(lines, notes, rounds, seconds):
	head = (f"{datetime.date.today()}, {machine()}\n\n"
		f"Medians of {rounds} rounds, interleaved; {seconds:g} s a round where a rate is measured. "
		"The last column has the lowest and the highest ratio of a round: the noise.\n")
	return "\n".join([head, table(lines), ""] + [f"- {note}" for note in notes])


def write(folder, text, lines):
	with open(os.path.join(folder, "bench.md"), "w") as f:
		f.write(text + "\n")
	with open(os.path.join(folder, "bench.json"), "w") as f:
		json.dump(lines, f, indent=1)
		f.write("\n")


def arguments():
	parser = argparse.ArgumentParser(
		description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--programs", default=".", metavar="FOLDER",
			    help="where yardstick, yardstick_exec and forks are")
	parser.add_argument("--out", default="bench", metavar="FOLDER", help="where the results go")
	parser.add_argument("--rounds", type=int, default=9)
	parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
	parser.add_argument("--only", action="append", choices=[work[0] for work in WORKS],
			    help="measure this work only; may be repeated")
	parser.add_argument("--self-test", action="store_true",
			    help="measure the yardsticks against themselves: every ratio should be 1")
	options = parser.parse_args()
	if options.rounds < 1 or options.seconds <= 0:
		parser.error("at least one round, of some length")
	return options


def main():
	options = arguments()
	bench = works.Bench(options.programs, os.environ.get("PREFORKD", "./preforkd"),
			    os.environ.get("PREFORKC", "./preforkc"), options.seconds,
			    options.self_test)
	lines, notes = [], []
	for key, what, work, kind, goal in WORKS:
		if options.only and key not in options.only:
			continue
		try:
			lines += measure(bench, key, what, work, kind, goal, options.rounds)
		except servers.Missing as name:
			notes.append(f"not measured, {name} is not installed: {what}")
		except (servers.Failed, OSError, ValueError) as error:
			notes.append(f"not measured: {what}: {error}")
	notes += [f"not installed: {name}" for name in peers.available()[1] + relays.available()[1]]
	if options.self_test:
		notes.append("yardsticks against themselves: preforkd was not measured")
	if options.rounds < 5:
		notes.append("fewer than five rounds: not to be relied on")
	os.makedirs(options.out, exist_ok=True)
	notes += plot.draw(lines, options.out)
	text = report(lines, notes, options.rounds, options.seconds)
	print(text)
	write(options.out, text, lines)
	if any(note.startswith("not measured:") for note in notes):
		return 2
	return 0 if all(entry["met"] for entry in lines) else 1


if __name__ == "__main__":
	sys.exit(main())
