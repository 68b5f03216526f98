/* SPDX-License-Identifier: MIT */
#include "hub_fixture.h"

#include <stdlib.h>
#include <string.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/msg.h>
#include <parley/util/rng.h>

#include "hub/hub_internal.h"
#include "hub/modes.h"
#include "hub/room_internal.h"
#include "hub/user_internal.h"
#include "proto/irc/render.h"

struct fixture fx;

/* ---- hearing ---- */

enum form {
    FORM_TEXT = 1,    /* the text */
    FORM_ROOM = 2,    /* the room's name */
    FORM_WHO = 4,     /* the nick whose doing it is */
    FORM_COUNT = 8,   /* a number */
    FORM_TARGET = 16, /* to whom */
    FORM_CHANGES = 32,
    FORM_REASON = 64
};

static const struct {
    const char *word;
    unsigned form;
} forms[] = {
    [EV_REGISTERED] = {"registered", FORM_TEXT},
    [EV_NICK_TAKEN] = {"taken", FORM_TEXT},
    [EV_UNAVAILABLE] = {"unavailable", FORM_TEXT},
    [EV_WELCOME] = {"welcome", FORM_ROOM},
    [EV_JOIN] = {"join", FORM_ROOM | FORM_WHO},
    [EV_LEAVE] = {"leave", FORM_ROOM | FORM_WHO | FORM_TEXT},
    [EV_QUIT] = {"quit", FORM_WHO | FORM_TEXT},
    [EV_NICK] = {"nick", FORM_WHO | FORM_TEXT},
    [EV_TOPIC] = {"topic", FORM_ROOM | FORM_WHO | FORM_TEXT},
    [EV_MESSAGE] = {"say", FORM_ROOM | FORM_WHO | FORM_TEXT},
    [EV_TAGMSG] = {"tags", FORM_ROOM | FORM_WHO | FORM_TARGET},
    [EV_RECENT] = {"recent", FORM_ROOM | FORM_WHO | FORM_TEXT},
    [EV_HISTORY_END] = {"end", FORM_ROOM | FORM_COUNT},
    [EV_DIRECT] = {"direct", FORM_WHO | FORM_TARGET | FORM_TEXT},
    [EV_DIRECT_SENT] = {"sent", FORM_TARGET | FORM_TEXT},
    [EV_NO_SUCH_NICK] = {"nobody", FORM_TEXT},
    [EV_HOLE] = {"hole", FORM_ROOM},
    [EV_LOST] = {"lost", FORM_ROOM},
    [EV_ROOM_LISTED] = {"listed", FORM_COUNT | FORM_TEXT},
    [EV_ROOMS_END] = {"all", FORM_COUNT},
    [EV_WHOIS] = {"whois", FORM_WHO | FORM_TEXT},
    [EV_AWAY] = {"away", FORM_WHO | FORM_TEXT},
    [EV_JOIN_REFUSED] = {"refused", FORM_REASON},
    [EV_SETNAME] = {"setname", FORM_WHO | FORM_TEXT},
    [EV_ONLINE] = {"online", FORM_WHO},
    [EV_OFFLINE] = {"offline", FORM_TEXT},
    [EV_USER_MODES] = {"umodes", FORM_TEXT},
    [EV_KILLED] = {"killed", FORM_WHO | FORM_TEXT},
    [EV_KILL_SENT] = {"killsent", FORM_TARGET | FORM_TEXT},
    [EV_WALLOPS] = {"wallops", FORM_WHO | FORM_TEXT},
    [EV_INVITE] = {"invite", FORM_WHO | FORM_TARGET},
    [EV_INVITED] = {"invited", FORM_TARGET},
    [EV_INVITE_SEEN] = {"seen", FORM_WHO | FORM_TARGET},
    [EV_KICK] = {"kick", FORM_ROOM | FORM_WHO | FORM_TARGET | FORM_TEXT},
    [EV_MODE] = {"mode", FORM_ROOM | FORM_WHO | FORM_CHANGES},
};

static const char *const reasons[HUB_LIST_FULL + 1] = {
    [HUB_BANNED] = "banned",
    [HUB_INVITE_ONLY] = "uninvited",
    [HUB_BAD_KEY] = "key",
    [HUB_FULL] = "full",
};

static void add_word(struct strbuf *out, struct str_view word)
{
    strbuf_add_char(out, ' ');
    strbuf_add(out, word);
}

static void add_change(struct strbuf *out, bool is_added, char letter,
                       struct str_view parameter)
{
    strbuf_add(out, is_added ? SV(" +") : SV(" -"));
    strbuf_add_char(out, letter);
    if (parameter.len > 0) {
        add_word(out, parameter);
    }
}

/* What few messages have. */
static void add_extras(struct strbuf *out, const struct hub_event *ev)
{
    if (ev->tags.len > 0) {
        add_word(out, ev->tags);
    }
    if (ev->status != '\0') {
        add_word(out, sv(&ev->status, 1));
    }
}

static void write_down(struct strbuf *out, const struct hub_event *ev)
{
    unsigned form = forms[ev->type].form;

    strbuf_add(out, sv_of(forms[ev->type].word));
    if ((form & FORM_ROOM) != 0 && ev->room != NULL) {
        add_word(out, room_name(ev->room));
    }
    if (ev->room_name.len > 0) {
        add_word(out, ev->room_name);
    }
    if ((form & FORM_WHO) != 0) {
        add_word(out, hub_nick_of(ev->who));
    }
    if ((form & FORM_TARGET) != 0) {
        add_word(out, ev->target);
    }
    if ((form & FORM_TEXT) != 0) {
        add_word(out, ev->text);
    }
    if ((form & FORM_COUNT) != 0 || ev->kind == ITEM_LOST) {
        strbuf_add_fmt(out, " %llu", (unsigned long long)ev->count);
    }
    add_extras(out, ev);
    if ((form & FORM_REASON) != 0) {
        add_word(out, sv_of(reasons[ev->reason]));
    }
    for (size_t i = 0; (form & FORM_CHANGES) != 0 && i < ev->change_count; i++) {
        const struct hub_mode_change *c = &ev->changes[i];

        add_change(out, c->is_added, c->letter, c->parameter);
    }
    strbuf_add_char(out, ';');
}

static void on_deliver(void *sink, struct hub_event *ev)
{
    struct talker *t = sink;

    t->deafs += t->user == NULL;
    t->id = ev->id;
    if (ev->type == EV_MODE && ev->who.len == 0 && !fx.shows_own_modes) {
        return;
    }
    /* As a front-end does: rendered by the first, used by all. */
    if (ev->rendered[0] == NULL) {
        struct strbuf text;

        strbuf_init(&text, ITEM_BYTES_MAX);
        write_down(&text, ev);
        ev->rendered[0] = msg_new(strbuf_view(&text));
        strbuf_done(&text);
    }
    strbuf_add(&t->heard, msg_view(ev->rendered[0]));
    if (t->closes_itself) {
        t->closes_itself = false;
        close_talker(t, "enough");
    }
}

/* The smallest send queue (--sendq-bytes) takes what any front-end makes of a run. */
static void check_size(const struct hub_run *run)
{
    struct strbuf piece;

    strbuf_init(&piece, SIZE_MAX / 2);
    for (size_t i = 0; i < run->count; i++) {
        (void)!irc_render_event(&piece, &run->events[i], IRC_FORM_EXTENDED);
    }
    ck_assert_uint_le(piece.len, 16384);
    strbuf_done(&piece);
}

/* As a front-end does: one piece for all. */
static void on_deliver_run(void *sink, struct hub_run *run)
{
    struct talker *t = sink;

    t->deafs += t->user == NULL;
    t->runs++;
    check_size(run);
    if (run->rendered[0] == NULL) {
        struct strbuf text;

        strbuf_init(&text, ENTRY_BYTES_MAX);
        for (size_t i = 0; i < run->count; i++) {
            ck_assert(run->events[i].origin != t->user);
            write_down(&text, &run->events[i]);
        }
        run->rendered[0] = msg_new(strbuf_view(&text));
        strbuf_done(&text);
    }
    strbuf_add(&t->heard, msg_view(run->rendered[0]));
}

static void on_idle(void *sink)
{
    struct talker *t = sink;

    t->deafs += t->user == NULL;
    t->idles++;
    ck_assert(!hub_user_is_busy(t->user));
    if (t->rejoins) {
        t->rejoins = false;
        join(t, "#a");
    }
}

static const struct hub_sink_ops sink_ops = {
    .deliver = on_deliver,
    .deliver_run = on_deliver_run,
    .on_idle = on_idle,
};

const char *take_heard(struct talker *t)
{
    static char text[1 << 16];
    struct str_view heard = strbuf_view(&t->heard);

    ck_assert_uint_lt(heard.len, sizeof text);
    if (heard.len > 0) {
        memcpy(text, heard.ptr, heard.len);
    }
    text[heard.len] = '\0';
    strbuf_clear(&t->heard);
    return text;
}

void forget_heard(void)
{
    for (size_t i = 0; i < fx.talker_count; i++) {
        strbuf_clear(&fx.talkers[i]->heard);
    }
}

/* ---- time ---- */

static void do_nothing(void *arg)
{
    (void)arg;
}

/* A turn that does not wait. */
static void turn(void)
{
    struct loop_task task;

    loop_task_init(&task, do_nothing, NULL);
    loop_task_queue(fx.loop, LOOP_PUBLISH, &task);
    loop_turn(fx.loop);
}

static void check_rooms(void)
{
    for (size_t i = 0; i < FIXTURE_NODES; i++) {
        const struct room *r = NULL;
        size_t cursor = 0;

        while (fx.hubs[i] != NULL &&
               (r = map_next(&fx.hubs[i]->rooms, &cursor)) != NULL) {
            room_check(r);
            if (sv_equal(room_folded(r), SV("#a"))) {
                kept_names_check(&fx.names[i], r);
            }
        }
    }
}

static bool has_slices(void)
{
    for (size_t i = 0; i < FIXTURE_NODES; i++) {
        if (fx.hubs[i] != NULL && timer_is_running(&fx.hubs[i]->slice) &&
            !fx.nodes[i]->is_full) {
            return true;
        }
    }
    return false;
}

void settle(void)
{
    do {
        do {
            turn();
            check_rooms();
        } while (memory_backplane_step(&fx.world));
    } while (has_slices());
}

void settle_ms(unsigned ms)
{
    uint64_t end = clock_monotonic_ms() + ms;

    while (clock_monotonic_ms() < end) {
        settle();
    }
    settle(); /* a turn may have begun before the end, and taken long */
}

/* ---- nodes ---- */

static const struct hub_policy policy = {
    .max_rooms = 4,
    .max_pending_lines = 3,
    .linger_ms = 30000,
    .request_ms = 60000,
    .confirm_ms = 300,
};

void fixture_start(void)
{
    static const char *const ids[FIXTURE_NODES] = {"n0", "n1", "n2"};

    rng_init();
    fx = (struct fixture){.loop = loop_new()};
    memory_world_init(&fx.world);
    for (size_t i = 0; i < FIXTURE_NODES; i++) {
        fx.nodes[i] = memory_node_new(&fx.world, ids[i]);
        kept_names_init(&fx.names[i]);
        fx.hubs[i] = hub_new(fx.loop, memory_node_backplane(fx.nodes[i]), &policy);
    }
    settle();
}

static void end_node(size_t i)
{
    hub_free(fx.hubs[i]);
    fx.hubs[i] = NULL;
    turn();
    if (fx.nodes[i] != NULL) {
        memory_node_free(fx.nodes[i]);
        fx.nodes[i] = NULL;
    }
}

void keep_no_copies(size_t node)
{
    fx.hubs[node]->policy.linger_ms = 0;
}

void kill_node(size_t node)
{
    char id[NODE_ID_MAX + 1];

    memcpy(id, fx.nodes[node]->id, sizeof id);
    for (size_t i = 0; i < fx.talker_count; i++) {
        if (fx.talkers[i]->user != NULL && fx.talkers[i]->user->hub == fx.hubs[node]) {
            fx.talkers[i]->user = NULL;
        }
    }
    end_node(node);
    memory_world_reap(&fx.world, id);
}

void fixture_end(void)
{
    for (size_t i = 0; i < FIXTURE_NODES; i++) {
        end_node(i);
        kept_names_done(&fx.names[i]);
    }
    for (size_t i = 0; i < fx.talker_count; i++) {
        ck_assert_uint_eq(fx.talkers[i]->deafs, 0);
        strbuf_done(&fx.talkers[i]->heard);
        free(fx.talkers[i]);
    }
    memory_world_done(&fx.world);
    loop_free(fx.loop);
    ck_assert_uint_eq(msg_live_count(), 0);
    ck_assert_uint_eq(person_live_count(), 0);
    ck_assert_uint_eq(user_live_count(), 0);
    ck_assert_uint_eq(room_live_count(), 0);
    ck_assert_int_eq(metric_values[METRIC_ROOMS], 0);
    ck_assert_int_eq(metric_values[METRIC_MEMBERS], 0);
    ck_assert_int_eq(metric_values[METRIC_USERS], 0);
}

/* ---- people ---- */

struct talker *talker_new(size_t node)
{
    struct talker *t = xcalloc(1, sizeof *t);

    ck_assert_uint_lt(fx.talker_count, FIXTURE_TALKERS);
    fx.talkers[fx.talker_count++] = t;
    strbuf_init(&t->heard, 1 << 16);
    t->user = hub_user_new(fx.hubs[node], &sink_ops, t, SV("192.0.2.7"));
    return t;
}

struct talker *talker_named(size_t node, const char *name)
{
    struct talker *t = talker_new(node);

    nick(t, name);
    settle();
    ck_assert(hub_user_is_registered(t->user));
    strbuf_clear(&t->heard);
    return t;
}

struct talker *talker_in_a_by_key(size_t node, const char *name, struct str_view key)
{
    struct talker *t = talker_named(node, name);

    must(hub_join_with_key(t->user, SV("#a"), key));
    settle();
    ck_assert_ptr_nonnull(room_of(t, "#a"));
    ck_assert(hub_user_is_in(t->user, room_of(t, "#a")));
    forget_heard();
    return t;
}

struct talker *talker_in_a(size_t node, const char *name)
{
    return talker_in_a_by_key(node, name, SV(""));
}

struct room *room_of(const struct talker *t, const char *name)
{
    return hub_room_find(t->user->hub, sv_of(name));
}

void close_talker(struct talker *t, const char *reason)
{
    struct hub_user *u = t->user;

    t->user = NULL;
    hub_user_close(u, sv_of(reason));
}

static int compare_names(const void *a, const void *b)
{
    const struct str_view *x = a;
    const struct str_view *y = b;
    int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);

    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

const char *names_in(size_t node, const char *room)
{
    static char text[4096];
    struct str_view names[128];
    const struct room *r = hub_room_find(fx.hubs[node], sv_of(room));
    struct room_member m;
    size_t cursor = 0;
    size_t count = 0;
    size_t len = 0;

    while (r != NULL && room_next_member(r, &cursor, &m)) {
        ck_assert_uint_lt(count, PARLEY_COUNT_OF(names));
        names[count++] = person_nick(m.person);
    }
    qsort(names, count, sizeof names[0], compare_names);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            text[len++] = ' ';
        }
        memcpy(text + len, names[i].ptr, names[i].len);
        len += names[i].len;
    }
    text[len] = '\0';
    return text;
}

/* ---- modes ---- */

enum hub_result try_mode(struct hub_user *u, const struct room *room, const char *text)
{
    struct str_view parameter = sv_of(text);
    struct str_view letter = sv_next_until(&parameter, ' ');
    struct hub_mode_change change = {
        .is_added = letter.ptr[0] == '+',
        .letter = letter.ptr[1],
        .parameter = parameter,
    };
    enum hub_result result = hub_mode(u, room, &change, 1);

    return result == HUB_EMPTY ? change.result : result;
}

static void add_flags_of_members(struct strbuf *out, const struct room *r)
{
    const struct room_mode_row *row = NULL;

    for (size_t i = 0; (row = room_mode_at(i)) != NULL; i++) {
        struct room_member m;
        size_t cursor = 0;

        while (row->kind == ROOM_MODE_MEMBER && room_next_member(r, &cursor, &m)) {
            if ((m.flags & row->value) != 0) {
                add_change(out, true, row->letter, person_nick(m.person));
            }
        }
    }
}

const char *modes_in(size_t node, const char *room)
{
    static char text[1 << 16];
    const struct room *r = hub_room_find(fx.hubs[node], sv_of(room));
    struct number_text number;
    struct mode_op op;
    struct strbuf out;
    size_t cursor = 0;

    strbuf_init(&out, sizeof text - 1);
    while (r != NULL && modes_next(r, &cursor, &number, &op)) {
        add_change(&out, true, op.row->letter, op.text);
    }
    if (r != NULL) {
        add_flags_of_members(&out, r);
    }
    ck_assert(!out.failed);
    strbuf_drop(&out, out.len > 0 ? 1 : 0);
    memcpy(text, strbuf_cstr(&out), out.len + 1);
    strbuf_done(&out);
    return text;
}

void check_modes(const char *expected)
{
    static const char *const names[FIXTURE_NODES] = {"look0", "look1", "look2"};
    const char *keyed = strstr(expected, "+k ");
    struct str_view key = keyed != NULL ? sv_of(keyed + 3) : SV("");

    key.len = sv_find_char(key, ' ');

    for (size_t i = 0; i < FIXTURE_NODES; i++) {
        if (fx.hubs[i] != NULL) {
            struct talker *t = talker_in_a_by_key(i, names[i], key);

            ck_assert_str_eq(modes_in(i, "#a"), expected);
            close_talker(t, "");
            settle();
        }
    }
}
