# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/addr.c \
	%D%/addr.h \
	%D%/addr_format.c \
	%D%/beside.c \
	%D%/beside.h \
	%D%/datagram.c \
	%D%/datagram.h \
	%D%/diag.c \
	%D%/diag.h \
	%D%/inherited.c \
	%D%/inherited.h \
	%D%/linger.c \
	%D%/linger.h \
	%D%/listen.c \
	%D%/listen.h \
	%D%/listen_path.c \
	%D%/network_parse.c \
	%D%/networks.c \
	%D%/networks.h \
	%D%/networks_unix.c \
	%D%/networks_unix.h \
	%D%/nowhere.c \
	%D%/nowhere.h \
	%D%/proxy_format.h \
	%D%/proxy_header.c \
	%D%/proxy_header.h \
	%D%/proxy_header_write.c \
	%D%/queue.c \
	%D%/queue.h \
	%D%/quiesce.c \
	%D%/quiesce.h \
	%D%/socket_options.c \
	%D%/socket_options.h \
	%D%/socket_options_change.c \
	%D%/tcp_info.c \
	%D%/tcp_info.h
