/* SPDX-License-Identifier: MIT */
/*
 * per_address.h - how many sessions each address has.
 *
 * Model: an entry for each address that has a session, so the table is never larger than the
 * number of sessions. An IPv6 network of 64 bits counts as one address: that is what one
 * customer gets. Exempt networks, and all when there is no limit, have no entries.
 */
#ifndef PARLEY_NET_PER_ADDRESS_H
#define PARLEY_NET_PER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/net/addr.h>
#include <parley/util/base.h>
#include <parley/util/cidr.h>
#include <parley/util/map.h>

struct per_address {
    struct map counts;         /* owns its objects */
    uint64_t max;              /* 0: no limit */
    const struct cidr *exempt; /* borrowed */
    size_t exempt_count;
};

void per_address_init(struct per_address *p, uint64_t max, const struct cidr *exempt,
                      size_t exempt_count);
void per_address_done(struct per_address *p);
/* One more session of this address; false, and nothing counted, when it has its share. */
bool per_address_take(struct per_address *p, const struct addr *addr) PARLEY_MUST_CHECK;
/* A session that was taken is gone. */
void per_address_give_back(struct per_address *p, const struct addr *addr);
size_t per_address_count(const struct per_address *p);

#endif
