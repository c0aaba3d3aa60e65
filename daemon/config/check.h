/* SPDX-License-Identifier: MIT */
/* Any process. Values of one service against each other, after all names were looked up. */
#ifndef PREFORKD_CONFIG_CHECK_H
#define PREFORKD_CONFIG_CHECK_H

struct checker;
struct service_values;

void check_service(struct checker *checker, struct service_values *values);

#endif
