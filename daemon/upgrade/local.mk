# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/handover.h \
	%D%/handover_read.c \
	%D%/handover_write.c \
	%D%/rehearsal.c \
	%D%/rehearsal.h \
	%D%/upgrade.c \
	%D%/upgrade.h
