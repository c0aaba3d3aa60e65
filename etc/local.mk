# SPDX-License-Identifier: MIT
# The configuration: installed once, never over an administrator's own.

EXTRA_DIST += %D%/preforkd.conf %D%/run %D%/run.conf

conf_dir = $(DESTDIR)$(sysconfdir)/preforkd

install-data-local:
	$(MKDIR_P) "$(conf_dir)/conf.d"
	@if test -e "$(conf_dir)/preforkd.conf"; then \
		echo "$(conf_dir)/preforkd.conf is there already: left alone"; \
	else \
		echo $(INSTALL_DATA) $(srcdir)/etc/preforkd.conf "$(conf_dir)/preforkd.conf"; \
		$(INSTALL_DATA) $(srcdir)/etc/preforkd.conf "$(conf_dir)/preforkd.conf"; \
	fi

# Takes back what was installed, unless somebody changed it or added to it.
uninstall-local:
	@if cmp -s $(srcdir)/etc/preforkd.conf "$(conf_dir)/preforkd.conf"; then \
		echo rm -f "$(conf_dir)/preforkd.conf"; \
		rm -f "$(conf_dir)/preforkd.conf"; \
	fi
	@rmdir "$(conf_dir)/conf.d" "$(conf_dir)" 2>/dev/null || true

# The sample, in the foreground, out of the build folder.
run: all
	@exec $(SHELL) $(srcdir)/etc/run ./preforkd$(EXEEXT) $(srcdir)/etc/run.conf

.PHONY: run
