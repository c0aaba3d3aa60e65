/* SPDX-License-Identifier: MIT */
#include "board/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"

int shared_memory_create(const char *name, const char *what, size_t size, struct err *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(err, "cannot create a %s", what);
	fd = fd_above_stdio(fd, err);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		(void)err_sys(err, "cannot size a %s of %zu bytes", what, size);
		fd_close(&fd);
	}
	return fd;
}
