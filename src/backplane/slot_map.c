/* SPDX-License-Identifier: MIT */
#include "backplane/slot_map.h"

#include <stdlib.h>

#include <hiredis/hiredis.h>

#include <parley/util/alloc.h>

#include "backplane/redirect.h"
#include "backplane/reply.h"

/* An integer from 0 to `max`, as such and nothing else. */
static bool read_number(const struct redisReply *reply, long long max, uint16_t *ret)
{
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 ||
        reply->integer > max) {
        return false;
    }
    *ret = (uint16_t)reply->integer;
    return true;
}

static bool read_owner(const struct redisReply *node, struct str_view asked,
                       struct slot_owner *ret)
{
    const struct redisReply *host = reply_at(node, 0);

    if (host == NULL || !read_number(reply_at(node, 1), UINT16_MAX, &ret->port) ||
        ret->port == 0) {
        return false;
    }
    ret->host = reply_text(host);
    if (host->type == REDIS_REPLY_NIL || ret->host.len == 0) {
        ret->host = asked;
    }
    return redirect_host_is_usable(ret->host);
}

enum { WORK_MAX = 4 * REDIS_SLOTS }; /* a sound map names each slot once */

static bool read_line(struct slot_map *map, const struct redisReply *line,
                      struct str_view asked)
{
    struct slot_owner *owner = &map->owners[map->owner_count];
    uint16_t first;
    uint16_t last;

    if (!read_number(reply_at(line, 0), REDIS_SLOTS - 1, &first) ||
        !read_number(reply_at(line, 1), REDIS_SLOTS - 1, &last) || first > last ||
        map->work + last - first >= WORK_MAX ||
        !read_owner(reply_at(line, 2), asked, owner)) {
        return false;
    }
    map->work += (size_t)last - first + 1;
    map->owner_count++;
    for (size_t slot = first; slot <= last; slot++) {
        if (map->of_slot[slot] == 0) {
            map->of_slot[slot] = (uint16_t)map->owner_count;
        }
    }
    return true;
}

struct slot_map *slot_map_new(const struct redisReply *reply, struct str_view asked)
{
    struct slot_map *map = xcalloc(1, sizeof *map);
    size_t lines = reply_count(reply);
    size_t usable = lines < REDIS_SLOTS ? lines : REDIS_SLOTS;

    map->owners = xcalloc(usable + 1, sizeof *map->owners);
    map->skipped = lines - usable;
    for (size_t i = 0; i < usable; i++) {
        map->skipped += !read_line(map, reply_at(reply, i), asked);
    }
    return map;
}

void slot_map_free(struct slot_map *map)
{
    free(map->owners);
    free(map);
}

const struct slot_owner *slot_map_owner(const struct slot_map *map, uint16_t slot)
{
    size_t index = map->of_slot[slot % REDIS_SLOTS];

    return index == 0 ? NULL : &map->owners[index - 1];
}
