# SPDX-License-Identifier: MIT
# Units, the daemon's user, and its folder under /run.

units = %D%/preforkd.service %D%/preforkd@.service %D%/preforkd.socket

EXTRA_DIST += %D%/preforkd.service.in %D%/preforkd.socket.in
CLEANFILES += $(units)
noinst_DATA = $(units)

fill_in = $(SED) \
	-e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|@docdir[@]|$(docdir)|g'

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

if INSTALL_SYSTEMDSYSTEMUNITDIR
systemdsystemunit_DATA = $(units)
dist_doc_DATA = %D%/relaxed.conf
else
EXTRA_DIST += %D%/relaxed.conf
endif

EXTRA_DIST += %D%/sysusers.d/preforkd.conf
if INSTALL_SYSUSERSDIR
sysusers_DATA = %D%/sysusers.d/preforkd.conf
endif

EXTRA_DIST += %D%/tmpfiles.d/preforkd.conf
if INSTALL_TMPFILESDIR
tmpfiles_DATA = %D%/tmpfiles.d/preforkd.conf
endif
