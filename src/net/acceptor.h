/* SPDX-License-Identifier: MIT */
/*
 * acceptor.h - the listening sockets of a node.
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

struct acceptor_ops {
    /* May one more connection be accepted? */
    bool (*has_room)(void *arg);
    /* `fd` is non-blocking, close-on-exec, and the callee's. */
    void (*on_accept)(void *arg, int fd, const struct addr *peer);
};

enum { ACCEPTOR_ERROR_SIZE = 200 };

struct acceptor *acceptor_new(struct loop *loop, const struct acceptor_ops *ops,
                              void *arg);
/* Closes the sockets. */
void acceptor_free(struct acceptor *a);
/* See server_listen(). Resolves names, blocking. */
bool acceptor_listen(struct acceptor *a, const char *address,
                     char ret_error[ACCEPTOR_ERROR_SIZE]) PARLEY_MUST_CHECK;
uint16_t acceptor_port(const struct acceptor *a, size_t index);
/* Close the sockets for good; may be called twice. */
void acceptor_stop(struct acceptor *a);

#endif
