/* SPDX-License-Identifier: MIT */
#include "base/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/child.h"
#include "base/err.h"
#include "base/fds.h"

static void finish_trial(struct trial *trial)
{
	if (!trial->over || !trial->reaped)
		return;
	trial->io = sd_event_source_disable_unref(trial->io);
	trial->timer = sd_event_source_disable_unref(trial->timer);
	trial->pid = 0;
	trial->done(trial, trial->userdata);
}

/* After child_kill() only a process that has left the child's group can still hold the pipe; its output is ignored. */
static void close_pipe(struct trial *trial)
{
	trial->io = sd_event_source_disable_unref(trial->io);
	fd_close(&trial->fd);
	trial->over = true;
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct trial *trial = userdata;
	char scrap[4096];
	char *at = trial->text + trial->len;
	size_t room = TRIAL_TEXT_MAX - trial->len;
	ssize_t n = read(fd, room > 0 ? at : scrap, room > 0 ? room : sizeof(scrap));

	(void)revents;
	if (n > 0 && room > 0) {
		trial->len += (size_t)n;
		trial->text[trial->len] = '\0';
	}
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return 0;
	trial->over = true;
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	fd_close(&trial->fd);
	finish_trial(trial);
	return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct trial *trial = userdata;

	(void)source;
	(void)usec;
	trial->late = true;
	child_kill(trial->pid);
	close_pipe(trial);
	finish_trial(trial); /* if it was reaped before; else trial_reaped() does it */
	return 0;
}

int trial_start(struct trial *trial, sd_event *event, int (*run)(void *arg, int out), void *arg, int64_t limit_ms,
		void (*done)(struct trial *trial, void *userdata), void *userdata, struct err *err)
{
	int ends[2], rc;

	*trial = (struct trial){.fd = -1, .done = done, .userdata = userdata};
	trial->text = malloc(TRIAL_TEXT_MAX + 1);
	if (trial->text == NULL)
		return err_set(err, "no memory for a trial");
	trial->text[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0) {
		(void)err_sys(err, "cannot create a pipe");
		goto fail;
	}
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	trial->pid = child_fork();
	if (trial->pid == 0)
		_exit(run(arg, ends[1]));
	if (trial->pid < 0)
		(void)err_sys(err, "cannot fork");
	fd_close(&ends[1]);
	trial->fd = ends[0];
	if (trial->pid < 0) {
		trial->pid = 0;
		goto fail;
	}
	rc = sd_event_add_io(event, &trial->io, trial->fd, EPOLLIN, on_output, trial);
	if (rc >= 0)
		rc = sd_event_add_time_relative(event, &trial->timer, CLOCK_MONOTONIC, (uint64_t)limit_ms * 1000, 1000,
						on_late, trial);
	if (rc >= 0)
		return 0;
	(void)err_code(err, -rc, "cannot watch a child");
fail:
	trial_clear(trial);
	return -1;
}

bool trial_reaped(struct trial *trial, pid_t pid, int status)
{
	if (trial->pid == 0 || trial->pid != pid)
		return false;
	trial->reaped = true;
	trial->status = status;
	finish_trial(trial);
	return true;
}

void trial_clear(struct trial *trial)
{
	if (trial->pid > 0)
		child_kill(trial->pid);
	trial->io = sd_event_source_disable_unref(trial->io);
	trial->timer = sd_event_source_disable_unref(trial->timer);
	fd_close(&trial->fd);
	free(trial->text);
	*trial = (struct trial){.fd = -1};
}
