/* SPDX-License-Identifier: MIT */
#include "services/family.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fds.h"
#include "base/log.h"
#include "base/proc_folder.h"
#include "base/syscall_name.h"

#define AGAIN_MS     60000
#define THREADS_MOST 64	 /* of a process, that are asked for children */
#define FILE_MAX     512 /* bytes of a file of /proc that are read */
#define PATH_SIZE    300 /* a pid, "/task/", any name of an entry, "/children" */

struct members {
	pid_t pids[FAMILY_MOST];
	unsigned n;
	bool more;
};

/* ---- the members ---- */

static void add_children(struct members *members, const char *path)
{
	FILE *list = proc_folder_stream(path);
	int pid;

	while (list != NULL && fscanf(list, "%d", &pid) == 1) {
		if (members->n < FAMILY_MOST)
			members->pids[members->n++] = pid;
		else
			members->more = true;
	}
	if (list != NULL)
		(void)fclose(list);
}

/* Each thread may have children of its own. */
static void add_children_of(struct members *members, pid_t pid)
{
	const struct dirent *entry;
	unsigned threads = 0;
	char path[PATH_SIZE];
	DIR *folder;
	int fd;

	(void)snprintf(path, sizeof(path), "%d/task", (int)pid);
	fd = proc_folder_open(path, O_RDONLY | O_DIRECTORY);
	folder = fd >= 0 ? fdopendir(fd) : NULL;
	if (folder == NULL) {
		fd_close(&fd);
		return;
	}
	while (threads < THREADS_MOST && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		threads++;
		(void)snprintf(path, sizeof(path), "%d/task/%s/children", (int)pid, entry->d_name);
		add_children(members, path);
	}
	(void)closedir(folder);
}

static void find_members(struct members *members, pid_t pid)
{
	*members = (struct members){.n = 0};
	if (pid != getpid())
		members->pids[members->n++] = pid;
	else
		add_children_of(members, pid);
	for (unsigned i = 0; i < members->n; i++)
		add_children_of(members, members->pids[i]);
}

/* ---- what one process does ---- */

/* Reads the file NAME of PID. Its length, without a newline at its end; -1 with errno. */
static ssize_t read_file(pid_t pid, const char *name, char out[FILE_MAX])
{
	char path[PATH_SIZE];
	ssize_t n;
	int fd;

	out[0] = '\0';
	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	fd = proc_folder_open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	n = read(fd, out, FILE_MAX - 1);
	fd_close(&fd);
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n > 0 ? n : 0] = '\0';
	return n;
}

static const char *name_state(char state)
{
	static const struct {
		char letter;
		const char *name;
	} names[] = {
		{'R', "running"}, {'S', "sleeping"}, {'D', "in an uninterruptible sleep"},
		{'T', "stopped"}, {'t', "traced"},   {'Z', "a zombie"},
		{'I', "idle"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].letter == state)
			return names[i].name;
	return "in an unknown state";
}

/* Splits "PID (NAME) STATE ..."; the name may have any characters. False: TEXT is not so. */
static bool split_stat(char *text, const char **name_out, char *state_out)
{
	char *open = strchr(text, '('), *close = strrchr(text, ')');

	if (open == NULL || close == NULL || close < open || close[1] != ' ' || close[2] == '\0')
		return false;
	*close = '\0';
	*name_out = open + 1;
	*state_out = close[2];
	return true;
}

/* ", in pipe_read". The kernel says "0" of a process that runs, and of one that it does not show. */
static void describe_place(pid_t pid, char state, char *out, size_t size)
{
	char text[FILE_MAX];

	if (read_file(pid, "wchan", text) > 0 && strcmp(text, "0") != 0)
		(void)snprintf(out, size, ", in %.100s", text);
	else
		(void)snprintf(out, size, "%s", state == 'S' || state == 'D' ? ", where is not readable" : "");
}

/* ", system call read". */
static void describe_call(pid_t pid, char *out, size_t size)
{
	char text[FILE_MAX], name[SYSCALL_NAME_MAX];

	if (read_file(pid, "syscall", text) < 0)
		(void)snprintf(out, size, ", system call not readable (%s)", strerror(errno));
	else if (isdigit((unsigned char)text[0]))
		(void)snprintf(out, size, ", system call %s",
			       syscall_name((int)strtol(text, NULL, 10), name, sizeof(name)));
	else
		(void)snprintf(out, size, ", in no system call");
}

/* False: it has ended meanwhile. */
static bool describe_process(pid_t pid, char *out, size_t size)
{
	char stat[FILE_MAX], place[128], call[128], state;
	const char *name;

	if (read_file(pid, "stat", stat) < 0 || !split_stat(stat, &name, &state))
		return false;
	describe_place(pid, state, place, sizeof(place));
	describe_call(pid, call, sizeof(call));
	if (state == 'Z')
		place[0] = call[0] = '\0';
	(void)snprintf(out, size, "process %d (%.40s) is %s%s%s", (int)pid, name, name_state(state), place, call);
	return true;
}

void family_look(struct family *out, pid_t pid)
{
	struct members members;

	find_members(&members, pid);
	out->n = 0;
	out->more = members.more;
	for (unsigned i = 0; i < members.n; i++)
		if (describe_process(members.pids[i], out->lines[out->n], sizeof(out->lines[0])))
			out->n++;
}

bool family_rests(const struct family_limit *limit, int64_t at_ms)
{
	return at_ms < limit->next_ms;
}

void family_tell(const struct log_about *about, const char *why, const struct family *family,
		 struct family_limit *limit)
{
	int64_t now = clock_ms();

	if (family_rests(limit, now)) {
		limit->untold++;
		return;
	}
	limit->next_ms = now + AGAIN_MS;
	for (unsigned i = 0; i < family->n; i++)
		log_about(LOG_WARNING, about, "%s: %s", why, family->lines[i]);
	if (family->more)
		log_about(LOG_WARNING, about, "%s: the program has more processes than these %d", why, FAMILY_MOST);
	if (limit->untold > 0)
		log_about(LOG_WARNING, about,
			  "%s: since the last lines like these, %u more were ended whose processes were not looked at",
			  why, limit->untold);
	limit->untold = 0;
}
