# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/loader.h \
	%D%/module.c \
	%D%/module_file.c \
	%D%/module_map.c \
	%D%/module_traces.c \
	%D%/module_trial.c
