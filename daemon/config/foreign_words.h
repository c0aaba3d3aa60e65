/* SPDX-License-Identifier: MIT */
/* Any process. Keys of other programs, which people write here by habit, and our keys for the same things. */
#ifndef PREFORKD_CONFIG_FOREIGN_WORDS_H
#define PREFORKD_CONFIG_FOREIGN_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct foreign_word {
	const char *word; /* a * at its end stands for any ending */
	const char *whose;
	const char *ours;   /* a key or group without "services.NAME."; NULL: there is no counterpart */
	const char *advice; /* what else there is to do; NULL: nothing */
};

extern const struct foreign_word foreign_words[];
extern const size_t foreign_words_count;

/* True: KEY, without its groups, is this word. Capitals, - and _ make no difference. */
bool foreign_words_match(const struct foreign_word *word, const char *key);

/* The answer to KEY, "xinetd's word; here it is access.allow"; of all programs that have the word. NULL: none has it.
 */
const char *foreign_words_answer(const char *key, char *out, size_t size);

#endif
