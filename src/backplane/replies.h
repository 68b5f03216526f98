/* SPDX-License-Identifier: MIT */
/*
 * replies.h - replies cut out of what a connection reads: hiredis's reader, bounded.
 *
 * hiredis bounds neither the bytes of a reply nor, before 1.0, the elements that an array
 * may announce nor, since 1.0, how deep arrays may lie in arrays. All three are bounded here.
 * A reply and all that belongs to it lie in an arena until the next one is taken: most are
 * messages of a subscription, whose eight parts would each be an allocation.
 */
#ifndef PARLEY_BACKPLANE_REPLIES_H
#define PARLEY_BACKPLANE_REPLIES_H

#include <stdbool.h>
#include <stddef.h>

#include <hiredis/hiredis.h>

#include <parley/util/arena.h>
#include <parley/util/base.h>

struct evbuffer;

enum {
    REPLY_ELEMENTS_MAX = 4 << 20, /* of one array: a hash with two million fields */
    REPLY_DEPTH_MAX = 6,          /* arrays in arrays */
    REPLIES_READ_BYTES = 8192,
};

/* Stays where it is while in use: hiredis keeps pointers into it. */
struct replies {
    redisReader *reader; /* owned; of one connection */
    struct arena arena;  /* the reply that was taken last, or one that is not whole yet */
    bool is_taken;       /* it was taken */
    size_t bytes;        /* fed since the last whole reply */
    size_t bytes_max;    /* of one reply */
};

void replies_init(struct replies *r, size_t bytes_max);
void replies_done(struct replies *r);
/* A connection begins, with nothing left of the one before; it ends. The reply that was taken
 * last outlives the end, so that whoever looks at it may cause that. */
void replies_begin(struct replies *r);
void replies_end(struct replies *r);
/* Take in all of `in`. */
void replies_feed(struct replies *r, struct evbuffer *in);
/* Take in what waits at a socket, if anything; true: there may be more. At most so much at a
 * time, as hiredis moves all that it has with each reply that is taken. */
bool replies_read(struct replies *r, int fd);

enum replies_next {
    REPLIES_OK, /* there it is, until replies_next(), replies_begin() or replies_done() */
    REPLIES_NONE, /* more bytes are needed */
    REPLIES_BAD,  /* malformed or too large: the connection is of no more use */
};
enum replies_next replies_next(struct replies *r, const redisReply **ret_reply)
    PARLEY_MUST_CHECK;
/* What was wrong, in a few words; valid until replies_end(). */
const char *replies_error(const struct replies *r);

#endif
