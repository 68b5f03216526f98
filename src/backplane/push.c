/* SPDX-License-Identifier: MIT */
#include "backplane/push.h"

#include <stdbool.h>
#include <stddef.h>

#include <hiredis/hiredis.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

#include "backplane/reply.h"

static const struct {
    struct str_view word;
    int payload; /* type of the third element */
} pushes[] = {
    {{"smessage", 8}, REDIS_REPLY_STRING},
    {{"ssubscribe", 10}, REDIS_REPLY_INTEGER},
    {{"sunsubscribe", 12}, REDIS_REPLY_INTEGER},
    {{"message", 7}, REDIS_REPLY_STRING},
    {{"subscribe", 9}, REDIS_REPLY_INTEGER},
    {{"unsubscribe", 11}, REDIS_REPLY_INTEGER},
};

static bool is_sound(const struct redisReply *push, int payload)
{
    if (reply_count(push) != 3 || reply_at(push, 2)->type != payload) {
        return false;
    }
    int channel = reply_at(push, 1)->type;

    /* Leaving all channels while in none is confirmed without a channel. */
    return channel == REDIS_REPLY_STRING ||
           (channel == REDIS_REPLY_NIL && payload == REDIS_REPLY_INTEGER);
}

enum push_kind push_kind_of(const struct redisReply *reply)
{
    struct str_view word = reply_text(reply_at(reply, 0));

    for (size_t i = 0; i < PARLEY_COUNT_OF(pushes); i++) {
        if (sv_equal(word, pushes[i].word)) {
            return is_sound(reply, pushes[i].payload) ? PUSH_SOUND : PUSH_MALFORMED;
        }
    }
    return PUSH_NONE;
}
