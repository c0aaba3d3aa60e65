# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/handover.h \
	%D%/handover_env.c \
	%D%/handover_env.h \
	%D%/handover_memfd.c \
	%D%/handover_read.c \
	%D%/handover_rows.c \
	%D%/handover_rows.h \
	%D%/handover_tables.c \
	%D%/handover_tables.h \
	%D%/handover_write.c \
	%D%/rehearsal.c \
	%D%/rehearsal.h \
	%D%/retry.c \
	%D%/retry.h \
	%D%/upgrade.c \
	%D%/upgrade.h \
	%D%/upgrade_rolls.c \
	%D%/upgrade_rolls.h
