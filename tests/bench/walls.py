# SPDX-License-Identifier: MIT
"""What the filters of system calls cost: a daemon with them beside the same daemon with `sandbox.level = "off"`."""

import pss
import servers
import works


def daemon(bench, handler, level, workers, *lines):
	return servers.Preforkd(bench.preforkd, [f'handler = "{handler}";', *lines, works.fixed(workers),
						 f'sandbox: {{ level = "{level}"; }};'])


def beside_off(bench, level, handler, workers, *lines):
	"""Both sides; a test of the bench itself has the same on both."""
	return [lambda level=level: daemon(bench, handler, level, workers, *lines)
		for level in ("off", "off" if bench.self_test else level)]


def exec_cat(bench, stack):
	sides = beside_off(bench, "default", "exec", works.WORKERS, 'command = [ "/bin/cat" ];')
	return works.rates(bench, stack, sides, "-c", "8", "-s", "64")


def echo(bench, stack):
	return works.rates(bench, stack, beside_off(bench, "strict", "echo", works.WORKERS), "-c", "16", "-s", "64")


def idle_memory(bench, stack):
	both = [stack.enter_context(make()) for make in beside_off(bench, "strict", "echo", works.IDLE_WORKERS)]
	return [lambda server=server: pss.mean_of_children(server.pid)[0] for server in both]
