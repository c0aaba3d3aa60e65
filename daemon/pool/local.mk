# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/generation.c \
	%D%/generation.h \
	%D%/pool.c \
	%D%/pool.h \
	%D%/pool_count.c \
	%D%/pool_full.c \
	%D%/pool_full.h \
	%D%/pool_leave.c \
	%D%/pool_policy.c \
	%D%/pool_policy.h \
	%D%/pool_targets.c \
	%D%/pool_targets.h \
	%D%/pool_watch.c \
	%D%/pool_watch.h \
	%D%/proc.c \
	%D%/proc.h \
	%D%/program.c \
	%D%/program.h \
	%D%/program_notify.c \
	%D%/program_notify.h \
	%D%/program_output.c \
	%D%/program_output.h \
	%D%/recycle.c \
	%D%/recycle.h \
	%D%/rolling.c \
	%D%/rolling.h \
	%D%/totals.c \
	%D%/totals.h \
	%D%/wind_down.c \
	%D%/wind_down.h
