# SPDX-License-Identifier: MIT
# Units, the daemon's user, and its folder under /run.

units = %D%/preforkd.service %D%/preforkd@.service %D%/preforkd.socket

EXTRA_DIST += %D%/preforkd.service.in %D%/preforkd.socket.in
CLEANFILES += $(units)
noinst_DATA = $(units)

fill_in = $(SED) \
	-e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g'

# These depend on Makefile, because another run of configure may set other paths. The unit and the template
# are made from one file; lines for only one of them begin with @one@ and @each@.
%D%/preforkd.service: %D%/preforkd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && $(fill_in) -e '/^@each[@]/d' -e 's/^@one[@]//' -e 's/@unit[@]/preforkd.service/' \
		< $(srcdir)/systemd/preforkd.service.in > $@.tmp && mv $@.tmp $@
%D%/preforkd@.service: %D%/preforkd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && $(fill_in) -e '/^@one[@]/d' -e 's/^@each[@]//' -e 's/@unit[@]/preforkd@.service/' \
		< $(srcdir)/systemd/preforkd.service.in > $@.tmp && mv $@.tmp $@
%D%/preforkd.socket: %D%/preforkd.socket.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && $(fill_in) < $(srcdir)/systemd/preforkd.socket.in > $@.tmp && mv $@.tmp $@

# The same for the program: daemon/base/unit_text.h.
nodist_libpreforkd_a_SOURCES = %D%/unit_text.c
CLEANFILES += %D%/unit_text.c
to_lines = $(SED) -e '/^$$/d' -e '/^\#/d' -e 's/["\\]/\\&/g' -e 's/.*/	"&",/'
%D%/unit_text.c: %D%/preforkd.service %D%/preforkd@.service
	$(AM_V_GEN){ echo '#include "base/unit_text.h"'; \
		for unit in one:preforkd.service each:preforkd@.service; do \
			echo "const char *const unit_text_$${unit%%:*}[] = {"; \
			$(to_lines) systemd/$${unit#*:} && echo '	0};' || exit; \
		done; } > $@.tmp && mv $@.tmp $@

if INSTALL_SYSTEMDSYSTEMUNITDIR
systemdsystemunit_DATA = $(units)
endif

EXTRA_DIST += %D%/sysusers.d/preforkd.conf
if INSTALL_SYSUSERSDIR
sysusers_DATA = %D%/sysusers.d/preforkd.conf
endif

EXTRA_DIST += %D%/tmpfiles.d/preforkd.conf
if INSTALL_TMPFILESDIR
tmpfiles_DATA = %D%/tmpfiles.d/preforkd.conf
endif
