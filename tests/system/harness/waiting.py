# SPDX-License-Identifier: MIT
"""Waiting for something to become true: polled, with a deadline, never a bare sleep."""

import os
import time

# Generous, because machines are slow and shared; a test that passes never waits this long.
PATIENCE = float(os.environ.get("PREFORKD_TEST_PATIENCE", "30"))


def wait_until(predicate, what, timeout=None, every=0.02):
	"""Returns predicate()'s first true value; fails with WHAT and the last value otherwise."""
	timeout = PATIENCE if timeout is None else timeout
	end = time.monotonic() + timeout
	while True:
		value = predicate()
		if value:
			return value
		if time.monotonic() >= end:
			raise AssertionError("not within %g s: %s (last: %r)" % (timeout, what, value))
		time.sleep(every)
