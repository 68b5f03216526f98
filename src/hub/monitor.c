/* SPDX-License-Identifier: MIT */
#include "hub/monitor.h"

#include <stdlib.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "hub/fanout.h"
#include "hub/lookup.h"
#include "hub/room_internal.h"
#include "hub/user_internal.h"

enum {
    MONITOR_TICK_MS = 100,
    MONITOR_SOON_MS = 10,
    MONITOR_TICKS = 20,  /* in which each name is looked at once, while that is ... */
    MONITOR_BATCH = 100, /* ... not more than that a tick */
};

/* A name that somebody watches, as the last look-up found it. */
struct monitored {
    struct list link;    /* in hub->monitored: who is looked at next comes first */
    struct list watches; /* struct watch */
    uint64_t number;
    struct folded_name name;
    struct strbuf
        nick; /* owned, as all of these; as its owner wrote it, or who watches */
    struct strbuf owner;  /* empty: nobody has it */
    struct strbuf record; /* of the owner */
    bool is_asked;        /* a look-up is under way */
};

/* One user's wish to know about one name. */
struct watch {
    struct list of_user;
    struct list of_name;
    struct hub_user *user;
    struct monitored *name;
};

/* ---- names ---- */

static struct str_view name_key(const void *object)
{
    const struct monitored *m = object;

    return sv(m->name.bytes, m->name.len);
}

static struct str_view number_key(const void *object)
{
    const struct monitored *m = object;

    return sv((const char *)&m->number, sizeof m->number);
}

static struct monitored *find(const struct hub *hub, struct str_view nick)
{
    struct folded_name folded;

    return map_find(&hub->monitored_names, name_fold(nick, &folded));
}

static void add_to_map(struct map *map, struct monitored *m)
{
    bool is_added = map_add(map, m);

    PARLEY_ASSERT(is_added);
}

static struct monitored *monitored_new(struct hub *hub, struct str_view nick)
{
    struct monitored *m = xcalloc(1, sizeof *m);

    list_init(&m->watches);
    m->number = ++hub->last_monitored;
    (void)name_fold(nick, &m->name);
    strbuf_init(&m->nick, NICK_BYTES_MAX);
    strbuf_init(&m->owner, MEMBER_ID_MAX);
    strbuf_init(&m->record, ITEM_BYTES_MAX);
    strbuf_add(&m->nick, nick);
    add_to_map(&hub->monitored_names, m);
    add_to_map(&hub->monitored_numbers, m);
    list_append(&hub->monitored, &m->link);
    if (!timer_is_running(&hub->monitor)) {
        timer_start(&hub->monitor, MONITOR_TICK_MS);
    }
    return m;
}

static void monitored_free(void *arg)
{
    struct monitored *m = arg;

    strbuf_done(&m->nick);
    strbuf_done(&m->owner);
    strbuf_done(&m->record);
    free(m);
}

/* ---- what is told ---- */

static void tell(const struct monitored *m, const struct hub_event *event)
{
    LIST_FOR_EACH(&m->watches, it) {
        struct hub_user *u = LIST_ENTRY(it, struct watch, of_name)->user;
        struct hub_event ev = *event;

        fanout_to_user(u, &ev);
    }
}

/* Whether the person is there, as an event; `who` is what its texts are kept in. */
static struct hub_event presence_of(const struct monitored *m, struct who_text *who)
{
    struct hub_event ev = hub_event_of(EV_OFFLINE, NULL, NULL);
    struct record rec;

    ev.text = strbuf_view(&m->nick);
    if (m->owner.len > 0 && record_decode(strbuf_view(&m->record), &rec)) {
        ev.type = EV_ONLINE;
        ev.who = record_who(&rec, who);
    }
    return ev;
}

static void tell_presence(const struct monitored *m)
{
    struct who_text who;
    struct hub_event ev = presence_of(m, &who);

    tell(m, &ev);
}

static bool shares_room(const struct hub_user *u, const struct person *p)
{
    LIST_FOR_EACH(&p->memberships, it) {
        if (hub_user_is_in(u, LIST_ENTRY(it, struct member, of_person)->room)) {
            return true;
        }
    }
    return false;
}

/* To who is not told by the log of a room. */
static void tell_change(const struct hub *hub, const struct monitored *m,
                        enum hub_event_type type, const struct record *rec,
                        enum person_text which)
{
    const struct person *p = person_find(hub, strbuf_view(&m->owner));
    struct who_text who;

    LIST_FOR_EACH(&m->watches, it) {
        struct hub_user *u = LIST_ENTRY(it, struct watch, of_name)->user;
        struct hub_event ev = hub_event_of(type, NULL, NULL);

        if (p != NULL && (p->user == u || shares_room(u, p))) {
            continue;
        }
        ev.who = record_who(rec, &who);
        ev.account = rec->texts[PERSON_ACCOUNT];
        ev.text = rec->texts[which];
        ev.is_watched = true;
        fanout_to_user(u, &ev);
    }
}

/* ---- look-ups ---- */

static void set(struct strbuf *text, struct str_view to)
{
    strbuf_clear(text);
    strbuf_add(text, to);
}

static void set_owner(struct monitored *m, struct str_view owner, struct str_view record,
                      const struct record *rec)
{
    set(&m->owner, owner);
    set(&m->record, record);
    if (owner.len > 0) {
        set(&m->nick, rec->texts[PERSON_NICK]);
    }
}

/* The same person as before: what is new? */
static void update(const struct hub *hub, struct monitored *m, struct str_view owner,
                   struct str_view record, const struct record *rec)
{
    struct record before;
    bool is_away_new = true;
    bool is_name_new = true;

    if (record_decode(strbuf_view(&m->record), &before)) {
        if (rec->version < before.version) {
            return; /* the books are behind */
        }
        is_away_new = !sv_equal(before.texts[PERSON_AWAY], rec->texts[PERSON_AWAY]);
        is_name_new = !sv_equal(before.texts[PERSON_REALNAME],
                                rec->texts[PERSON_REALNAME]);
    }
    set_owner(m, owner, record, rec);
    if (is_away_new) {
        tell_change(hub, m, EV_AWAY, rec, PERSON_AWAY);
    }
    if (is_name_new) {
        tell_change(hub, m, EV_SETNAME, rec, PERSON_REALNAME);
    }
}

/* This is who has the name now; empty: nobody. */
static void take(const struct hub *hub, struct monitored *m, struct str_view owner,
                 struct str_view record)
{
    struct record rec = {.version = 0};

    if (owner.len > MEMBER_ID_MAX || (owner.len > 0 && !record_decode(record, &rec))) {
        metric_add(METRIC_MALFORMED, 1);
        owner = sv(NULL, 0);
        record = sv(NULL, 0);
    }
    if (sv_equal(owner, strbuf_view(&m->owner))) {
        if (owner.len > 0 && !sv_equal(record, strbuf_view(&m->record))) {
            update(hub, m, owner, record, &rec);
        }
        return;
    }
    if (m->owner.len > 0) {
        set(&m->owner, sv(NULL, 0));
        tell_presence(m);
    }
    if (owner.len > 0) {
        set_owner(m, owner, record, &rec);
        tell_presence(m);
    }
}

static void look_up(struct hub *hub, struct monitored *m)
{
    struct token token = {m->number, TOKEN_MONITOR, 0};

    list_remove(&m->link);
    list_append(&hub->monitored, &m->link);
    if (!m->is_asked) {
        m->is_asked = true;
        hub->monitor_asked++;
        backplane_ops(hub->bp)->lookup(hub->bp, name_key(m), token);
    }
}

/* A backplane that is slow gets no more to do; others wait for it too. */
static bool may_ask(const struct hub *hub)
{
    return hub->monitor_asked < MONITOR_BATCH && hub_is_available(hub);
}

void monitor_look(void *arg)
{
    struct hub *hub = arg;
    size_t names = map_count(&hub->monitored_names);
    size_t batch = (names + MONITOR_TICKS - 1) / MONITOR_TICKS;

    hub->is_monitor_soon = false;
    if (names == 0) {
        return;
    }
    timer_start(&hub->monitor, MONITOR_TICK_MS);
    batch = batch < MONITOR_BATCH ? batch : MONITOR_BATCH;
    for (size_t i = 0; i < batch && may_ask(hub); i++) {
        look_up(hub, LIST_ENTRY(hub->monitored.next, struct monitored, link));
    }
}

void monitor_note(struct hub *hub, struct str_view nick)
{
    struct monitored *m = find(hub, nick);

    if (m == NULL) {
        return;
    }
    list_remove(&m->link);
    list_append(hub->monitored.next, &m->link); /* before the first */
    if (!hub->is_monitor_soon) {
        hub->is_monitor_soon = true;
        timer_start(&hub->monitor, MONITOR_SOON_MS);
    }
}

/* Told from what is known here, so that who shares a room is not told again when the books
 * follow. */
void monitor_on_change(struct hub *hub, const struct person *p)
{
    struct monitored *m = find(hub, person_nick(p));
    struct record rec = person_record(p);
    struct member_id_text id;

    if (m == NULL) {
        return;
    }
    struct str_view owner = p->user != NULL ? user_id(p->user, hub->generation, &id)
                                            : person_text(p, PERSON_ID);
    if (sv_equal(owner, strbuf_view(&m->owner))) {
        struct strbuf record;

        strbuf_init(&record, ITEM_BYTES_MAX);
        record_encode(&record, &rec);
        take(hub, m, owner, strbuf_view(&record));
        strbuf_done(&record);
    }
    monitor_note(hub, person_nick(p));
}

void monitor_on_name(struct hub *hub, struct token token, bool answered,
                     struct str_view owner, struct str_view record)
{
    struct str_view number = sv((const char *)&token.person, sizeof token.person);
    struct monitored *m = map_find(&hub->monitored_numbers, number);

    hub->monitor_asked--;
    if (m == NULL) {
        return;
    }
    m->is_asked = false;
    if (answered) {
        take(hub, m, owner, record);
    }
}

/* ---- users ---- */

static struct watch *find_watch(const struct hub_user *u, const struct monitored *m)
{
    LIST_FOR_EACH(&u->watches, it) {
        struct watch *w = LIST_ENTRY(it, struct watch, of_user);

        if (w->name == m) {
            return w;
        }
    }
    return NULL;
}

enum hub_result hub_watch(struct hub_user *u, struct str_view nick)
{
    const struct monitored *m = find(u->hub, nick);
    enum hub_result ready = lookup_check_ready(u);

    if (!hub_nick_is_valid(nick)) {
        return HUB_BAD_NAME;
    }
    if (u->watch_count >= HUB_WATCHED_MAX && (m == NULL || find_watch(u, m) == NULL)) {
        return HUB_LIST_FULL;
    }
    if (ready == HUB_OK) {
        lookup_begin(request_begin(u, REQUEST_WATCH, NULL, nick, SV("")));
    }
    return ready;
}

void monitor_add(struct request *r, struct str_view owner, struct str_view record)
{
    struct hub_user *u = r->user;
    struct hub *hub = u->hub;
    struct monitored *m = find(hub, request_name(r));
    struct who_text who;

    request_end(r);
    if (u->is_closed) {
        user_check_idle(u);
        return;
    }
    if (m == NULL) {
        m = monitored_new(hub, request_name(r));
    }
    take(hub, m, owner, record);
    if (find_watch(u, m) == NULL) {
        struct watch *w = xcalloc(1, sizeof *w);

        w->user = u;
        w->name = m;
        list_append(&u->watches, &w->of_user);
        list_append(&m->watches, &w->of_name);
        u->watch_count++;
    }
    struct hub_event ev = presence_of(m, &who);

    ev.origin = u;
    fanout_to_user(u, &ev);
    user_check_idle(u);
}

static void end_watch(struct watch *w)
{
    struct hub *hub = w->user->hub;
    struct monitored *m = w->name;

    w->user->watch_count--;
    list_remove(&w->of_user);
    list_remove(&w->of_name);
    loop_bury(hub->loop, w, free);
    if (list_is_empty(&m->watches)) {
        list_remove(&m->link);
        (void)map_remove(&hub->monitored_names, name_key(m));
        (void)map_remove(&hub->monitored_numbers, number_key(m));
        loop_bury(hub->loop, m, monitored_free);
    }
}

void hub_unwatch(struct hub_user *u, struct str_view nick)
{
    const struct monitored *m = find(u->hub, nick);
    struct watch *w = m != NULL ? find_watch(u, m) : NULL;

    if (w != NULL) {
        end_watch(w);
    }
}

void hub_unwatch_all(struct hub_user *u)
{
    LIST_FOR_EACH(&u->watches, it) {
        end_watch(LIST_ENTRY(it, struct watch, of_user));
    }
}

bool hub_watched_at(struct hub_user *u, size_t index, struct hub_watched *ret)
{
    LIST_FOR_EACH(&u->watches, it) {
        const struct monitored *m = LIST_ENTRY(it, struct watch, of_user)->name;

        if (index-- == 0) {
            struct who_text who;
            struct hub_event ev = presence_of(m, &who);

            set(&u->hub->text, ev.who);
            *ret = (struct hub_watched){strbuf_view(&m->nick),
                                        strbuf_view(&u->hub->text)};
            return true;
        }
    }
    return false;
}

/* ---- life ---- */

void monitor_init(struct hub *hub)
{
    map_init(&hub->monitored_names, name_key);
    map_init(&hub->monitored_numbers, number_key);
    list_init(&hub->monitored);
    timer_init(&hub->monitor, hub->loop, monitor_look, hub);
}

void monitor_done(struct hub *hub)
{
    PARLEY_ASSERT(list_is_empty(&hub->monitored));
    timer_done(&hub->monitor);
    map_done(&hub->monitored_names);
    map_done(&hub->monitored_numbers);
}
