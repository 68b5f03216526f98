/* SPDX-License-Identifier: MIT */
/*
 * addr.h - a client's address in 20 bytes, and text of it on demand.
 */
#ifndef PARLEY_NET_ADDR_H
#define PARLEY_NET_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

struct sockaddr;

enum addr_family { ADDR_NONE, ADDR_IPV4, ADDR_IPV6 };

enum {
    ADDR_HOST_SIZE = 46, /* INET6_ADDRSTRLEN */
    ADDR_PEER_SIZE = ADDR_HOST_SIZE + 8,
};

struct addr {
    uint8_t bytes[16]; /* network order; IPv4: the first four */
    uint16_t port;     /* host order */
    uint8_t family;    /* enum addr_family */
};

/* IPv4 addresses that are mapped into IPv6 become IPv4; another family ADDR_NONE. */
struct addr addr_from_sockaddr(const struct sockaddr *from);
/* "192.0.2.7", "2001:db8::1" (RFC 5952, lower case); "-" for ADDR_NONE. */
void addr_format_host(const struct addr *a, char ret_text[ADDR_HOST_SIZE]);
/* "192.0.2.7:5050", "[2001:db8::1]:5050". */
void addr_format_peer(const struct addr *a, char ret_text[ADDR_PEER_SIZE]);
/*
 * Cut "HOST:PORT" or "[V6]:PORT" in two; the host is empty for ":PORT" and "*:PORT" (any
 * address). Does not look at the host otherwise, but an IPv6 address needs its brackets.
 */
bool addr_split(struct str_view text, struct str_view *ret_host, uint16_t *ret_port)
    PARLEY_MUST_CHECK;

#endif
