/* SPDX-License-Identifier: MIT */
#include "net/tcp_info.h"

#include <linux/sockios.h>
#include <linux/tcp.h> /* netinet/tcp.h knows a shorter struct tcp_info */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* From the kernel's include/net/tcp_states.h. In all but the first the peer has finished. */
#define STATE_CLOSE	 7
#define STATE_CLOSE_WAIT 8
#define STATE_LAST_ACK	 9
#define STATE_CLOSING	 11

static int get_info(int fd, struct tcp_info *info, size_t need)
{
	socklen_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) < 0)
		return -1;
	return len >= need ? 0 : -1;
}

static bool is_peer_done(const struct tcp_info *info)
{
	return info->tcpi_state == STATE_CLOSE_WAIT || info->tcpi_state == STATE_LAST_ACK ||
	       info->tcpi_state == STATE_CLOSING;
}

/* The peer's end takes a sequence number and is counted as a byte. */
static uint64_t get_received(const struct tcp_info *info)
{
	return info->tcpi_bytes_received - (is_peer_done(info) && info->tcpi_bytes_received > 0);
}

int tcp_info_queued(int fd, int64_t *queued_ms_out, bool *heard_out)
{
	struct tcp_info info;

	if (get_info(fd, &info, offsetof(struct tcp_info, tcpi_segs_out)) < 0)
		return -1;
	/* The time starts when the connection is established, and anew with each segment with data. */
	*queued_ms_out = info.tcpi_last_data_recv;
	*heard_out = get_received(&info) > 0 || is_peer_done(&info) || info.tcpi_state == STATE_CLOSE;
	return 0;
}

int tcp_info_traffic(int fd, struct tcp_traffic *out)
{
	struct tcp_info info;

	if (get_info(fd, &info, offsetof(struct tcp_info, tcpi_dsack_dups)) < 0)
		return -1;
	out->received_ms = info.tcpi_last_data_recv;
	out->heard_ms = info.tcpi_last_ack_recv;
	/* With a window of zero bytes are "not sent", else some are "unacknowledged"; in a closed connection neither.
	 */
	out->waiting = info.tcpi_notsent_bytes > 0 || info.tcpi_unacked > 0 ||
		       (info.tcpi_state == STATE_CLOSE &&
			info.tcpi_bytes_acked < info.tcpi_bytes_sent - info.tcpi_bytes_retrans);
	out->peer_done = is_peer_done(&info);
	out->in = get_received(&info);
	out->out = info.tcpi_bytes_acked;
	return 0;
}

bool tcp_info_is_lost(int fd)
{
	struct tcp_info info;

	if (get_info(fd, &info, offsetof(struct tcp_info, tcpi_dsack_dups)) < 0 || info.tcpi_state != STATE_CLOSE)
		return false;
	/* Our end takes a sequence number, but is not counted as sent. */
	return info.tcpi_bytes_acked <= info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
}

uint64_t tcp_info_pending(int fd)
{
	int pending = 0;

	return ioctl(fd, SIOCOUTQ, &pending) == 0 && pending > 0 ? (uint64_t)pending : 0;
}
