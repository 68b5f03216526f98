/* SPDX-License-Identifier: MIT */
#include "proto/line/render.h"

#include <parley/core/item.h>
#include <parley/hub/hub.h>
#include <parley/util/clock.h>

#include "proto/text.h"

/* ---- parts ---- */

/* The nick of whose doing it is. */
static struct str_view actor_of(const struct hub_event *e)
{
    if (e->who.len > 0) {
        return hub_nick_of(e->who);
    }
    return e->person != NULL ? person_nick(e->person) : SV("somebody");
}

static void add_room(struct strbuf *out, const struct hub_event *e)
{
    if (e->room != NULL) {
        strbuf_add(out, room_name(e->room));
    }
}

/* " (reason)", if there is one. */
static void add_reason(struct strbuf *out, struct str_view reason)
{
    if (reason.len > 0) {
        strbuf_add(out, SV(" ("));
        text_add_clean(out, reason);
        strbuf_add_char(out, ')');
    }
}

/* "* nick does", with a blank on both sides of the nick. */
static void add_deed(struct strbuf *out, const struct hub_event *e, struct str_view deed)
{
    strbuf_add(out, SV("* "));
    text_add_clean(out, actor_of(e));
    strbuf_add(out, deed);
}

/* "<nick> text", "* nick text" or "-nick- text". */
static void add_speech(struct strbuf *out, const struct hub_event *e)
{
    struct str_view before = SV("<");
    struct str_view behind = SV("> ");

    if (e->kind == ITEM_ACTION) {
        before = SV("* ");
        behind = SV(" ");
    } else if (e->kind == ITEM_NOTICE) {
        before = SV("-");
        behind = SV("- ");
    }
    strbuf_add(out, before);
    text_add_clean(out, actor_of(e));
    strbuf_add(out, behind);
    text_add_clean(out, e->text);
}

/* "[from -> to] text": a plain message does not name its speaker again. */
static void add_direct(struct strbuf *out, const struct hub_event *e,
                       struct str_view from, struct str_view to)
{
    strbuf_add_char(out, '[');
    text_add_clean(out, from);
    strbuf_add(out, SV(" -> "));
    text_add_clean(out, to);
    strbuf_add(out, SV("] "));
    if (e->kind == ITEM_ACTION || e->kind == ITEM_NOTICE) {
        add_speech(out, e);
    } else {
        text_add_clean(out, e->text);
    }
}

/* ---- one function for each type of event ---- */

static void on_nick_taken(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add(out, SV("! The name \""));
    text_add_excerpt(out, e->text);
    strbuf_add(out, SV("\" is taken. Choose another."));
}

static void on_unavailable(struct strbuf *out, const struct hub_event *e)
{
    bool said = e->kind == ITEM_MESSAGE || e->kind == ITEM_ACTION ||
                e->kind == ITEM_NOTICE || e->kind == ITEM_DIRECT;

    strbuf_add(out, said ? SV("! Not sent") : SV("! Not done"));
    strbuf_add(out, SV(", the backplane is away: \""));
    text_add_excerpt(out, e->text);
    strbuf_add_char(out, '"');
}

static void on_join(struct strbuf *out, const struct hub_event *e)
{
    add_deed(out, e, SV(" joined "));
    add_room(out, e);
}

static void on_leave(struct strbuf *out, const struct hub_event *e)
{
    add_deed(out, e, SV(" left "));
    add_room(out, e);
    add_reason(out, e->text);
}

static void on_quit(struct strbuf *out, const struct hub_event *e)
{
    add_deed(out, e, SV(" quit"));
    add_reason(out, e->text);
}

static void on_nick(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add(out, SV("* "));
    text_add_clean(out, e->old_nick);
    strbuf_add(out, SV(" is now "));
    text_add_clean(out, e->person != NULL ? person_nick(e->person) : e->text);
}

static void on_topic(struct strbuf *out, const struct hub_event *e)
{
    bool removed = e->text.len == 0;

    add_deed(out, e,
             removed ? SV(" removed the topic of ") : SV(" changed the topic of "));
    add_room(out, e);
    if (!removed) {
        strbuf_add(out, SV(" to: "));
        text_add_clean(out, e->text);
    }
}

static void on_kick(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add(out, SV("* "));
    text_add_clean(out, e->target);
    strbuf_add(out, SV(" was"));
    render_kicked(out, e);
}

static void on_invite(struct strbuf *out, const struct hub_event *e)
{
    add_deed(out, e, SV(" invites you to "));
    text_add_clean(out, e->room_name);
}

static void on_killed(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add(out, SV("! You were disconnected by "));
    text_add_clean(out, actor_of(e));
    add_reason(out, e->text);
    strbuf_add_char(out, '.');
}

static void on_join_refused(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add(out, SV("! You may not come into "));
    text_add_clean(out, e->room_name);
    if (e->reason == HUB_BANNED) {
        strbuf_add(out, SV(": you are banned."));
    } else if (e->reason == HUB_INVITE_ONLY) {
        strbuf_add(out, SV(": you are not invited."));
    } else if (e->reason == HUB_BAD_KEY) {
        strbuf_add(out, SV(": it needs a key."));
    } else {
        strbuf_add(out, SV(": it is full."));
    }
}

/* One change of a member; others are for those who set them. */
static void add_change(struct strbuf *out, const struct hub_event *e,
                       const struct hub_mode_change *c)
{
    static const struct {
        char letter;
        bool is_added;
        struct str_view before; /* the nick */
        struct str_view behind;
    } deeds[] = {
        {'o', true, SV_INIT(" made "), SV_INIT(" an operator of ")},
        {'o', false, SV_INIT(" made "), SV_INIT(" no operator any more of ")},
        {'v', true, SV_INIT(" gave "), SV_INIT(" a voice in ")},
        {'v', false, SV_INIT(" took from "), SV_INIT(" the voice in ")},
    };

    for (size_t i = 0; i < PARLEY_COUNT_OF(deeds); i++) {
        if (deeds[i].letter == c->letter && deeds[i].is_added == c->is_added) {
            strbuf_add(out, out->len > 0 ? SV("\r\n") : SV(""));
            add_deed(out, e, deeds[i].before);
            text_add_clean(out, c->parameter);
            strbuf_add(out, deeds[i].behind);
            add_room(out, e);
        }
    }
}

static void on_mode(struct strbuf *out, const struct hub_event *e)
{
    for (size_t i = 0; i < e->change_count && e->who.len > 0; i++) {
        add_change(out, e, &e->changes[i]);
    }
}

/* What is only for some of the room has their mark, as IRC writes it: "[@#room]". */
static void on_message(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add_char(out, '[');
    strbuf_add(out, sv(&e->status, e->status != '\0' ? 1 : 0));
    add_room(out, e);
    strbuf_add(out, SV("] "));
    add_speech(out, e);
}

static void on_lost(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add(out, SV("* "));
    text_add_lost(out, e->count);
}

static void on_recent(struct strbuf *out, const struct hub_event *e)
{
    char time[CLOCK_ISO_SIZE];

    clock_format_iso(e->time_ms, time);
    strbuf_add_char(out, '[');
    add_room(out, e);
    strbuf_add_fmt(out, " %s] ", time);
    if (e->kind == ITEM_LOST) {
        on_lost(out, e);
    } else {
        add_speech(out, e);
    }
}

static void on_history_end(struct strbuf *out, const struct hub_event *e)
{
    (void)e;
    strbuf_add(out, SV("* End of history."));
}

static void on_direct(struct strbuf *out, const struct hub_event *e)
{
    add_direct(out, e, actor_of(e), SV("you"));
}

static void on_direct_sent(struct strbuf *out, const struct hub_event *e)
{
    add_direct(out, e, SV("you"), e->target);
}

static void on_no_such_nick(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add(out, SV("! There is nobody called \""));
    text_add_excerpt(out, e->text);
    strbuf_add(out, SV("\"."));
}

static void on_hole(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add(out, SV("* Some lines of "));
    add_room(out, e);
    strbuf_add(out, SV(" are missing here."));
}

static void on_room_listed(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add(out, SV("* "));
    text_add_clean(out, e->room_name);
    strbuf_add(out, SV(" ("));
    strbuf_add_u64(out, e->count);
    strbuf_add_char(out, ')');
    if (e->text.len > 0) {
        strbuf_add(out, SV(": "));
        text_add_clean(out, e->text);
    }
}

static void on_whois(struct strbuf *out, const struct hub_event *e)
{
    struct hub_event_person p = {0};
    bool known = person_record_decode(e->record, &p);

    strbuf_add(out, SV("* "));
    text_add_clean(out, known ? p.nick : e->text);
    if (!known) {
        strbuf_add(out, SV(" is online"));
        return;
    }
    strbuf_add(out, SV(" is "));
    text_add_clean(out, p.user);
    strbuf_add_char(out, '@');
    text_add_clean(out, p.host);
    if (!sv_equal_nocase(p.realname, p.nick)) {
        add_reason(out, p.realname);
    }
    if (p.account.len > 0) {
        strbuf_add(out, SV(", account "));
        text_add_clean(out, p.account);
    }
    if (p.away.len > 0) {
        strbuf_add(out, SV(", away: "));
        text_add_clean(out, p.away);
    }
}

static void on_away(struct strbuf *out, const struct hub_event *e)
{
    if (e->text.len == 0) {
        add_deed(out, e, SV(" is back"));
        return;
    }
    add_deed(out, e, SV(" is away: "));
    text_add_clean(out, e->text);
}

typedef void (*render_fn)(struct strbuf *out, const struct hub_event *e);

static const render_fn renderers[] = {
    [EV_NICK_TAKEN] = on_nick_taken,
    [EV_UNAVAILABLE] = on_unavailable,
    [EV_JOIN] = on_join,
    [EV_LEAVE] = on_leave,
    [EV_QUIT] = on_quit,
    [EV_NICK] = on_nick,
    [EV_TOPIC] = on_topic,
    [EV_MESSAGE] = on_message,
    [EV_RECENT] = on_recent,
    [EV_HISTORY_END] = on_history_end,
    [EV_DIRECT] = on_direct,
    [EV_DIRECT_SENT] = on_direct_sent,
    [EV_NO_SUCH_NICK] = on_no_such_nick,
    [EV_HOLE] = on_hole,
    [EV_LOST] = on_lost,
    [EV_ROOM_LISTED] = on_room_listed,
    [EV_WHOIS] = on_whois,
    [EV_AWAY] = on_away,
    [EV_JOIN_REFUSED] = on_join_refused,
    [EV_INVITE] = on_invite,
    [EV_KICK] = on_kick,
    [EV_KILLED] = on_killed,
    [EV_MODE] = on_mode,
};

bool render_event(struct strbuf *out, const struct hub_event *e)
{
    if ((size_t)e->type >= PARLEY_COUNT_OF(renderers) || renderers[e->type] == NULL) {
        return false;
    }
    renderers[e->type](out, e);
    return out->len > 0;
}

void render_kicked(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add(out, SV(" kicked from "));
    add_room(out, e);
    strbuf_add(out, SV(" by "));
    text_add_clean(out, actor_of(e));
    add_reason(out, e->text);
}

/* ---- rooms ---- */

void render_company(struct strbuf *out, const struct room *room,
                    const struct person *self)
{
    size_t cursor = 0;
    size_t named = 0;
    size_t others = room_member_count(room);
    struct room_member m;

    others -= others > 0 ? 1 : 0;
    if (others == 0) {
        strbuf_add(out, SV(", alone."));
        return;
    }
    strbuf_add(out, SV(" with "));
    while (named < RENDER_NAMES_MAX && room_next_member(room, &cursor, &m)) {
        if (m.person == self) {
            continue;
        }
        strbuf_add(out, named > 0 ? SV(", ") : SV(""));
        text_add_clean(out, person_nick(m.person));
        named++;
    }
    if (others > named) {
        strbuf_add_fmt(out, " and %zu other%s", others - named,
                       others - named == 1 ? "" : "s");
    }
    strbuf_add_char(out, '.');
}

void render_topic(struct strbuf *out, const struct room *room)
{
    struct str_view by = hub_nick_of(room_topic_by(room));

    strbuf_add(out, SV("* Topic of "));
    strbuf_add(out, room_name(room));
    strbuf_add(out, SV(": "));
    text_add_clean(out, room_topic(room));
    if (by.len > 0) {
        strbuf_add(out, SV(" (set by "));
        text_add_clean(out, by);
        strbuf_add_char(out, ')');
    }
}

size_t render_members(struct strbuf *out, const struct room *room, size_t *cursor)
{
    size_t named = 0;
    struct room_member m;

    while (named < RENDER_NAMES_MAX && room_next_member(room, cursor, &m)) {
        if (named == 0) {
            strbuf_add(out, SV("* "));
            strbuf_add(out, room_name(room));
        }
        strbuf_add(out, named > 0 ? SV(", ") : SV(": "));
        text_add_clean(out, person_nick(m.person));
        strbuf_add(out, person_away(m.person).len > 0 ? SV(" (away)") : SV(""));
        named++;
    }
    return named;
}
