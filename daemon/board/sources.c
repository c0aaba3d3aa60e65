/* SPDX-License-Identifier: MIT */
#include "board/sources.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/siphash.h"
#include "board/shared_memory.h"
#include "board/sources_map.h"
#include "net/addr.h"
#include "net/unix_peer.h"

#define RECORDS_MOST (1U << 24) /* more than any configuration allows */
#define SEATS_SIZE   (SOURCES_SEATS * sizeof(bool))

uint32_t sources_version(void)
{
	return SOURCES_VERSION;
}

static size_t size_of(size_t n_records)
{
	return sizeof(struct sources_map) + sources_n_sets(n_records) * SOURCES_WAYS * sizeof(struct source_record);
}

/* ---- the map ---- */

static int map_table(struct sources *sources, int fd, size_t size, struct err *err)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return err_sys(err, "cannot map a table of sources of %zu bytes", size);
	sources->map = memory;
	sources->size = size;
	return 0;
}

/*
 * The part that only the master's mapping has. Workers of other services do not inherit it, and it knows which seats
 * are taken. That list is not inherited either: the master writes to it between two forks, and each worker would have
 * copies of its pages.
 */
static int make_masters(struct sources *sources, struct err *err)
{
	void *seats = mmap(NULL, SEATS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (seats == MAP_FAILED)
		return err_sys(err, "no memory for a table of sources");
	sources->seat_used = seats;
	if (madvise(sources->map, sources->size, MADV_DONTFORK) < 0 || madvise(seats, SEATS_SIZE, MADV_DONTFORK) < 0)
		return err_sys(err, "cannot keep a table of sources from other services");
	return 0;
}

static struct sources *new_blank(size_t n_records, struct err *err)
{
	struct sources *sources;

	if (n_records == 0 || n_records > RECORDS_MOST)
		return (void)err_set(err, "a table of %zu sources makes no sense", n_records), NULL;
	sources = calloc(1, sizeof(*sources));
	if (sources == NULL)
		return (void)err_set(err, "no memory for a table of sources"), NULL;
	*sources = (struct sources){.fd = -1, .n_records = n_records, .refs = 1};
	return sources;
}

struct sources *sources_new(size_t n_records, struct err *err)
{
	struct sources *sources = new_blank(n_records, err);

	if (sources == NULL)
		return NULL;
	sources->fd = shared_memory_create("preforkd-sources", "table of sources", size_of(n_records), err);
	if (sources->fd < 0 || map_table(sources, sources->fd, size_of(n_records), err) < 0 ||
	    make_masters(sources, err) < 0)
		goto fail;
	/* up to 256 bytes come at once, and without blocking once the system has started */
	if (getrandom(sources->secret, sizeof(sources->secret), 0) != sizeof(sources->secret)) {
		(void)err_sys(err, "no random numbers");
		goto fail;
	}
	return sources;
fail:
	sources_unref(&sources);
	return NULL;
}

static bool has_size(int fd, size_t n_records)
{
	off_t size = lseek(fd, 0, SEEK_END);

	return size > 0 && (size_t)size == size_of(n_records);
}

struct sources *sources_adopt(const struct sources *was, struct err *err)
{
	struct sources *sources = new_blank(was->n_records, err);

	if (sources == NULL)
		return NULL;
	memcpy(sources->secret, was->secret, sizeof(sources->secret));
	/* only a sealed file: reading a mapping beyond the end of its file would kill this process */
	if (!has_size(was->fd, was->n_records) || (fcntl(was->fd, F_GET_SEALS) & F_SEAL_SHRINK) == 0) {
		(void)err_set(err, "the table of sources has another size than expected");
		goto fail;
	}
	if (map_table(sources, was->fd, size_of(was->n_records), err) < 0 || make_masters(sources, err) < 0)
		goto fail;
	sources->fd = was->fd;
	return sources;
fail:
	sources_unref(&sources);
	return NULL;
}

int sources_map(struct sources *sources, const struct sources *masters, struct err *err)
{
	*sources = (struct sources){
		.fd = -1, .n_records = masters->n_records, .secret = {masters->secret[0], masters->secret[1]}};
	if (!has_size(masters->fd, masters->n_records))
		return err_set(err, "the table of sources has another size than expected");
	return map_table(sources, masters->fd, size_of(masters->n_records), err);
}

struct sources *sources_ref(struct sources *sources)
{
	sources->refs++;
	return sources;
}

void sources_unref(struct sources **sources)
{
	struct sources *s = *sources;

	*sources = NULL;
	if (s == NULL || --s->refs > 0)
		return;
	if (s->map != NULL)
		(void)munmap(s->map, s->size);
	fd_close(&s->fd);
	if (s->seat_used != NULL)
		(void)munmap(s->seat_used, SEATS_SIZE);
	free(s);
}

/* ---- keys ---- */

/* The input of the hash: it has no padding, and all of it is set. */
struct identity {
	uint8_t address[16];
	uint32_t family, number; /* a uid, or the zone of a link-local address */
};

static void cut_to_prefix(uint8_t *address, size_t len, int prefix)
{
	for (size_t i = 0; i < len; i++) {
		int bits = (int)sources_clamp(prefix - (int)i * 8, 0, 8);

		address[i] &= (uint8_t)(0xff00 >> bits);
	}
}

static void set_identity(struct identity *who, const struct sockaddr_any *peer, const struct unix_peer *cred,
			 int prefix4, int prefix6)
{
	struct sockaddr_any folded = *peer;

	addr_fold(&folded);
	*who = (struct identity){.family = folded.len > 0 ? folded.sa.sa_family : AF_UNSPEC};
	if (who->family == AF_INET) {
		memcpy(who->address, &folded.in.sin_addr, sizeof(folded.in.sin_addr));
		cut_to_prefix(who->address, sizeof(folded.in.sin_addr), prefix4);
	} else if (who->family == AF_INET6) {
		memcpy(who->address, &folded.in6.sin6_addr, sizeof(folded.in6.sin6_addr));
		cut_to_prefix(who->address, sizeof(folded.in6.sin6_addr), prefix6);
		if (IN6_IS_ADDR_LINKLOCAL(&folded.in6.sin6_addr)) /* the same address on two links is two hosts */
			who->number = folded.in6.sin6_scope_id;
	} else if (who->family == AF_UNIX && cred != NULL) {
		who->number = (uint32_t)cred->uid;
		who->address[0] = 1; /* unlike a client of unknown uid, even for uid 0 */
	}
}

uint64_t sources_key(const struct sources *sources, const struct sockaddr_any *peer, const struct unix_peer *cred,
		     int prefix4, int prefix6)
{
	struct identity who;
	uint64_t key;

	set_identity(&who, peer, cred, prefix4, prefix6);
	key = siphash(sources->secret, &who, sizeof(who));
	return (key & SEAT_KEY) != 0 ? key : key | 1;
}
