/* SPDX-License-Identifier: MIT */
/* Any process. The keys sandbox.* of one service: whether they go together and have an effect. Completes the defaults
 * that depend on the handler and the user. */
#ifndef PREFORKD_CONFIG_SANDBOX_CHECK_H
#define PREFORKD_CONFIG_SANDBOX_CHECK_H

struct checker;
struct service_values;

void sandbox_check(const struct checker *checker, struct service_values *values);

#endif
