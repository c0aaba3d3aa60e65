# SPDX-License-Identifier: MIT
# The configuration. An installed file is never overwritten: an administrator may have changed it.

EXTRA_DIST += %D%/preforkd.conf %D%/run %D%/run.conf

conf_dir = $(DESTDIR)$(sysconfdir)/preforkd

install-data-local:
	$(MKDIR_P) "$(conf_dir)/conf.d"
	@if test -e "$(conf_dir)/preforkd.conf"; then \
		echo "$(conf_dir)/preforkd.conf exists: not overwritten"; \
	else \
		echo $(INSTALL_DATA) $(srcdir)/etc/preforkd.conf "$(conf_dir)/preforkd.conf"; \
		$(INSTALL_DATA) $(srcdir)/etc/preforkd.conf "$(conf_dir)/preforkd.conf"; \
	fi

# Removes what was installed, unless the file was changed or files were added.
uninstall-local:
	@if cmp -s $(srcdir)/etc/preforkd.conf "$(conf_dir)/preforkd.conf"; then \
		echo rm -f "$(conf_dir)/preforkd.conf"; \
		rm -f "$(conf_dir)/preforkd.conf"; \
	fi
	@rmdir "$(conf_dir)/conf.d" "$(conf_dir)" 2>/dev/null || true

# Runs the sample in the foreground, from the build folder.
run: all
	@exec $(SHELL) $(srcdir)/etc/run ./preforkd$(EXEEXT) $(srcdir)/etc/run.conf

.PHONY: run
