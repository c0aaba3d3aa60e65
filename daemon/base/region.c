/* SPDX-License-Identifier: MIT */
#include "base/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"

/* The memfd is sparse, and takes memory only for pages that are written. The limits RLIMIT_AS and RLIMIT_FSIZE may
 * allow less than the greatest size. */
#define SIZE_GREATEST ((size_t)4 << 30)
#define SIZE_LEAST    ((size_t)64 << 20)

int region_reserve(struct region *region, struct err *err)
{
	*region = (struct region){.fd = memfd_create("preforkd-config", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
	if (region->fd < 0)
		return err_sys(err, "cannot create a memfd");
	region->fd = fd_above_stdio(region->fd, err);
	if (region->fd < 0)
		return -1;
	for (size_t size = SIZE_GREATEST; size >= SIZE_LEAST; size /= 2) {
		void *at = MAP_FAILED;

		if (ftruncate(region->fd, (off_t)size) == 0)
			at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (at != MAP_FAILED) {
			region->at = at;
			region->size = size;
			return 0;
		}
	}
	(void)err_sys(err, "no memory for a configuration");
	region_free(region);
	return -1;
}

void region_hide(const struct region *region)
{
	(void)madvise(region->at, region->size, MADV_DONTFORK);
}

int region_map(const struct region *region, struct err *err)
{
	if (mmap(region->at, region->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, region->fd, 0) == MAP_FAILED)
		return err_sys(err, "cannot map the memory for a configuration");
	/* A core file would have all of it, holes included, and reading a hole fills it. */
	(void)madvise(region->at, region->size, MADV_DONTDUMP);
	return 0;
}

int region_give(const struct region *region, size_t size, struct err *err)
{
	return ftruncate(region->fd, (off_t)size) < 0 ? err_sys(err, "cannot size a configuration") : 0;
}

/* The reserved addresses make sure that the new mapping replaces nothing else. */
static int take_pages(struct region *region, struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size, given;
	struct stat st;

	if (fstat(region->fd, &st) < 0)
		return err_sys(err, "cannot read the size of a configuration");
	given = (size_t)st.st_size;
	size = (given + page - 1) / page * page;
	if (given == 0 || size > region->size)
		return err_set(err, "a configuration of %zu bytes makes no sense", given);
	if (fcntl(region->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_sys(err, "cannot seal a configuration");
	if (mmap(region->at, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, region->fd, 0) == MAP_FAILED)
		return err_sys(err, "cannot map a configuration");
	if (size < region->size)
		(void)munmap((char *)region->at + size, region->size - size);
	region->size = size;
	return 0;
}

int region_take(struct region *region, struct err *err)
{
	if (take_pages(region, err) < 0) {
		region_free(region);
		return -1;
	}
	fd_close(&region->fd);
	return 0;
}

int region_allow_writing(const struct region *region, bool allow, struct err *err)
{
	if (mprotect(region->at, region->size, PROT_READ | (allow ? PROT_WRITE : 0)) < 0)
		return err_sys(err, "cannot %s a configuration", allow ? "complete" : "protect");
	return 0;
}

void region_free(struct region *region)
{
	if (region->at != NULL)
		(void)munmap(region->at, region->size);
	region->at = NULL;
	fd_close(&region->fd);
}
