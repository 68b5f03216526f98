/* SPDX-License-Identifier: MIT */
#include "backplane/replies.h"

#include <event2/buffer.h>

/* NULL makes the reader fail. */
static void *create_bounded_array(const redisReadTask *task, replies_count elements)
{
    const struct replies *r = task->privdata;
    int depth = 1;

    for (const redisReadTask *outer = task->parent; outer != NULL;
         outer = outer->parent) {
        depth++;
    }
    if (elements > REPLY_ELEMENTS_MAX || depth > REPLY_DEPTH_MAX) {
        return NULL;
    }
    return r->create_array(task, elements);
}

void replies_init(struct replies *r, size_t bytes_max)
{
    r->reader = redisReaderCreate();
    PARLEY_ASSERT(r->reader != NULL);
    r->functions = *r->reader->fn;
    r->create_array = r->functions.createArray;
    r->functions.createArray = create_bounded_array;
    r->reader->fn = &r->functions;
    r->reader->privdata = r;
    r->bytes = 0;
    r->bytes_max = bytes_max;
}

void replies_done(struct replies *r)
{
    if (r->reader != NULL) {
        redisReaderFree(r->reader);
        r->reader = NULL;
    }
}

void replies_feed(struct replies *r, struct evbuffer *in)
{
    size_t len = evbuffer_get_contiguous_space(in);

    while (len > 0) {
        const char *bytes = (const char *)evbuffer_pullup(in, (ev_ssize_t)len);

        /* A failure sticks to the reader and shows in replies_next(). */
        (void)redisReaderFeed(r->reader, bytes, len);
        r->bytes += len;
        evbuffer_drain(in, len);
        len = evbuffer_get_contiguous_space(in);
    }
}

enum replies_next replies_next(struct replies *r, redisReply **ret_reply)
{
    void *reply = NULL;

    if (redisReaderGetReply(r->reader, &reply) != REDIS_OK) {
        return REPLIES_BAD;
    }
    if (reply != NULL) {
        r->bytes = r->reader->len - r->reader->pos;
        *ret_reply = reply;
        return REPLIES_OK;
    }
    return r->bytes > r->bytes_max ? REPLIES_BAD : REPLIES_NONE;
}

const char *replies_error(const struct replies *r)
{
    if (r->reader->err == 0) {
        return "a reply is too large";
    }
    return r->reader->err == REDIS_ERR_OOM ? "an array is too large or too deep"
                                           : r->reader->errstr;
}
