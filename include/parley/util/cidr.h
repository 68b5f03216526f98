/* SPDX-License-Identifier: MIT */
/*
 * cidr.h - networks: an address and how many of its bits count (RFC 4632, RFC 4291).
 */
#ifndef PARLEY_UTIL_CIDR_H
#define PARLEY_UTIL_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

struct cidr {
    uint8_t bytes[16]; /* network order; IPv4: the first four */
    uint8_t bits;
    bool is_v6;
};

/* "192.0.2.0/24", "2001:db8::/32", or an address alone. Bits that do not count must be 0. */
bool cidr_parse(struct str_view text, struct cidr *ret_cidr) PARLEY_MUST_CHECK;
/* `bytes`: 16 for IPv6, else 4. */
bool cidr_contains(const struct cidr *cidr, bool is_v6, const uint8_t *bytes);

#endif
