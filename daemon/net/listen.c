/* SPDX-License-Identifier: MIT */
#include "net/listen.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "net/addr.h"
#include "net/listen_queue.h"
#include "net/socket_kind.h"
#include "net/socket_options.h"

static int fail_on_addr(const struct sockaddr_any *addr, const char *what, struct err *err)
{
	char text[ADDR_TEXT_MAX];

	return err_sys(err, "cannot %s %s", what, addr_format(addr, text, sizeof(text)));
}

static int open_socket(int family, int type, struct err *err)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, "cannot create a socket");
	return fd_above_stdio(fd, err);
}

/* DUAL: ADDR stands for *:PORT. */
static int bind_inet(const struct sockaddr_any *addr, int type, bool dual, const struct socket_options *options,
		     struct err *err)
{
	int family = addr->sa.sa_family, only = !dual && options->v6only;
	int fd = open_socket(family, type, err);

	if (fd < 0)
		return -1;
	/* Always set, so that no sysctl decides. */
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0) {
		(void)err_sys(err, "cannot set IPV6_V6ONLY");
		goto fail;
	}
	if (socket_options_before_bind(fd, family, options, err) < 0)
		goto fail;
	if (bind(fd, &addr->sa, addr->len) < 0) {
		if (dual)
			(void)err_sys(err, "cannot bind *:%u", (unsigned)addr_port(addr));
		else
			(void)fail_on_addr(addr, "bind", err);
		goto fail;
	}
	return fd;
fail:
	fd_close(&fd);
	return -1;
}

static int bind_dual(const struct sockaddr_any *addr, int type, const struct socket_options *options, struct err *err)
{
	struct sockaddr_any v4 = {.len = sizeof(v4.in)};
	int fd = bind_inet(addr, type, true, options, err);

	if (fd >= 0 || (err->code != EAFNOSUPPORT && err->code != EADDRNOTAVAIL))
		return fd;
	v4.in.sin_family = AF_INET;
	v4.in.sin_port = addr->in6.sin6_port;
	return bind_inet(&v4, type, true, options, err);
}

/* True if a process listens at this path; errno says how it is known. Never blocks: a full queue (EAGAIN), a socket of
 * another type (EPROTOTYPE) and one that this process may not connect to (EACCES) count as in use. */
static bool is_path_in_use(const struct sockaddr_any *addr, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), saved;
	bool used;

	if (fd < 0)
		return true;
	used = connect(fd, &addr->sa, addr->len) == 0 || errno != ECONNREFUSED;
	saved = errno;
	fd_close(&fd);
	errno = saved;
	return used;
}

/* True: the folder of PATH lets this process remove only files of its own, and the file with ST is not one. */
static bool is_stuck(const char *path, const struct stat *st)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *slash = strrchr(path, '/');
	struct stat of_folder;

	(void)snprintf(folder, sizeof(folder), "%.*s", slash > path ? (int)(slash - path) : 1, path);
	return geteuid() != 0 && stat(folder, &of_folder) == 0 && (of_folder.st_mode & S_ISVTX) != 0 &&
	       st->st_uid != geteuid() && of_folder.st_uid != geteuid();
}

/* If nobody listens there, the file cannot be removed. If somebody does, the file does not tell. */
static int fail_on_stuck(const char *path, const struct stat *st, struct err *err)
{
	char owner[32] = "root";

	if (st->st_uid != 0)
		(void)snprintf(owner, sizeof(owner), "the user %u", (unsigned)st->st_uid);
	return err_code(err, EPERM, "cannot bind unix:%s: the path belongs to %s, and the folder is sticky; remove it",
			path, owner);
}

static int bind_path(int fd, const struct sockaddr_any *addr, const struct socket_options *options, struct err *err)
{
	mode_t saved;
	int rc;

	/* The file gets the mode of the socket less the umask. So the mode is right from the start, and there is no
	 * moment in which others could connect. */
	if (fchmod(fd, options->mode) < 0)
		return fail_on_addr(addr, "set the mode of", err);
	saved = umask(0);
	rc = bind(fd, &addr->sa, addr->len);
	(void)umask(saved);
	return rc < 0 ? fail_on_addr(addr, "bind", err) : 0;
}

static int bind_unix(const struct sockaddr_any *addr, int type, const struct socket_options *options,
		     struct listen_path *path_out, struct err *err)
{
	const char *path = addr->un.sun_path;
	bool abstract = path[0] == '\0';
	struct listen_path stale;
	struct stat st;
	bool used;
	int fd = open_socket(AF_UNIX, type, err);

	if (fd < 0)
		return -1;
	if (socket_options_before_bind(fd, AF_UNIX, options, err) < 0)
		goto fail;
	if (abstract) {
		if (bind(fd, &addr->sa, addr->len) == 0)
			return fd;
		(void)fail_on_addr(addr, "bind", err);
		goto fail;
	}
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode)) {
			(void)err_set(err, "cannot bind unix:%s: the path exists and is no socket", path);
			goto fail;
		}
		used = is_path_in_use(addr, type);
		if (is_stuck(path, &st) && (!used || errno == EACCES)) {
			(void)fail_on_stuck(path, &st, err);
			goto fail;
		}
		if (used) {
			errno = EADDRINUSE;
			(void)fail_on_addr(addr, "bind", err);
			goto fail;
		}
		stale = (struct listen_path){.dev = st.st_dev, .ino = st.st_ino};
		if (listen_path_unlink(addr, &stale) < 0) {
			(void)fail_on_addr(addr, "remove the stale", err);
			goto fail;
		}
	}
	if (bind_path(fd, addr, options, err) < 0)
		goto fail;
	if (listen_path_find(fd, addr, path_out) < 0) {
		(void)err_set(err, "cannot bind unix:%s: another process has replaced the socket", path);
		goto fail;
	}
	if ((options->owner != (uid_t)-1 || options->group != (gid_t)-1) &&
	    listen_path_apply(addr, path_out, options, err) < 0) {
		(void)listen_path_unlink(addr, path_out);
		goto fail;
	}
	return fd;
fail:
	fd_close(&fd);
	return -1;
}

int listen_bind(const struct sockaddr_any *addr, int type, bool dual, const struct socket_options *options,
		struct listen_path *path_out, struct err *err)
{
	int family = addr->sa.sa_family;
	int fd;

	*path_out = (struct listen_path){.ino = 0};
	if (family == AF_UNIX)
		fd = bind_unix(addr, type, options, path_out, err);
	else if (dual)
		fd = bind_dual(addr, type, options, err);
	else
		fd = bind_inet(addr, type, false, options, err);
	if (fd < 0)
		return -1;
	if (socket_options_set(fd, family, options, err) < 0) {
		(void)listen_path_unlink(addr, path_out);
		fd_close(&fd);
		return -1;
	}
	return fd;
}

/* For unix sockets whose backlog the kernel does not tell. */
static int64_t read_somaxconn(void)
{
	FILE *f = fopen("/proc/sys/net/core/somaxconn", "re");
	long long value = INT_MAX;

	if (f == NULL)
		return INT_MAX;
	if (fscanf(f, "%lld", &value) != 1)
		value = INT_MAX;
	(void)fclose(f);
	return value;
}

int listen_start(int fd, int64_t backlog, int64_t *got_out, struct err *err)
{
	struct listen_queue queue;

	if (socket_kind_is_datagram(fd)) {
		*got_out = 0;
		return 0;
	}
	if (listen(fd, backlog > INT_MAX ? INT_MAX : (int)backlog) < 0)
		return err_sys(err, "cannot listen");
	if (listen_queue(fd, &queue) == 0 && queue.limit >= 0)
		*got_out = queue.limit;
	else
		*got_out = backlog < read_somaxconn() ? backlog : read_somaxconn();
	return 0;
}

bool listen_pending(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
	struct listen_queue queue;

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLIN) == 0)
		return false;
	/* A unix socket is readable for ever after listen_quiesce_for_good(). */
	return (p.revents & POLLRDHUP) == 0 || (listen_queue(fd, &queue) == 0 && queue.queued > 0);
}
