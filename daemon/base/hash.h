/* SPDX-License-Identifier: MIT */
/*
 * Any process. uthash(3) without its exit(3) when there is no memory. After HASH_ADD(hh, ...) of an element that could
 * not be added, element->hh.tbl is NULL and the table is as before.
 */
#ifndef PREFORKD_BASE_HASH_H
#define PREFORKD_BASE_HASH_H

#define HASH_NONFATAL_OOM 1

#include <uthash.h>

#endif
