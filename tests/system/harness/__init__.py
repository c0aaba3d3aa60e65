# SPDX-License-Identifier: MIT
"""What the system tests share: a running daemon, clients for it, and TAP output.

A test file starts with

    import sys; sys.dont_write_bytecode = True
    from harness import *

derives its classes from Case and ends with main(). Nothing in here knows how the daemon works
inside; it sees a binary, its sockets, its log and /proc.
"""

from .ask import Control, frame, read_reply
from .client import Scripted, reset_at_close, run_preforkc
from .conf import Config, SERVICE_USER, libconfig
from .control import ForkedControl, ScriptedControl
from .crowd import Crowd
from .daemon import Daemon, PREFORKD, PREFORKC, PREFORKCTL, SANITIZED, TOP_SRCDIR, run_preforkctl, run_preforkd
from .net import Endpoint, can_ipv6, hold, lift_fd_limit, payload, read_all, recv_exact, talk
from .namespaces import far_network, fresh_network, new_control_group, no_mounts, no_namespaces
from .notify import NotifySocket
from . import proc
from .systemd import Sandbox, SystemdCase
from .tap import Case, IS_ROOT, main, needs_root, needs_tool
from .trap import Trap, no_trap
from .waiting import PATIENCE, wait_until

__all__ = [
	"Case", "Config", "Control", "Crowd", "Daemon", "Endpoint", "ForkedControl", "IS_ROOT", "NotifySocket",
	"PATIENCE", "PREFORKC",
	"PREFORKCTL", "PREFORKD", "SANITIZED", "SERVICE_USER", "Sandbox", "Scripted", "ScriptedControl", "SystemdCase",
	"Trap", "TOP_SRCDIR", "can_ipv6", "frame",
	"far_network", "fresh_network", "hold", "libconfig",
	"lift_fd_limit", "main", "needs_root", "needs_tool", "new_control_group", "no_mounts", "no_namespaces",
	"no_trap", "payload",
	"proc", "read_all", "read_reply", "recv_exact", "reset_at_close", "run_preforkc", "run_preforkctl",
	"run_preforkd", "talk", "wait_until",
]
