# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/fleet.c \
	%D%/fleet.h \
	%D%/fleet_open.c \
	%D%/fleet_open.h \
	%D%/leftover.c \
	%D%/leftover.h \
	%D%/lenders.c \
	%D%/lenders.h \
	%D%/member.c \
	%D%/member.h \
	%D%/orphans.c \
	%D%/orphans.h \
	%D%/reopen.c \
	%D%/reopen.h \
	%D%/retiring.c \
	%D%/retiring.h \
	%D%/waiting.c \
	%D%/waiting.h
