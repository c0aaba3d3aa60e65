# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/decide.c \
	%D%/decide.h \
	%D%/proxy.c \
	%D%/proxy.h
