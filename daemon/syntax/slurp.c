/* SPDX-License-Identifier: MIT */
#include "syntax/slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"

static int read_all(int fd, size_t most, struct slurp *out, struct err *err)
{
	size_t size = 0;
	ssize_t n;

	for (;;) {
		if (out->len + 1 >= size) {
			size = size == 0 ? 8192 : size * 2;
			out->text = arena_resize(out->text, size, 1);
		}
		n = read(fd, out->text + out->len, size - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read it");
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len > most)
			return err_set(err, "it is larger than %zu MiB", most / SLURP_MEBIBYTE);
	}
	out->text[out->len] = '\0';
	return 0;
}

int slurp(const char *file, size_t most, struct slurp *out, struct err *err)
{
	struct stat st;
	int fd, rc;

	*out = (struct slurp){.len = 0};
	/* Without O_NONBLOCK, opening a named pipe would wait for a writer. */
	fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot open it");
	if (fstat(fd, &st) < 0)
		rc = err_sys(err, "cannot read it");
	else if (S_ISDIR(st.st_mode))
		rc = err_set(err, "it is a directory");
	else if (!S_ISREG(st.st_mode))
		rc = err_set(err, "it is not a regular file");
	else
		rc = read_all(fd, most, out, err);
	(void)close(fd);
	if (rc < 0) {
		free(out->text);
		out->text = NULL;
		return -1;
	}
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	return 0;
}
