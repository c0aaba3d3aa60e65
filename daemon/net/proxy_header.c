/* SPDX-License-Identifier: MIT */
#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "net/proxy_format.h"

#define V1_MIN PROXY_HEADER_MIN /* "PROXY UNKNOWN\r\n" */

/* The rest of a line that is parsed. */
struct text {
	const char *at;
	size_t left;
};

#define STRING_OF_TOKEN(x) #x
#define STRING_OF(x)	   STRING_OF_TOKEN(x)

static enum proxy_parse refuse_header(struct err *err, const char *what)
{
	(void)err_set(err, "%s", what);
	return PROXY_BAD;
}

/* True if TEXT begins with WORD; then skips it. */
static bool take_word(struct text *text, const char *word, size_t len)
{
	if (text->left < len || memcmp(text->at, word, len) != 0)
		return false;
	text->at += len;
	text->left -= len;
	return true;
}

/* Takes the bytes up to the next blank or the end; false: none, more than SIZE - 1 bytes, or a NUL. */
static bool take_field(struct text *text, char *out, size_t size)
{
	size_t len = 0;

	while (len < text->left && text->at[len] != ' ' && text->at[len] != '\0')
		len++;
	if (len == 0 || len >= size || (len < text->left && text->at[len] == '\0'))
		return false;
	memcpy(out, text->at, len);
	out[len] = '\0';
	text->at += len;
	text->left -= len;
	return true;
}

/* inet_pton(3) is as strict as the specification: no leading zeros in an IPv4 address; in an IPv6 address at most four
 * digits in a group and one "::". It also takes a dotted end, which is necessary: proxies write ::ffff:1.2.3.4. */
static bool take_address(struct text *text, int family, struct sockaddr_any *out)
{
	char field[INET6_ADDRSTRLEN];

	if (!take_field(text, field, sizeof(field)))
		return false;
	memset(out, 0, sizeof(*out));
	out->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		out->len = sizeof(out->in);
		return inet_pton(AF_INET, field, &out->in.sin_addr) == 1;
	}
	out->len = sizeof(out->in6);
	return inet_pton(AF_INET6, field, &out->in6.sin6_addr) == 1;
}

static bool take_port(struct text *text, struct sockaddr_any *out)
{
	char field[6];
	unsigned long port = 0;

	if (!take_field(text, field, sizeof(field)) || (field[0] == '0' && field[1] != '\0'))
		return false;
	for (const char *at = field; *at != '\0'; at++) {
		if (*at < '0' || *at > '9')
			return false;
		port = port * 10 + (unsigned long)(*at - '0');
	}
	if (port > UINT16_MAX)
		return false;
	if (out->sa.sa_family == AF_INET)
		out->in.sin_port = htons((uint16_t)port);
	else
		out->in6.sin6_port = htons((uint16_t)port);
	return true;
}

static bool take_space(struct text *text)
{
	return take_word(text, " ", 1);
}

static void keep_addresses(struct proxy_header *out)
{
	addr_fold(&out->source);
	addr_fold(&out->destination);
	out->known = true;
}

/* TEXT is the rest after "PROXY TCP4 ", without the end of the line. */
static enum proxy_parse parse_v1_addresses(struct text text, int family, struct proxy_header *out, struct err *err)
{
	if (!take_address(&text, family, &out->source) || !take_space(&text))
		return refuse_header(err, "the source address is none");
	if (!take_address(&text, family, &out->destination) || !take_space(&text))
		return refuse_header(err, "the destination address is none");
	if (!take_port(&text, &out->source) || !take_space(&text))
		return refuse_header(err, "the source port is none");
	if (!take_port(&text, &out->destination) || text.left != 0)
		return refuse_header(err, "the destination port is none, or does not end the line");
	keep_addresses(out);
	return PROXY_OK;
}

/* The length of the line with its end; 0: no end so far. */
static size_t get_line_length(const char *line, size_t len)
{
	const char *at = line, *cr;

	if (len > PROXY_HEADER_V1_MAX)
		len = PROXY_HEADER_V1_MAX;
	while ((cr = memchr(at, '\r', len - (size_t)(at - line))) != NULL) {
		at = cr + 1;
		if (at == line + len)
			break;
		if (*at == '\n')
			return (size_t)(at + 1 - line);
	}
	return 0;
}

/* True if all bytes may occur in the line, with a CR at most as the last one. Other bytes are refused at once, without
 * waiting for the end of the line. */
static bool may_become_line(const char *text, size_t len)
{
	size_t n;

	if (len > 0 && text[len - 1] == '\r')
		len--;
	for (n = 0; n < len; n++)
		if (text[n] == '\0' || strchr("0123456789abcdefABCDEF:. ", text[n]) == NULL)
			return false;
	return true;
}

/* True if TEXT begins with WORD, or is the beginning of it. */
static bool begins_with(const struct text *text, const char *word)
{
	size_t len = strlen(word);

	return memcmp(text->at, word, text->left < len ? text->left : len) == 0;
}

static enum proxy_parse parse_v1(const char *bytes, size_t len, struct proxy_header *out, size_t *used_out,
				 size_t *need_out, struct err *err)
{
	struct text text = {.at = bytes + PROXY_V1_WORD_LEN, .left = len - PROXY_V1_WORD_LEN};
	size_t line = get_line_length(bytes, len), least = len < V1_MIN ? V1_MIN - len : 0;
	bool unknown = begins_with(&text, " UNKNOWN");

	if (!unknown && !begins_with(&text, " TCP4 ") && !begins_with(&text, " TCP6 "))
		return refuse_header(err, "neither TCP4 nor TCP6 nor UNKNOWN");
	if (line == 0) {
		if (len >= PROXY_HEADER_V1_MAX)
			return refuse_header(err, "no end of the line within " STRING_OF(PROXY_HEADER_V1_MAX) " bytes");
		if (!unknown && text.left > 6 && !may_become_line(text.at + 6, text.left - 6))
			return refuse_header(err, "what cannot be in the line");
		*need_out = bytes[len - 1] == '\r' ? 1 : 2;
		if (*need_out < least)
			*need_out = least;
		return PROXY_MORE;
	}
	*used_out = line;
	out->version = 1;
	text.left = line - PROXY_V1_WORD_LEN - 2;
	if (unknown)
		return PROXY_OK; /* the rest of the line is ignored */
	if (take_word(&text, " TCP4 ", 6))
		return parse_v1_addresses(text, AF_INET, out, err);
	if (take_word(&text, " TCP6 ", 6))
		return parse_v1_addresses(text, AF_INET6, out, err);
	return refuse_header(err, "the line is too short");
}

static size_t read_16(const uint8_t *at)
{
	return (size_t)at[0] << 8 | at[1];
}

static void set_ip4(struct sockaddr_any *out, const uint8_t *address, const uint8_t *port)
{
	out->len = sizeof(out->in);
	out->in.sin_family = AF_INET;
	memcpy(&out->in.sin_addr, address, 4);
	memcpy(&out->in.sin_port, port, 2);
}

static void set_ip6(struct sockaddr_any *out, const uint8_t *address, const uint8_t *port)
{
	out->len = sizeof(out->in6);
	out->in6.sin6_family = AF_INET6;
	memcpy(&out->in6.sin6_addr, address, 16);
	memcpy(&out->in6.sin6_port, port, 2);
}

/* A path ends at its first NUL; an abstract name, which begins with a NUL, ends with its last byte that is not NUL. */
static void set_unix(struct sockaddr_any *out, const uint8_t *name)
{
	size_t len = PROXY_V2_UNIX;

	out->un.sun_family = AF_UNIX;
	if (name[0] != '\0')
		len = strnlen((const char *)name, len);
	while (len > 0 && name[len - 1] == '\0')
		len--;
	memcpy(out->un.sun_path, name, len);
	out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static void set_addresses(int family, const uint8_t *at, struct proxy_header *out)
{
	memset(&out->source, 0, sizeof(out->source));
	memset(&out->destination, 0, sizeof(out->destination));
	switch (family) {
	case PROXY_V2_INET:
		set_ip4(&out->source, at, at + 8);
		set_ip4(&out->destination, at + 4, at + 10);
		break;
	case PROXY_V2_INET6:
		set_ip6(&out->source, at, at + 32);
		set_ip6(&out->destination, at + 16, at + 34);
		break;
	default:
		set_unix(&out->source, at);
		set_unix(&out->destination, at + PROXY_V2_UNIX);
		break;
	}
	keep_addresses(out);
}

/* Checks the CRC-32C of HEADER, in which the four bytes at SUM count as zero. */
static bool is_sum_right(const uint8_t *header, size_t len, const uint8_t *sum)
{
	static const uint8_t zero[4];
	size_t before = (size_t)(sum - header);
	uint32_t crc = crc32c(0, header, before);

	crc = crc32c(crc, zero, sizeof(zero));
	crc = crc32c(crc, sum + 4, len - before - 4);
	return crc == ((uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 | (uint32_t)sum[2] << 8 | sum[3]);
}

/* Checks the TLVs after the addresses, from AT to the end of HEADER. Unknown types are skipped. */
static enum proxy_parse check_tlvs(const uint8_t *header, size_t at, size_t len, struct err *err)
{
	const uint8_t *sum = NULL;

	while (at < len) {
		size_t size, left = len - at;
		const uint8_t *tlv = header + at;

		if (left < PROXY_V2_TLV_HEAD || (size = read_16(tlv + 1)) > left - PROXY_V2_TLV_HEAD)
			return refuse_header(err, "a TLV that reaches beyond the header");
		if (tlv[0] == PROXY_V2_UNIQUE_ID && size > PROXY_V2_UNIQUE_ID_MAX)
			return refuse_header(err, "a unique ID of more than 128 bytes");
		if (tlv[0] == PROXY_V2_CRC32C && (sum != NULL || size != 4))
			return refuse_header(err, "a checksum that is there twice, or is not of 4 bytes");
		if (tlv[0] == PROXY_V2_CRC32C)
			sum = tlv + PROXY_V2_TLV_HEAD;
		at += PROXY_V2_TLV_HEAD + size;
	}
	if (sum != NULL && !is_sum_right(header, len, sum))
		return refuse_header(err, "the checksum is wrong");
	return PROXY_OK;
}

/* The number of bytes of both addresses. */
static size_t get_addresses_length(int family)
{
	switch (family) {
	case PROXY_V2_INET:
		return PROXY_V2_INET_LEN;
	case PROXY_V2_INET6:
		return PROXY_V2_INET6_LEN;
	default:
		return PROXY_V2_UNIX_LEN;
	}
}

/*
 * Checks the head, of which LEN bytes have come. Unassigned families and transports are rejected. With an unspecified
 * family or transport the layout of the block is not known, so the block is skipped. Addresses of datagrams are checked
 * but not used, because this is a stream.
 */
static enum proxy_parse check_head(const uint8_t *bytes, size_t len, bool *local_out, struct err *err)
{
	int command, family, transport;

	if (len > 12 && bytes[12] >> 4 != 2)
		return refuse_header(err, "a version that is neither 1 nor 2");
	command = len > 12 ? bytes[12] & 15 : PROXY_V2_LOCAL;
	if (command != PROXY_V2_LOCAL && command != PROXY_V2_PROXY)
		return refuse_header(err, "an unknown command");
	*local_out = command == PROXY_V2_LOCAL;
	if (len > 13 && !*local_out) {
		family = bytes[13] >> 4;
		transport = bytes[13] & 15;
		if (family > PROXY_V2_FAMILY_LAST || transport > PROXY_V2_TRANSPORT_LAST)
			return refuse_header(err, "an unknown family or transport");
		if (len >= PROXY_V2_HEAD && family != PROXY_V2_UNSPEC && transport != PROXY_V2_UNSPEC &&
		    read_16(bytes + 14) < get_addresses_length(family))
			return refuse_header(err, "too short for its addresses");
	}
	if (len >= PROXY_V2_HEAD && PROXY_V2_HEAD + read_16(bytes + 14) > PROXY_HEADER_V2_MAX)
		return refuse_header(err,
				     "longer than the " STRING_OF(
					     PROXY_HEADER_V2_REST_MAX) " bytes of addresses and TLVs that are taken");
	return PROXY_OK;
}

static enum proxy_parse parse_v2(const uint8_t *bytes, size_t len, struct proxy_header *out, size_t *used_out,
				 size_t *need_out, struct err *err)
{
	enum proxy_parse state;
	int family, transport;
	size_t whole = PROXY_V2_HEAD;
	bool local;

	if (check_head(bytes, len, &local, err) == PROXY_BAD)
		return PROXY_BAD;
	if (len >= PROXY_V2_HEAD)
		whole += read_16(bytes + 14);
	if (len < whole || len < PROXY_V2_HEAD) {
		*need_out = whole - len;
		return PROXY_MORE;
	}
	*used_out = whole;
	out->version = 2;
	out->local = local;
	family = bytes[13] >> 4;
	transport = bytes[13] & 15;
	if (local || family == PROXY_V2_UNSPEC || transport == PROXY_V2_UNSPEC)
		return PROXY_OK;
	state = check_tlvs(bytes, PROXY_V2_HEAD + get_addresses_length(family), whole, err);
	if (state == PROXY_OK && transport == PROXY_V2_STREAM)
		set_addresses(family, bytes + PROXY_V2_HEAD, out);
	return state;
}

static enum proxy_parse parse_any(const void *bytes, size_t len, struct proxy_header *out, size_t *used_out,
				  size_t *need_out, struct err *err)
{
	struct text text = {.at = bytes, .left = len < PROXY_V2_SIGNATURE_LEN ? len : PROXY_V2_SIGNATURE_LEN};

	if (len == 0) {
		*need_out = PROXY_HEADER_MIN;
		return PROXY_MORE;
	}
	if (begins_with(&text, PROXY_V1_WORD)) {
		if (len >= PROXY_V1_WORD_LEN)
			return parse_v1(bytes, len, out, used_out, need_out, err);
		*need_out = V1_MIN - len;
		return PROXY_MORE;
	}
	if (memcmp(bytes, PROXY_V2_SIGNATURE, text.left) != 0)
		return PROXY_NONE;
	return parse_v2(bytes, len, out, used_out, need_out, err);
}

enum proxy_parse proxy_header_parse(const void *bytes, size_t len, struct proxy_header *out, size_t *used_out,
				    size_t *need_out, struct err *err)
{
	enum proxy_parse state;

	memset(out, 0, sizeof(*out));
	*used_out = *need_out = 0;
	state = parse_any(bytes, len, out, used_out, need_out, err);
	if (state != PROXY_OK)
		*used_out = 0;
	return state;
}
