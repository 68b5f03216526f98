/* SPDX-License-Identifier: MIT */
#include <parley/net/proxy_protocol.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <parley/net/addr.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

/* Section numbers are those of proxy-protocol.txt (HAProxy 3.0). */
enum {
    V1_BYTES_MAX = 107, /* with CR LF (2.1) */
    V2_HEAD_BYTES = 16, /* signature, version and command, family, length (2.2) */
    V2_LOCAL = 0x20,
    V2_PROXY = 0x21,
    V2_IPV4_BYTES = 12,
    V2_IPV6_BYTES = 36,
    V2_UNIX_BYTES = 216,
    TLV_HEAD_BYTES = 3,
    TLV_CRC32C = 0x03,
    TLV_SSL = 0x20,
    TLV_AWS = 0xea, /* value: 1, then the endpoint's id */
    AWS_VPCE_ID = 1,
    SSL_CLIENT_BYTES = 5, /* a byte of flags and four of the verification's result */
    SSL_CLIENT_TLS = 1,
};

static const char v1_signature[] = "PROXY ";
static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";

static bool begins_like(struct str_view bytes, const char *signature, size_t len)
{
    size_t shown = bytes.len < len ? bytes.len : len;

    return memcmp(bytes.ptr, signature, shown) == 0;
}

/* ---- version 1 ---- */

static bool parse_host(struct str_view text, int family, void *ret_address)
{
    char copy[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len)) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return inet_pton(family, copy, ret_address) == 1;
}

static bool parse_port(struct str_view text, uint16_t *ret_port)
{
    uint64_t port;

    if (!sv_to_u64(text, UINT16_MAX, &port) || (text.len > 1 && text.ptr[0] == '0')) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

/* Source, destination, and their ports, with one blank between two. */
static bool parse_addresses(struct str_view rest, int family, struct addr *ret_client)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct in6_addr other;
    bool is_v4 = family == AF_INET;
    uint16_t port;
    uint16_t other_port;

    if (!parse_host(sv_next_until(&rest, ' '), family,
                    is_v4 ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr) ||
        !parse_host(sv_next_until(&rest, ' '), family, &other) ||
        !parse_port(sv_next_until(&rest, ' '), &port) || !parse_port(rest, &other_port)) {
        return false;
    }
    v4.sin_port = htons(port);
    v6.sin6_port = htons(port);
    *ret_client = addr_from_sockaddr(is_v4 ? (const struct sockaddr *)&v4
                                           : (const struct sockaddr *)&v6);
    return true;
}

static enum proxy_result parse_v1(struct str_view bytes, struct proxy_header *header)
{
    size_t end = sv_find_char(bytes, '\r');
    size_t shown = bytes.len < V1_BYTES_MAX ? bytes.len : V1_BYTES_MAX;

    if (end + 1 >= V1_BYTES_MAX || sv_find_char(sv(bytes.ptr, shown), '\n') < end) {
        return PROXY_BAD;
    }
    if (end + 1 >= bytes.len) {
        return PROXY_MORE;
    }
    if (bytes.ptr[end + 1] != '\n') {
        return PROXY_BAD;
    }
    struct str_view rest = sv(bytes.ptr + sizeof v1_signature - 1,
                              end - (sizeof v1_signature - 1));
    struct str_view family = sv_next_until(&rest, ' ');

    header->bytes = end + 2;
    if (sv_equal(family, SV("UNKNOWN"))) {
        return PROXY_DONE; /* whatever follows is to be ignored */
    }
    header->has_address = true;
    if (sv_equal(family, SV("TCP4"))) {
        return parse_addresses(rest, AF_INET, &header->client) ? PROXY_DONE : PROXY_BAD;
    }
    if (sv_equal(family, SV("TCP6"))) {
        return parse_addresses(rest, AF_INET6, &header->client) ? PROXY_DONE : PROXY_BAD;
    }
    return PROXY_BAD;
}

/* ---- version 2 ---- */

static unsigned byte_at(struct str_view bytes, size_t i)
{
    return (unsigned char)bytes.ptr[i];
}

static unsigned u16_at(struct str_view bytes, size_t i)
{
    return byte_at(bytes, i) << 8 | byte_at(bytes, i + 1);
}

/* CRC32c (RFC 4960, appendix B) of the header with four zeros in place of the sum. */
static uint32_t crc32c_without(struct str_view bytes, size_t sum_at)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= i >= sum_at && i < sum_at + 4 ? 0 : byte_at(bytes, i);
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
        }
    }
    return ~crc;
}

static bool check_sum(struct str_view whole, size_t at, size_t len)
{
    if (len != 4) {
        return false;
    }
    uint32_t told = (uint32_t)u16_at(whole, at) << 16 | u16_at(whole, at + 2);

    return told == crc32c_without(whole, at);
}

/* Only what an id may hold: it goes to the log. */
static void keep_endpoint(struct str_view id, struct proxy_header *header)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = ascii_lower(id.ptr[i]);

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') {
            return;
        }
    }
    if (id.len < sizeof header->endpoint) {
        memcpy(header->endpoint, id.ptr, id.len);
        header->endpoint[id.len] = '\0';
    }
}

static bool take_tlv(struct str_view whole, size_t at, size_t len, unsigned type,
                     struct proxy_header *header)
{
    switch (type) {
    case TLV_CRC32C:
        return check_sum(whole, at, len);
    case TLV_SSL:
        if (len < SSL_CLIENT_BYTES) {
            return false;
        }
        header->is_secure = (byte_at(whole, at) & SSL_CLIENT_TLS) != 0;
        return true;
    case TLV_AWS:
        if (len > 1 && byte_at(whole, at) == AWS_VPCE_ID) {
            keep_endpoint(sv(whole.ptr + at + 1, len - 1), header);
        }
        return true;
    default:
        return true;
    }
}

static bool parse_tlvs(struct str_view whole, size_t at, struct proxy_header *header)
{
    while (at < whole.len) {
        if (whole.len - at < TLV_HEAD_BYTES) {
            return false;
        }
        unsigned type = byte_at(whole, at);
        size_t len = u16_at(whole, at + 1);

        at += TLV_HEAD_BYTES;
        if (len > whole.len - at || !take_tlv(whole, at, len, type, header)) {
            return false;
        }
        at += len;
    }
    return true;
}

/* Families of addresses (2.2): the bytes that each takes; those of others are not looked at. */
static const struct family {
    uint8_t code; /* family and transport */
    uint8_t bytes;
} families[] = {
    {0x11, V2_IPV4_BYTES}, /* TCP over IPv4 */
    {0x21, V2_IPV6_BYTES}, /* TCP over IPv6 */
    {0x31, V2_UNIX_BYTES}, /* a Unix stream */
};

static struct addr client_of(const char *block, unsigned code)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};

    if (code == 0x11) {
        memcpy(&v4.sin_addr, block, 4);
        memcpy(&v4.sin_port, block + 8, 2);
        return addr_from_sockaddr((const struct sockaddr *)&v4);
    }
    memcpy(&v6.sin6_addr, block, 16);
    memcpy(&v6.sin6_port, block + 32, 2);
    return addr_from_sockaddr((const struct sockaddr *)&v6);
}

static enum proxy_result parse_v2_block(struct str_view whole, unsigned code,
                                        struct proxy_header *header)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(families); i++) {
        if (families[i].code != code) {
            continue;
        }
        if (whole.len - V2_HEAD_BYTES < families[i].bytes) {
            return PROXY_BAD;
        }
        if (families[i].bytes != V2_UNIX_BYTES) {
            header->has_address = true;
            header->client = client_of(whole.ptr + V2_HEAD_BYTES, code);
        }
        return parse_tlvs(whole, V2_HEAD_BYTES + (size_t)families[i].bytes, header)
                   ? PROXY_DONE
                   : PROXY_BAD;
    }
    return PROXY_DONE;
}

static enum proxy_result parse_v2(struct str_view bytes, struct proxy_header *header)
{
    const size_t command_at = sizeof v2_signature - 1;

    if (bytes.len > command_at && byte_at(bytes, command_at) != V2_LOCAL &&
        byte_at(bytes, command_at) != V2_PROXY) {
        return PROXY_BAD;
    }
    if (bytes.len < V2_HEAD_BYTES) {
        return PROXY_MORE;
    }
    header->bytes = V2_HEAD_BYTES + u16_at(bytes, command_at + 2);
    if (header->bytes > PROXY_HEADER_BYTES_MAX) {
        return PROXY_BAD;
    }
    if (bytes.len < header->bytes) {
        return PROXY_MORE;
    }
    if (byte_at(bytes, command_at) == V2_LOCAL) {
        return PROXY_DONE;
    }
    return parse_v2_block(sv(bytes.ptr, header->bytes), byte_at(bytes, command_at + 1),
                          header);
}

enum proxy_result proxy_parse(struct str_view bytes, struct proxy_header *ret_header)
{
    struct proxy_header header = {0};
    enum proxy_result result = PROXY_ABSENT;

    if (bytes.len == 0) {
        return PROXY_MORE;
    }
    if (begins_like(bytes, v1_signature, sizeof v1_signature - 1)) {
        result = bytes.len < sizeof v1_signature - 1 ? PROXY_MORE
                                                     : parse_v1(bytes, &header);
    } else if (begins_like(bytes, v2_signature, sizeof v2_signature - 1)) {
        result = parse_v2(bytes, &header);
    }
    if (result == PROXY_DONE) {
        *ret_header = header;
    }
    return result;
}
