# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/contract.h \
	%D%/gate.c \
	%D%/gate.h \
	%D%/orders.c \
	%D%/orders.h \
	%D%/privileges.c \
	%D%/privileges.h \
	%D%/wait.c \
	%D%/wait.h \
	%D%/worker.c \
	%D%/worker.h
