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

/* The old image: names HANDOVER (a memfd, which then survives an exec) to the image that is executed next. -1 and *err:
 * no memory. */
int handover_env_set(int handover, bool rehearsal, struct err *err);
void handover_env_clear(void);

/* The new image: it rehearses. */
bool handover_env_is_rehearsal(void);

/* The new image: it has taken the place of the old one, and there is no way back. Not true any more after
 * handover_env_take(). */
bool handover_env_is_upgrade(void);

/* Did the image before run in the background, so that standard error leads nowhere? False: it did not, or there was
 * none. -1 and *err: the handover cannot be read. */
int handover_env_in_background(bool *out, struct err *err);

/* The new image: reads the handover, once, and clears the environment. *out: NULL if nothing was handed over. -1 and
 * *err: it cannot be used. */
int handover_env_take(json_t **out, struct err *err);

/* The memfd with the handover of an upgrade, which stays open until handover_env_done(): the start may have to be made
 * again. -1: there is none. */
int handover_env_fd(void);
void handover_env_done(void);

#endif
