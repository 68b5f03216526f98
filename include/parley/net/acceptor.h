/* SPDX-License-Identifier: MIT */
/*
 * acceptor.h - listening sockets: the clients' and the admin port's.
 *
 * Model: each wake-up accepts a bounded number of connections and hands them over. When the
 * process is out of descriptors, or has_room() says that it soon would be, accepting pauses
 * for a moment, as often as it takes; who is connected notices nothing, who comes waits in the
 * backlog. Such an episode is logged once, at its beginning, and at its end.
 */
#ifndef PARLEY_NET_ACCEPTOR_H
#define PARLEY_NET_ACCEPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/net/addr.h>
#include <parley/util/base.h>

struct acceptor;

/* What is special about a listening socket. */
enum listen_flags {
    LISTEN_PROXY = 1,  /* each connection begins with a PROXY protocol header */
    LISTEN_SECURE = 2, /* what comes here was encrypted up to the load balancer */
};

struct acceptor_ops {
    const char *event; /* what the log calls it when one listens, e.g. "listening" */
    /* May one more connection be accepted? NULL: always. */
    bool (*has_room)(void *arg);
    /* `fd` is non-blocking, close-on-exec, and the callee's. */
    void (*on_accept)(void *arg, int fd, const struct addr *peer, unsigned flags);
};

enum { ACCEPTOR_ERROR_SIZE = 200 };

struct acceptor *acceptor_new(struct loop *loop, const struct acceptor_ops *ops,
                              void *arg);
/* Closes the sockets. */
void acceptor_free(struct acceptor *a);
/* See server_listen(); `flags` of enum listen_flags. Resolves names, blocking. */
bool acceptor_listen(struct acceptor *a, const char *address, unsigned flags,
                     char ret_error[ACCEPTOR_ERROR_SIZE]) PARLEY_MUST_CHECK;
uint16_t acceptor_port(const struct acceptor *a, size_t index);
/* Close the sockets for good; may be called twice. */
void acceptor_stop(struct acceptor *a);

#endif
