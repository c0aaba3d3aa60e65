# SPDX-License-Identifier: MIT
sbin_PROGRAMS += preforkd
preforkd_SOURCES = %D%/main.c
preforkd_LDADD = $(preforkd_libs)
# What modules call (include/preforkd/module.h), and nothing else.
preforkd_LDFLAGS = $(AM_LDFLAGS) -Wl,--dynamic-list=$(srcdir)/%D%/exports
preforkd_DEPENDENCIES = libpreforkd.a $(srcdir)/%D%/exports
EXTRA_DIST += %D%/exports
