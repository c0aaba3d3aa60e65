# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/decide.c \
	%D%/decide.h
