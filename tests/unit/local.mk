# SPDX-License-Identifier: MIT
# One Check program for each file under test; the source of check_X is check_X.c.
unit_tests = \
	%D%/check_addr \
	%D%/check_beside \
	%D%/check_board \
	%D%/check_config \
	%D%/check_config_access \
	%D%/check_config_diff \
	%D%/check_config_docs \
	%D%/check_config_portable \
	%D%/check_conn \
	%D%/check_deadline \
	%D%/check_escape \
	%D%/check_evict \
	%D%/check_frame \
	%D%/check_gate \
	%D%/check_hold \
	%D%/check_handover \
	%D%/check_histogram \
	%D%/check_host \
	%D%/check_inherited \
	%D%/check_jobs \
	%D%/check_limits \
	%D%/check_listen \
	%D%/check_load_content \
	%D%/check_load_pace \
	%D%/check_load_run \
	%D%/check_log \
	%D%/check_lookup \
	%D%/check_module \
	%D%/check_net_relay \
	%D%/check_networks \
	%D%/check_parse \
	%D%/check_pool_full \
	%D%/check_pool_policy \
	%D%/check_proxy_header \
	%D%/check_proxy_mutants \
	%D%/check_queue \
	%D%/check_quiesce \
	%D%/check_race \
	%D%/check_relay \
	%D%/check_report \
	%D%/check_siphash \
	%D%/check_socket_options \
	%D%/check_sources \
	%D%/check_sources_seats \
	%D%/check_spawn \
	%D%/check_status_table \
	%D%/check_tally \
	%D%/check_tcp_info \
	%D%/check_trial \
	%D%/check_unit \
	%D%/check_upstreams \
	%D%/check_wait

# Modules find what they call in it.
%C%_check_module_LDFLAGS = $(AM_LDFLAGS) -Wl,--dynamic-list=$(srcdir)/daemon/exports

# Calls of its own in place of the libraries'.
%C%_check_lookup_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getaddrinfo
%C%_check_unit_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=geteuid -Wl,--wrap=sd_booted
%C%_check_wait_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=accept4

EXTRA_DIST += \
	%D%/broken \
	%D%/clients.h \
	%D%/config_fakes.h \
	%D%/peers.h \
	%D%/proxy_samples.h \
	%D%/suite.h
