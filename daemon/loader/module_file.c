/* SPDX-License-Identifier: MIT */
#include "loader/module_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/path_trust.h"

int module_file_open(const char *path, off_t *size_out, struct err *err)
{
	char real[PATH_MAX];
	struct statvfs fs;
	struct stat st;
	int fd;

	if (path_trust(path, real, &st, err) < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return err_set(err, "not a file");
	fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, "%s", strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fd_close(&fd);
		return err_set(err, "not a file");
	}
	/* checked by hand: the copy in memory is not subject to noexec */
	if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NOEXEC) != 0) {
		fd_close(&fd);
		return err_set(err, "it is on a file system from which nothing may be run (noexec)");
	}
	*size_out = st.st_size;
	return fd;
}
