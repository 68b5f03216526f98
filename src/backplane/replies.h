/* SPDX-License-Identifier: MIT */
/*
 * replies.h - replies cut out of what a connection reads: hiredis's reader, bounded.
 *
 * hiredis bounds neither the bytes of a reply nor, before 1.0, the elements that an array
 * may announce (it allocates them at once) nor, since 1.0, how deep arrays may lie in arrays
 * (it frees them by recursion). All three are bounded here.
 */
#ifndef PARLEY_BACKPLANE_REPLIES_H
#define PARLEY_BACKPLANE_REPLIES_H

#include <stddef.h>

#include <hiredis/hiredis.h>

#include <parley/util/base.h>

struct evbuffer;

enum {
    REPLY_ELEMENTS_MAX = 4 << 20, /* of one array: a hash with two million fields */
    REPLY_DEPTH_MAX = 6,          /* arrays in arrays */
};

#if HIREDIS_MAJOR >= 1
typedef size_t replies_count;
#else
typedef int replies_count;
#endif

/* Stays where it is while in use: hiredis keeps pointers into it. */
struct replies {
    redisReader *reader;                 /* owned */
    redisReplyObjectFunctions functions; /* hiredis's, but for our createArray */
    void *(*create_array)(const redisReadTask *task, replies_count elements);
    size_t bytes;     /* fed since the last whole reply */
    size_t bytes_max; /* of one reply */
};

void replies_init(struct replies *r, size_t bytes_max);
void replies_done(struct replies *r);
/* Take in all of `in`. */
void replies_feed(struct replies *r, struct evbuffer *in);

enum replies_next {
    REPLIES_OK,   /* there it is; the caller frees it with freeReplyObject() */
    REPLIES_NONE, /* more bytes are needed */
    REPLIES_BAD,  /* malformed or too large: the connection is of no more use */
};
enum replies_next replies_next(struct replies *r, redisReply **ret_reply)
    PARLEY_MUST_CHECK;
/* What was wrong, in a few words; valid until replies_done(). */
const char *replies_error(const struct replies *r);

#endif
