# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/module.c \
	%D%/module.h \
	%D%/module_file.c \
	%D%/module_file.h \
	%D%/module_map.c \
	%D%/module_map.h \
	%D%/module_traces.c \
	%D%/module_traces.h \
	%D%/module_trial.c \
	%D%/module_trial.h
