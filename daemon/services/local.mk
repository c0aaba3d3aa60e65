# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/chargen.c \
	%D%/conn.c \
	%D%/conn.h \
	%D%/conn_line.c \
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
	%D%/module.c \
	%D%/module.h \
	%D%/module_load.c \
	%D%/module_safe.c \
	%D%/module_self.c \
	%D%/module_traces.c \
	%D%/module_try.c \
	%D%/spawn.c \
	%D%/spawn.h \
	%D%/time.c
