/* SPDX-License-Identifier: MIT */
/*
 * Worker. The steps by which a process gives up rights, and gets its surroundings, before it serves: one order of steps
 * for all that the master starts. A process is in one sandbox for the rest of its life; the programs that it starts
 * inherit it. A step that fails keeps the process from serving, and the message names the key that asked for it.
 */
#ifndef PREFORKD_SANDBOX_SANDBOX_H
#define PREFORKD_SANDBOX_SANDBOX_H

struct board_slot;
struct config_service;
struct err;

/* Returns SERVICE. If its identity is pending, looks it up, which may block, and returns a copy that has it. NULL and
 * *err: the user data base does not have it. */
const struct config_service *sandbox_find_user(const struct config_service *service, struct err *err);

/*
 * Once, with the master's privileges, after its descriptors were closed: all steps up to the loss of the privileges,
 * each verified. SERVICE must have its identity, and live as long as the process. Blocks for as long as the kernel
 * takes. 0, or -1 and *err: then the process must exit.
 */
int sandbox_enter(const struct config_service *service, struct err *err);

/* Once, when the service is set up, and before it meets its first client: what would have kept the set-up from its
 * work. SLOT: where a worker notes the system call that ends it; NULL: this process has no slot. 0, or -1 and *err:
 * then the process must exit. */
int sandbox_close(struct board_slot *slot, struct err *err);

/* The descriptor (close-on-exec) that sandbox_enter_program() needs; -1: it needs none. Async-signal-safe. */
int sandbox_descriptor(void);

/*
 * In a process that is about to become a program by execve(2), after the others: the steps that apply to a program and
 * not to the worker that starts it. Async-signal-safe, also in a child that shares its parent's memory. 0; or -1 with
 * errno, and in *KEY_OUT the key of the step that failed. A process that is in no sandbox takes no step.
 */
int sandbox_enter_program(const char **key_out);

#endif
