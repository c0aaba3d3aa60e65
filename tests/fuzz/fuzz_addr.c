/* SPDX-License-Identifier: MIT */
/*
 * Any text to the parser of addresses; a literal that it takes must survive being written and read
 * again. The same bytes, as a socket address, to what writes one for people, and one of an IP must survive that.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const struct sockaddr_any *address)
{
	char text[ADDR_TEXT_MAX];
	struct sockaddr_any folded = *address, again;
	struct addr addr;
	struct err err;

	addr_fold(&folded);
	(void)addr_format(address, text, sizeof(text));
	/* Control characters are escaped and zones may be names: those do not come back. */
	if (strpbrk(text, "\\%") != NULL)
		return;
	if (addr_parse(text, &addr, &err) < 0 && strstr(err.text, "needs its interface") != NULL)
		return;
	if (addr_parse(text, &addr, NULL) < 0 || addr_resolve(&addr, &again, 1, NULL) != 1 ||
	    !addr_equal(&folded, &again))
		abort();
}

static void as_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct sockaddr_any address;
	struct addr addr;
	struct err err;

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	/* Names are not looked up: that asks other machines. */
	if (addr_parse(text, &addr, &err) == 0 &&
	    (addr.kind != ADDR_HOST || strspn(addr.host, "0123456789.") == strlen(addr.host)) &&
	    addr_resolve(&addr, &address, 1, &err) == 1)
		write_and_read(&address);
	free(text);
}

static void as_address(const uint8_t *data, size_t size)
{
	struct sockaddr_any address = {.len = 0};
	char text[ADDR_TEXT_MAX];

	if (size > sizeof(address.ss))
		size = sizeof(address.ss);
	if (size > 0)
		memcpy(&address.ss, data, size);
	address.len = (socklen_t)size;
	if (strlen(addr_format(&address, text, sizeof(text))) >= sizeof(text) ||
	    strlen(addr_format_host(&address, text, 16)) >= 16)
		abort();
	if (!addr_equal(&address, &address))
		abort();
	addr_fold(&address);
	(void)addr_port(&address);
	if ((address.sa.sa_family == AF_INET && address.len >= sizeof(address.in)) ||
	    (address.sa.sa_family == AF_INET6 && address.len >= sizeof(address.in6)))
		write_and_read(&address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_text(data, size);
	as_address(data, size);
	return 0;
}
