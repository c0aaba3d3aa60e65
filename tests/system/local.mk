# SPDX-License-Identifier: MIT
# The real binary with real clients; each script prints TAP.
#
# The longest ones come first, since make starts them in this order: else it would wait for one of them at the end.
# The others are in alphabetical order.
system_tests = \
	%D%/test_lossless.py \
	%D%/test_timeouts.py \
	%D%/test_listen.py \
	%D%/test_listen_ended.py \
	%D%/test_listen_replaced.py \
	%D%/test_full.py \
	%D%/test_hangup.py \
	%D%/test_sources.py \
	%D%/test_ctl.py \
	%D%/test_ctl_jobs.py \
	%D%/test_upgrade_unlucky.py \
	%D%/test_upgrade_rejected.py \
	%D%/test_reload_verdict.py \
	%D%/test_module_trouble.py \
	%D%/test_upgrade.py \
	%D%/test_proxy_upstreams.py \
	%D%/test_control.py \
	%D%/test_pool.py \
	%D%/test_exec.py \
	%D%/test_upgrade_load.py \
	%D%/test_access.py \
	%D%/test_access_probes.py \
	%D%/test_activation.py \
	%D%/test_builtin.py \
	%D%/test_check.py \
	%D%/test_client_connect.py \
	%D%/test_client_load.py \
	%D%/test_clients.py \
	%D%/test_concurrency.py \
	%D%/test_crash.py \
	%D%/test_ctl_completion.py \
	%D%/test_ctl_status.py \
	%D%/test_ctl_top.py \
	%D%/test_daemonize.py \
	%D%/test_datagrams.py \
	%D%/test_datagrams_life.py \
	%D%/test_datagrams_programs.py \
	%D%/test_datagrams_sockets.py \
	%D%/test_harness.py \
	%D%/test_limits.py \
	%D%/test_limits_source.py \
	%D%/test_listen_orders.py \
	%D%/test_listeners.py \
	%D%/test_log.py \
	%D%/test_module_build.py \
	%D%/test_module_datagrams.py \
	%D%/test_module_life.py \
	%D%/test_module_refused.py \
	%D%/test_module_reload.py \
	%D%/test_notify.py \
	%D%/test_orders.py \
	%D%/test_proxy.py \
	%D%/test_proxy_protocol.py \
	%D%/test_proxy_protocol_limits.py \
	%D%/test_proxy_real.py \
	%D%/test_reload.py \
	%D%/test_reload_limits.py \
	%D%/test_sample.py \
	%D%/test_sandbox.py \
	%D%/test_signals.py \
	%D%/test_stop.py \
	%D%/test_systemd.py \
	%D%/test_systemd_limits.py \
	%D%/test_systemd_log.py \
	%D%/test_systemd_restart.py \
	%D%/test_systemd_sockets.py \
	%D%/test_systemd_stop.py \
	%D%/test_upgrade_kept.py
EXTRA_DIST += \
	%D%/harness/__init__.py \
	%D%/harness/ask.py \
	%D%/harness/client.py \
	%D%/harness/conf.py \
	%D%/harness/control.py \
	%D%/harness/crowd.py \
	%D%/harness/ctl_case.py \
	%D%/harness/daemon.py \
	%D%/harness/datagram_case.py \
	%D%/harness/gate.py \
	%D%/harness/launch.py \
	%D%/harness/listen_case.py \
	%D%/harness/module_case.py \
	%D%/harness/modules.py \
	%D%/harness/names.py \
	%D%/harness/namespaces.py \
	%D%/harness/net.py \
	%D%/harness/notify.py \
	%D%/harness/proc.py \
	%D%/harness/proxy.py \
	%D%/harness/proxy_case.py \
	%D%/harness/realproxy.py \
	%D%/harness/sandbox.py \
	%D%/harness/sandbox.sh \
	%D%/harness/systemd.py \
	%D%/harness/tap.py \
	%D%/harness/trap.py \
	%D%/harness/upgrade_case.py \
	%D%/harness/waiting.py \
	%D%/module_probe.c \
	%D%/old_module.h \
	%D%/trap.c
EXTRA_DIST += $(system_tests)
