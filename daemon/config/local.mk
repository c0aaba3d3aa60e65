# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/arena.c \
	%D%/arena.h \
	%D%/build.c \
	%D%/build.h \
	%D%/check.c \
	%D%/check.h \
	%D%/config.h \
	%D%/conflict.c \
	%D%/control.c \
	%D%/diff.c \
	%D%/diff.h \
	%D%/folder.c \
	%D%/folder.h \
	%D%/help.c \
	%D%/identity.c \
	%D%/identity.h \
	%D%/load.c \
	%D%/load.h \
	%D%/lookup.c \
	%D%/nearest.c \
	%D%/nearest.h \
	%D%/print.c \
	%D%/problems.c \
	%D%/problems.h \
	%D%/raw.h \
	%D%/read.c \
	%D%/read.h \
	%D%/row.h \
	%D%/rows.c \
	%D%/scan.c \
	%D%/scan.h \
	%D%/set.c \
	%D%/set.h \
	%D%/slurp.c \
	%D%/slurp.h \
	%D%/store.h
