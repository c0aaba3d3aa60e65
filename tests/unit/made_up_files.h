/* SPDX-License-Identifier: MIT */
/* A tree of made-up files for unit tests, below a folder of their own. */
#ifndef PREFORKD_TESTS_MADE_UP_FILES_H
#define PREFORKD_TESTS_MADE_UP_FILES_H

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "suite.h"

/* Writes TEXT to PATH below ROOT, and makes the folders on the way. */
static inline void made_up_put(const char *root, const char *path, const char *text)
{
	char full[1024];
	FILE *f;

	(void)snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static inline int made_up_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

/* Removes ROOT, and all that is in it. */
static inline void made_up_remove(const char *root)
{
	(void)nftw(root, made_up_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
