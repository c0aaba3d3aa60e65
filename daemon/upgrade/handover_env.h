/* SPDX-License-Identifier: MIT */
/*
 * Master. How two images of this program find each other: PREFORKD_HANDOVER in the environment of the new image is the
 * number of the memfd with the handover, and PREFORKD_REHEARSAL is set if the new image only rehearses.
 */
#ifndef PREFORKD_UPGRADE_HANDOVER_ENV_H
#define PREFORKD_UPGRADE_HANDOVER_ENV_H

#include <jansson.h>
#include <stdbool.h>

struct err;

/* The old image: names HANDOVER (a memfd, which then survives an exec) to the image that is executed next. */
void handover_env_set(int handover, bool rehearsal);
void handover_env_clear(void);

/* The new image: it rehearses. */
bool handover_env_is_rehearsal(void);

/* The new image: it has taken the place of the old one, and there is no way back. Not true any more after
 * handover_env_take(). */
bool handover_env_is_upgrade(void);

/* The image before ran in the background, so standard error leads nowhere. False: it did not, or there was none. */
bool handover_env_in_background(void);

/* The new image: reads the handover, once, and clears the environment. *out: NULL if nothing was handed over. -1 and
 * *err: it cannot be used. */
int handover_env_take(json_t **out, struct err *err);

#endif
