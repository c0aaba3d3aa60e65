# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/become.c \
	%D%/become.h \
	%D%/contract.h \
	%D%/datagrams.c \
	%D%/datagrams.h \
	%D%/hold.c \
	%D%/hold.h \
	%D%/oom.c \
	%D%/oom.h \
	%D%/orders.c \
	%D%/orders.h \
	%D%/privileges.c \
	%D%/privileges.h \
	%D%/saturation.c \
	%D%/saturation.h \
	%D%/wait.c \
	%D%/wait.h \
	%D%/worker.c \
	%D%/worker.h
