/* SPDX-License-Identifier: MIT */
#include "backplane/resolve.h"

#include <stdio.h>
#include <stdlib.h>

#include <event2/dns.h>
#include <event2/util.h>

#include <parley/util/alloc.h>

/* evdns calls back even after a cancel: the object stays until it does. */
struct resolve {
    struct evdns_getaddrinfo_request *request; /* borrowed; NULL until it is under way */
    resolve_fn fn;                             /* NULL when cancelled */
    void *arg;                                 /* borrowed */
};

static void on_addresses(int error, struct evutil_addrinfo *addresses, void *arg)
{
    struct resolve *r = arg;

    if (r->fn != NULL) {
        const char *why = error == 0 ? "no address" : evutil_gai_strerror(error);

        r->fn(r->arg, error == 0 ? addresses : NULL, why);
    }
    if (addresses != NULL) {
        evutil_freeaddrinfo(addresses);
    }
    free(r);
}

struct resolve *resolve_start(struct evdns_base *dns, const char *host, uint16_t port,
                              resolve_fn fn, void *arg)
{
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_protocol = IPPROTO_TCP,
                                    .ai_flags = EVUTIL_AI_NUMERICHOST};
    struct evutil_addrinfo *literal = NULL;
    char service[8];

    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    int error = evutil_getaddrinfo(host, service, &hints, &literal);

    if (error == 0 || dns == NULL) {
        fn(arg, literal, error == 0 ? "no address" : evutil_gai_strerror(error));
        if (literal != NULL) {
            evutil_freeaddrinfo(literal);
        }
        return NULL;
    }
    struct resolve *r = xcalloc(1, sizeof *r);

    *r = (struct resolve){.fn = fn, .arg = arg};
    hints.ai_flags = 0;
    /* NULL: on_addresses() was called and r is gone. */
    struct evdns_getaddrinfo_request *request = evdns_getaddrinfo(
        dns, host, service, &hints, on_addresses, r);

    if (request == NULL) {
        return NULL;
    }
    r->request = request;
    return r;
}

void resolve_cancel(struct resolve *r)
{
    if (r != NULL) {
        r->fn = NULL;
        evdns_getaddrinfo_cancel(r->request);
    }
}

const struct evutil_addrinfo *resolve_pick(const struct evutil_addrinfo *addresses,
                                           unsigned turn)
{
    const struct evutil_addrinfo *picked = addresses;
    unsigned count = 1;

    for (const struct evutil_addrinfo *it = addresses->ai_next; it != NULL;
         it = it->ai_next) {
        count++;
    }
    for (unsigned i = turn % count; i > 0; i--) {
        picked = picked->ai_next;
    }
    return picked;
}
