# SPDX-License-Identifier: MIT
# preforkc. All but main.c is in the library, for the tests.
libpreforkd_a_SOURCES += \
	%D%/connect.c \
	%D%/connect.h \
	%D%/datagrams.c \
	%D%/datagrams.h \
	%D%/dial.c \
	%D%/dial.h \
	%D%/histogram.c \
	%D%/histogram.h \
	%D%/load.c \
	%D%/load.h \
	%D%/load_conn.c \
	%D%/load_conn.h \
	%D%/load_content.c \
	%D%/load_content.h \
	%D%/load_loop.c \
	%D%/load_loop.h \
	%D%/load_options.c \
	%D%/load_pace.c \
	%D%/load_pace.h \
	%D%/load_plan.c \
	%D%/load_plan.h \
	%D%/load_run.c \
	%D%/load_run.h \
	%D%/load_stats.c \
	%D%/load_stats.h \
	%D%/progress.c \
	%D%/progress.h \
	%D%/relay.c \
	%D%/relay.h \
	%D%/report.c \
	%D%/report.h \
	%D%/report_histogram.c

bin_PROGRAMS += preforkc
preforkc_SOURCES = %D%/main.c
preforkc_LDADD = $(preforkd_libs)
