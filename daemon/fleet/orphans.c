/* SPDX-License-Identifier: MIT */
#include "fleet/orphans.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/children.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proc_folder.h"

#define BEFORE_US_MAX 64
#define ENTRIES_MAX   4096 /* of an environment that are read */
#define NAME_SIZE     72
#define NAME_LETTERS  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static pid_t before_us[BEFORE_US_MAX];
static size_t n_before_us;

void orphans_init(void)
{
	FILE *f;
	int pid;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		log_msg(LOG_DEBUG, "orphans of programs go to init: PR_SET_CHILD_SUBREAPER is not available");
	n_before_us = 0;
	f = children_open();
	if (f == NULL)
		return;
	while (n_before_us < BEFORE_US_MAX && fscanf(f, "%d", &pid) == 1)
		before_us[n_before_us++] = pid;
	(void)fclose(f);
}

json_t *orphans_before_us(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n_before_us; i++)
		(void)json_array_append_new(list, json_integer(before_us[i]));
	return list;
}

void orphans_restore(const json_t *list)
{
	const json_t *number;
	size_t i;

	n_before_us = 0;
	json_array_foreach (list, i, number)
		if (n_before_us < BEFORE_US_MAX)
			before_us[n_before_us++] = (pid_t)json_integer_value(number);
}

static bool is_among(const pid_t *list, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == pid)
			return true;
	return false;
}

/* The value of PREFORKD_SERVICE in the environment of PID, "" if it is not known. The process may have changed it: only
 * what can be the name of a service is taken. */
static void find_service(pid_t pid, char *out, size_t size)
{
	static const char key[] = "PREFORKD_SERVICE=";
	char path[64], *entry = NULL;
	size_t room = 0;
	FILE *f;

	out[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	for (int i = 0; i < ENTRIES_MAX && getdelim(&entry, &room, '\0', f) > 0; i++) {
		const char *value = entry + strlen(key);

		if (strncmp(entry, key, strlen(key)) != 0)
			continue;
		if (strlen(value) < size && value[strspn(value, NAME_LETTERS)] == '\0')
			(void)snprintf(out, size, "%s", value);
		break;
	}
	free(entry);
	(void)fclose(f);
}

/* The first process of a pid namespace (sandbox/pid_init.h): the kernel ends it with its worker, which may take a
 * moment.
 */
static bool is_init_of_worker(pid_t pid)
{
	int numbers[3] = {0}, n = 0;
	char path[64], line[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%d/status", (int)pid);
	f = proc_folder_stream(path);
	while (f != NULL && n == 0 && fgets(line, sizeof(line), f) != NULL)
		n = sscanf(line, "NSpid: %d %d %d", &numbers[0], &numbers[1], &numbers[2]);
	if (f != NULL)
		(void)fclose(f);
	return n >= 2 && numbers[n - 1] == 1;
}

static void end_orphan(pid_t pid)
{
	char service[NAME_SIZE];
	struct log_about about = {.worker = pid};

	if (is_init_of_worker(pid)) {
		(void)kill(pid, SIGKILL);
		return;
	}
	find_service(pid, service, sizeof(service));
	if (service[0] != '\0')
		about.service = service;
	log_about(LOG_NOTICE, &about,
		  "process %d was left behind by a program; killed (a program must stay in the foreground)", (int)pid);
	(void)kill(pid, SIGKILL);
}

int orphans_end(struct proc *by_pid)
{
	struct proc *proc;
	FILE *f = children_open();
	int number, n = 0;

	if (f == NULL)
		return 0;
	while (fscanf(f, "%d", &number) == 1) {
		pid_t pid = number;

		HASH_FIND(by_pid, by_pid, &pid, sizeof(pid), proc);
		if (proc != NULL || is_among(before_us, n_before_us, pid) || child_is_ours(pid))
			continue;
		end_orphan(pid);
		n++;
	}
	(void)fclose(f);
	return n;
}

void orphans_end_all(struct proc *by_pid)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	int64_t end = clock_ms() + ORPHANS_END_MS;
	int status;

	while (orphans_end(by_pid) > 0 && clock_ms() < end) {
		(void)nanosleep(&nap, NULL);
		while (child_reap_any(&status, NULL) > 0)
			;
	}
}
