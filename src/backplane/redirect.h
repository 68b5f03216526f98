/* SPDX-License-Identifier: MIT */
/*
 * redirect.h - where a server of a cluster sends us: "MOVED 3999 10.0.0.7:6381", "ASK ...".
 *
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#moved-redirection
 */
#ifndef PARLEY_BACKPLANE_REDIRECT_H
#define PARLEY_BACKPLANE_REDIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

enum { REDIRECT_HOST_MAX = 253 };

enum redirect_kind {
    REDIRECT_MOVED, /* the slot belongs to another server */
    REDIRECT_ASK,   /* just this key is at another server already */
};

struct redirect {
    enum redirect_kind kind;
    uint16_t slot;
    uint16_t port;
    struct str_view host; /* a part of the text; empty: that of the server that said so */
};

/* False: the text is no redirection, or one that leads nowhere. */
bool redirect_parse(struct str_view error, struct redirect *ret) PARLEY_MUST_CHECK;
/* Whether it may be a host's name or address as a cluster tells it ("?" is none). */
bool redirect_host_is_usable(struct str_view host);

#endif
