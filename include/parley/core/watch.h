/* SPDX-License-Identifier: MIT */
/*
 * watch.h - sockets of which there are tens of thousands: is there something to read or write?
 *
 * Model: the loop has an epoll of its own for them, which libevent watches as one descriptor.
 * When anything in it is ready, the callbacks of up to a thousand watches are called in that
 * turn; the others' turn comes in the next. An event of libevent would cost 170 bytes for
 * each, and two system calls instead of one whenever what is watched for changes.
 *
 * A watch lies in its object, which may be freed when it watches for nothing, from the
 * loop's graveyard (a callback of the same turn may still be about to skip it).
 */
#ifndef PARLEY_CORE_WATCH_H
#define PARLEY_CORE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/util/base.h>

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

struct watch;
/* `what`: of those that are watched for, the ones that are ready; an error is both. */
typedef void (*watch_fn)(struct watch *w, unsigned what);

struct watch {
    watch_fn fn;   /* private */
    int fd;        /* borrowed; read only */
    uint8_t armed; /* what it watches for; read only */
};

void watch_init(struct watch *w, int fd, watch_fn fn);
/*
 * Watch for `what` from now on; 0: for nothing, as it has to be before the descriptor is
 * closed. False, and nothing changed: the kernel's limit (epoll(7), max_user_watches).
 */
bool watch_set(struct loop *loop, struct watch *w, unsigned what) PARLEY_MUST_CHECK;
void watch_stop(struct loop *loop, struct watch *w);

#endif
