/* SPDX-License-Identifier: MIT */
/*
 * For LD_PRELOAD: a worker in its set-up, and the child that reads a configuration, do what a file says, while
 * there is one. The folder is $PREFORKD_TEST_TRAP, its files are
 *
 *	setup	a worker has dropped its privileges
 *	user	a worker changes its user
 *	load	a configuration is about to be read
 *	watch	the master begins to listen to its programs: to their output, or to what they say on NOTIFY_SOCKET
 *	passwd	a user is looked up; "fail": the user data base says "try again"
 *	passwd-NAME	the same for the user NAME
 *	resolve	a name of a host is looked up; "fail": the name server says so
 *
 * and what one says is "sleep MILLISECONDS", "fail", "die" or "hang". A process that meets one leaves an empty file
 *NAME.met before it obeys.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char folder[256];

__attribute__((constructor)) static void begin(void)
{
	const char *value = getenv("PREFORKD_TEST_TRAP");

	(void)snprintf(folder, sizeof(folder), "%s", value != NULL ? value : "");
}

static void nap(long ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* If the folder is the worker's, too. */
static void leave_mark(const char *path)
{
	char mark[310];
	int fd;

	(void)snprintf(mark, sizeof(mark), "%s.met", path);
	fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0)
		(void)close(fd);
}

static int obey(const char *name)
{
	char path[300], text[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = folder[0] != '\0' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	leave_mark(path);
	if (strncmp(text, "sleep ", 6) == 0)
		nap(strtol(text + 6, NULL, 10));
	if (strncmp(text, "die", 3) == 0)
		(void)raise(SIGKILL);
	if (strncmp(text, "hang", 4) == 0)
		for (;;)
			(void)pause();
	if (strncmp(text, "fail", 4) != 0)
		return 0;
	errno = EPERM;
	return -1;
}

int prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_PDEATHSIG && a[0] == SIGUSR1 && obey("setup") < 0)
		return -1;
	return (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (flags == (MAP_SHARED | MAP_FIXED) && obey("load") < 0)
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

struct passwd *getpwnam(const char *name)
{
	struct passwd *(*next)(const char *name);
	char one[64];

	(void)snprintf(one, sizeof(one), "passwd-%s", name);
	if (obey("passwd") < 0 || obey(one) < 0) {
		errno = EAGAIN;
		return NULL;
	}
	*(void **)&next = dlsym(RTLD_NEXT, "getpwnam");
	return next(name);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	int (*next)(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out);

	if (obey("resolve") < 0)
		return EAI_AGAIN;
	*(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
	return next(name, service, hints, out);
}

int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	struct stat st;
	int kind = 0;
	socklen_t len = sizeof(kind);

	(void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len);
	if (what == EPOLL_CTL_ADD && (kind == SOCK_DGRAM || (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))) &&
	    obey("watch") < 0)
		return -1;
	return (int)syscall(SYS_epoll_ctl, epoll, what, fd, event);
}

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
	if (obey("user") < 0)
		return -1;
	return (int)syscall(SYS_setresuid, real, effective, saved);
}
