/* SPDX-License-Identifier: MIT */
/*
 * url.h - where Redis is: redis://[user[:password]@]host[:port][/0], rediss:// with TLS;
 * redis-cluster://[user[:password]@]host[:port][,host[:port]...], rediss-cluster:// with TLS.
 */
#ifndef PARLEY_BACKPLANE_URL_H
#define PARLEY_BACKPLANE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

enum { REDIS_SEEDS_MAX = 64 };

struct redis_endpoint {
    char *host;    /* owned; without brackets */
    uint16_t port; /* default 6379 */
};

struct redis_url {
    /* The server; of a cluster those to ask first. At least one. */
    struct redis_endpoint *seeds; /* owned */
    size_t seed_count;
    bool cluster;   /* said so: it cannot be anything else */
    char *user;     /* owned or NULL; percent-decoded */
    char *password; /* owned or NULL; percent-decoded; never logged */
    bool tls;
    unsigned version; /* counts the changes of user and password; the owner's */
};

/* False: `ret_error` points at a literal that says what is wrong (never the secret). */
bool redis_url_parse(struct str_view text, struct redis_url *ret_url,
                     const char **ret_error) PARLEY_MUST_CHECK;
void redis_url_done(struct redis_url *url);
/* Whether both lead to the same place, by the same way: only the credentials may differ. */
bool redis_url_same_place(const struct redis_url *a, const struct redis_url *b);

#endif
