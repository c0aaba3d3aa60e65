/* SPDX-License-Identifier: MIT */
#include "services/kinds.h"

#include <stddef.h>

const struct preforkd_module *const service_kinds[] = {
	&service_chargen,   &service_daytime, &service_discard, &service_echo, &service_exec,
	&service_accepting, &service_module,  &service_proxy,	&service_time, NULL,
};
