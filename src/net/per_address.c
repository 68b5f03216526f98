/* SPDX-License-Identifier: MIT */
#include "net/per_address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/net/addr.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/cidr.h>
#include <parley/util/map.h>
#include <parley/util/str.h>

enum { V4_BYTES = 4, V6_NETWORK_BYTES = 8 };

struct count {
    char key[V6_NETWORK_BYTES];
    uint8_t key_bytes; /* 4 or 8: a key of one length is not of the other family */
    uint32_t sessions;
};

static struct str_view key_of_count(const void *object)
{
    const struct count *c = object;

    return sv(c->key, c->key_bytes);
}

static struct str_view key_of_addr(const struct addr *addr)
{
    return sv((const char *)addr->bytes,
              addr->family == ADDR_IPV6 ? V6_NETWORK_BYTES : V4_BYTES);
}

static bool is_limited(const struct per_address *p, const struct addr *addr)
{
    if (p->max == 0 || addr->family == ADDR_NONE) {
        return false;
    }
    for (size_t i = 0; i < p->exempt_count; i++) {
        if (cidr_contains(&p->exempt[i], addr->family == ADDR_IPV6, addr->bytes)) {
            return false;
        }
    }
    return true;
}

void per_address_init(struct per_address *p, uint64_t max, const struct cidr *exempt,
                      size_t exempt_count)
{
    *p = (struct per_address){.max = max, .exempt = exempt, .exempt_count = exempt_count};
    map_init(&p->counts, key_of_count);
}

void per_address_done(struct per_address *p)
{
    map_done_free(&p->counts);
}

bool per_address_take(struct per_address *p, const struct addr *addr)
{
    struct str_view key = key_of_addr(addr);

    if (!is_limited(p, addr)) {
        return true;
    }
    struct count *c = map_find(&p->counts, key);

    if (c == NULL) {
        c = xcalloc(1, sizeof *c);
        memcpy(c->key, key.ptr, key.len);
        c->key_bytes = (uint8_t)key.len;
        PARLEY_ASSERT(map_add(&p->counts, c));
    } else if (c->sessions >= p->max) {
        return false;
    }
    c->sessions++;
    return true;
}

void per_address_give_back(struct per_address *p, const struct addr *addr)
{
    struct str_view key = key_of_addr(addr);

    if (!is_limited(p, addr)) {
        return;
    }
    struct count *c = map_find(&p->counts, key);

    PARLEY_ASSERT(c != NULL && c->sessions > 0);
    if (--c->sessions == 0) {
        (void)map_remove(&p->counts, key);
        free(c);
    }
}

size_t per_address_count(const struct per_address *p)
{
    return map_count(&p->counts);
}
