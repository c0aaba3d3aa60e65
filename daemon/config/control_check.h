/* SPDX-License-Identifier: MIT */
/* Any process. The values of the control socket. */
#ifndef PREFORKD_CONFIG_CONTROL_CHECK_H
#define PREFORKD_CONFIG_CONTROL_CHECK_H

struct checker;

/* Checks its path, also against the addresses of services; looks up its group, which may block. */
void control_check(struct checker *checker);

#endif
