/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the beginning of a connection. What is said of them must not depend on the pieces in which they come,
 * nor on what follows; and what is taken for a header can be written, and says the same again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool truth)
{
	if (!truth)
		abort();
}

/* An exact copy, so that a sanitizer sees a look beyond the end. */
static enum proxy_parse parse(const uint8_t *data, size_t size, struct proxy_header *out, size_t *used, size_t *need)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	enum proxy_parse state;
	struct err err = {.code = 0};

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	state = proxy_header_parse(copy, size, out, used, need, &err);
	free(copy);
	expect((state == PROXY_OK) == (*used > 0));
	expect((state == PROXY_MORE) == (*need > 0));
	expect((state == PROXY_BAD) == (err.text[0] != '\0'));
	return state;
}

/* Every shorter beginning of a header wants more, and not more than there is; of what is none, more or the same. */
static void piece_by_piece(const uint8_t *data, size_t size, enum proxy_parse whole, size_t len)
{
	size_t end = whole == PROXY_OK ? len : size, step = end > 512 ? end / 128 : 1;
	struct proxy_header header;
	bool decided = false;
	size_t used, need;

	for (size_t n = 0; n < end; n += step) {
		enum proxy_parse state = parse(data, n, &header, &used, &need);

		expect(state == PROXY_MORE || state == whole);
		expect(state != PROXY_OK && (!decided || state != PROXY_MORE));
		expect(whole != PROXY_OK || need <= len - n);
		decided = state != PROXY_MORE;
	}
}

static void write_again(const struct proxy_header *header)
{
	struct proxy_header again;
	uint8_t out[PROXY_HEADER_WRITTEN_MAX];
	size_t used, need;

	for (int version = 1; version <= 2; version++) {
		size_t len = proxy_header_write(version, &header->source, &header->destination, out, sizeof(out));

		expect(len > 0 && parse(out, len, &again, &used, &need) == PROXY_OK && used == len);
		if (again.known)
			expect(addr_equal(&again.source, &header->source) &&
			       addr_equal(&again.destination, &header->destination));
	}
}

static void look_at_header(const struct proxy_header *header)
{
	char text[ADDR_TEXT_MAX];

	expect(header->version == 1 || header->version == 2);
	expect(!header->local || (header->version == 2 && !header->known));
	if (!header->known)
		return;
	expect(header->source.len >= sizeof(sa_family_t) && header->source.len <= sizeof(header->source.ss));
	(void)addr_format(&header->source, text, sizeof(text));
	for (const char *at = addr_format(&header->destination, text, sizeof(text)); *at != '\0'; at++)
		expect((unsigned char)*at >= ' ');
	write_again(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header header;
	size_t used, need;
	enum proxy_parse state = parse(data, size, &header, &used, &need);

	expect(used <= size);
	if (state == PROXY_OK)
		look_at_header(&header);
	piece_by_piece(data, size, state, used);
	if (state == PROXY_OK && used < size) { /* what follows changes nothing */
		struct proxy_header alone;
		size_t len;

		expect(parse(data, used, &alone, &len, &need) == PROXY_OK && len == used);
		expect(alone.known == header.known && alone.local == header.local);
	}
	return 0;
}
