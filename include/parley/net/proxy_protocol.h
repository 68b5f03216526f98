/* SPDX-License-Identifier: MIT */
/*
 * proxy_protocol.h - the client's real address, as a load balancer tells it.
 *
 * Model: a load balancer writes one header in front of what the client says: a line of text
 * (version 1) or a binary block (version 2), as HAProxy's proxy-protocol.txt has it. The
 * parser is given all that came so far, as often as something comes, and keeps nothing.
 * Strict: a header that is wrong anywhere is refused, but for unknown types of addresses and
 * extensions (TLVs), which are skipped.
 */
#ifndef PARLEY_NET_PROXY_PROTOCOL_H
#define PARLEY_NET_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/net/addr.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

enum {
    /* The longest header that is read; a client's certificate in it fits. */
    PROXY_HEADER_BYTES_MAX = 4096,
    PROXY_ENDPOINT_SIZE = 65,
};

struct proxy_header {
    size_t bytes; /* its length: what follows is the client's */
    bool
        has_address; /* false: the load balancer speaks for itself (a health check), or does
                         not know; the socket's address holds */
    bool is_secure; /* the client used TLS up to the load balancer */
    struct addr client;
    char endpoint[PROXY_ENDPOINT_SIZE]; /* of AWS PrivateLink ("vpce-..."), or "" */
};

enum proxy_result {
    PROXY_DONE,
    PROXY_MORE,   /* it may be one, and more of it has to come */
    PROXY_ABSENT, /* it is none: it does not begin like one */
    PROXY_BAD,    /* it begins like one and is wrong */
};

enum proxy_result proxy_parse(struct str_view bytes, struct proxy_header *ret_header)
    PARLEY_MUST_CHECK;

#endif
