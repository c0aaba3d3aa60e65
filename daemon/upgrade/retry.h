/* SPDX-License-Identifier: MIT */
/*
 * Master, in the image that an upgrade has executed. There is no way back, and the workers of before serve on. So a
 * start that fails, because memory, descriptors or an address are lacking for a moment, is made again from its
 * beginning: nothing of what the image before has handed over is used up before the start is over.
 */
#ifndef PREFORKD_UPGRADE_RETRY_H
#define PREFORKD_UPGRADE_RETRY_H

/* Executes this program again after a while, with ARGV. Returns if nothing was handed over, if that is not readable, or
 * if the daemon is told to stop. */
void retry_start(char **argv);

/* Sleeps for MS milliseconds; WHY goes to the service manager. -1: the daemon was told to stop. */
int retry_wait(int ms, const char *why);

#endif
