/* SPDX-License-Identifier: MIT */
/*
 * Worker; the master for names. System calls that the filter has stopped. Those of its programs wait until the worker
 * has answered them (seccomp_unotify(2)); the worker must not make a forbidden call itself once it has the listener,
 * because nobody would answer.
 */
#ifndef PREFORKD_SANDBOX_VIOLATIONS_H
#define PREFORKD_SANDBOX_VIOLATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct board_slot;

#define VIOLATION_NAME_MAX 48 /* bytes that are enough for violations_name() */

struct violation {
	pid_t pid;
	uint32_t machine; /* AUDIT_ARCH_... of linux/audit.h */
	int call;	  /* its number on this machine */
};

/* The listener, which is the callee's from now on. */
void violations_listen(int fd);

/* The descriptor to wait on: it is readable when violations_take() has something to do. -1: there is none. */
int violations_fd(void);

/* Answers one call that waits with EPERM, and says in *OUT what it was. False: none waits. To be called only when the
 * descriptor is readable: then it does not block. */
bool violations_take(struct violation *out);

/* "mount"; a call that libseccomp does not know: "number 999". Returns OUT. */
const char *violations_name(uint32_t machine, int call, char *out, size_t size);

/* The same for a call of this program. */
const char *violations_name_own(int call, char *out, size_t size);

/* For a filter that ends the process: notes the call in SLOT first, for the master. -1 with errno. */
int violations_note_last(struct board_slot *slot);

#endif
