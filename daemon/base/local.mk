# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/children.c \
	%D%/children.h \
	%D%/clock.c \
	%D%/clock.h \
	%D%/crc32c.c \
	%D%/crc32c.h \
	%D%/err.c \
	%D%/err.h \
	%D%/escape.c \
	%D%/escape.h \
	%D%/fds.c \
	%D%/fds.h \
	%D%/limits.c \
	%D%/limits.h \
	%D%/log.c \
	%D%/log.h \
	%D%/log_names.c \
	%D%/log_sink.c \
	%D%/log_sink.h \
	%D%/notify.c \
	%D%/notify.h \
	%D%/parse.c \
	%D%/parse.h \
	%D%/signals.c \
	%D%/signals.h \
	%D%/siphash.c \
	%D%/siphash.h \
	%D%/title.c \
	%D%/title.h \
	%D%/unit.c \
	%D%/unit.h
