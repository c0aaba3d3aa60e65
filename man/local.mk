# SPDX-License-Identifier: MIT
dist_man_MANS += \
	%D%/preforkc.1 \
	%D%/preforkctl.8 \
	%D%/preforkd-module.3 \
	%D%/preforkd-programs.7 \
	%D%/preforkd.8 \
	%D%/preforkd.conf.5
