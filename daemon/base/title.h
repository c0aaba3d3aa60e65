/* SPDX-License-Identifier: MIT */
/*
 * What ps(1) shows of a process. The kernel shows the memory in which argv and the environment
 * were handed over; we move the environment away and write there.
 */
#ifndef PREFORKD_BASE_TITLE_H
#define PREFORKD_BASE_TITLE_H

/* Once, at the start of main(). Copies the environment. Without memory titles stay as they are. */
void title_init(int argc, char **argv);

/* "preforkd: PREFIX REST": the first part is laid once, the second is cheap to change. */
void title_prefix(const char *prefix);
void title_rest(const char *rest);

#endif
