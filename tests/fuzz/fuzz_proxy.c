/* SPDX-License-Identifier: MIT */
/* What a load balancer writes in front of a connection, or somebody who says to be one. */
#include <stdlib.h>
#include <string.h>

#include <parley/net/addr.h>
#include <parley/net/proxy_protocol.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>

#include "fuzz.h"

enum { EACH_PREFIX_BYTES_MAX = 300 };

static void check_header(const struct proxy_header *header, size_t size)
{
    char text[ADDR_PEER_SIZE];

    PARLEY_ASSERT(header->bytes > 0 && header->bytes <= size &&
                  header->bytes <= PROXY_HEADER_BYTES_MAX);
    PARLEY_ASSERT(memchr(header->endpoint, '\0', sizeof header->endpoint) != NULL);
    if (header->has_address) {
        PARLEY_ASSERT(header->client.family != ADDR_NONE);
        addr_format_peer(&header->client, text);
    }
}

/* Whoever was told of fewer bytes was told nothing else: more of them was to come, until it
 * was clear what it is. */
static void check_prefix(struct str_view bytes, size_t len, enum proxy_result whole,
                         const struct proxy_header *header)
{
    struct proxy_header again;
    char *copy = xmalloc(len == 0 ? 1 : len); /* so that a byte read too far is noticed */

    memcpy(copy, bytes.ptr, len);
    enum proxy_result result = proxy_parse(sv(copy, len), &again);

    free(copy);
    if (whole == PROXY_DONE) {
        PARLEY_ASSERT((result == PROXY_DONE) == (len >= header->bytes));
        PARLEY_ASSERT(result == PROXY_DONE || result == PROXY_MORE);
    } else {
        PARLEY_ASSERT(result == whole || result == PROXY_MORE);
    }
}

int FUZZ_TARGET(const uint8_t *data, size_t size)
{
    struct str_view bytes = sv((const char *)data, size);
    struct proxy_header header;
    enum proxy_result result = proxy_parse(bytes, &header);

    PARLEY_ASSERT(result != PROXY_MORE || size < PROXY_HEADER_BYTES_MAX);
    if (result == PROXY_DONE) {
        check_header(&header, size);
        check_prefix(bytes, header.bytes, result, &header);
        check_prefix(bytes, header.bytes - 1, result, &header);
    }
    for (size_t len = 0; len < size && len < EACH_PREFIX_BYTES_MAX; len++) {
        check_prefix(bytes, len, result, &header);
    }
    return 0;
}
