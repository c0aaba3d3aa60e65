/* SPDX-License-Identifier: MIT */
/*
 * Master. One configuration that was put into force. It lives as long as any pool refers to it: workers of a former
 * generation may serve their clients for hours.
 */
#ifndef PREFORKD_POOL_GENERATION_H
#define PREFORKD_POOL_GENERATION_H

struct config;

struct generation {
	struct config *config;
	unsigned number; /* from 1; each reload that succeeds makes the next one */
	unsigned refs;
};

/* Takes CONFIG over, also on an error. NULL: no memory. */
struct generation *generation_new(struct config *config, unsigned number);
struct generation *generation_ref(struct generation *generation);

/* NULL is allowed; *generation becomes NULL. */
void generation_unref(struct generation **generation);

#endif
