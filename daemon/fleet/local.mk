# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/fleet.c \
	%D%/fleet.h \
	%D%/lenders.c \
	%D%/lenders.h \
	%D%/orphans.c \
	%D%/orphans.h \
	%D%/retiring.c \
	%D%/retiring.h
