# SPDX-License-Identifier: MIT
# Modules: what "handler = module" loads. They are built as anybody's would be, out of this tree as well.
moduledir = $(libdir)/preforkd
module_PROGRAMS = %D%/hello.so
module_cflags = $(AM_CFLAGS) -fPIC
module_ldflags = -shared -Wl,-z,relro -Wl,-z,now

%C%_hello_so_SOURCES = %D%/hello.c
%C%_hello_so_CFLAGS = $(module_cflags)
%C%_hello_so_LDFLAGS = $(module_ldflags)
%C%_hello_so_LDADD =

if HAVE_SQLITE
module_PROGRAMS += %D%/kv.so
endif
%C%_kv_so_SOURCES = %D%/kv.c
%C%_kv_so_CFLAGS = $(module_cflags) $(SQLITE_CFLAGS)
%C%_kv_so_LDFLAGS = $(module_ldflags)
%C%_kv_so_LDADD = $(SQLITE_LIBS)

pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = preforkd.pc
