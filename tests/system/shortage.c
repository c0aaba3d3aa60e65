/* SPDX-License-Identifier: MIT */
/*
 * For LD_PRELOAD: makes one call of one process fail for lack of memory, descriptors or processes. The file
 * $PREFORKD_TEST_SHORTAGE is a struct shortage, which the test writes and reads while the process runs
 * (harness/shortage.py).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MEMORY = 1, SYSTEM = 2 };

static struct shortage {
	int32_t pid;	     /* of the process; 0: no call fails */
	int32_t kinds;	     /* of calls that are counted: MEMORY, SYSTEM */
	int32_t images;	     /* how often the process has executed a program since pid was set */
	int32_t image;	     /* calls are counted when images is this */
	int32_t first, last; /* the numbers of the calls that fail, from 1 */
	int32_t n;	     /* calls counted so far */
	char name[36];	     /* of the call that has failed last */
} * shortage;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("PREFORKD_TEST_SHORTAGE");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at =
		fd >= 0 ? (void *)syscall(SYS_mmap, NULL, sizeof(*shortage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
			: MAP_FAILED;

	if (fd >= 0)
		(void)close(fd);
	if (at == MAP_FAILED)
		return;
	shortage = at;
	if (shortage->pid == getpid())
		shortage->images++;
}

/* True: this call is to fail. */
static int fails(int kind, int error, const char *name)
{
	if (shortage == NULL || shortage->pid == 0 || (shortage->kinds & kind) == 0 || shortage->pid != getpid() ||
	    shortage->images != shortage->image)
		return 0;
	shortage->n++;
	if (shortage->n < shortage->first || shortage->n > shortage->last)
		return 0;
	(void)strncpy(shortage->name, name, sizeof(shortage->name) - 1);
	errno = error;
	return 1;
}

void *malloc(size_t size)
{
	return fails(MEMORY, ENOMEM, "malloc") ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails(MEMORY, ENOMEM, "calloc") ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fails(MEMORY, ENOMEM, "realloc") ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all) || fails(MEMORY, ENOMEM, "reallocarray")) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(old, all);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	*out = fails(MEMORY, ENOMEM, "posix_memalign") ? NULL : __libc_memalign(alignment, size);
	return *out != NULL ? 0 : ENOMEM;
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (fails(SYSTEM, ENOMEM, "mmap"))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

int mprotect(void *at, size_t size, int protection)
{
	return fails(SYSTEM, ENOMEM, "mprotect") ? -1 : (int)syscall(SYS_mprotect, at, size, protection);
}

int memfd_create(const char *name, unsigned flags)
{
	return fails(SYSTEM, ENFILE, "memfd_create") ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}

int ftruncate(int fd, off_t size)
{
	return fails(SYSTEM, ENOMEM, "ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

/* Only those that take memory or a descriptor. */
int fcntl(int fd, int command, ...)
{
	va_list ap;
	void *argument;

	va_start(ap, command);
	argument = va_arg(ap, void *);
	va_end(ap);
	if ((command == F_ADD_SEALS && fails(SYSTEM, EBUSY, "F_ADD_SEALS")) ||
	    ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && fails(SYSTEM, EMFILE, "F_DUPFD")))
		return -1;
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl")));

pid_t fork(void)
{
	pid_t _Fork(void);

	return fails(SYSTEM, EAGAIN, "fork") ? -1 : _Fork();
}

int pipe2(int ends[2], int flags)
{
	return fails(SYSTEM, ENFILE, "pipe2") ? -1 : (int)syscall(SYS_pipe2, ends, flags);
}

int socket(int family, int type, int protocol)
{
	return fails(SYSTEM, ENFILE, "socket") ? -1 : (int)syscall(SYS_socket, family, type, protocol);
}

int socketpair(int family, int type, int protocol, int ends[2])
{
	return fails(SYSTEM, ENFILE, "socketpair") ? -1 : (int)syscall(SYS_socketpair, family, type, protocol, ends);
}

int eventfd(unsigned value, int flags)
{
	return fails(SYSTEM, ENFILE, "eventfd") ? -1 : (int)syscall(SYS_eventfd2, value, flags);
}

int epoll_create1(int flags)
{
	return fails(SYSTEM, ENFILE, "epoll_create1") ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
	if (operation == EPOLL_CTL_ADD && fails(SYSTEM, ENOMEM, "epoll_ctl"))
		return -1;
	return (int)syscall(SYS_epoll_ctl, set, operation, fd, event);
}

int timerfd_create(int clock, int flags)
{
	return fails(SYSTEM, ENFILE, "timerfd_create") ? -1 : (int)syscall(SYS_timerfd_create, clock, flags);
}

int signalfd(int fd, const sigset_t *mask, int flags)
{
	return fails(SYSTEM, ENFILE, "signalfd") ? -1 : (int)syscall(SYS_signalfd4, fd, mask, 8, flags);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	return fails(SYSTEM, ENFILE, "open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
