/* SPDX-License-Identifier: MIT */
/* Any process. Values of a service whose workers are programs that accept by themselves (the handler "listen"). */
#ifndef PREFORKD_CONFIG_PROGRAM_CHECK_H
#define PREFORKD_CONFIG_PROGRAM_CHECK_H

struct checker;
struct service_values;

/* Warns about keys that have no effect, and sets such values to what is in force. */
void program_check(const struct checker *checker, struct service_values *values);

#endif
