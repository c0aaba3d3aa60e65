# SPDX-License-Identifier: MIT
# A Check program has the tests of one file, or of a part of it. The source of check_X is check_X.c; what the
# programs of one file share is in a header X_case.h beside them.
unit_tests = \
	%D%/base/check_arena \
	%D%/base/check_cgroup \
	%D%/base/check_child \
	%D%/base/check_empty_folder \
	%D%/base/check_err \
	%D%/base/check_escape \
	%D%/base/check_executable \
	%D%/base/check_limits \
	%D%/base/check_line_log \
	%D%/base/check_load_average \
	%D%/base/check_log \
	%D%/base/check_memory_use \
	%D%/base/check_parse \
	%D%/base/check_path_access \
	%D%/base/check_proc_folder \
	%D%/base/check_region \
	%D%/base/check_siphash \
	%D%/base/check_trial \
	%D%/base/check_unit \
	%D%/base/check_unit_rules \
	%D%/base/check_unit_settings \
	%D%/base/check_unit_view \
	%D%/base/check_week \
	%D%/board/check_board \
	%D%/board/check_deaths \
	%D%/board/check_sources \
	%D%/board/check_sources_rates \
	%D%/board/check_sources_seats \
	%D%/change/check_canary \
	%D%/change/check_hearing \
	%D%/change/check_jobs \
	%D%/change/check_operation \
	%D%/change/check_order_table \
	%D%/change/check_plan \
	%D%/change/check_rolls \
	%D%/change/check_start \
	%D%/client/check_histogram \
	%D%/client/check_load_content \
	%D%/client/check_load_pace \
	%D%/client/check_load_run \
	%D%/client/check_relay \
	%D%/client/check_report \
	%D%/config/check_config \
	%D%/config/check_config_absent \
	%D%/config/check_config_access \
	%D%/config/check_config_access_files \
	%D%/config/check_config_confine \
	%D%/config/check_config_diff \
	%D%/config/check_config_diff_networks \
	%D%/config/check_config_docs \
	%D%/config/check_fingerprint \
	%D%/config/check_config_environment \
	%D%/config/check_config_files \
	%D%/config/check_config_overrides \
	%D%/config/check_config_portable \
	%D%/config/check_foreign_words \
	%D%/config/check_given \
	%D%/config/check_host_compare \
	%D%/config/check_program_mark \
	%D%/ctl/check_status_table \
	%D%/fleet/check_fleet \
	%D%/fleet/check_lenders \
	%D%/fleet/check_member \
	%D%/fleet/check_retiring \
	%D%/fleet/check_waiting \
	%D%/gate/check_decide \
	%D%/gate/check_gate \
	%D%/gate/check_refuse \
	%D%/listeners/check_control_socket \
	%D%/listeners/check_listener_mend \
	%D%/loader/check_module \
	%D%/net/check_addr \
	%D%/net/check_address_holder \
	%D%/net/check_connect_any \
	%D%/net/check_datagram \
	%D%/net/check_frame \
	%D%/net/check_inherited \
	%D%/net/check_listen \
	%D%/net/check_listen_beside \
	%D%/net/check_listen_look \
	%D%/net/check_listen_queue \
	%D%/net/check_listen_quiesce \
	%D%/net/check_listen_waiting \
	%D%/net/check_lookup \
	%D%/net/check_net_relay \
	%D%/net/check_net_relay_ends \
	%D%/net/check_networks \
	%D%/net/check_networks_many \
	%D%/net/check_proxy_header \
	%D%/net/check_proxy_header_v2 \
	%D%/net/check_proxy_mutants \
	%D%/net/check_race \
	%D%/net/check_socket_options \
	%D%/net/check_tcp_info \
	%D%/pool/check_groups \
	%D%/pool/check_pool_full \
	%D%/pool/check_pool_board \
	%D%/pool/check_pool_hours \
	%D%/pool/check_pool_policy \
	%D%/pool/check_pool_start \
	%D%/pool/check_pool_watch \
	%D%/pool/check_rolling \
	%D%/pool/check_rolling_chance \
	%D%/pool/check_totals \
	%D%/pool/check_wind_down \
	%D%/sandbox/check_landlock \
	%D%/sandbox/check_system_calls \
	%D%/services/check_conn_end \
	%D%/services/check_conn_limits \
	%D%/services/check_deadline \
	%D%/services/check_family \
	%D%/services/check_holders \
	%D%/services/check_spawn \
	%D%/services/check_upstream_addresses \
	%D%/services/check_upstreams \
	%D%/upgrade/check_handover \
	%D%/upgrade/check_handover_hostile \
	%D%/upgrade/check_handover_tables \
	%D%/worker/check_evict \
	%D%/worker/check_proof \
	%D%/worker/check_wait

# Modules find what they call in it.
%C%_loader_check_module_LDFLAGS = $(AM_LDFLAGS) -Wl,--dynamic-list=$(srcdir)/daemon/exports

# Calls of its own in place of the libraries'.
%C%_net_check_datagram_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=recvfrom -Wl,--wrap=recvmsg
made_up_fleet_wraps = -Wl,--wrap=kill -Wl,--wrap=clock_ms -Wl,--wrap=pool_start_worker -Wl,--wrap=pool_start_held
%C%_change_check_canary_LDFLAGS = $(AM_LDFLAGS) $(made_up_fleet_wraps)
%C%_change_check_hearing_LDFLAGS = $(AM_LDFLAGS) $(made_up_fleet_wraps)
%C%_change_check_plan_LDFLAGS = $(AM_LDFLAGS) $(made_up_fleet_wraps)
%C%_change_check_rolls_LDFLAGS = $(AM_LDFLAGS) $(made_up_fleet_wraps)
%C%_change_check_start_LDFLAGS = $(AM_LDFLAGS) $(made_up_fleet_wraps)
%C%_fleet_check_fleet_LDFLAGS = $(AM_LDFLAGS) $(made_up_fleet_wraps)
%C%_fleet_check_lenders_LDFLAGS = $(AM_LDFLAGS) $(made_up_fleet_wraps)
%C%_fleet_check_retiring_LDFLAGS = $(AM_LDFLAGS) $(made_up_fleet_wraps)
%C%_fleet_check_waiting_LDFLAGS = $(AM_LDFLAGS) $(made_up_fleet_wraps)
%C%_listeners_check_control_socket_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=sd_event_add_time_relative
%C%_pool_check_pool_board_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=kill
%C%_pool_check_pool_start_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=kill
%C%_pool_check_pool_watch_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=kill
rolling_wraps = -Wl,--wrap=kill -Wl,--wrap=clock_ms -Wl,--wrap=pool_start_worker
%C%_pool_check_rolling_LDFLAGS = $(AM_LDFLAGS) $(rolling_wraps)
%C%_pool_check_rolling_chance_LDFLAGS = $(AM_LDFLAGS) $(rolling_wraps)
%C%_pool_check_wind_down_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=kill
%C%_net_check_lookup_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getaddrinfo
%C%_base_check_unit_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=geteuid -Wl,--wrap=sd_booted
%C%_worker_check_wait_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=accept4

EXTRA_DIST += \
	%D%/broken \
	%D%/clients.h \
	%D%/config_fakes.h \
	%D%/config/config_case.h \
	%D%/config/config_diff_case.h \
	%D%/config/access_case.h \
	%D%/gate/gate_case.h \
	%D%/board/sources_case.h \
	%D%/net/proxy_header_case.h \
	%D%/net/net_relay_case.h \
	%D%/pool/rolling_case.h \
	%D%/services/conn_case.h \
	%D%/upgrade/handover_case.h \
	%D%/upgrade/handover_fields.h \
	%D%/made_up_files.h \
	%D%/made_up_fleet.h \
	%D%/made_up_pool.h \
	%D%/peers.h \
	%D%/proxy_samples.h \
	%D%/suite.h
