# SPDX-License-Identifier: MIT
sbin_PROGRAMS += preforkd
preforkd_SOURCES = %D%/main.c
preforkd_LDADD = $(preforkd_libs)
