# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/accepting.c \
	%D%/balance.c \
	%D%/balance.h \
	%D%/chargen.c \
	%D%/conn.c \
	%D%/conn.h \
	%D%/conn_line.c \
	%D%/daytime.c \
	%D%/deadline.c \
	%D%/deadline.h \
	%D%/descendants.c \
	%D%/descendants.h \
	%D%/discard.c \
	%D%/echo.c \
	%D%/exec.c \
	%D%/exec_env.c \
	%D%/exec_env.h \
	%D%/exec_errors.c \
	%D%/exec_errors.h \
	%D%/hangup.c \
	%D%/hangup.h \
	%D%/kinds.c \
	%D%/kinds.h \
	%D%/proxy.c \
	%D%/proxy_connect.c \
	%D%/proxy_connect.h \
	%D%/self.c \
	%D%/self.h \
	%D%/spawn.c \
	%D%/spawn.h \
	%D%/time.c \
	%D%/upstreams.c \
	%D%/upstreams.h
