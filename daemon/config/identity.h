/* SPDX-License-Identifier: MIT */
/* Any process. Looks up users and groups. All look-ups may block, and happen while a configuration is loaded, not at
 * fork. */
#ifndef PREFORKD_CONFIG_IDENTITY_H
#define PREFORKD_CONFIG_IDENTITY_H

#include <sys/types.h>

struct arena;
struct err;
struct identity;

/* A name, or a number, which no entry of the user data base needs to have. -1 and *err: there is no such name, or the
 * look-up failed. */
int identity_uid(const char *user, uid_t *uid_out, struct err *err);
int identity_gid(const char *group, gid_t *gid_out, struct err *err);

/* The identity of USER; GROUP (NULL: the user's own) replaces the primary group. out->set becomes true. The caller has
 * checked both names with identity_uid() and identity_gid(). */
int identity_of_user(const char *user, const char *group, struct arena *arena, struct identity *out, struct err *err);

/* Makes the groups who->only (nothing is done if that is NULL) the only supplementary ones. -1 and *err: there is no
 * such group, or the look-up failed. */
int identity_take_groups(struct identity *who, struct arena *arena, struct err *err);

/* The user data base gave no answer: *OUT is an identity that is looked up later. out->set becomes true. */
void identity_pend(const char *user, const char *group, struct arena *arena, struct identity *out);

/* The identity of this process. out->set becomes false. */
void identity_of_process(struct arena *arena, struct identity *out);

#endif
