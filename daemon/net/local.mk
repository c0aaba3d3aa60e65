# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/addr.c \
	%D%/addr.h \
	%D%/addr_format.c \
	%D%/beside.c \
	%D%/beside.h \
	%D%/diag.c \
	%D%/diag.h \
	%D%/inherited.c \
	%D%/inherited.h \
	%D%/linger.c \
	%D%/linger.h \
	%D%/listen.c \
	%D%/listen.h \
	%D%/listen_path.c \
	%D%/lookup.c \
	%D%/lookup.h \
	%D%/nowhere.c \
	%D%/nowhere.h \
	%D%/proxy_header.c \
	%D%/proxy_header.h \
	%D%/queue.c \
	%D%/queue.h \
	%D%/quiesce.c \
	%D%/quiesce.h \
	%D%/relay.c \
	%D%/relay.h \
	%D%/socket_options.c \
	%D%/socket_options.h \
	%D%/socket_options_change.c \
	%D%/tcp_info.c \
	%D%/tcp_info.h
