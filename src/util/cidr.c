/* SPDX-License-Identifier: MIT */
#include <parley/util/cidr.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <parley/util/str.h>

static bool parse_address(struct str_view text, struct cidr *cidr)
{
    char copy[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len)) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    cidr->is_v6 = strchr(copy, ':') != NULL;
    return inet_pton(cidr->is_v6 ? AF_INET6 : AF_INET, copy, cidr->bytes) == 1;
}

/* Are the bits from `bits` on all zero? */
static bool is_zero_behind(const uint8_t *bytes, size_t count, unsigned bits)
{
    for (size_t i = bits / 8; i < count; i++) {
        uint8_t rest = (uint8_t)(i == bits / 8 ? 0xff >> bits % 8 : 0xff);

        if ((bytes[i] & rest) != 0) {
            return false;
        }
    }
    return true;
}

bool cidr_parse(struct str_view text, struct cidr *ret_cidr)
{
    struct cidr cidr = {0};
    struct str_view rest = text;
    struct str_view address = sv_next_until(&rest, '/');

    if (!parse_address(address, &cidr)) {
        return false;
    }
    unsigned most = cidr.is_v6 ? 128 : 32;
    uint64_t bits = most;

    if (address.len < text.len && !sv_to_u64(rest, most, &bits)) {
        return false;
    }
    if (!is_zero_behind(cidr.bytes, most / 8, (unsigned)bits)) {
        return false;
    }
    cidr.bits = (uint8_t)bits;
    *ret_cidr = cidr;
    return true;
}

bool cidr_contains(const struct cidr *cidr, bool is_v6, const uint8_t *bytes)
{
    unsigned whole = cidr->bits / 8;
    unsigned rest = cidr->bits % 8;

    if (cidr->is_v6 != is_v6 || memcmp(cidr->bytes, bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || (cidr->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}
