/* SPDX-License-Identifier: MIT */
#include "backplane/replies.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <event2/buffer.h>

#if HIREDIS_MAJOR >= 1
typedef size_t replies_count;
#else
typedef int replies_count;
#endif

/* ---- how hiredis makes objects; NULL makes it fail ---- */

/* The object, in its place in the one around it. */
static void *add(const redisReadTask *task, redisReply object)
{
    struct replies *r = task->privdata;
    redisReply *reply = arena_try_take(&r->arena, sizeof *reply);

    if (reply == NULL) {
        return NULL;
    }
    *reply = object;
    reply->type = task->type;
    if (task->parent != NULL) {
        const redisReply *around = task->parent->obj;

        around->element[task->idx] = reply;
    }
    return reply;
}

static void *create_string(const redisReadTask *task, char *bytes, size_t len)
{
    struct replies *r = task->privdata;
    char *copy = arena_try_take(&r->arena, len + 1);

    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    return add(task, (redisReply){.str = copy, .len = len});
}

static void *create_array(const redisReadTask *task, replies_count elements)
{
    struct replies *r = task->privdata;
    size_t count = (size_t)elements;
    int depth = 1;

    for (const redisReadTask *outer = task->parent; outer != NULL;
         outer = outer->parent) {
        depth++;
    }
    if (count > REPLY_ELEMENTS_MAX || depth > REPLY_DEPTH_MAX) {
        return NULL;
    }
    struct redisReply **places = arena_try_take(&r->arena, count * sizeof *places);

    if (places == NULL) {
        return NULL;
    }
    return add(task, (redisReply){.element = places, .elements = count});
}

static void *create_integer(const redisReadTask *task, long long value)
{
    return add(task, (redisReply){.integer = value});
}

static void *create_nil(const redisReadTask *task)
{
    return add(task, (redisReply){0});
}

/* The arena does it. */
static void free_object(void *object)
{
    (void)object;
}

#if HIREDIS_MAJOR >= 1
/* RESP3 has these, which we do not speak. */
static void *refuse_double(const redisReadTask *task, double value, char *bytes,
                           size_t len)
{
    (void)task;
    (void)value;
    (void)bytes;
    (void)len;
    return NULL;
}

static void *refuse_bool(const redisReadTask *task, int value)
{
    (void)task;
    (void)value;
    return NULL;
}
#endif

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
#if HIREDIS_MAJOR >= 1
    .createDouble = refuse_double,
    .createBool = refuse_bool,
#endif
    .freeObject = free_object,
};

/* ---- connections ---- */

void replies_init(struct replies *r, size_t bytes_max)
{
    *r = (struct replies){.bytes_max = bytes_max};
    arena_init(&r->arena);
}

void replies_done(struct replies *r)
{
    replies_end(r);
    arena_done(&r->arena);
}

void replies_begin(struct replies *r)
{
    replies_end(r);
    r->reader = redisReaderCreateWithFunctions(&functions);
    PARLEY_ASSERT(r->reader != NULL);
    r->reader->privdata = r;
    r->bytes = 0;
    r->is_taken = true;
}

void replies_end(struct replies *r)
{
    if (r->reader != NULL) {
        redisReaderFree(r->reader);
        r->reader = NULL;
    }
}

/* A failure sticks to the reader and shows in replies_next(). */
static void feed(struct replies *r, const char *bytes, size_t len)
{
    (void)redisReaderFeed(r->reader, bytes, len);
    r->bytes += len;
}

void replies_feed(struct replies *r, struct evbuffer *in)
{
    size_t len = evbuffer_get_contiguous_space(in);

    while (len > 0) {
        const char *bytes = (const char *)evbuffer_pullup(in, (ev_ssize_t)len);

        feed(r, bytes, len);
        evbuffer_drain(in, len);
        len = evbuffer_get_contiguous_space(in);
    }
}

bool replies_read(struct replies *r, int fd)
{
    char bytes[REPLIES_READ_BYTES];
    ssize_t count = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (count > 0) {
        feed(r, bytes, (size_t)count);
    }
    return count == sizeof bytes;
}

enum replies_next replies_next(struct replies *r, const redisReply **ret_reply)
{
    void *reply = NULL;

    if (r->is_taken) {
        arena_clear(&r->arena);
        r->is_taken = false;
    }
    if (redisReaderGetReply(r->reader, &reply) != REDIS_OK) {
        return REPLIES_BAD;
    }
    if (reply != NULL) {
        r->bytes = r->reader->len - r->reader->pos;
        r->is_taken = true;
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
