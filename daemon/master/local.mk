# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/background.c \
	%D%/background.h \
	%D%/master.c \
	%D%/master.h \
	%D%/report.c \
	%D%/report.h \
	%D%/watchdog.c \
	%D%/watchdog.h
