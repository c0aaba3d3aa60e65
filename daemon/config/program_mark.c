/* SPDX-License-Identifier: MIT */
#include "config/program_mark.h"

#include <sys/stat.h>

#include "base/siphash.h"
#include "config/config.h"

static uint64_t mark_file(uint64_t before, const struct stat *st)
{
	static const uint64_t key[2] = {0, 0};
	const uint64_t facts[] = {before,
				  st->st_dev,
				  st->st_ino,
				  (uint64_t)st->st_size,
				  (uint64_t)st->st_mtim.tv_sec,
				  (uint64_t)st->st_mtim.tv_nsec};

	return siphash(key, facts, sizeof(facts));
}

uint64_t program_mark(char *const *command, size_t n, const struct identity *identity)
{
	uint64_t mark = 0;
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		if (command[i][0] != '/' || stat(command[i], &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		if (i == 0 || st.st_uid != identity->uid)
			mark = mark_file(mark, &st);
	}
	return mark;
}
