# SPDX-License-Identifier: MIT
# Units, the daemon's user, and its folder under /run.

units = %D%/preforkd.service %D%/preforkd.socket

EXTRA_DIST += %D%/preforkd.service.in %D%/preforkd.socket.in
CLEANFILES += $(units)
noinst_DATA = $(units)

# Made again when configure ran again: the paths may be others.
$(units): Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && $(SED) \
		-e 's|@sbindir[@]|$(sbindir)|g' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		< $(srcdir)/$@.in > $@.tmp && mv $@.tmp $@
%D%/preforkd.service: %D%/preforkd.service.in
%D%/preforkd.socket: %D%/preforkd.socket.in

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
