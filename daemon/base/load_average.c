/* SPDX-License-Identifier: MIT */
/* With sysinfo(2), which needs no /proc and no descriptor. */
#include "base/load_average.h"

#include <linux/sysinfo.h>
#include <stddef.h>
#include <sys/sysinfo.h>

#define EVERY_MS 1000

int64_t load_average_read(void)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return -1;
	return (int64_t)(info.loads[0] * 100 >> SI_LOAD_SHIFT);
}

int64_t load_average_look(struct load_average *load, int64_t now_ms)
{
	if (!load->known || now_ms - load->read_ms >= EVERY_MS || now_ms < load->read_ms) {
		load->hundredths = load->read != NULL ? load->read() : load_average_read();
		load->read_ms = now_ms;
		load->known = true;
	}
	return load->hundredths;
}
