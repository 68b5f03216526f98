/* SPDX-License-Identifier: MIT */
/*
 * sendq.h - what waits to be written to one socket.
 *
 * Model: a ring of references to msgs that others may carry too. Queueing a line takes a
 * reference and a slot; nothing is copied or formatted. Writing hands the kernel many lines
 * at once. A line that waits alone, as most do, needs no memory; the ring exists only while
 * more than one wait, and until all are written.
 */
#ifndef PARLEY_NET_SENDQ_H
#define PARLEY_NET_SENDQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <parley/util/base.h>
#include <parley/util/msg.h>

/*
 * All private. Invariant (sendq_check()): the `count` slots from `head` on hold a reference
 * each; cap is a power of two, and 1 when count is 0; offset < length of the head msg (0 when
 * there is none); bytes is the sum of the lengths without the offset.
 */
struct sendq {
    union {
        struct msg *only;  /* the slot, while cap is 1 */
        struct msg **ring; /* owned: the slots, when cap is more */
    };
    uint32_t cap; /* slots */
    uint32_t head;
    uint32_t count;
    uint32_t offset; /* bytes of the head msg that were written */
    uint64_t bytes;
};

enum sendq_result {
    SENDQ_EMPTY,   /* all is written */
    SENDQ_MORE,    /* the socket took all that one call can carry; call again */
    SENDQ_BLOCKED, /* the socket is full */
    SENDQ_BROKEN,  /* the connection is gone; errno says why */
};

void sendq_init(struct sendq *q);
/* Drop all references. */
void sendq_done(struct sendq *q);
/* Queue `m` (takes a reference); false, and nothing queued, if more than `max_bytes` would
 * wait then. A msg without bytes is ignored. */
bool sendq_push(struct sendq *q, struct msg *m, uint64_t max_bytes) PARLEY_MUST_CHECK;
/* Drop everything but a msg of which a part was written, so that what is queued next begins
 * on a new line. */
void sendq_drop_unsent(struct sendq *q);
/* One system call with as many msgs as `scratch` has room for; never raises SIGPIPE. */
enum sendq_result sendq_write(struct sendq *q, int fd, struct iovec *scratch,
                              size_t scratch_count) PARLEY_MUST_CHECK;
uint64_t sendq_bytes(const struct sendq *q);
void sendq_check(struct sendq *q);

#endif
