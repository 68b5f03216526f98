/* SPDX-License-Identifier: MIT */
/* What the hub tells a session: most of it is one line that all readers share. */
#include <parley/core/item.h>
#include <parley/util/msg.h>

#include "proto/line/line.h"
#include "proto/line/render.h"

/* Make the event's line, once for all who read it. NULL if it has none. */
static struct msg *rendered(struct line *l, struct hub_event *e)
{
    struct msg **place = &e->rendered[PROTO_VARIANT_LINE];

    if (*place == NULL) {
        struct strbuf *out = line_begin(l);
        if (render_event(out, e)) {
            strbuf_add(out, SV("\r\n"));
            *place = out->failed ? NULL : msg_new(strbuf_view(out));
        }
    }
    return *place;
}

static void show(struct line *l, struct hub_event *e)
{
    struct msg *m = rendered(l, e);

    if (m != NULL) {
        session_send(l->session, m);
    }
}

static void line_deliver_run(void *sink, struct hub_run *run)
{
    struct line *l = sink;
    struct msg **place = &run->rendered[PROTO_VARIANT_LINE];
    uint32_t lines = 0;

    if (!line_is_open(l)) {
        return;
    }
    if (*place == NULL) {
        struct strbuf *out = line_begin(l);

        for (size_t i = 0; i < run->count; i++) {
            if (render_event(out, &run->events[i])) {
                strbuf_add(out, SV("\r\n"));
                lines++;
            }
        }
        *place = msg_new_of(strbuf_view(out), lines);
    }
    session_send(l->session, *place);
}

static bool is_own(const struct line *l, const struct hub_event *e)
{
    return e->origin == l->user ||
           (e->person != NULL && e->person == hub_user_person(l->user));
}

static void on_registered(struct line *l, struct hub_event *e)
{
    (void)e;
    if (l->state == LINE_NAMING) {
        l->state = LINE_ENTERING;
        session_set_registered(l->session);
    }
}

static void on_nick_taken(struct line *l, struct hub_event *e)
{
    if (l->state == LINE_NAMING) {
        l->state = LINE_NAMELESS;
    }
    show(l, e);
}

/* #lobby could not be joined, but the name is there. */
static void tell_homeless(struct line *l)
{
    struct strbuf *out = line_begin(l);

    l->state = LINE_PRESENT;
    strbuf_add(out, SV("* You are "));
    strbuf_add(out, person_nick(hub_user_person(l->user)));
    strbuf_add(out, SV(" in no room: /join one."));
    line_send(l);
}

/* The hub does not know the text any more. */
static void on_line_given_up(struct line *l, struct hub_event *e)
{
    struct strbuf text;

    strbuf_init(&text, ITEM_BYTES_MAX);
    said_take_line(&l->said, e->line, &text);
    line_tell_unavailable(l, e->kind, strbuf_view(&text));
    strbuf_done(&text);
}

static void on_unavailable(struct line *l, struct hub_event *e)
{
    if (e->kind == ITEM_MESSAGE || e->kind == ITEM_ACTION) {
        on_line_given_up(l, e);
        return;
    }
    line_tell_unavailable(l, e->kind, e->text);
    if (!line_is_open(l)) {
        return;
    }
    if (l->state == LINE_NAMING) {
        l->state = LINE_NAMELESS;
    } else if (l->state == LINE_ENTERING) {
        tell_homeless(l);
    }
}

static void on_welcome(struct line *l, struct hub_event *e)
{
    const struct room *room = e->room;

    l->current = room;
    line_tell_place(l, room);
    l->state = LINE_PRESENT;
    if (line_is_open(l) && room_topic(room).len > 0) {
        render_topic(line_begin(l), room);
        line_send(l);
    }
    if (line_is_open(l)) {
        room_show_recent(room, l->user);
    }
}

/* The others are told; who joined reads EV_WELCOME. */
static void on_join(struct line *l, struct hub_event *e)
{
    if (!is_own(l, e)) {
        show(l, e);
    }
}

/* The most recently joined room that is not `left`. */
static const struct room *newest_room_but(const struct line *l, const struct room *left)
{
    const struct room *newest = NULL;
    const struct room *room = NULL;

    for (size_t i = 0; (room = hub_user_room(l->user, i)) != NULL; i++) {
        newest = room != left ? room : newest;
    }
    return newest;
}

/* Where the client is now that it is not in `left` any more; ends the line. */
static void tell_rest(struct line *l, struct strbuf *out, const struct room *left)
{
    if (l->current == left || l->current == NULL) {
        l->current = newest_room_but(l, left);
    }
    if (l->current != NULL) {
        strbuf_add(out, SV(". You are in "));
        strbuf_add(out, room_name(l->current));
        strbuf_add_char(out, '.');
    } else {
        strbuf_add(out, SV(". You are in no room: /join one."));
    }
    line_send(l);
}

static void on_leave(struct line *l, struct hub_event *e)
{
    if (!is_own(l, e)) {
        show(l, e);
        return;
    }
    struct strbuf *out = line_begin(l);
    strbuf_add(out, SV("* You left "));
    strbuf_add(out, room_name(e->room));
    tell_rest(l, out, e->room);
}

static void on_kick(struct line *l, struct hub_event *e)
{
    if (e->other != hub_user_person(l->user)) {
        show(l, e);
        return;
    }
    struct strbuf *out = line_begin(l);
    strbuf_add(out, SV("* You were"));
    render_kicked(out, e);
    tell_rest(l, out, e->room);
}

static void on_killed(struct line *l, struct hub_event *e)
{
    struct strbuf reason;

    show(l, e);
    strbuf_init(&reason, ITEM_BYTES_MAX);
    strbuf_add_fmt(&reason, "killed by %.*s: ", SV_ARG(hub_nick_of(e->who)));
    strbuf_add(&reason, e->text);
    if (line_is_open(l)) {
        session_close(l->session, CLOSE_KILLED, strbuf_cstr(&reason));
    }
    strbuf_done(&reason);
}

static void on_join_refused(struct line *l, struct hub_event *e)
{
    show(l, e);
    if (line_is_open(l) && l->state == LINE_ENTERING) {
        tell_homeless(l);
    }
}

static void on_message(struct line *l, struct hub_event *e)
{
    show(l, e);
    if (e->origin == l->user && line_is_open(l)) {
        said_take(&l->said, e->room, NULL);
    }
}

static void on_room_listed(struct line *l, struct hub_event *e)
{
    if (l->listed++ < RENDER_LISTED_MAX) {
        show(l, e);
    }
}

static void on_rooms_end(struct line *l, struct hub_event *e)
{
    struct strbuf *out = line_begin(l);
    uint32_t listed = l->listed;

    (void)e;
    l->listed = 0;
    strbuf_add_fmt(out, "* %u room%s", listed, listed == 1 ? "" : "s");
    if (listed > RENDER_LISTED_MAX) {
        strbuf_add_fmt(out, ", %d are shown", RENDER_LISTED_MAX);
    }
    strbuf_add_char(out, '.');
    line_send(l);
}

typedef void (*event_fn)(struct line *l, struct hub_event *e);

/* What is not here is only shown. */
static const event_fn handlers[] = {
    [EV_REGISTERED] = on_registered,
    [EV_NICK_TAKEN] = on_nick_taken,
    [EV_UNAVAILABLE] = on_unavailable,
    [EV_WELCOME] = on_welcome,
    [EV_JOIN] = on_join,
    [EV_LEAVE] = on_leave,
    [EV_MESSAGE] = on_message,
    [EV_ROOM_LISTED] = on_room_listed,
    [EV_ROOMS_END] = on_rooms_end,
    [EV_JOIN_REFUSED] = on_join_refused,
    [EV_KICK] = on_kick,
    [EV_KILLED] = on_killed,
};

static void line_deliver(void *sink, struct hub_event *e)
{
    struct line *l = sink;

    if (!line_is_open(l)) {
        return;
    }
    if ((size_t)e->type < PARLEY_COUNT_OF(handlers) && handlers[e->type] != NULL) {
        handlers[e->type](l, e);
    } else {
        show(l, e);
    }
}

static void enter_lobby(struct line *l)
{
    struct str_view lobby = SV("#lobby");

    enum hub_result result = hub_join(l->user, lobby);
    if (result == HUB_OK || result == HUB_ALREADY) {
        line_start_serial(l);
        return;
    }
    line_tell_unavailable(l, ITEM_JOIN, lobby);
    if (line_is_open(l)) {
        tell_homeless(l);
        line_go_on(l);
    }
}

static void line_on_idle(void *sink)
{
    struct line *l = sink;

    if (!line_is_open(l)) {
        return;
    }
    l->serial = hub_user_is_busy(l->user);
    if (hub_user_is_settled(l->user)) {
        said_done(&l->said); /* what fell into a hole does not come back */
    }
    if (l->state == LINE_ENTERING && !l->serial) {
        enter_lobby(l);
    } else {
        line_go_on(l);
    }
}

/* What waits is offered again: /ping is answered at once now. */
static void line_on_away(void *sink)
{
    line_go_on(sink);
}

const struct hub_sink_ops line_sink_ops = {
    .deliver = line_deliver,
    .deliver_run = line_deliver_run,
    .on_idle = line_on_idle,
    .on_away = line_on_away,
};
