# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/control_socket.c \
	%D%/control_socket.h \
	%D%/fd_store.c \
	%D%/fd_store.h \
	%D%/listener.c \
	%D%/listener.h \
	%D%/listener_blame.c \
	%D%/listener_blame.h \
	%D%/listener_mend.c \
	%D%/listener_mend.h \
	%D%/listener_open.c
