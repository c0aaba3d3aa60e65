/* SPDX-License-Identifier: MIT */
/*
 * Any process. The MESSAGE_ID= of lines that are searched for by their meaning, whatever their text in a version: an id
 * is never changed and never used for another event. Where systemd has an id for the event it is used, so that
 * systemd's tools know it; ours are random. preforkd(8) lists all of them.
 */
#ifndef PREFORKD_BASE_MESSAGE_IDS_H
#define PREFORKD_BASE_MESSAGE_IDS_H

#include <systemd/sd-messages.h>

#define MESSAGE_ID_STARTED	SD_MESSAGE_UNIT_STARTED_STR
#define MESSAGE_ID_START_FAILED SD_MESSAGE_UNIT_FAILED_STR
#define MESSAGE_ID_STOPPING	SD_MESSAGE_UNIT_STOPPING_STR
#define MESSAGE_ID_STOPPED	SD_MESSAGE_UNIT_STOPPED_STR

/* For a reload, a resize and an upgrade. */
#define MESSAGE_ID_RELOADING SD_MESSAGE_UNIT_RELOADING_STR
#define MESSAGE_ID_RELOADED  SD_MESSAGE_UNIT_RELOADED_STR
#define MESSAGE_ID_REJECTED  "c32d725ec1d9436d91c2a1730aeaa77c"

/* A worker was ended by a signal that preforkd did not send. */
#define MESSAGE_ID_WORKER_CRASHED "146d4e8901624193830e96085d29c73e"
/* A worker ended before it could serve, or could not be started at all. */
#define MESSAGE_ID_WORKER_FAILED "90a8011010684fd290611fd291e73763"
/* A program of handler exec was ended by a signal that preforkd did not send, or ended with another status than 0. */
#define MESSAGE_ID_PROGRAM_DIED "262dabde6ce84dbf9ea8908179e83834"
/* All workers are busy, workers.max allows no more, and clients wait. */
#define MESSAGE_ID_POOL_FULL "b653beb09abf4d4bb989693a208a1a8d"
/* Clients were evicted for others, because all workers were busy. */
#define MESSAGE_ID_EVICTED "6df02f0597634da3a5926466558f93dc"
/* The configuration needs more than the host allows. */
#define MESSAGE_ID_LIMIT "ef36e5ded2424a4c9cbf1a26ac209fb6"

/* A client was refused; the reason is in the text. */
#define MESSAGE_ID_REFUSED "d2afab53c5a244fc9c9b6c88456ef12e"
/* A source is refused from now on, for a while. */
#define MESSAGE_ID_PENALIZED "6ba860bf4d51b4f08e65f3140c4ae537"

#endif
