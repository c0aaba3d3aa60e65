/* SPDX-License-Identifier: MIT */
/*
 * Asked against got: what the configuration asks for beside what the host gives. A check of
 * numbers only, so that it can be told any host; warnings only, for most of it is about the worst
 * case.
 */
#ifndef PREFORKD_CONFIG_HOST_COMPARE_H
#define PREFORKD_CONFIG_HOST_COMPARE_H

struct config;
struct limits;
struct problems;

/* Adds a warning for each limit that is too low, with the service that asks for most and the
 * setting to change, to *problems, which may be NULL and is made then. What LIMITS does not know is
 * not compared. */
void host_compare(const struct config *config, const struct limits *limits, struct problems **problems);

#endif
