/* SPDX-License-Identifier: MIT */
/* Any process. The fixed sizes of a table of sources. */
#ifndef PREFORKD_BOARD_SOURCES_SIZES_H
#define PREFORKD_BOARD_SOURCES_SIZES_H

/* Seats of one service, all generations together: more than there can be workers. A page of seats that nobody touches
 * costs no memory. */
#define SOURCES_SEATS	      262144
#define SOURCES_LAST_REFUSALS 64

#endif
