/* SPDX-License-Identifier: MIT */
/*
 * url.h - where Redis is: redis://[user[:password]@]host[:port][/0], rediss:// with TLS.
 */
#ifndef PARLEY_BACKPLANE_URL_H
#define PARLEY_BACKPLANE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

struct redis_url {
    char *host;     /* owned; without brackets */
    uint16_t port;  /* default 6379 */
    char *user;     /* owned or NULL; percent-decoded */
    char *password; /* owned or NULL; percent-decoded; never logged */
    bool tls;
};

/* False: `ret_error` points at a literal that says what is wrong (never the secret). */
bool redis_url_parse(struct str_view text, struct redis_url *ret_url,
                     const char **ret_error) PARLEY_MUST_CHECK;
void redis_url_done(struct redis_url *url);

#endif
