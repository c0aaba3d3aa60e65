/* SPDX-License-Identifier: MIT */
/*
 * Master, worker. The title that ps(1) shows. The kernel shows the memory in which it handed over argv and the
 * environment; title_init() moves the environment elsewhere, and titles are written there.
 */
#ifndef PREFORKD_BASE_TITLE_H
#define PREFORKD_BASE_TITLE_H

/* Call once, at the start of main(). Copies the environment. If there is no memory, titles never change. */
void title_init(int argc, char **argv);

/* The title is "preforkd: PREFIX REST". title_rest() is cheap: it may be called for each connection. */
void title_prefix(const char *prefix);
void title_rest(const char *rest);

#endif
