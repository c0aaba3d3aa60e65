/* SPDX-License-Identifier: MIT */
/* Any process. The built-in kinds of service: what `handler` in the configuration may name. */
#ifndef PREFORKD_SERVICES_KINDS_H
#define PREFORKD_SERVICES_KINDS_H

struct preforkd_module;

extern const struct preforkd_module service_chargen;
extern const struct preforkd_module service_daytime;
extern const struct preforkd_module service_discard;
extern const struct preforkd_module service_echo;
extern const struct preforkd_module service_exec;
extern const struct preforkd_module service_accepting;
extern const struct preforkd_module service_module;
extern const struct preforkd_module service_proxy;
extern const struct preforkd_module service_time;

/* All of them, in alphabetical order, NULL-terminated. */
extern const struct preforkd_module *const service_kinds[];

#endif
