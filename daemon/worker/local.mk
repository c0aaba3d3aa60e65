# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/become_program.c \
	%D%/become_program.h \
	%D%/connection_log.c \
	%D%/connection_log.h \
	%D%/contract.h \
	%D%/datagrams.c \
	%D%/datagrams.h \
	%D%/descriptors.c \
	%D%/descriptors.h \
	%D%/measure.c \
	%D%/measure.h \
	%D%/orders.c \
	%D%/orders.h \
	%D%/params.h \
	%D%/proof.c \
	%D%/proof.h \
	%D%/saturation.c \
	%D%/saturation.h \
	%D%/wait.c \
	%D%/wait.h \
	%D%/worker.c \
	%D%/worker.h
