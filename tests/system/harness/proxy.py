# SPDX-License-Identifier: MIT
"""Headers of the PROXY protocol, written by hand."""

import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
TCP4, UDP4, TCP6, UNIX = 0x11, 0x12, 0x21, 0x31
ALPN, AUTHORITY, CRC32C, NOOP, UNIQUE_ID = 1, 2, 3, 4, 5


def crc32c(data):
	crc = 0xFFFFFFFF
	for byte in data:
		crc ^= byte
		for _ in range(8):
			crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
	return crc ^ 0xFFFFFFFF


def tlv(kind, value):
	return struct.pack(">BH", kind, len(value)) + value


def block(family, block_of, tlvs=b"", command=PROXY):
	"""Version 2, with any bytes for addresses."""
	return SIGNATURE + struct.pack(">BBH", command, family, len(block_of) + len(tlvs)) + block_of + tlvs


def v1(source="192.0.2.7", destination="198.51.100.9", source_port=4711, port=443):
	family = "TCP6" if ":" in source else "TCP4"
	return ("PROXY %s %s %s %d %d\r\n" % (family, source, destination, source_port, port)).encode()


def v2(source="192.0.2.7", destination="198.51.100.9", source_port=4711, port=443, tlvs=b"", checksum=None):
	"""CHECKSUM: True: one is there and right; False: there and wrong."""
	packed = [ipaddress.ip_address(x).packed for x in (source, destination)]
	addresses = b"".join(packed) + struct.pack(">HH", source_port, port)
	family = TCP4 if len(packed[0]) == 4 else TCP6
	if checksum is None:
		return block(family, addresses, tlvs)
	whole = block(family, addresses, tlv(CRC32C, bytes(4)) + tlvs)
	at = len(SIGNATURE) + 4 + len(addresses) + 3
	crc = crc32c(whole) if checksum else crc32c(whole) ^ 1
	return whole[:at] + struct.pack(">I", crc) + whole[at + 4:]


def v2_unix(source=b"/run/client", destination=b"/run/server"):
	return block(UNIX, source.ljust(108, b"\0") + destination.ljust(108, b"\0"))


def v2_local(tlvs=b""):
	return block(0, b"", tlvs, LOCAL)
