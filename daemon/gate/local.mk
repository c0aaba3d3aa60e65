# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/decide.c \
	%D%/decide.h \
	%D%/gate.c \
	%D%/gate.h \
	%D%/penalty.c \
	%D%/penalty.h \
	%D%/proxy.c \
	%D%/proxy.h \
	%D%/refuse.c \
	%D%/refuse.h
