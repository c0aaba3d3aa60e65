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

#define ROUNDS	     16	  /* reads of one way before the other has its turn */
#define SPLICE_LEAST 4096 /* spliced reads that stay below it ... */
#define SPLICE_SMALL 4	  /* ... so many times in a row: copying is cheaper again */
#define LOOK_MS	     500
#define LAST_LOOK_MS 5

/* One way of a pair. */
struct way {
	int *from, *to;
	size_t start, end; /* of what was read into the buffer and not sent yet */
	size_t piped;	   /* the same, of the pipe */
	bool spliced;	   /* reads go into the pipe */
	bool copied_only;  /* splice(2) does not work between these */
	bool readable;	   /* worth a try */
	bool promised;	   /* poll(2) said so */
	bool blocked;	   /* `to` took no more */
	bool eof;	   /* `from` has finished */
	bool finished;	   /* and `to` has been told */
	int code;	   /* errno of `to`: it failed */
	int small;	   /* spliced reads in a row that were not worth it */
	uint64_t read, sent;
};

/* What outlives a pair: the pages of a buffer exist once it was used, a pipe once it was needed. */
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
	if (size < 0) /* the user has too many pages in pipes: it stays what it is */
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

/* Both: splice(2) asks the file, and not the call, whether it may block. */
static void begin_splicing(struct relay *relay, struct way *way, int i)
{
	if (way->copied_only)
		return;
	/* No descriptors, or the user has so many pages in pipes that this one is hardly any: it works without. */
	if (!open_pipe(i) || pipe_size[i] < RELAY_COPY || set_nonblocking(relay->client) < 0) {
		way->copied_only = true;
		return;
	}
	way->spliced = true;
	way->small = 0;
}

/* Reads once. 1: there is something to send, or the end; 0: nothing for now; -1: `from` failed. */
static int pull(struct relay *relay, struct way *way, int i)
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
		/* poll(2) says yes and splice(2) no at urgent data: recv(2) gets past that */
		way->readable = way->spliced && way->promised;
		if (way->readable)
			way->spliced = false;
		way->promised = false;
		return 0;
	}
	if (n == 0) {
		/* splice(2) says so, too, at urgent data after which the peer has finished */
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
			way->spliced = false; /* what is in the pipe goes first, all the same */
	} else {
		way->start = 0;
		way->end = (size_t)n;
		way->readable = (size_t)n == size; /* a short read has emptied it */
		if (way->readable)
			begin_splicing(relay, way, i);
	}
	return 1;
}

/* Sends what there is. -1: `to` failed. */
static int push(struct way *way, int i)
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

/* Who takes no more may have said why before it closed: the other way goes on to its end. */
static void give_up(struct way *way, int code)
{
	way->code = code;
	way->eof = way->finished = true;
	way->blocked = false;
}

/* As far as it goes without waiting. -1: `to` (code) or `from` (errno) has failed, or it has been ended. */
static int work(struct relay *relay, struct way *ways, int i)
{
	struct way *way = &ways[i], *other = &ways[!i];

	for (int round = 0; !way->finished; round++) {
		if (!way->blocked && push(way, i) < 0) {
			give_up(way, errno);
			return errno == ENOMEM || errno == ENOBUFS ? -1 : 0; /* we fail, and not it */
		}
		if (way->blocked)
			return 0;
		if (way->eof) {
			/* the client's socket was shut down by who ended this: for the upstream that is no end */
			if (relay->ended(relay->arg))
				return -1;
			way->finished = true;
			if (!other->finished)			   /* else closing says it */
				(void)shutdown(*way->to, SHUT_WR); /* fails if it is gone: the other way finds out */
			return 0;
		}
		if (!way->readable || round == ROUNDS) /* with nothing left to send: nobody would wake us for that */
			return 0;
		if (pull(relay, way, i) < 0)
			return -1;
	}
	return 0;
}

/*
 * What to wait for at the socket that IN reads from and OUT writes to. A socket with nothing to wait for still
 * tells of a reset; but once we have shut it down its hang-up is a state and no news, and would end every wait.
 */
static struct pollfd ask(int fd, const struct way *in, const struct way *out, bool hung_up)
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

static void report(struct relay *relay, struct way *way, enum relay_wait wait)
{
	relay->moved(relay->arg, way[TO_UPSTREAM].read, way[TO_CLIENT].sent, wait);
	way[TO_UPSTREAM].read = way[TO_CLIENT].sent = 0;
}

/* Takes in what poll(2) said of one socket. False: it was reset while nobody wanted to read or write there. */
static bool take(const struct pollfd *p, struct way *in, struct way *out, bool *hung_up)
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

static int error_of(int fd)
{
	int code = 0;
	socklen_t len = sizeof(code);

	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len);
	return code != 0 ? code : ECONNRESET;
}

/* Way I has failed at one of its ends, or has been ended. */
static enum relay_end failure(struct relay *relay, const struct way *way, int i)
{
	bool to = way[i].code != 0;

	relay->code = to ? way[i].code : errno;
	if (relay->ended(relay->arg))
		return RELAY_ENDED;
	return to == (i == TO_UPSTREAM) ? RELAY_UPSTREAM : RELAY_CLIENT;
}

/* A client that is gone has said all: nobody waits any more for the upstream to take it. */
static bool is_abandoned(const struct relay *relay, const struct way *way)
{
	struct pollfd p = {.fd = relay->client};

	return way[TO_CLIENT].code != 0 && way[TO_UPSTREAM].blocked && poll(&p, 1, 0) > 0;
}

static enum relay_end carry(struct relay *relay, struct way *way)
{
	bool client_hung_up = false, upstream_hung_up = false;
	struct pollfd p[2];

	for (;;) {
		if (work(relay, way, TO_UPSTREAM) < 0)
			return failure(relay, way, TO_UPSTREAM);
		if (work(relay, way, TO_CLIENT) < 0 || is_abandoned(relay, way))
			return failure(relay, way, TO_CLIENT);
		if (way[TO_UPSTREAM].finished && way[TO_CLIENT].finished) {
			if (way[TO_UPSTREAM].code != 0)
				return failure(relay, way, TO_UPSTREAM);
			if (way[TO_CLIENT].code != 0)
				return failure(relay, way, TO_CLIENT);
			return relay->ended(relay->arg) ? RELAY_ENDED : RELAY_DONE;
		}
		report(relay, way, way[TO_CLIENT].blocked ? RELAY_WRITES : RELAY_READS);
		p[0] = ask(relay->client, &way[TO_UPSTREAM], &way[TO_CLIENT], client_hung_up);
		p[1] = ask(relay->upstream, &way[TO_CLIENT], &way[TO_UPSTREAM], upstream_hung_up);
		/* a client's socket that is not asked about does not tell when somebody shuts it down */
		if (poll(p, 2, p[0].fd < 0 ? LOOK_MS : -1) < 0)
			p[0].revents = p[1].revents = 0; /* EINTR */
		if (relay->ended(relay->arg))
			return RELAY_ENDED;
		if (!take(&p[0], &way[TO_UPSTREAM], &way[TO_CLIENT], &client_hung_up)) {
			relay->code = error_of(relay->client);
			return RELAY_CLIENT;
		}
		if (!take(&p[1], &way[TO_CLIENT], &way[TO_UPSTREAM], &upstream_hung_up))
			give_up(&way[TO_UPSTREAM], error_of(relay->upstream));
	}
}

/* Urgent data keeps its place among the bytes: without this it would be missing there. */
static void keep_urgent_data(int fd)
{
	const int yes = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof(yes));
}

enum relay_end relay_carry(struct relay *relay)
{
	/* Clients mostly speak first, and by now they have. */
	struct way way[2] = {
		[TO_UPSTREAM] = {.from = &relay->client, .to = &relay->upstream, .readable = true},
		[TO_CLIENT] = {.from = &relay->upstream, .to = &relay->client},
	};
	enum relay_end end;

	relay->code = 0;
	keep_urgent_data(relay->client);
	keep_urgent_data(relay->upstream);
	end = carry(relay, way);
	report(relay, way, RELAY_OVER);
	for (int i = 0; i < 2; i++)
		if (way[i].piped > 0) /* the next pair must not get it */
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
