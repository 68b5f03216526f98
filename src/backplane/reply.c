/* SPDX-License-Identifier: MIT */
#include "backplane/reply.h"

#include <hiredis/hiredis.h>

enum reply_kind reply_kind(const struct redisReply *reply)
{
    static const struct {
        const char *prefix;
        enum reply_kind kind;
    } errors[] = {
        {"READONLY", REPLY_DEMOTED},
        {"ERR Function not found", REPLY_NO_FUNCTION},
        {"NOSCRIPT", REPLY_NO_FUNCTION},
        {"LOADING", REPLY_LATER},
        {"MASTERDOWN", REPLY_LATER},
        {"NOREPLICAS", REPLY_LATER},
        {"CLUSTERDOWN", REPLY_ELSEWHERE},
        {"TRYAGAIN", REPLY_ELSEWHERE},
        {"MOVED ", REPLY_ELSEWHERE},
        {"ASK ", REPLY_ELSEWHERE},
        {"BUSY", REPLY_LATER},
        {"OOM", REPLY_LATER},
        {"MISCONF", REPLY_LATER},
        {"NOPERM", REPLY_LATER},
        {"NOAUTH", REPLY_LATER},
    };

    if (reply == NULL) {
        return REPLY_LOST;
    }
    if (reply->type != REDIS_REPLY_ERROR) {
        return REPLY_VALUE;
    }
    for (size_t i = 0; i < PARLEY_COUNT_OF(errors); i++) {
        if (sv_starts_with(reply_text(reply), sv_of(errors[i].prefix))) {
            return errors[i].kind;
        }
    }
    return REPLY_REFUSED;
}

struct str_view reply_text(const struct redisReply *reply)
{
    if (reply != NULL &&
        (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS ||
         reply->type == REDIS_REPLY_ERROR)) {
        return sv(reply->str, (size_t)reply->len);
    }
    return sv(NULL, 0);
}

int reply_shown(struct str_view text)
{
    return text.len > 160 ? 160 : (int)text.len;
}

size_t reply_count(const struct redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY ? (size_t)reply->elements
                                                             : 0;
}

const struct redisReply *reply_at(const struct redisReply *reply, size_t index)
{
    return index < reply_count(reply) ? reply->element[index] : NULL;
}

uint64_t reply_u64(const struct redisReply *reply)
{
    uint64_t value = 0;

    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER) {
        return reply->integer > 0 ? (uint64_t)reply->integer : 0;
    }
    return sv_to_u64(reply_text(reply), UINT64_MAX, &value) ? value : 0;
}

bool reply_entry(const struct redisReply *reply, struct entry *ret_entry)
{
    const struct redisReply *fields = reply_at(reply, 1);
    struct entry e;

    if (reply_count(fields) != 2 ||
        !entry_id_parse(reply_text(reply_at(reply, 0)), &e.id) ||
        !entry_decode(reply_text(reply_at(fields, 1)), &e)) {
        return false;
    }
    *ret_entry = e;
    return true;
}
