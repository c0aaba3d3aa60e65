/* SPDX-License-Identifier: MIT */
/*
 * --check=host. Judges a configuration as the unit would that runs the daemon: by its user, its capabilities, its view
 * of the files and its limits, and by the state of this host. Binds and writes nothing.
 */
#ifndef PREFORKD_CHANGE_HOST_CHECK_H
#define PREFORKD_CHANGE_HOST_CHECK_H

struct config;
struct config_source;
struct host_unit;
struct problems;

/* The unit for the configuration SOURCE, and in SOURCE who would start it. */
struct host_unit *host_check_begin(struct config_source *source);

/* Judges CONFIG, which was loaded from that source, and adds to the list of its problems. CONFIG is NULL if there was
 * an error; then only the unit is judged. */
void host_check_end(struct host_unit **host, const struct config *config, struct problems **problems);

#endif
