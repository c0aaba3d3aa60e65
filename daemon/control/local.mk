# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/commands.c \
	%D%/commands.h \
	%D%/conn.c \
	%D%/conn.h \
	%D%/explain.c \
	%D%/explain.h \
	%D%/peer.c \
	%D%/peer.h \
	%D%/server.c \
	%D%/server.h \
	%D%/status.c \
	%D%/status.h \
	%D%/status_deaths.c \
	%D%/status_deaths.h \
	%D%/status_upstreams.c \
	%D%/status_upstreams.h
