# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/admin.c \
	%D%/admin.h \
	%D%/canary.c \
	%D%/canary.h \
	%D%/config_trial.c \
	%D%/config_trial.h \
	%D%/host_limits.c \
	%D%/host_limits.h \
	%D%/jobs.c \
	%D%/jobs.h \
	%D%/launch.c \
	%D%/launch.h \
	%D%/plan.c \
	%D%/plan.h \
	%D%/reload.c \
	%D%/reload.h \
	%D%/stop.c \
	%D%/stop.h
