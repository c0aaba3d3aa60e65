/* SPDX-License-Identifier: MIT */
/* Any process. The modules of services: loaded, told their options, started. */
#ifndef PREFORKD_CONFIG_LOOKUP_MODULE_H
#define PREFORKD_CONFIG_LOOKUP_MODULE_H

#include <stdbool.h>

struct checker;
struct service_values;

/* The module of one service: loads its file and checks its options. */
void lookup_module(struct checker *checker, struct service_values *values);

/* Calls the init() of all modules: in a child, and unless REHEARSE in this process too. False if one failed, which is
 * reported. To be called when everything else is right. */
bool lookup_module_begin(struct checker *checker, bool rehearse);

#endif
