/* SPDX-License-Identifier: MIT */
#include "net/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fds.h"

#define ROUNDS	     16	  /* reads of one way before the other way continues */
#define SPLICE_LEAST 4096 /* after spliced reads below this size ... */
#define SPLICE_SMALL 4	  /* ... so many times in a row, copying is cheaper again */
#define LOOK_MS	     500
#define LAST_LOOK_MS 5

/* One direction of a pair. */
struct way {
	int *from, *to;
	size_t start, end; /* bytes in the buffer that are not sent yet */
	size_t piped;	   /* number of bytes in the pipe */
	bool spliced;	   /* reads go into the pipe */
	bool copied_only;  /* splice(2) does not work for these sockets */
	bool readable;	   /* a read may succeed */
	bool promised;	   /* poll(2) has reported `from` as readable */
	bool blocked;	   /* `to` takes no more bytes */
	bool eof;	   /* `from` has finished */
	bool finished;	   /* the end was passed on to `to` */
	int code;	   /* errno if `to` has failed; 0: it has not */
	int small;	   /* spliced reads below SPLICE_LEAST in a row */
	uint64_t read, sent;
};

/* Kept from one pair to the next. Pages of a buffer are allocated at first use, pipes when first needed. */
static char buffer[2][RELAY_COPY];
static int pipes[2][2] = {{-1, -1}, {-1, -1}};
static size_t pipe_size[2];

enum { TO_UPSTREAM, TO_CLIENT };

static bool open_pipe(int i)
{
	int size;

	if (pipes[i][0] >= 0)
		return true;
	if (pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	size = fcntl(pipes[i][1], F_SETPIPE_SZ, RELAY_PIPE);
	if (size < 0) /* the user has too many pages in pipes: the size stays */
		size = fcntl(pipes[i][1], F_GETPIPE_SZ);
	pipe_size[i] = size > 0 ? (size_t)size : 4096;
	return true;
}

static void drop_pipe(int i)
{
	fd_close(&pipes[i][0]);
	fd_close(&pipes[i][1]);
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : (flags & O_NONBLOCK) != 0 ? 0 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* splice(2) looks at O_NONBLOCK of the file, not only at the flag of the call: the client must become non-blocking. */
static void begin_splicing(struct relay *relay, struct way *way, int i)
{
	if (way->copied_only)
		return;
	/* No descriptors, or the pipe is too small because the user has too many pages in pipes: copy instead. */
	if (!open_pipe(i) || pipe_size[i] < RELAY_COPY || set_nonblocking(relay->client) < 0) {
		way->copied_only = true;
		return;
	}
	way->spliced = true;
	way->small = 0;
}

/* Reads once. 1: there are bytes to send, or the end; 0: nothing now; -1: `from` failed with errno. */
static int read_once(struct relay *relay, struct way *way, int i)
{
	size_t size = way->spliced ? pipe_size[i] : RELAY_COPY;
	ssize_t n;

	if (way->spliced)
		n = splice(*way->from, NULL, pipes[i][1], NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	else
		n = recv(*way->from, buffer[i], size, MSG_DONTWAIT);
	if (n < 0) {
		if (errno == EINTR)
			return 1;
		if (way->spliced && errno == EINVAL) {
			way->spliced = false;
			way->copied_only = true;
			return 1;
		}
		if (errno != EAGAIN)
			return -1;
		/* At urgent data poll(2) reports readable but splice(2) fails with EAGAIN: recv(2) gets past it. */
		way->readable = way->spliced && way->promised;
		if (way->readable)
			way->spliced = false;
		way->promised = false;
		return 0;
	}
	if (n == 0) {
		/* splice(2) also returns 0 at urgent data after which the peer has finished: recv(2) decides. */
		way->eof = !way->spliced;
		way->spliced = false;
		return 1;
	}
	way->read += (uint64_t)n;
	way->promised = false;
	if (way->spliced) {
		way->piped = (size_t)n;
		way->readable = (size_t)n >= size / 2;
		way->small = n < SPLICE_LEAST ? way->small + 1 : 0;
		if (way->small >= SPLICE_SMALL)
			way->spliced = false; /* the bytes in the pipe are still sent first */
	} else {
		way->start = 0;
		way->end = (size_t)n;
		way->readable = (size_t)n == size; /* a short read has emptied the socket */
		if (way->readable)
			begin_splicing(relay, way, i);
	}
	return 1;
}

/* Sends the bytes of the pipe or buffer. -1: `to` failed with errno. */
static int send_pending(struct way *way, int i)
{
	while (way->start < way->end || way->piped > 0) {
		ssize_t n;

		if (way->piped > 0)
			n = splice(pipes[i][0], NULL, *way->to, NULL, way->piped, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		else
			n = send(*way->to, buffer[i] + way->start, way->end - way->start, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			way->blocked = errno == EAGAIN;
			return way->blocked ? 0 : -1;
		}
		way->sent += (uint64_t)n;
		if (way->piped > 0)
			way->piped -= (size_t)n;
		else
			way->start += (size_t)n;
	}
	way->blocked = false;
	return 0;
}

/* Ends a way whose `to` takes no more bytes. That side may have sent the reason before it closed, so the other way
 * continues. */
static void abandon_way(struct way *way, int code)
{
	way->code = code;
	way->eof = way->finished = true;
	way->blocked = false;
}

/* Moves bytes of one way until it would block. -1: `to` (code) or `from` (errno) has failed, or ended() is true. */
static int move_bytes(struct relay *relay, struct way *ways, int i)
{
	struct way *way = &ways[i], *other = &ways[!i];

	for (int round = 0; !way->finished; round++) {
		if (!way->blocked && send_pending(way, i) < 0) {
			abandon_way(way, errno);
			return errno == ENOMEM || errno == ENOBUFS ? -1 : 0; /* our failure, not that of `to` */
		}
		if (way->blocked)
			return 0;
		if (way->eof) {
			/* If a signal handler has shut the client's socket down, this is no end for the upstream. */
			if (relay->ended(relay->arg))
				return -1;
			way->finished = true;
			if (!other->finished)			   /* else the close tells it */
				(void)shutdown(*way->to, SHUT_WR); /* if this fails, the other way notices */
			return 0;
		}
		if (!way->readable ||
		    round == ROUNDS) /* here no bytes are left to send, for which no event would wake us */
			return 0;
		if (read_once(relay, way, i) < 0)
			return -1;
	}
	return 0;
}

/*
 * The events to wait for at the socket that IN reads from and OUT writes to. Without events poll(2) still reports a
 * reset. But after a shutdown POLLHUP would be reported at once by every poll(2), so then the socket is left out.
 */
static struct pollfd choose_events(int fd, const struct way *in, const struct way *out, bool hung_up)
{
	struct pollfd p = {.fd = fd};

	if (!in->eof && !in->blocked)
		p.events |= POLLIN;
	if (out->blocked)
		p.events |= POLLOUT;
	if (p.events == 0 && (out->finished || hung_up))
		p.fd = -1;
	return p;
}

static enum relay_wait choose_wait(const struct way *way)
{
	if (way[TO_CLIENT].blocked)
		return RELAY_WRITES;
	/* While the upstream takes no bytes, the client cannot be heard. */
	return way[TO_CLIENT].finished && !way[TO_UPSTREAM].blocked ? RELAY_CLOSES : RELAY_READS;
}

static void report_moved(struct relay *relay, struct way *way, enum relay_wait wait)
{
	relay->moved(relay->arg, way[TO_UPSTREAM].read, way[TO_CLIENT].sent, wait);
	way[TO_UPSTREAM].read = way[TO_CLIENT].sent = 0;
}

/* Takes the result of poll(2) for one socket. False: it was reset while no way wanted to read or write there. */
static bool take_events(const struct pollfd *p, struct way *in, struct way *out, bool *hung_up)
{
	if (p->fd < 0 || p->revents == 0)
		return true;
	if ((p->revents & (POLLIN | POLLHUP | POLLERR)) != 0 && (p->events & POLLIN) != 0)
		in->readable = in->promised = true;
	if ((p->revents & (POLLOUT | POLLHUP | POLLERR)) != 0)
		out->blocked = false;
	if (p->events == 0 && (p->revents & POLLERR) != 0)
		return false;
	*hung_up = (p->revents & POLLHUP) != 0;
	return true;
}

static int get_error(int fd)
{
	int code = 0;
	socklen_t len = sizeof(code);

	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len);
	return code != 0 ? code : ECONNRESET;
}

/* Way I has failed at one of its sockets, or ended() is true: sets the code, returns the end. */
static enum relay_end end_failed(struct relay *relay, const struct way *way, int i)
{
	bool to = way[i].code != 0;

	relay->code = to ? way[i].code : errno;
	if (relay->ended(relay->arg))
		return RELAY_ENDED;
	return to == (i == TO_UPSTREAM) ? RELAY_UPSTREAM : RELAY_CLIENT;
}

/* If the client is gone, its last bytes need not reach an upstream that does not take them. */
static bool is_abandoned(const struct relay *relay, const struct way *way)
{
	struct pollfd p = {.fd = relay->client};

	return way[TO_CLIENT].code != 0 && way[TO_UPSTREAM].blocked && poll(&p, 1, 0) > 0;
}

static enum relay_end carry_ways(struct relay *relay, struct way *way)
{
	bool client_hung_up = false, upstream_hung_up = false;
	struct pollfd p[2];

	for (;;) {
		if (move_bytes(relay, way, TO_UPSTREAM) < 0)
			return end_failed(relay, way, TO_UPSTREAM);
		if (move_bytes(relay, way, TO_CLIENT) < 0 || is_abandoned(relay, way))
			return end_failed(relay, way, TO_CLIENT);
		if (way[TO_UPSTREAM].finished && way[TO_CLIENT].finished) {
			if (way[TO_UPSTREAM].code != 0)
				return end_failed(relay, way, TO_UPSTREAM);
			if (way[TO_CLIENT].code != 0)
				return end_failed(relay, way, TO_CLIENT);
			return relay->ended(relay->arg) ? RELAY_ENDED : RELAY_DONE;
		}
		report_moved(relay, way, choose_wait(way));
		p[0] = choose_events(relay->client, &way[TO_UPSTREAM], &way[TO_CLIENT], client_hung_up);
		p[1] = choose_events(relay->upstream, &way[TO_CLIENT], &way[TO_UPSTREAM], upstream_hung_up);
		/* When the client's socket is not polled, its shutdown by a signal handler would not wake us: wait
		 * LOOK_MS at most. */
		if (poll(p, 2, p[0].fd < 0 ? LOOK_MS : -1) < 0)
			p[0].revents = p[1].revents = 0; /* EINTR */
		if (relay->ended(relay->arg))
			return RELAY_ENDED;
		if (!take_events(&p[0], &way[TO_UPSTREAM], &way[TO_CLIENT], &client_hung_up)) {
			relay->code = get_error(relay->client);
			return RELAY_CLIENT;
		}
		if (!take_events(&p[1], &way[TO_CLIENT], &way[TO_UPSTREAM], &upstream_hung_up))
			abandon_way(&way[TO_UPSTREAM], get_error(relay->upstream));
	}
}

/* Keeps urgent data at its place in the stream; otherwise it would be lost. */
static void keep_urgent_data(int fd)
{
	const int yes = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof(yes));
}

enum relay_end relay_carry(struct relay *relay)
{
	/* Most clients send first, and have done so by now. */
	struct way way[2] = {
		[TO_UPSTREAM] = {.from = &relay->client, .to = &relay->upstream, .readable = true},
		[TO_CLIENT] = {.from = &relay->upstream, .to = &relay->client},
	};
	enum relay_end end;

	relay->code = 0;
	keep_urgent_data(relay->client);
	keep_urgent_data(relay->upstream);
	end = carry_ways(relay, way);
	report_moved(relay, way, RELAY_OVER);
	for (int i = 0; i < 2; i++)
		if (way[i].piped > 0) /* the next pair must not get these bytes */
			drop_pipe(i);
	return end;
}

bool relay_is_over(int fd, short revents)
{
	int family = 0, unread = 0;
	socklen_t len = sizeof(family);

	if ((revents & (POLLERR | POLLHUP)) != POLLHUP)
		return revents != 0;
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0 || family != AF_UNIX ||
	       ioctl(fd, FIONREAD, &unread) < 0 || unread == 0;
}

void relay_reset(int *fd)
{
	const struct linger now = {.l_onoff = 1};
	int64_t end = clock_ms() + RELAY_LAST_MS;
	struct pollfd p = {.fd = *fd};
	int left = 0;

	while (ioctl(*fd, SIOCOUTQ, &left) == 0 && left > 0 && clock_ms() < end) {
		(void)poll(&p, 1, LAST_LOOK_MS);
		if ((p.revents & (POLLERR | POLLHUP)) != 0)
			break;
	}
	(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	fd_close(fd);
}
