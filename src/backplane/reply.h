/* SPDX-License-Identifier: MIT */
/*
 * reply.h - reading what Redis answered, without trusting it.
 */
#ifndef PARLEY_BACKPLANE_REPLY_H
#define PARLEY_BACKPLANE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/item.h>
#include <parley/util/str.h>

struct redisReply;

enum reply_kind {
    REPLY_VALUE,     /* not an error */
    REPLY_LOST,      /* the link went down first: done or not, nobody knows */
    REPLY_LATER,     /* refused before anything was done; may work later */
    REPLY_ELSEWHERE, /* refused: the slot has moved, moves or is down; the topology follows */
    REPLY_DEMOTED,     /* refused: this server is not the primary any more */
    REPLY_NO_FUNCTION, /* refused: the function library is missing */
    REPLY_REFUSED,     /* refused for good, or an error that we do not know */
};

/* What kind of answer it is; NULL is REPLY_LOST. */
enum reply_kind reply_kind(const struct redisReply *reply);
/* Text of a string, status or error; empty for anything else. */
struct str_view reply_text(const struct redisReply *reply);
/* How much of a text is told to people: a precision of printf. */
int reply_shown(struct str_view text);
/* Elements of an array; 0 for anything else. */
size_t reply_count(const struct redisReply *reply);
/* Element `index` of an array, or NULL. */
const struct redisReply *reply_at(const struct redisReply *reply, size_t index);
/* An integer, or decimal text; 0 for anything else. */
uint64_t reply_u64(const struct redisReply *reply);
/* One item of XRANGE's answer: [id, [field, text]] with a well-formed entry. */
bool reply_entry(const struct redisReply *reply, struct entry *ret_entry)
    PARLEY_MUST_CHECK;

#endif
