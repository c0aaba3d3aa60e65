# SPDX-License-Identifier: MIT
libpreforkd_a_SOURCES += \
	%D%/capabilities.c \
	%D%/capabilities.h \
	%D%/group.c \
	%D%/group.h \
	%D%/landlock.c \
	%D%/landlock.h \
	%D%/landlock_abi.c \
	%D%/landlock_abi.h \
	%D%/no_new_privileges.c \
	%D%/no_new_privileges.h \
	%D%/oom_score.c \
	%D%/oom_score.h \
	%D%/pid_init.c \
	%D%/pid_init.h \
	%D%/private_network.c \
	%D%/private_network.h \
	%D%/private_pids.c \
	%D%/private_pids.h \
	%D%/private_tmp.c \
	%D%/private_tmp.h \
	%D%/read_only.c \
	%D%/read_only.h \
	%D%/sandbox.c \
	%D%/sandbox.h \
	%D%/state.h \
	%D%/surround.c \
	%D%/surround.h \
	%D%/system_calls.c \
	%D%/system_calls.h \
	%D%/user.c \
	%D%/user.h \
	%D%/user_namespace.c \
	%D%/user_namespace.h \
	%D%/walls.c \
	%D%/walls.h
