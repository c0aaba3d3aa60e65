# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/duplicate.c \
	%D%/duplicate.h \
	%D%/folder.c \
	%D%/folder.h \
	%D%/grammar.c \
	%D%/grammar.h \
	%D%/number.c \
	%D%/number.h \
	%D%/origin.h \
	%D%/problems.c \
	%D%/problems.h \
	%D%/raw.c \
	%D%/raw.h \
	%D%/read.c \
	%D%/read.h \
	%D%/scan.c \
	%D%/scan.h \
	%D%/slurp.c \
	%D%/slurp.h
