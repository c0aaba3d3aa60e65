/* SPDX-License-Identifier: MIT */
/* Any process. The constants of the PROXY protocol, for reading and writing headers. */
#ifndef PREFORKD_NET_PROXY_FORMAT_H
#define PREFORKD_NET_PROXY_FORMAT_H

#define PROXY_V1_WORD	  "PROXY"
#define PROXY_V1_WORD_LEN 5

#define PROXY_V2_SIGNATURE     "\r\n\r\n\0\r\nQUIT\n"
#define PROXY_V2_SIGNATURE_LEN 12
#define PROXY_V2_HEAD	       16 /* the signature, version and command, family and transport, two bytes of length */
#define PROXY_V2_VERSION       0x20

enum { PROXY_V2_LOCAL, PROXY_V2_PROXY };				   /* command */
enum { PROXY_V2_UNSPEC, PROXY_V2_INET, PROXY_V2_INET6, PROXY_V2_AF_UNIX }; /* family */
enum { PROXY_V2_STREAM = 1, PROXY_V2_DGRAM };				   /* transport; 0: unspecified */
#define PROXY_V2_FAMILY_LAST	PROXY_V2_AF_UNIX
#define PROXY_V2_TRANSPORT_LAST PROXY_V2_DGRAM

/* Both addresses and ports. */
#define PROXY_V2_INET_LEN  12
#define PROXY_V2_INET6_LEN 36
#define PROXY_V2_UNIX	   108 /* one address */
#define PROXY_V2_UNIX_LEN  (2 * PROXY_V2_UNIX)

#define PROXY_V2_TLV_HEAD      3 /* type, two bytes of length */
#define PROXY_V2_CRC32C	       0x03
#define PROXY_V2_UNIQUE_ID     0x05
#define PROXY_V2_UNIQUE_ID_MAX 128

#endif
