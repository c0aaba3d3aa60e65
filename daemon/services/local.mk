# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/balance.c \
	%D%/balance.h \
	%D%/chargen.c \
	%D%/conn.c \
	%D%/conn.h \
	%D%/daytime.c \
	%D%/deadline.c \
	%D%/deadline.h \
	%D%/discard.c \
	%D%/echo.c \
	%D%/exec.c \
	%D%/exec_env.c \
	%D%/exec_env.h \
	%D%/exec_errors.c \
	%D%/exec_errors.h \
	%D%/family.c \
	%D%/family.h \
	%D%/hangup.c \
	%D%/hangup.h \
	%D%/kinds.c \
	%D%/kinds.h \
	%D%/proxy.c \
	%D%/proxy_connect.c \
	%D%/proxy_connect.h \
	%D%/spawn.c \
	%D%/spawn.h \
	%D%/time.c \
	%D%/upstreams.c \
	%D%/upstreams.h
