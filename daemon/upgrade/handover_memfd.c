/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "upgrade/handover.h"
#include "upgrade/handover_tables.h"

#define SIZE_MAX_READ (256L << 20)

static int write_all(const char *data, size_t len, int fd)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* json_dump_callback(3) would go on after a write that has failed. */
static int write_json(const json_t *handover, int fd, struct err *err)
{
	size_t len = json_dumpb(handover, NULL, 0, JSON_COMPACT);
	char *text = len > 0 ? malloc(len) : NULL;
	int rc;

	if (text == NULL || json_dumpb(handover, text, len, JSON_COMPACT) != len)
		rc = err_set(err, "no memory for a handover");
	else
		rc = write_all(text, len, fd) < 0 ? err_sys(err, "cannot write a handover") : 0;
	free(text);
	return rc;
}

int handover_write(const json_t *handover, struct err *err)
{
	int fd;

	if (handover == NULL)
		return err_set(err, "no memory for a handover");
	fd = memfd_create("preforkd-handover", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot create a memfd");
	fd = fd_above_stdio(fd, err);
	if (fd < 0)
		return -1;
	if (write_json(handover, fd, err) < 0)
		fd_close(&fd);
	return fd;
}

struct handover_head handover_head(const json_t *handover)
{
	struct handover_head head = {.format = 0};
	struct err err;

	if (rows_read(&head_table, handover, &head, &err) < 0)
		return (struct handover_head){.format = head.format};
	return head;
}

static json_t *load_json(int fd, struct err *err)
{
	off_t size = lseek(fd, 0, SEEK_END);
	json_error_t error = {.text = "it is cut"};
	json_t *handover = NULL;
	char *text;

	if (size < 0)
		return (void)err_sys(err, "cannot read what the program before left"), NULL;
	text = size < SIZE_MAX_READ ? malloc((size_t)size + 1) : NULL;
	if (text == NULL)
		return (void)err_code(err, ENOMEM, "cannot read what the program before left"), NULL;
	if (pread(fd, text, (size_t)size, 0) == size)
		handover = json_loadb(text, (size_t)size, 0, &error);
	free(text);
	if (handover == NULL && error.text[0] == '\0') /* jansson says what is wrong with a text, but not this */
		(void)err_code(err, ENOMEM, "cannot read what the program before left");
	else if (handover == NULL)
		(void)err_set(err, "what the program before left is not readable");
	return handover;
}

json_t *handover_read(int fd, int master_pid, struct err *err)
{
	json_t *handover = load_json(fd, err);
	struct handover_head head;

	if (handover == NULL)
		return NULL;
	head = handover_head(handover);
	if (head.format == HANDOVER_FORMAT && head.pid == master_pid)
		return handover;
	if (head.format != HANDOVER_FORMAT)
		(void)err_set(err, "the program before hands over in format %d, this one takes %d", head.format,
			      HANDOVER_FORMAT);
	else
		(void)err_set(err, "what the program before left is for another process");
	json_decref(handover);
	return NULL;
}

/* Every descriptor stands as "fd" in its object, and nothing else is called so. */
void handover_keep(const json_t *handover, bool keep)
{
	const json_t *fd = json_object_get(handover, "fd"), *value;
	const char *key;
	size_t i;

	if (json_is_integer(fd) && json_integer_value(fd) >= 3)
		(void)fcntl((int)json_integer_value(fd), F_SETFD, keep ? 0 : FD_CLOEXEC);
	json_object_foreach ((json_t *)handover, key, value)
		handover_keep(value, keep);
	json_array_foreach (handover, i, value)
		handover_keep(value, keep);
}
