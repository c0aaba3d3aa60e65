# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/board.c \
	%D%/board.h \
	%D%/refusal.c \
	%D%/refusal.h \
	%D%/targets.c \
	%D%/targets.h
