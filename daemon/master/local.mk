# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/adopted.c \
	%D%/adopted.h \
	%D%/background.c \
	%D%/background.h \
	%D%/exit_text.c \
	%D%/exit_text.h \
	%D%/listener.c \
	%D%/listener.h \
	%D%/master.c \
	%D%/master.h \
	%D%/pool.c \
	%D%/pool.h \
	%D%/pool_count.c \
	%D%/pool_end.c \
	%D%/pool_policy.c \
	%D%/pool_policy.h \
	%D%/proc.c \
	%D%/proc.h \
	%D%/report.c \
	%D%/report.h \
	%D%/state.h \
	%D%/stop.c \
	%D%/stop.h \
	%D%/watchdog.c \
	%D%/watchdog.h
