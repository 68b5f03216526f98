/* SPDX-License-Identifier: MIT */
#include <parley/net/sendq.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/msg.h>

enum { RING_MIN_SLOTS = 8 };

void sendq_init(struct sendq *q)
{
    *q = (struct sendq){.cap = 1};
}

static struct msg **slots(struct sendq *q)
{
    return q->cap == 1 ? &q->only : q->ring;
}

/* Where among the slots the msg is that is the i-th to be written. */
static uint32_t place(const struct sendq *q, uint32_t i)
{
    return (q->head + i) & (q->cap - 1);
}

static struct msg *oldest(struct sendq *q)
{
    return slots(q)[q->head];
}

void sendq_check(struct sendq *q)
{
    uint64_t bytes = 0;

    PARLEY_ASSERT(q->cap > 0 && (q->cap & (q->cap - 1)) == 0 && q->count <= q->cap);
    if (q->count == 0) {
        PARLEY_ASSERT(q->cap == 1 && q->offset == 0 && q->bytes == 0);
        return;
    }
    for (uint32_t i = 0; i < q->count; i++) {
        bytes += slots(q)[place(q, i)]->len;
    }
    PARLEY_ASSERT(q->offset < oldest(q)->len);
    PARLEY_ASSERT(q->bytes == bytes - q->offset);
}

uint64_t sendq_bytes(const struct sendq *q)
{
    return q->bytes;
}

/* Nothing waits any more. */
static void release_ring(struct sendq *q)
{
    if (q->cap > 1) {
        free(q->ring);
    }
    q->ring = NULL;
    q->cap = 1;
    q->head = 0;
}

/* At least twice the slots; the oldest comes to slot 0. */
static void grow(struct sendq *q)
{
    uint32_t cap = q->cap == 1 ? RING_MIN_SLOTS : q->cap * 2;
    struct msg **ring = xreallocarray(NULL, cap, sizeof(struct msg *));

    PARLEY_ASSERT(cap > q->cap);
    for (uint32_t i = 0; i < q->count; i++) {
        ring[i] = slots(q)[place(q, i)];
    }
    release_ring(q);
    q->ring = ring;
    q->cap = cap;
}

bool sendq_push(struct sendq *q, struct msg *m, uint64_t max_bytes)
{
    if (q->bytes + m->len > max_bytes) {
        return false;
    }
    if (m->len == 0) {
        return true;
    }
    if (q->count == q->cap) {
        grow(q);
    }
    slots(q)[place(q, q->count)] = msg_ref(m);
    q->count++;
    q->bytes += m->len;
    metric_add(METRIC_DELIVERIES, m->lines);
    metric_add(METRIC_SENDQ_BYTES, m->len);
    return true;
}

/* Forget the first `written` bytes. */
static void advance(struct sendq *q, size_t written)
{
    size_t left = q->offset + written; /* from the beginning of the head msg */

    q->bytes -= written;
    metric_add(METRIC_SENDQ_BYTES, -(int64_t)written);
    while (q->count > 0 && left >= oldest(q)->len) {
        struct msg *m = oldest(q);

        left -= m->len;
        q->head = place(q, 1);
        q->count--;
        msg_unref(m);
    }
    q->offset = (uint32_t)left;
    if (q->count == 0) {
        release_ring(q);
    }
}

void sendq_done(struct sendq *q)
{
    advance(q, q->bytes);
}

void sendq_drop_unsent(struct sendq *q)
{
    uint32_t kept = q->offset > 0 ? 1 : 0;

    while (q->count > kept) {
        struct msg *m = slots(q)[place(q, q->count - 1)];
        q->count--;
        q->bytes -= m->len;
        metric_add(METRIC_SENDQ_BYTES, -(int64_t)m->len);
        msg_unref(m);
    }
    if (q->count == 0) {
        release_ring(q);
    }
}

/* Returns how many iovecs were filled. */
static size_t gather(struct sendq *q, struct iovec *iov, size_t max, size_t *ret_bytes)
{
    size_t count = q->count < max ? q->count : max;
    size_t bytes = 0;
    uint32_t offset = q->offset;
    struct msg *const *from = slots(q);

    for (size_t i = 0; i < count; i++) {
        struct msg *m = from[place(q, (uint32_t)i)];
        iov[i] = (struct iovec){.iov_base = m->bytes + offset,
                                .iov_len = m->len - offset};
        bytes += iov[i].iov_len;
        offset = 0;
    }
    *ret_bytes = bytes;
    return count;
}

/* As write(), or writev(), of what waits; a peer that is gone gives EPIPE and no signal. */
static ssize_t offer(struct sendq *q, int fd, struct iovec *scratch, size_t scratch_count,
                     size_t *ret_offered)
{
    size_t count = gather(q, scratch, scratch_count, ret_offered);
    int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

    if (count == 1) {
        return send(fd, scratch->iov_base, scratch->iov_len, flags); /* costs less */
    }
    struct msghdr out = {.msg_iov = scratch, .msg_iovlen = count};

    return sendmsg(fd, &out, flags);
}

enum sendq_result sendq_write(struct sendq *q, int fd, struct iovec *scratch,
                              size_t scratch_count)
{
    size_t offered = 0;

    if (q->count == 0) {
        return SENDQ_EMPTY;
    }
    ssize_t written = offer(q, fd, scratch, scratch_count, &offered);

    metric_add(METRIC_WRITES, 1);
    if (written < 0) {
        bool is_full = errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
        return is_full ? SENDQ_BLOCKED : SENDQ_BROKEN;
    }
    metric_add(METRIC_BYTES_OUT, written);
    advance(q, (size_t)written);
    if (q->count == 0) {
        return SENDQ_EMPTY;
    }
    return (size_t)written == offered ? SENDQ_MORE : SENDQ_BLOCKED;
}
