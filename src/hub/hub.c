/* SPDX-License-Identifier: MIT */
#include <parley/hub/hub.h>

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

#include "hub/apply.h"
#include "hub/claims.h"
#include "hub/fanout.h"
#include "hub/former.h"
#include "hub/history.h"
#include "hub/hub_internal.h"
#include "hub/inbox.h"
#include "hub/lookup.h"
#include "hub/monitor.h"
#include "hub/released.h"
#include "hub/repair.h"
#include "hub/request.h"
#include "hub/run.h"
#include "hub/snapshot.h"

/* ---- the backplane's callbacks: to whom each goes ---- */

static void on_snapshot(void *hub, void *log_owner, const struct snapshot *snap)
{
    struct log_owner *owner = log_owner;

    (void)hub;
    if (owner->is_inbox) {
        inbox_on_snapshot(log_owner, snap);
    } else {
        snapshot_apply(log_owner, snap);
    }
}

static void on_entry(void *hub, void *log_owner, const struct entry *entry)
{
    struct log_owner *owner = log_owner;

    (void)hub;
    if (owner->is_inbox) {
        inbox_on_entry(log_owner, entry);
    } else {
        apply_to_room(log_owner, entry);
    }
}

static void on_hole(void *hub, void *log_owner)
{
    struct log_owner *owner = log_owner;
    struct room *r = log_owner;

    (void)hub;
    if (owner->is_inbox || r->state != ROOM_LIVE) {
        return;
    }
    struct hub_event ev = hub_event_of(EV_HOLE, r, NULL);

    fanout_to_room(r, &ev);
    repair_drop_pending(r);
}

static void on_stored(void *hub, struct token token, struct entry_id id, uint64_t index)
{
    request_on_stored(hub, token, (struct item_place){id, index});
}

static void on_refused(void *hub, struct token token)
{
    request_on_refused(hub, token);
}

static void on_claim(void *hub, struct token token, enum claim_result result)
{
    claims_on_claim(hub, token, result);
}

static void on_lookup(void *hub, struct token token, bool answered, struct str_view owner,
                      struct str_view record)
{
    lookup_on_name(hub, token, answered, owner, record);
}

static void on_history(void *hub, struct token token, bool answered,
                       const struct entry *entries, size_t count)
{
    history_on_page(hub, token, answered, entries, count);
}

static void on_rooms(void *hub, struct token token, bool answered,
                     const struct listing *rooms, size_t count, bool last)
{
    lookup_on_rooms(hub, token, answered, rooms, count, last);
}

static void on_lost(void *hub, bool (*is_lost)(void *ctx, struct str_view name),
                    void *ctx)
{
    repair_on_lost(hub, is_lost, ctx);
}

static void on_new_node_id(void *hub, struct str_view old_id, struct str_view new_id)
{
    (void)old_id;
    repair_on_new_node_id(hub, new_id);
}

static void on_takeover(void *hub)
{
    claims_on_takeover(hub);
    released_on_takeover(hub);
}

static void on_available(void *ctx, bool available)
{
    struct hub *hub = ctx;
    size_t cursor = 0;

    hub->away_ms = available ? 0 : loop_now_ms(hub->loop);
    if (available) {
        return;
    }
    for (struct hub_user *u; (u = map_next(&hub->users, &cursor)) != NULL;) {
        user_tell_away(u);
    }
}

static const struct backplane_events events = {
    .on_snapshot = on_snapshot,
    .on_entry = on_entry,
    .on_hole = on_hole,
    .on_stored = on_stored,
    .on_refused = on_refused,
    .on_claim = on_claim,
    .on_lookup = on_lookup,
    .on_history = on_history,
    .on_rooms = on_rooms,
    .on_lost = on_lost,
    .on_new_node_id = on_new_node_id,
    .on_takeover = on_takeover,
    .on_available = on_available,
};

/* ---- this node's ids ---- */

void hub_add_node_id(struct hub *hub, struct str_view node)
{
    hub->generation++;
    size_t slot = hub->generation % HUB_IDS_KEPT;

    PARLEY_ASSERT(node.len > 0 && node.len <= NODE_ID_MAX);
    memcpy(hub->ids[slot].bytes, node.ptr, node.len);
    hub->ids[slot].len = node.len;
}

struct str_view hub_node_id(const struct hub *hub, uint32_t generation)
{
    size_t slot = generation % HUB_IDS_KEPT;

    if (hub->generation - generation >= HUB_IDS_KEPT) {
        return SV("");
    }
    return sv(hub->ids[slot].bytes, hub->ids[slot].len);
}

uint64_t hub_in_doubt_since(const struct hub *hub)
{
    uint64_t upto_ms = hub->away_ms != 0 ? hub->away_ms : loop_now_ms(hub->loop);

    return upto_ms > HUB_IN_DOUBT_MS ? upto_ms - HUB_IN_DOUBT_MS : 0;
}

bool hub_owns_node(const struct hub *hub, struct str_view node)
{
    for (size_t i = 0; i < HUB_IDS_KEPT; i++) {
        if (node.len > 0 && sv_equal(node, sv(hub->ids[i].bytes, hub->ids[i].len))) {
            return true;
        }
    }
    return false;
}

uint32_t hub_node_generation(const struct hub *hub, struct str_view node)
{
    uint32_t generation = hub->generation;

    while (generation > 0 && !sv_equal(node, hub_node_id(hub, generation))) {
        generation--;
    }
    return generation;
}

/* ---- life ---- */

struct hub *hub_new(struct loop *loop, struct backplane *bp,
                    const struct hub_policy *policy)
{
    struct hub *hub = xcalloc(1, sizeof *hub);

    hub->loop = loop;
    hub->bp = bp;
    hub->policy = *policy;
    hub->run = run_new();
    map_init(&hub->rooms, room_key);
    map_init(&hub->users, user_key);
    map_init(&hub->persons, person_key);
    list_init(&hub->inboxes);
    list_init(&hub->wallops);
    list_init(&hub->repair_rooms);
    list_init(&hub->claim_users);
    timer_init(&hub->slice, loop, repair_on_slice, hub);
    strbuf_init(&hub->item, ITEM_BYTES_MAX + 16);
    strbuf_init(&hub->record, ITEM_BYTES_MAX);
    strbuf_init(&hub->text, ITEM_BYTES_MAX);
    released_init(hub);
    monitor_init(hub);
    backplane_ops(bp)->attach(bp, &events, hub);
    hub_add_node_id(hub, backplane_ops(bp)->node_id(bp));
    inbox_open(hub);
    inbox_open_all(hub);
    return hub;
}

/* Users first lose what holds rooms, then the rooms go, then what is left of the users. */
void hub_free(struct hub *hub)
{
    size_t cursor = 0;
    struct hub_user *u = NULL;
    struct room *r = NULL;

    if (hub == NULL) {
        return;
    }
    while ((u = map_next(&hub->users, &cursor)) != NULL) {
        user_forget(u);
    }
    cursor = 0;
    while ((r = map_next(&hub->rooms, &cursor)) != NULL) {
        room_drop(r);
    }
    cursor = 0;
    while ((u = map_next(&hub->users, &cursor)) != NULL) {
        user_try_bury(u);
    }
    inbox_close_all(hub);
    monitor_done(hub);
    released_done(hub);
    former_done(hub);
    timer_done(&hub->slice);
    run_free(hub->run);
    map_done(&hub->rooms);
    map_done(&hub->users);
    map_done(&hub->persons);
    strbuf_done(&hub->item);
    strbuf_done(&hub->record);
    strbuf_done(&hub->text);
    free(hub);
}

bool hub_is_available(const struct hub *hub)
{
    return backplane_ops(hub->bp)->is_available(hub->bp);
}

uint64_t hub_max_rooms(const struct hub *hub)
{
    return hub->policy.max_rooms;
}
