# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/board.c \
	%D%/board.h \
	%D%/death.c \
	%D%/death.h \
	%D%/death_record.c \
	%D%/death_record.h \
	%D%/deaths.c \
	%D%/deaths.h \
	%D%/packed_address.c \
	%D%/packed_address.h \
	%D%/refusal.c \
	%D%/refusal.h \
	%D%/shared_memory.c \
	%D%/shared_memory.h \
	%D%/sources.c \
	%D%/sources.h \
	%D%/sources_map.h \
	%D%/sources_penalty.c \
	%D%/sources_rate.c \
	%D%/sources_records.c \
	%D%/sources_records.h \
	%D%/sources_refusals.c \
	%D%/sources_seats.c \
	%D%/sources_sizes.h \
	%D%/targets.c \
	%D%/targets.h
