# SPDX-License-Identifier: MIT
dist_man_MANS += \
	%D%/preforkd.8 \
	%D%/preforkd.conf.5
