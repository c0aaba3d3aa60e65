/* SPDX-License-Identifier: MIT */
/* Any process. Checks what surrounds the processes of a service, and their limits: `program` and `limits`. */
#ifndef PREFORKD_CONFIG_CONFINE_CHECK_H
#define PREFORKD_CONFIG_CONFINE_CHECK_H

struct checker;
struct service_values;

/* Reports what this process could not give, and completes the command line of the program. */
void confine_check(const struct checker *checker, struct service_values *values);

#endif
