/* SPDX-License-Identifier: MIT */
/* Users and groups: names into numbers. Looked up at load, so that nothing is looked up at fork. */
#ifndef PREFORKD_CONFIG_IDENTITY_H
#define PREFORKD_CONFIG_IDENTITY_H

#include <sys/types.h>

struct arena;
struct err;
struct identity;

int identity_uid(const char *user, uid_t *uid_out, struct err *err);
int identity_gid(const char *group, gid_t *gid_out, struct err *err);

/* Who USER is; GROUP (NULL: the user's own) replaces the primary group. out->set becomes true.
 * Both names exist: identity_uid() and identity_gid() have said so. */
int identity_of_user(const char *user, const char *group, struct arena *arena, struct identity *out, struct err *err);

/* Who this process is. out->set becomes false. */
void identity_of_process(struct arena *arena, struct identity *out);

#endif
