/* SPDX-License-Identifier: MIT */
#include "services/holders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/proc_folder.h"
#include "services/descendants.h"

#define PATH_SIZE 300 /* a pid, "/task/", any name of an entry, "/children" */
#define LINK_SIZE 64

/* One look at all descendants. */
struct look {
	char link[LINK_SIZE]; /* what an entry of /proc/PID/fd for the socket points to */
	pid_t pids[HOLDERS_MOST];
	size_t n;
	bool held; /* a process has the socket, or it cannot be told */
};

static void add_children(struct look *look, FILE *list)
{
	int pid;

	if (list == NULL) {
		look->held = true;
		return;
	}
	while (fscanf(list, "%d", &pid) == 1) {
		if (look->n == HOLDERS_MOST)
			look->held = true;
		else
			look->pids[look->n++] = pid;
	}
	(void)fclose(list);
}

static DIR *open_folder(struct look *look, const char *path)
{
	int fd = proc_folder_open(path, O_RDONLY | O_DIRECTORY);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

	if (folder == NULL)
		fd_close(&fd);
	look->held |= folder == NULL;
	return folder;
}

/* The next entry but "." and "..", or NULL. */
static const char *next_name(DIR *folder)
{
	struct dirent *entry;

	do
		entry = readdir(folder);
	while (entry != NULL && entry->d_name[0] == '.');
	return entry != NULL ? entry->d_name : NULL;
}

static void look_at_descriptors(struct look *look, const char *path)
{
	DIR *folder = open_folder(look, path);
	char link[LINK_SIZE];
	const char *name;

	while (folder != NULL && !look->held && (name = next_name(folder)) != NULL) {
		ssize_t n = readlinkat(dirfd(folder), name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = '\0';
		look->held = n < 0 ? errno != ENOENT : strcmp(link, look->link) == 0; /* it may close it meanwhile */
	}
	if (folder != NULL)
		(void)closedir(folder);
}

/* Also true for a zombie, whose folders in /proc cannot be opened. */
static bool has_ended(pid_t pid)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	bool ended = p.fd >= 0 ? poll(&p, 1, 0) == 1 : errno == ESRCH;

	fd_close(&p.fd);
	return ended;
}

/* Each thread may have descriptors and children of its own. */
static void look_at_process(struct look *look, pid_t pid)
{
	char path[PATH_SIZE];
	const char *name;
	DIR *folder;

	if (has_ended(pid))
		return;
	(void)snprintf(path, sizeof(path), "%d/task", (int)pid);
	folder = open_folder(look, path);
	while (folder != NULL && !look->held && (name = next_name(folder)) != NULL) {
		(void)snprintf(path, sizeof(path), "%d/task/%s/fd", (int)pid, name);
		look_at_descriptors(look, path);
		(void)snprintf(path, sizeof(path), "%d/task/%s/children", (int)pid, name);
		add_children(look, proc_folder_stream(path));
	}
	if (folder != NULL)
		(void)closedir(folder);
}

static void look_at_all(struct look *look, ino_t socket)
{
	*look = (struct look){.n = 0};
	(void)snprintf(look->link, sizeof(look->link), "socket:[%ju]", (uintmax_t)socket);
	add_children(look, descendants_open());
	for (size_t i = 0; i < look->n && !look->held; i++)
		look_at_process(look, look->pids[i]);
}

bool holders_are_left(int fd)
{
	struct look first, second;
	struct stat info;

	if (fstat(fd, &info) < 0)
		return true;
	/* A process that forks and ends, or ends while a list is read, may hide another one from a look. Then the
	 * second look finds other processes. */
	look_at_all(&first, info.st_ino);
	if (first.held)
		return true;
	look_at_all(&second, info.st_ino);
	return second.held || first.n != second.n || memcmp(first.pids, second.pids, first.n * sizeof(pid_t)) != 0;
}
