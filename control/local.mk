# SPDX-License-Identifier: MIT
# preforkctl. All but main.c is in the library, for the tests and for the master.
libpreforkd_a_SOURCES += \
	%D%/frame.c \
	%D%/frame.h
