/* SPDX-License-Identifier: MIT */
#include "hub/user_internal.h"

#include <stdlib.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "hub/claims.h"
#include "hub/former.h"
#include "hub/monitor.h"
#include "hub/repair.h"
#include "hub/room_internal.h"
#include "hub/run.h"

static size_t live_count;

/* ---- the sink of a closed user ---- */

static void deaf_deliver(void *sink, struct hub_event *event)
{
    (void)sink;
    (void)event;
}

static void deaf_on_idle(void *sink)
{
    (void)sink;
}

static const struct hub_sink_ops deaf_ops = {
    .deliver = deaf_deliver,
    .on_idle = deaf_on_idle,
};

/* ---- life ---- */

struct hub_user *hub_user_new(struct hub *hub, const struct hub_sink_ops *ops, void *sink,
                              struct str_view host)
{
    struct hub_user *u = xcalloc(1, sizeof *u);

    u->hub = hub;
    u->ops = ops;
    u->sink = sink;
    u->number = ++hub->last_number;
    u->since = hub->generation;
    list_init(&u->claim);
    list_init(&u->wallops);
    list_init(&u->watches);
    person_init(&u->person, u, SV(""));
    struct record rec = person_record(&u->person);
    rec.texts[PERSON_USER] = SV("user");
    rec.texts[PERSON_HOST] = names_clean_text(host, HOST_BYTES_MAX, &hub->text);
    person_set_record(&u->person, &rec);

    bool added = map_add(&hub->users, u);
    PARLEY_ASSERT(added);
    live_count++;
    return u;
}

void hub_user_describe(struct hub_user *u, struct str_view user, struct str_view realname,
                       struct str_view account)
{
    struct record rec = person_record(&u->person);

    if (u->is_registered) {
        return;
    }
    rec.texts[PERSON_USER] = names_clean_text(user, USER_BYTES_MAX, &u->hub->text);
    person_set_record(&u->person, &rec);
    rec = person_record(&u->person);
    rec.texts[PERSON_REALNAME] = names_clean_text(realname, REALNAME_BYTES_MAX,
                                                  &u->hub->text);
    person_set_record(&u->person, &rec);
    rec = person_record(&u->person);
    rec.texts[PERSON_ACCOUNT] = names_clean_text(account, ACCOUNT_BYTES_MAX,
                                                 &u->hub->text);
    person_set_record(&u->person, &rec);
}

/* Hand the quits over to all rooms. False: not all could be; they are tried again. */
static bool quit_rooms(struct hub_user *u)
{
    bool all = true;

    LIST_FOR_EACH(&u->person.memberships, it) {
        struct member *m = LIST_ENTRY(it, struct member, of_person);

        if (!m->is_leaving && !repair_member(m)) {
            all = false;
        }
    }
    return all;
}

void hub_user_close(struct hub_user *u, struct str_view reason)
{
    struct request *r = u->request;

    if (u->is_closed) {
        return;
    }
    u->is_closed = true;
    u->ops = &deaf_ops;
    u->sink = NULL;
    reason = names_clean_text(reason, REASON_BYTES_MAX, &u->hub->text);
    u->quit_reason = xstrndup(reason.len > 0 ? reason.ptr : "", reason.len);
    list_remove(&u->claim);
    list_remove(&u->wallops);
    hub_unwatch_all(u);
    if (u->is_registered) {
        struct record rec = person_record(&u->person);

        former_add(u->hub, &rec);
        metric_add(METRIC_USERS, -1);
    }
    if (r != NULL && r->kind == REQUEST_JOIN && r->state == REQUEST_WAITING) {
        request_end(r);
    }
    if (quit_rooms(u)) {
        user_release_name(u);
    }
    user_try_bury(u);
}

void user_forget(struct hub_user *u)
{
    if (u->is_registered && !u->is_closed) {
        metric_add(METRIC_USERS, -1);
    }
    u->ops = &deaf_ops;
    u->is_closed = true;
    u->is_released = true;
    hub_unwatch_all(u);
    list_remove(&u->wallops);
    u->claims = 0;
    if (u->request != NULL) {
        request_end(u->request);
    }
}

static void user_free(void *arg)
{
    struct hub_user *u = arg;

    person_done(&u->person);
    free(u->quit_reason);
    free(u->invitations);
    free(u);
    live_count--;
}

void user_try_bury(struct hub_user *u)
{
    if (!u->is_closed || u->is_buried || u->request != NULL || u->claims > 0 ||
        !list_is_empty(&u->person.memberships)) {
        return;
    }
    user_release_name(u);
    u->is_buried = true;
    list_remove(&u->claim);
    (void)map_remove(&u->hub->users, user_key(u));
    loop_bury(u->hub->loop, u, user_free);
}

void user_note_modes(struct hub_user *u)
{
    struct str_view modes = person_modes(&u->person);

    list_remove(&u->wallops);
    if (!u->is_closed && sv_find_char(modes, 'w') < modes.len) {
        list_append(&u->hub->wallops, &u->wallops);
    }
}

void user_release_name(struct hub_user *u)
{
    if (u->is_registered && !u->is_released) {
        u->is_released = true;
        claims_release(u, person_nick(&u->person));
        monitor_note(u->hub, person_nick(&u->person));
    }
}

/* ---- lines ---- */

enum { LINE_SHIFT = 8, LINE_MASK = 0xffffff };

uint32_t hub_user_line(const struct hub_user *u)
{
    return u->lines & LINE_MASK;
}

struct token line_token(const struct member *m, enum token_kind kind)
{
    const struct hub_user *u = m->person->user;
    uint32_t line = (u->lines + 1) & LINE_MASK;

    return (struct token){u->number, line << LINE_SHIFT | (uint32_t)kind,
                          m->room->number};
}

enum token_kind token_kind_of(struct token token)
{
    return (enum token_kind)(token.kind & ((1U << LINE_SHIFT) - 1));
}

uint32_t token_line(struct token token)
{
    return token.kind >> LINE_SHIFT;
}

/* ---- busy and idle ---- */

bool hub_user_is_busy(const struct hub_user *u)
{
    return u->request != NULL || u->pending >= u->hub->policy.max_pending_lines;
}

bool hub_user_is_settled(const struct hub_user *u)
{
    return u->request == NULL && u->pending == 0;
}

void user_check_idle(struct hub_user *u)
{
    if (u->is_closed) {
        user_try_bury(u);
        return;
    }
    if (u->has_lost_name && u->request == NULL) {
        claims_rename(u);
    }
    bool is_idle = u->was_busy && !hub_user_is_busy(u);
    bool is_settled = u->was_unsettled && hub_user_is_settled(u);

    u->was_busy = u->was_busy && !is_idle;
    u->was_unsettled = u->was_unsettled && !is_settled;
    if (is_idle || is_settled) {
        run_end_for(u);
        u->ops->on_idle(u->sink);
    }
}

void user_tell_away(struct hub_user *u)
{
    if (u->ops->on_away != NULL && !hub_user_is_settled(u)) {
        u->ops->on_away(u->sink);
    }
}

void user_drop_pending(struct hub_user *u, struct member *m)
{
    u->pending -= m->pending;
    m->pending = 0;
}

void user_await_line(struct member *m)
{
    struct hub_user *u = m->person->user;

    m->pending++;
    u->pending++;
    u->was_busy = u->was_busy || hub_user_is_busy(u);
    u->was_unsettled = true;
}

void user_line_done(struct member *m)
{
    struct hub_user *u = m->person->user;

    /* A line that is not waited for any more may come back nevertheless. */
    if (m->pending > 0) {
        m->pending--;
        u->pending--;
        user_check_idle(u);
    }
}

void user_line_came_back(struct hub_user *u, const struct room *r)
{
    struct member *m = room_find_member(r, &u->person);

    if (m != NULL) {
        user_line_done(m);
    }
}

/* ---- looking ---- */

struct str_view user_key(const void *object)
{
    const struct hub_user *u = object;

    return sv((const char *)&u->number, sizeof u->number);
}

struct hub_user *hub_user_find(const struct hub *hub, uint64_t number)
{
    return map_find(&hub->users, sv((const char *)&number, sizeof number));
}

struct person *hub_user_own_person(struct hub_user *u)
{
    return &u->person;
}

size_t user_live_count(void)
{
    return live_count;
}

struct str_view user_id(const struct hub_user *u, uint32_t generation,
                        struct member_id_text *ret)
{
    struct str_view node = hub_node_id(u->hub, generation);

    if (node.len == 0) {
        ret->len = 0;
        return sv(ret->bytes, 0);
    }
    return member_id_format((struct member_id){node, u->number}, ret);
}

enum person_text request_changes(const struct request *r)
{
    static const enum person_text changed[REQUEST_KIND_COUNT] = {
        /* That of REQUEST_NICK is 0, as it is of those that change nothing. */
        [REQUEST_AWAY] = PERSON_AWAY,
        [REQUEST_SETNAME] = PERSON_REALNAME,
        [REQUEST_USER_MODES] = PERSON_MODES,
    };
    bool is_nick = r->kind == REQUEST_NICK || r->kind == REQUEST_RENAME;

    return is_nick || changed[r->kind] != PERSON_NICK ? changed[r->kind]
                                                      : PERSON_TEXT_COUNT;
}

struct record user_record(const struct hub_user *u)
{
    struct record rec = person_record(&u->person);
    const struct request *r = u->request;

    if (r == NULL || r->state != REQUEST_PUBLISHED) {
        return rec;
    }
    enum person_text which = request_changes(r);

    if (which == PERSON_TEXT_COUNT) {
        return rec;
    }
    rec.texts[which] = which == PERSON_NICK ? request_name(r) : request_text(r);
    rec.version = r->version;
    return rec;
}

bool user_has_name(const struct hub_user *u)
{
    return u->claimed_under == u->hub->generation;
}

bool hub_user_is_registered(const struct hub_user *u)
{
    return u->is_registered;
}

const struct person *hub_user_person(const struct hub_user *u)
{
    return &u->person;
}

const struct room *hub_user_room(const struct hub_user *u, size_t index)
{
    LIST_FOR_EACH(&u->person.memberships, it) {
        if (index-- == 0) {
            return LIST_ENTRY(it, struct member, of_person)->room;
        }
    }
    return NULL;
}

bool hub_user_is_in(const struct hub_user *u, const struct room *room)
{
    return room_find_member(room, &u->person) != NULL;
}
