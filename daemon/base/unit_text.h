/* SPDX-License-Identifier: MIT */
/* Any process. The units of this package as they are installed, without comments; systemd/local.mk makes the source. */
#ifndef PREFORKD_BASE_UNIT_TEXT_H
#define PREFORKD_BASE_UNIT_TEXT_H

/* The lines of preforkd.service and of preforkd@.service; NULL ends each list. */
extern const char *const unit_text_one[], *const unit_text_each[];

#endif
