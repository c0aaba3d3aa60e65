/* SPDX-License-Identifier: MIT */
/*
 * What is shared by accident when a process forks: threads, which the children do not have, though the locks that
 * they held are locked for ever; connections, which all children then use at once; other descriptors.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "services/module.h"

/* The numbers that name what is in FOLDER of /proc. */
static size_t list_numbers(const char *folder, int **out)
{
	DIR *dir = opendir(folder);
	size_t n = 0, room = 0;
	struct dirent *entry;

	*out = NULL;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int number = entry->d_name[0] >= '0' && entry->d_name[0] <= '9'
				     ? (int)strtol(entry->d_name, NULL, 10) : dirfd(dir);

		if (number == dirfd(dir))
			continue;
		if (n == room) {
			int *more = reallocarray(*out, room * 2 + 64, sizeof(**out));

			if (more == NULL)
				break;
			*out = more;
			room = room * 2 + 64;
		}
		(*out)[n++] = number;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

/* Living or not. */
static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void traces_take(struct traces *traces)
{
	int *numbers, *threads;
	struct stat st;
	size_t n = list_numbers("/proc/self/fd", &numbers);

	*traces = (struct traces){.threads = list_numbers("/proc/self/task", &threads)};
	free(threads);
	traces->children = has_children();
	traces->fds = calloc(n + 1, sizeof(*traces->fds));
	for (size_t i = 0; traces->fds != NULL && i < n; i++) {
		if (fstat(numbers[i], &st) < 0)
			continue;
		traces->fds[traces->n_fds].fd = numbers[i];
		traces->fds[traces->n_fds].dev = st.st_dev;
		traces->fds[traces->n_fds++].ino = st.st_ino;
	}
	free(numbers);
}

void traces_clear(struct traces *traces)
{
	free(traces->fds);
	*traces = (struct traces){.fds = NULL};
}

static bool has(const struct traces *traces, size_t at, const struct traces *other)
{
	for (size_t i = 0; i < other->n_fds; i++)
		if (other->fds[i].fd == traces->fds[at].fd)
			return other->fds[i].dev == traces->fds[at].dev &&
			       other->fds[i].ino == traces->fds[at].ino;
	return false;
}

static bool is_connected(int fd, struct sockaddr_any *peer)
{
	peer->len = sizeof(peer->ss);
	return getpeername(fd, &peer->sa, &peer->len) == 0;
}

static bool is_stream(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type != SOCK_DGRAM;
}

static int report(int fd, bool kept, const char *who, struct err *err)
{
	char link[32], path[PATH_MAX], text[ADDR_TEXT_MAX];
	struct sockaddr_any peer;
	ssize_t n;

	if (is_connected(fd, &peer)) {
		if (kept && !is_stream(fd))
			return 0;
		return err_set(err, "%s left the connection to %s open (descriptor %d): the workers would all talk "
				    "through it at once; open it in worker_start()", who,
			       addr_format(&peer, text, sizeof(text)), fd);
	}
	if (kept)
		return 0;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return err_set(err, "%s left the descriptor %d open (%.200s): close it, or give it to preforkd_keep()", who,
		       fd, path);
}

int traces_compare(const struct traces *before, const int *kept, size_t n_kept, const char *who,
		   struct err *err)
{
	struct traces now;
	int rc = 0;

	traces_take(&now);
	if (now.threads > before->threads)
		rc = err_set(err, "%s left %zu thread%s running: the workers would not have %s; start threads in "
				  "worker_start()", who, now.threads - before->threads,
			     now.threads - before->threads == 1 ? "" : "s",
			     now.threads - before->threads == 1 ? "it" : "them");
	else if (now.children && !before->children)
		rc = err_set(err, "%s left a process running", who);
	for (size_t i = 0; i < before->n_fds && rc == 0; i++)
		if (!has(before, i, &now))
			rc = err_set(err, "%s closed the descriptor %d, which was not its own", who, before->fds[i].fd);
	for (size_t i = 0; i < now.n_fds && rc == 0; i++) {
		bool is_kept = false;

		for (size_t k = 0; k < n_kept; k++)
			is_kept = is_kept || kept[k] == now.fds[i].fd;
		if (!has(&now, i, before))
			rc = report(now.fds[i].fd, is_kept, who, err);
	}
	traces_clear(&now);
	return rc;
}
