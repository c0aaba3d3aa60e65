/* SPDX-License-Identifier: MIT */
#include "net/diag.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fds.h"

#define QUESTION_MAX 64
#define ANSWER_MAX   32768 /* the kernel's largest message of a list */
#define READS_MAX    256   /* about 100,000 listeners; bounds the time for a list without an end */

static int channel = -1;
static pid_t owner;
static uint32_t last_seq;

/* The netlink socket of this process. In a child CHANNEL is the number of its parent, which may belong to another file
 * by now: it is neither used nor closed. */
static int open_channel(void)
{
	pid_t self = getpid();

	if (channel >= 0 && owner == self)
		return channel;
	owner = self;
	channel = fd_above_stdio(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), NULL);
	return channel;
}

void diag_prepare(void)
{
	(void)open_channel();
}

static int send_question(int fd, const void *question, size_t len, bool all)
{
	struct {
		struct nlmsghdr head;
		unsigned char body[QUESTION_MAX];
	} message = {
		.head =
			{
				.nlmsg_len = (uint32_t)(sizeof(message.head) + len),
				.nlmsg_type = SOCK_DIAG_BY_FAMILY,
				.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (all ? NLM_F_DUMP : 0)),
				.nlmsg_seq = ++last_seq,
			},
	};

	if (len > sizeof(message.body)) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(message.body, question, len);
	return send(fd, &message, message.head.nlmsg_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

enum answered { ANSWERED_MORE, ANSWERED_ALL, ANSWERED_ENOUGH, ANSWERED_ERROR };

/* Passes the answers in one message to TAKE. Skips answers to an earlier question that was given up. */
static enum answered read_answers(const char *buf, size_t len, bool all, diag_take *take, void *arg)
{
	const struct nlmsghdr *head = (const struct nlmsghdr *)(const void *)buf;

	for (; NLMSG_OK(head, len); head = NLMSG_NEXT(head, len)) {
		if (head->nlmsg_seq != last_seq)
			continue;
		switch (head->nlmsg_type) {
		case NLMSG_DONE:
			return ANSWERED_ALL;
		case NLMSG_ERROR:
			errno = -((const struct nlmsgerr *)NLMSG_DATA(head))->error;
			return ANSWERED_ERROR;
		case SOCK_DIAG_BY_FAMILY:
			if (!take(head, arg))
				return all ? ANSWERED_ENOUGH : ANSWERED_ALL;
			if (!all)
				return ANSWERED_ALL;
			break;
		default:
			break;
		}
	}
	return ANSWERED_MORE;
}

int diag_ask(const void *question, size_t len, bool all, diag_take *take, void *arg)
{
	_Alignas(struct nlmsghdr) char buf[ANSWER_MAX];
	int fd = open_channel();

	if (fd < 0)
		return -1;
	if (send_question(fd, question, len, all) < 0)
		goto fail;
	/* The kernel answers within send(2), and continues a list within recv(2): neither blocks. */
	for (int reads = 0; reads < READS_MAX; reads++) {
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			goto fail;
		switch (read_answers(buf, (size_t)n, all, take, arg)) {
		case ANSWERED_ALL:
			return 0;
		case ANSWERED_ERROR:
			return -1;
		case ANSWERED_ENOUGH:
			fd_close(&channel); /* else the next question fails with EBUSY: unfinished list */
			return 0;
		case ANSWERED_MORE:
			break;
		}
	}
	errno = EOVERFLOW;
fail:
	fd_close(&channel);
	return -1;
}
