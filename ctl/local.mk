# SPDX-License-Identifier: MIT
# preforkctl. All but main.c is in the library, so that unit tests can link it.
libpreforkd_a_SOURCES += \
	%D%/call.c \
	%D%/call.h \
	%D%/command.c \
	%D%/command.h \
	%D%/commands.c \
	%D%/commands.h \
	%D%/deaths_table.c \
	%D%/deaths_table.h \
	%D%/explain.c \
	%D%/explain.h \
	%D%/explain_request.c \
	%D%/explain_request.h \
	%D%/job.c \
	%D%/job.h \
	%D%/options.c \
	%D%/options.h \
	%D%/request.c \
	%D%/request.h \
	%D%/say.c \
	%D%/say.h \
	%D%/screen.c \
	%D%/screen.h \
	%D%/signal_pipe.c \
	%D%/signal_pipe.h \
	%D%/status.c \
	%D%/status.h \
	%D%/status_table.c \
	%D%/status_table.h \
	%D%/stop.c \
	%D%/stop.h \
	%D%/table.c \
	%D%/table.h \
	%D%/terminal.c \
	%D%/terminal.h \
	%D%/top.c \
	%D%/top.h \
	%D%/values.c \
	%D%/values.h \
	%D%/workers_table.c \
	%D%/workers_table.h

sbin_PROGRAMS += preforkctl
preforkctl_SOURCES = %D%/main.c
preforkctl_LDADD = $(preforkd_libs)

completionsdir = $(datadir)/bash-completion/completions
completions_DATA = %D%/completions/preforkctl
EXTRA_DIST += %D%/preforkctl.bash
CLEANFILES += $(completions_DATA)

# Bash looks for a file of the command's name.
$(completions_DATA): %D%/preforkctl.bash
	$(AM_V_GEN)$(MKDIR_P) %D%/completions && cp $(srcdir)/%D%/preforkctl.bash $@
