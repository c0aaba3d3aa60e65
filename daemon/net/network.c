/* SPDX-License-Identifier: MIT */
#include "net/network.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/parse.h"

#define MAPPED_BITS 96			      /* of ::ffff:0:0/96, the IPv4-mapped addresses */
#define ID_MOST	    (INT64_C(0xffffffff) - 1) /* the largest number means "none" for the kernel */

/* The number of a user or group; -1: it is no number, and *NAME_OUT tells if it may be a name. */
static int parse_id(const char *text, const char *what, uint32_t *out, bool *name_out, struct err *err)
{
	int64_t number;

	*name_out = false;
	if (*text == '\0')
		return err_set(err, "no %s behind the =", what);
	if (strspn(text, "0123456789") != strlen(text)) {
		*name_out = true;
		return err_set(err, "\"%.64s\" is not a number, and names of a %s cannot be looked up here", text,
			       what);
	}
	if (parse_integer(text, &number, NULL) < 0 || number > ID_MOST)
		return err_set(err, "\"%.64s\" is too large for the number of a %s", text, what);
	*out = (uint32_t)number;
	return 0;
}

static int parse_uid(const char *text, const struct network_names *names, struct network *out, struct err *err)
{
	bool name;

	if (out->has_uid)
		return err_set(err, "uid= is there twice");
	out->has_uid = true;
	if (parse_id(text, "user", &out->uid, &name, err) == 0)
		return 0;
	return name && names != NULL && names->uid != NULL ? names->uid(text, &out->uid, err) : -1;
}

static int parse_gid(const char *text, const struct network_names *names, struct network *out, struct err *err)
{
	bool name;

	if (out->has_gid)
		return err_set(err, "gid= is there twice");
	out->has_gid = true;
	if (parse_id(text, "group", &out->gid, &name, err) == 0)
		return 0;
	return name && names != NULL && names->gid != NULL ? names->gid(text, &out->gid, err) : -1;
}

/* TEXT is the part after "unix:": empty, or fields separated by "/". */
static int parse_unix(const char *text, const struct network_names *names, struct network *out, struct err *err)
{
	const char *p = text;
	char part[80];
	size_t len;

	out->kind = NETWORK_UNIX;
	while (*p != '\0') {
		len = strcspn(p, "/");
		if (len >= sizeof(part))
			return err_set(err, "\"%.64s...\" is too long", p);
		memcpy(part, p, len);
		part[len] = '\0';
		if (strncmp(part, "uid=", 4) == 0) {
			if (parse_uid(part + 4, names, out, err) < 0)
				return -1;
		} else if (strncmp(part, "gid=", 4) == 0) {
			if (parse_gid(part + 4, names, out, err) < 0)
				return -1;
		} else {
			return err_set(err,
				       "behind unix: goes nothing, uid=USER, gid=GROUP or uid=USER/gid=GROUP, "
				       "not \"%.64s\"",
				       text);
		}
		p += len;
		if (*p == '/' && *++p == '\0')
			return err_set(err, "nothing behind the last /");
	}
	return 0;
}

static int parse_bits(const char *text, int most, int *out, struct err *err)
{
	size_t len = strlen(text);
	int64_t bits;

	if (len == 0)
		return err_set(err, "no number of bits behind the /");
	if (strchr(text, '.') != NULL || strchr(text, ':') != NULL)
		return err_set(err, "behind the / goes a number of bits, 0 to %d, not a mask", most);
	if (strspn(text, "0123456789") != len || (len > 1 && *text == '0'))
		return err_set(err, "\"%.64s\" is not a number of bits, 0 to %d", text, most);
	if (parse_integer(text, &bits, NULL) < 0 || bits > most)
		return err_set(err, "\"%.64s\" is more bits than the address has, %d", text, most);
	*out = (int)bits;
	return 0;
}

/* Clears the bits of ADDRESS after the first BITS; true if one was set. */
static bool clear_beyond(uint8_t *address, size_t size, int bits)
{
	bool was_set = false;
	size_t i;

	for (i = (size_t)bits / 8; i < size; i++) {
		uint8_t keep = i == (size_t)bits / 8 ? (uint8_t)(0xff00 >> (bits % 8)) : 0;

		if ((address[i] & (uint8_t)~keep) != 0)
			was_set = true;
		address[i] &= keep;
	}
	return was_set;
}

/* Writes an error for HOST, which is no address, that names the probable mistake. */
static int refuse_address(const char *host, struct err *err)
{
	const char *colon = strchr(host, ':');

	if (*host == '\0')
		return err_set(err, "there is no address");
	if (strchr(host, '%') != NULL)
		return err_set(err, "a zone (%%...) does not belong to a network");
	if (*host == '[')
		return err_set(err, "an IPv6 address stands here without brackets and without a port");
	if (colon != NULL && strchr(colon + 1, ':') == NULL)
		return err_set(err, "an address stands here without a port");
	if (strspn(host, "0123456789.") == strlen(host))
		return err_set(err, "not an IPv4 address, which has four numbers from 0 to 255");
	if (colon != NULL)
		return err_set(err, "not an IPv6 address");
	return err_set(err, "not an address; names of hosts are not looked up");
}

/* Takes the /BITS of an address of FAMILY; turns mapped addresses into IPv4: ::ffff:192.0.2.0/120 into 192.0.2.0/24. */
static int finish_ip(int family, const char *bits_text, struct network *out, struct err *err)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	int most = family == AF_INET ? 32 : 128;
	char meant[INET6_ADDRSTRLEN];
	int bits = most;

	if (bits_text != NULL && parse_bits(bits_text, most, &bits, err) < 0)
		return -1;
	if (clear_beyond(out->address, (size_t)most / 8, bits)) {
		(void)inet_ntop(family, out->address, meant, sizeof(meant));
		return err_set(err,
			       "bits are set beyond the first %d; the network is %s/%d, the address alone "
			       "stands without /%d",
			       bits, meant, bits, bits);
	}
	if (family == AF_INET6 && bits >= MAPPED_BITS && memcmp(out->address, mapped, sizeof(mapped)) == 0) {
		memmove(out->address, out->address + sizeof(mapped), 4);
		memset(out->address + 4, 0, sizeof(out->address) - 4);
		family = AF_INET;
		bits -= MAPPED_BITS;
	}
	out->kind = family == AF_INET ? NETWORK_IP4 : NETWORK_IP6;
	out->bits = (uint8_t)bits;
	return 0;
}

static int parse_ip(const char *text, struct network *out, struct err *err)
{
	size_t len = strcspn(text, "/");
	const char *bits = text[len] == '/' ? text + len + 1 : NULL;
	char host[INET6_ADDRSTRLEN + 16];

	if (len >= sizeof(host))
		return err_set(err, "too long for an address");
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, out->address) == 1)
		return finish_ip(AF_INET, bits, out, err);
	if (inet_pton(AF_INET6, host, out->address) == 1)
		return finish_ip(AF_INET6, bits, out, err);
	return refuse_address(host, err);
}

int network_parse(const char *text, const struct network_names *names, struct network *out, struct err *err)
{
	struct err why = {.text = ""};
	int rc;

	*out = (struct network){.bits = 0};
	if (*text == '\0')
		return err_set(err, "the network is empty");
	if (strncmp(text, "unix:", 5) == 0)
		rc = parse_unix(text + 5, names, out, &why);
	else
		rc = parse_ip(text, out, &why);
	if (rc == 0)
		return 0;
	(void)err_set(err, "\"%.128s\": %s", text, why.text);
	if (err != NULL)
		err->code = why.code; /* of a look-up */
	return -1;
}
