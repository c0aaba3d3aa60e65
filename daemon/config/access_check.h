/* SPDX-License-Identifier: MIT */
/* Any process. Checks values about access and about first bytes against each other. */
#ifndef PREFORKD_CONFIG_ACCESS_CHECK_H
#define PREFORKD_CONFIG_ACCESS_CHECK_H

struct checker;
struct service_values;

void access_check(const struct checker *checker, const struct service_values *values);

#endif
