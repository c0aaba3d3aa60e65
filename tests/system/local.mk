# SPDX-License-Identifier: MIT
# The real binary with real clients; each script prints TAP.
system_tests = \
	%D%/test_access.py \
	%D%/test_activation.py \
	%D%/test_builtin.py \
	%D%/test_check.py \
	%D%/test_client_connect.py \
	%D%/test_client_load.py \
	%D%/test_clients.py \
	%D%/test_concurrency.py \
	%D%/test_crash.py \
	%D%/test_control.py \
	%D%/test_ctl.py \
	%D%/test_ctl_completion.py \
	%D%/test_ctl_top.py \
	%D%/test_daemonize.py \
	%D%/test_datagrams.py \
	%D%/test_exec.py \
	%D%/test_full.py \
	%D%/test_hangup.py \
	%D%/test_harness.py \
	%D%/test_limits.py \
	%D%/test_limits_source.py \
	%D%/test_listeners.py \
	%D%/test_log.py \
	%D%/test_lossless.py \
	%D%/test_notify.py \
	%D%/test_orders.py \
	%D%/test_pool.py \
	%D%/test_proxy_protocol.py \
	%D%/test_proxy_real.py \
	%D%/test_proxy.py \
	%D%/test_proxy_upstreams.py \
	%D%/test_reload.py \
	%D%/test_reload_limits.py \
	%D%/test_reload_verdict.py \
	%D%/test_sample.py \
	%D%/test_sandbox.py \
	%D%/test_signals.py \
	%D%/test_sources.py \
	%D%/test_stop.py \
	%D%/test_systemd.py \
	%D%/test_systemd_limits.py \
	%D%/test_systemd_log.py \
	%D%/test_systemd_restart.py \
	%D%/test_systemd_sockets.py \
	%D%/test_systemd_stop.py \
	%D%/test_timeouts.py \
	%D%/test_upgrade.py
EXTRA_DIST += \
	%D%/harness/__init__.py \
	%D%/harness/ask.py \
	%D%/harness/client.py \
	%D%/harness/conf.py \
	%D%/harness/control.py \
	%D%/harness/crowd.py \
	%D%/harness/daemon.py \
	%D%/harness/gate.py \
	%D%/harness/launch.py \
	%D%/harness/names.py \
	%D%/harness/namespaces.py \
	%D%/harness/net.py \
	%D%/harness/notify.py \
	%D%/harness/proc.py \
	%D%/harness/proxy.py \
	%D%/harness/realproxy.py \
	%D%/harness/sandbox.py \
	%D%/harness/sandbox.sh \
	%D%/harness/systemd.py \
	%D%/harness/tap.py \
	%D%/harness/trap.py \
	%D%/harness/waiting.py \
	%D%/trap.c
EXTRA_DIST += $(system_tests)
