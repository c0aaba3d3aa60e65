# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/board.c \
	%D%/board.h \
	%D%/refusal.c \
	%D%/refusal.h \
	%D%/sources.c \
	%D%/sources.h \
	%D%/sources_map.h \
	%D%/sources_penalty.c \
	%D%/sources_rate.c \
	%D%/sources_records.c \
	%D%/sources_refusals.c \
	%D%/sources_seats.c \
	%D%/targets.c \
	%D%/targets.h
