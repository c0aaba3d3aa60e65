/* SPDX-License-Identifier: MIT */
/* A module that stands for a worker which somebody else has taken over: for test_shared.py. It is told line by line
 * what to do to all that it shares with the master. */
#include <preforkd/module.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static int own_fd = -1; /* the connection that the orders come through */

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* ---- descriptors ---- */

static size_t list_fds(int *out, size_t most)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	size_t n = 0;

	while (dir != NULL && n < most && (entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != own_fd && fd != dirfd(dir))
			out[n++] = fd;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

static bool is_named(int fd, const char *word)
{
	char path[64], name[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = '\0';
	return strstr(name, word) != NULL;
}

static int is_listening(int fd)
{
	int yes = 0;
	socklen_t len = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 && yes;
}

static void let_block(int fd)
{
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

/* To a socket of this process, which reads nothing. */
static void connect_elsewhere(int fd)
{
	static struct sockaddr_un here = {.sun_family = AF_UNIX};
	static socklen_t len;

	if (len == 0) {
		int own = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		len = sizeof(sa_family_t);
		(void)bind(own, (struct sockaddr *)&here, len); /* the kernel chooses a name */
		len = sizeof(here);
		(void)getsockname(own, (struct sockaddr *)&here, &len);
	}
	(void)connect(fd, (struct sockaddr *)&here, len);
}

static void cut_off(int fd)
{
	if (!is_listening(fd))
		(void)shutdown(fd, SHUT_RDWR);
}

static void cut_listener_off(int fd)
{
	if (is_listening(fd))
		(void)shutdown(fd, SHUT_RDWR);
}

/* Shuts it down twice, the second time when it does not listen any more, and lets it listen again. */
static void taint_listener(int fd)
{
	if (!is_listening(fd))
		return;
	(void)shutdown(fd, SHUT_RDWR);
	(void)shutdown(fd, SHUT_RDWR);
	(void)listen(fd, SOMAXCONN);
}

static void leave_no_queue(int fd)
{
	if (is_listening(fd))
		(void)listen(fd, 0);
}

static void empty(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		(void)ftruncate(fd, 0);
}

static void write_junk(int fd)
{
	if (!is_listening(fd)) {
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		(void)!write(fd, "\n\0\xff junk\n", 9);
	}
}

static void for_each_fd(void (*act)(int fd))
{
	int fds[256];
	size_t n = list_fds(fds, sizeof(fds) / sizeof(fds[0]));

	for (size_t i = 0; i < n; i++)
		act(fds[i]);
}

/* Adds to all eventfds without end. */
static void flood_rings(int ms)
{
	int64_t end = now_ms() + ms;
	int fds[256];
	size_t n = list_fds(fds, sizeof(fds) / sizeof(fds[0]));

	while (now_ms() < end)
		for (size_t i = 0; i < n; i++)
			if (is_named(fds[i], "eventfd"))
				(void)!write(fds[i], &(uint64_t){1}, sizeof(uint64_t));
}

/* ---- memory ---- */

struct area {
	unsigned char *at;
	size_t size;
};

static size_t list_shared(struct area *out, size_t most)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long long from, to;
	char line[512], mode[8];
	size_t n = 0;

	while (f != NULL && n < most && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%llx-%llx %7s", &from, &to, mode) == 3 && strcmp(mode, "rw-s") == 0)
			out[n++] = (struct area){(unsigned char *)(uintptr_t)from, (size_t)(to - from)}; /* NOLINT */
	if (f != NULL)
		(void)fclose(f);
	return n;
}

/* Areas are as large as 18 MiB, most of it never touched: only what is resident is filled, and the first pages. */
static size_t fill_shared(int byte)
{
	struct area areas[16];
	size_t n = list_shared(areas, sizeof(areas) / sizeof(areas[0]));

	for (size_t i = 0; i < n; i++)
		memset(areas[i].at, byte, areas[i].size);
	return n;
}

static void scribble(const struct area *area, int n)
{
	static const uint64_t values[] = {0,	     1,		 2,	    3,		4,	   UINT32_MAX,
					  INT32_MAX, UINT64_MAX, INT64_MAX, 1ULL << 63, 1ULL << 31};
	/* heads, lanes and slots are in front */
	size_t size = random() % 4 == 0 ? area->size : area->size < 65536 ? area->size : 65536;

	for (int i = 0; i < n; i++) {
		size_t at = (size_t)random() % (size / 8) * 8;
		uint64_t value = random() % 2 == 0 ? values[(size_t)random() % (sizeof(values) / sizeof(values[0]))]
						   : (uint64_t)random() << 32 | (uint64_t)random();

		memcpy(area->at + at, &value, 1U << random() % 4);
	}
}

/* ---- all together ---- */

static void hurt(int fd)
{
	switch (random() % 7) {
	case 0:
		let_block(fd);
		leave_no_queue(fd);
		break;
	case 1:
		(void)fcntl(fd, F_SETFL, (int)random());
		break;
	case 2:
		(void)fcntl(fd, F_SETOWN, (int)getpid());
		(void)fcntl(fd, F_SETSIG, 0);
		break;
	case 3:
		connect_elsewhere(fd);
		break;
	case 4:
		cut_off(fd);
		cut_listener_off(fd);
		break;
	case 5:
		empty(fd);
		break;
	default:
		write_junk(fd);
		break;
	}
}

static void run_wild(int ms)
{
	int64_t end = now_ms() + ms;
	struct area areas[16];
	size_t n_areas = list_shared(areas, sizeof(areas) / sizeof(areas[0]));

	while (now_ms() < end) {
		int fds[256];
		size_t n = list_fds(fds, sizeof(fds) / sizeof(fds[0]));

		for (int i = 0; i < 20 && n > 0; i++)
			hurt(fds[(size_t)random() % n]);
		for (size_t i = 0; i < n_areas; i++)
			scribble(&areas[i], 200);
		if (random() % 20 == 0 && n_areas > 0)
			memset(areas[(size_t)random() % n_areas].at, (int)random(), 4096);
		if (random() % 10 == 0)
			flood_rings(20);
		(void)poll(NULL, 0, (int)(random() % 5));
	}
}

static int is(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

static int obey(struct preforkd_conn *conn, const char *line)
{
	if (is(line, "block"))
		for_each_fd(let_block);
	else if (is(line, "ring "))
		flood_rings(atoi(line + 5));
	else if (is(line, "connect"))
		for_each_fd(connect_elsewhere);
	else if (is(line, "shut"))
		for_each_fd(cut_off);
	else if (is(line, "listener"))
		for_each_fd(cut_listener_off);
	else if (is(line, "taint"))
		for_each_fd(taint_listener);
	else if (is(line, "empty"))
		for_each_fd(empty);
	else if (is(line, "junk"))
		for_each_fd(write_junk);
	else if (is(line, "fill "))
		return preforkd_printf(conn, "%zu areas\n", fill_shared(atoi(line + 5)));
	else if (is(line, "wild "))
		run_wild(atoi(line + 5));
	else if (is(line, "log "))
		preforkd_log(NULL, LOG_NOTICE, "%s", line + 4);
	else if (is(line, "print "))
		(void)fprintf(stderr, "%s\n", line + 6);
	return preforkd_printf(conn, "%d: %s\n", (int)getpid(), line);
}

static int serve(struct preforkd_conn *conn)
{
	char line[120];
	size_t len;
	int got;

	own_fd = preforkd_fd(conn);
	while ((got = preforkd_read_line(conn, line, sizeof(line), &len)) > 0)
		if (obey(conn, line) < 0)
			return -1;
	return got;
}

const struct preforkd_module preforkd_module = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(preforkd_module),
	.name = "wild",
	.summary = "runs wild when it is told to",
	.flags = PREFORKD_STREAM,
	.serve = serve,
};
