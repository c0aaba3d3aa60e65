/* SPDX-License-Identifier: MIT */
/*
 * Looked for is what goes wrong when the master forks: a thread does not exist in the children, and the locks that it
 * held stay locked for ever; a connection would be used by all children at once; so would other descriptors. Looked
 * for, too, are settings of the whole process that the master depends on: its user, or that it is told when a worker
 * ends.
 */
#include "loader/module_traces.h"

#include <dirent.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"

/* The entries of FOLDER in /proc whose names are numbers, into *OUT (malloc()ed). Returns how many; -1: no resources.
 */
static ssize_t list_numbers(const char *folder, int **out)
{
	DIR *dir = opendir(folder);
	size_t n = 0, room = 0;
	struct dirent *entry;

	*out = NULL;
	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL) {
		int number = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' ? (int)strtol(entry->d_name, NULL, 10)
										: dirfd(dir);

		if (number == dirfd(dir))
			continue;
		if (n == room) {
			int *more = reallocarray(*out, room * 2 + 64, sizeof(**out));

			if (more == NULL) {
				(void)closedir(dir);
				return -1;
			}
			*out = more;
			room = room * 2 + 64;
		}
		(*out)[n++] = number;
	}
	(void)closedir(dir);
	return (ssize_t)n;
}

/* Is there a child, alive or a zombie? */
static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static bool keeps_exit_statuses(void)
{
	struct sigaction action;

	return sigaction(SIGCHLD, NULL, &action) < 0 ||
	       (action.sa_handler != SIG_IGN && (action.sa_flags & SA_NOCLDWAIT) == 0);
}

static void record_settings(struct module_traces *traces)
{
	const char *locale = setlocale(LC_ALL, NULL);
	struct stat folder = {.st_ino = 0};

	(void)getresuid(&traces->users[0], &traces->users[1], &traces->users[2]);
	(void)getresgid(&traces->groups[0], &traces->groups[1], &traces->groups[2]);
	traces->umask = umask(0);
	(void)umask(traces->umask);
	(void)stat(".", &folder);
	traces->folder_dev = folder.st_dev;
	traces->folder_ino = folder.st_ino;
	(void)sigprocmask(SIG_SETMASK, NULL, &traces->mask);
	traces->reaps = keeps_exit_statuses();
	(void)snprintf(traces->locale, sizeof(traces->locale), "%s", locale != NULL ? locale : "");
}

/* The name of a setting that has changed; NULL: none has. */
static const char *changed_setting(const struct module_traces *before, const struct module_traces *now)
{
	if (memcmp(before->users, now->users, sizeof(now->users)) != 0 ||
	    memcmp(before->groups, now->groups, sizeof(now->groups)) != 0)
		return "user or group";
	if (before->umask != now->umask)
		return "umask";
	if (before->folder_dev != now->folder_dev || before->folder_ino != now->folder_ino)
		return "working directory";
	if (before->reaps != now->reaps)
		return "handling of SIGCHLD";
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sigismember(&before->mask, sig) != sigismember(&now->mask, sig))
			return "mask of signals";
	if (strcmp(before->locale, now->locale) != 0)
		return "locale";
	return NULL;
}

static int record_descriptors(struct module_traces *traces)
{
	int *numbers;
	struct stat st;
	ssize_t n = list_numbers("/proc/self/fd", &numbers);

	if (n >= 0)
		traces->fds = calloc((size_t)n + 1, sizeof(*traces->fds));
	for (ssize_t i = 0; traces->fds != NULL && i < n; i++) {
		if (fstat(numbers[i], &st) < 0)
			continue;
		traces->fds[traces->n_fds].fd = numbers[i];
		traces->fds[traces->n_fds].dev = st.st_dev;
		traces->fds[traces->n_fds++].ino = st.st_ino;
	}
	free(numbers);
	return traces->fds != NULL ? 0 : -1;
}

int module_traces_take(struct module_traces *traces, struct err *err)
{
	int *threads;
	ssize_t n_threads = list_numbers("/proc/self/task", &threads);

	free(threads);
	*traces = (struct module_traces){.threads = n_threads > 0 ? (size_t)n_threads : 0};
	traces->children = has_children();
	record_settings(traces);
	if (n_threads >= 0 && record_descriptors(traces) == 0)
		return 0;
	return err_set(err, "no memory or no descriptor to see what it leaves behind");
}

void module_traces_clear(struct module_traces *traces)
{
	free(traces->fds);
	*traces = (struct module_traces){.fds = NULL};
}

/* Is descriptor number AT of TRACES open in OTHER, too, and the same file? */
static bool is_also_in(const struct module_traces *traces, size_t at, const struct module_traces *other)
{
	for (size_t i = 0; i < other->n_fds; i++)
		if (other->fds[i].fd == traces->fds[at].fd)
			return other->fds[i].dev == traces->fds[at].dev && other->fds[i].ino == traces->fds[at].ino;
	return false;
}

static bool is_open_in(const struct module_traces *traces, int fd)
{
	for (size_t i = 0; i < traces->n_fds; i++)
		if (traces->fds[i].fd == fd)
			return true;
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

/* -1 and *err if the new descriptor FD is left open against the rules. */
static int judge_descriptor(int fd, bool keeps, bool kept, const char *who, struct err *err)
{
	char link[32], path[PATH_MAX], text[ADDR_TEXT_MAX];
	struct sockaddr_any peer;
	ssize_t n;

	if (is_connected(fd, &peer)) {
		if (kept && !is_stream(fd))
			return 0;
		return err_set(err,
			       "%s left the connection to %s open (descriptor %d): the workers would all talk "
			       "through it at once; open it in worker_start()",
			       who, addr_format(&peer, text, sizeof(text)), fd);
	}
	if (kept)
		return 0;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return err_set(err, "%s left the descriptor %d open (%.200s): close it%s", who, fd, path,
		       keeps ? ", or give it to preforkd_keep()" : "");
}

static int compare_process(const struct module_traces *before, const struct module_traces *now, const char *who,
			   struct err *err)
{
	const char *changed = changed_setting(before, now);
	size_t threads = now->threads > before->threads ? now->threads - before->threads : 0;

	if (threads > 0)
		return err_set(err,
			       "%s left %zu thread%s running: the workers would not have %s; start threads in "
			       "worker_start()",
			       who, threads, threads == 1 ? "" : "s", threads == 1 ? "it" : "them");
	if (now->children && !before->children)
		return err_set(err, "%s left a process running", who);
	if (changed != NULL)
		return err_set(err,
			       "%s changed the %s, which is that of the whole daemon; a worker's may be changed in "
			       "worker_start()",
			       who, changed);
	return 0;
}

static bool is_among(const int *list, size_t n, int fd)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == fd)
			return true;
	return false;
}

static int compare_descriptors(const struct module_traces *before, const struct module_traces *now, const int *kept,
			       size_t n_kept, const char *who, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < before->n_fds; i++)
		if (!is_also_in(before, i, now))
			return err_set(err, "%s closed the descriptor %d, which was not its own", who,
				       before->fds[i].fd);
	/* a number that is not open now will later belong to another file, which is not the module's to keep */
	for (size_t k = 0; k < n_kept; k++)
		if (is_open_in(before, kept[k]) || !is_open_in(now, kept[k]))
			return err_set(err, "%s gave the descriptor %d to preforkd_keep(), which it has not left open",
				       who, kept[k]);
	for (size_t i = 0; i < now->n_fds && rc == 0; i++)
		if (!is_also_in(now, i, before))
			rc = judge_descriptor(now->fds[i].fd, kept != NULL, is_among(kept, n_kept, now->fds[i].fd), who,
					      err);
	return rc;
}

int module_traces_compare(const struct module_traces *before, const int *kept, size_t n_kept, const char *who,
			  struct err *err)
{
	struct module_traces now;
	int rc = module_traces_take(&now, err);

	if (rc == 0)
		rc = compare_process(before, &now, who, err);
	if (rc == 0)
		rc = compare_descriptors(before, &now, kept, n_kept, who, err);
	module_traces_clear(&now);
	return rc;
}
