/* SPDX-License-Identifier: MIT */
/* Master, and --check=host. Finds the socket that keeps others from binding an address, and the processes that hold it,
 * without binding anything. */
#ifndef PREFORKD_NET_ADDRESS_HOLDER_H
#define PREFORKD_NET_ADDRESS_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sockaddr_any;

struct address_asked {
	const struct sockaddr_any *addr;
	bool datagram;
	bool v6only;
	unsigned device; /* the index of the interface that the socket is bound to; 0: none */
};

struct address_holder {
	uint32_t inode; /* of the socket */
	uid_t uid;	/* of the process that made it; (uid_t)-1: not known */
};

/* True: *out is a socket because of which ASKED could not be bound now. */
bool address_holder_find(const struct address_asked *asked, struct address_holder *out);

/* Calls TAKE with each process that has the socket INODE open, until TAKE returns false or it is UNTIL_MS (of the
 * clock; 0: no limit). Only root sees processes of other users. */
void address_holder_processes(uint32_t inode, int64_t until_ms, bool (*take)(pid_t pid, void *userdata),
			      void *userdata);

/* "nginx (pid 12)" */
void address_holder_name(pid_t pid, char *out, size_t size);

#endif
