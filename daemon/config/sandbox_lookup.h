/* SPDX-License-Identifier: MIT */
/* Any process. The lists of sandbox.* of one service into what they stand for. */
#ifndef PREFORKD_CONFIG_SANDBOX_LOOKUP_H
#define PREFORKD_CONFIG_SANDBOX_LOOKUP_H

struct checker;
struct service_values;

/* After the handler, the identity and the command were looked up. Reports paths that do not exist, and lists that keep
 * the service's own program from running. */
void sandbox_lookup(const struct checker *checker, struct service_values *values);

#endif
