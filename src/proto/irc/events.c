/* SPDX-License-Identifier: MIT */
/* What the hub tells a session: answers to its call, and news that many share. */
#include <parley/core/item.h>

#include <stdlib.h>

#include <parley/util/utf8.h>

#include "proto/irc/commands.h"
#include "proto/irc/modes.h"
#include "proto/irc/render.h"

/* ---- news ---- */

/* The event's line in the client's form, rendered once for all who read it in that form. A
 * ref for the caller, NULL if the event has no line. */
static struct msg *rendered(struct irc *irc, struct hub_event *e)
{
    unsigned form = irc_render_form(irc->caps, e);
    size_t slot = PROTO_VARIANT_IRC + form;
    struct msg **place = slot < HUB_VARIANTS_MAX ? &e->rendered[slot] : NULL;

    if (place != NULL && *place != NULL) {
        return msg_ref(*place);
    }
    struct strbuf *out = irc_begin(irc);
    if (!irc_render_event(out, e, form) || out->failed) {
        return NULL;
    }
    struct msg *m = msg_new(strbuf_view(out));
    if (place != NULL) {
        *place = msg_ref(m);
    }
    return m;
}

static void show(struct irc *irc, struct hub_event *e)
{
    struct msg *m = rendered(irc, e);

    if (m != NULL) {
        irc_send_shared(irc, m);
        msg_unref(m);
    }
}

/* All events of the run, in the client's form. */
static struct msg *render_run(struct irc *irc, const struct hub_run *run)
{
    struct strbuf *out = irc_begin(irc);
    uint32_t lines = 0;

    for (size_t i = 0; i < run->count; i++) {
        const struct hub_event *e = &run->events[i];

        lines += irc_render_event(out, e, irc_render_form(irc->caps, e)) ? 1 : 0;
    }
    return msg_new_of(strbuf_view(out), lines);
}

static void irc_deliver_run(void *sink, struct hub_run *run)
{
    struct irc *irc = sink;
    size_t slot = PROTO_VARIANT_IRC + irc_render_form_of_caps(irc->caps);
    struct msg *own = NULL;

    if (!irc_is_open(irc)) {
        return;
    }
    struct msg **place = slot < HUB_VARIANTS_MAX ? &run->rendered[slot] : &own;

    if (*place == NULL) {
        *place = render_run(irc, run);
    }
    irc_send_shared(irc, *place);
    msg_unref(own);
}

/* ---- what was said ---- */

/* Lines are a part of the answer of `call` from now on; NULL: of none. */
static void speak_for(struct irc *irc, struct irc_call *call)
{
    irc->speaking = call;
}

/* The labeled line came back: its echo, or that there is none, is the answer. */
static void answer_labeled(struct irc *irc, struct hub_event *e, struct str_view text)
{
    struct irc_call call = {.label = irc_label_new(text)};

    speak_for(irc, &call);
    if ((irc->caps & IRC_CAP_ECHO_MESSAGE) != 0) {
        irc_send_event(irc, e);
    }
    irc_send_label_end(irc, call.label);
    speak_for(irc, NULL);
    irc_label_free(call.label);
}

static void on_own_message(struct irc *irc, struct hub_event *e)
{
    struct strbuf label;

    strbuf_init(&label, ITEM_BYTES_MAX);
    said_take(&irc->said, e->room, &label);
    if (label.len > 0) {
        answer_labeled(irc, e, strbuf_view(&label));
    } else if ((irc->caps & IRC_CAP_ECHO_MESSAGE) == 0) {
        /* Who said it does not see it. */
    } else if (irc->call != NULL && irc->call->label != NULL) {
        speak_for(irc, irc->call);
        irc_send_event(irc, e);
        speak_for(irc, NULL);
    } else {
        show(irc, e);
    }
    strbuf_done(&label);
}

static void on_message(struct irc *irc, struct hub_event *e)
{
    if (e->origin == irc->user && e->room != NULL) {
        on_own_message(irc, e);
    } else {
        show(irc, e);
    }
}

/* The line was given up; the hub does not know its text any more. */
static void on_message_unavailable(struct irc *irc, struct hub_event *e)
{
    struct str_view room = e->room != NULL ? room_name(e->room) : SV("*");
    struct irc_call call = {.label = NULL};
    struct strbuf label;

    strbuf_init(&label, ITEM_BYTES_MAX);
    said_take_line(&irc->said, e->line, &label);
    call.label = label.len > 0 ? irc_label_new(strbuf_view(&label)) : NULL;
    speak_for(irc, &call);
    irc_reply(irc, ERR_CANNOTSENDTOCHAN, room, SV("the backplane is away"));
    if (call.label != NULL) {
        irc_send_label_end(irc, call.label);
    }
    speak_for(irc, NULL);
    irc_label_free(call.label);
    strbuf_done(&label);
}

static void tell_away(struct irc *irc, const struct hub_event *e)
{
    if (e->away.len > 0) {
        irc_reply(irc, RPL_AWAY, e->target, e->away);
    }
}

/* A NOTICE is never answered, and tags alone are none of a person's business. */
static void on_direct_sent(struct irc *irc, struct hub_event *e)
{
    if ((irc->caps & IRC_CAP_ECHO_MESSAGE) != 0) {
        irc_send_event(irc, e);
    }
    if (e->kind == ITEM_MESSAGE || e->kind == ITEM_ACTION) {
        tell_away(irc, e);
    }
}

/* ---- answers ---- */

static void on_registered(struct irc *irc, struct hub_event *e)
{
    (void)e;
    free(irc->newcomer);
    irc->newcomer = NULL;
    session_set_registered(irc->session);
    irc_tell_greeting(irc);
}

/* The name could not be had; another NICK goes on with the registration. */
static void forget_nick(struct irc *irc)
{
    if (irc->newcomer != NULL) {
        irc->newcomer->nick[0] = '\0';
    }
}

static void on_nick_taken(struct irc *irc, struct hub_event *e)
{
    forget_nick(irc);
    irc_reply(irc, ERR_NICKNAMEINUSE, e->text);
}

static void on_unavailable(struct irc *irc, struct hub_event *e)
{
    if (e->kind == ITEM_MESSAGE || e->kind == ITEM_ACTION || e->kind == ITEM_NOTICE ||
        e->kind == ITEM_TAGMSG) {
        on_message_unavailable(irc, e);
        return;
    }
    forget_nick(irc);
    irc_tell_unavailable(irc, e->text);
}

/* JOIN may have been shown just before; after a hole in the log it was not. */
static void on_welcome(struct irc *irc, struct hub_event *e)
{
    if (irc->shown_join != e->room) {
        struct hub_event join = *e;
        struct strbuf who;
        const struct person *self = hub_user_person(irc->user);

        strbuf_init(&who, IRC_LINE_BYTES_MAX);
        strbuf_add_fmt(&who, "%.*s!%.*s@%.*s", SV_ARG(person_nick(self)),
                       SV_ARG(person_user(self)), SV_ARG(person_host(self)));
        join.type = EV_JOIN;
        join.who = strbuf_view(&who);
        join.account = person_account(self);
        irc_send_event(irc, &join);
        strbuf_done(&who);
    }
    irc->shown_join = NULL;
    if (irc->speaking != NULL && irc->speaking->row->run == irc_command_join) {
        strbuf_add(&irc->speaking->text, room_name(e->room)); /* it tells the rest */
    } else {
        irc_tell_welcome(irc, e->room);
    }
}

static void on_no_such_nick(struct irc *irc, struct hub_event *e)
{
    struct irc_call *call = irc->speaking;

    if (call != NULL && call->on_person != NULL) {
        call->on_person(irc, call, NULL, NULL);
    } else if (call == NULL || !sv_equal(call->row->name, SV("NOTICE"))) {
        irc_reply(irc, ERR_NOSUCHNICK, e->text);
    }
}

static void on_whois(struct irc *irc, struct hub_event *e)
{
    struct irc_call *call = irc->speaking;
    struct hub_event_person p = {.nick = e->text};

    if (call == NULL || call->on_person == NULL) {
        return;
    }
    if (!person_record_decode(e->record, &p)) {
        p = (struct hub_event_person){.nick = e->text, .user = SV("*"), .host = SV("*")};
    }
    call->on_person(irc, call, &p, e->person);
}

/* ---- own doing, which is an answer too, or somebody else's ---- */

static void answer_or_show(struct irc *irc, struct hub_event *e)
{
    if (irc->speaking != NULL) {
        irc_send_event(irc, e);
    } else {
        show(irc, e);
    }
}

static void on_join(struct irc *irc, struct hub_event *e)
{
    if (e->origin == irc->user) {
        irc->shown_join = e->room;
    }
    answer_or_show(irc, e);
}

/* Before or after hub_join() has returned. */
static void on_join_refused(struct irc *irc, struct hub_event *e)
{
    static const enum irc_numeric numerics[] = {
        [HUB_BANNED] = ERR_BANNEDFROMCHAN,
        [HUB_INVITE_ONLY] = ERR_INVITEONLYCHAN,
        [HUB_BAD_KEY] = ERR_BADCHANNELKEY,
        [HUB_FULL] = ERR_CHANNELISFULL,
    };

    PARLEY_ASSERT((size_t)e->reason < PARLEY_COUNT_OF(numerics));
    irc_reply(irc, numerics[e->reason], e->room_name);
}

static void on_invited(struct irc *irc, struct hub_event *e)
{
    irc_reply(irc, RPL_INVITING, e->target, e->room_name);
    tell_away(irc, e);
}

static void on_invite_seen(struct irc *irc, struct hub_event *e)
{
    if ((irc->caps & IRC_CAP_INVITE_NOTIFY) != 0 &&
        e->person != hub_user_person(irc->user)) {
        show(irc, e);
    }
}

/* What MONITOR tells beyond coming and going wants extended-monitor. */
static bool is_wanted(const struct irc *irc, const struct hub_event *e)
{
    return !e->is_watched || (irc->caps & IRC_CAP_EXTENDED_MONITOR) != 0;
}

static void on_away(struct irc *irc, struct hub_event *e)
{
    if (e->origin == irc->user) {
        if (irc->speaking != NULL) {
            irc_reply_plain(irc, e->text.len > 0 ? RPL_NOWAWAY : RPL_UNAWAY);
        }
    } else if ((irc->caps & IRC_CAP_AWAY_NOTIFY) != 0 && is_wanted(irc, e)) {
        show(irc, e);
    }
}

static void on_setname(struct irc *irc, struct hub_event *e)
{
    if ((irc->caps & IRC_CAP_SETNAME) != 0 && is_wanted(irc, e)) {
        answer_or_show(irc, e);
    }
}

/* ---- own modes, and operators' doings ---- */

static void on_user_modes(struct irc *irc, struct hub_event *e)
{
    unsigned before = irc->modes;
    struct str_view nick = irc_nick(irc);

    irc_set_modes(irc, irc_modes_of(e->text));
    if (before == irc->modes) {
        return;
    }
    struct strbuf *out = irc_begin(irc);
    strbuf_add_fmt(out, ":%.*s MODE %.*s :", SV_ARG(nick), SV_ARG(nick));
    irc_modes_add_change(out, before, irc->modes);
    irc_end(irc);
}

static void on_kill_sent(struct irc *irc, struct hub_event *e)
{
    struct strbuf text;

    strbuf_init(&text, IRC_LINE_BYTES_MAX);
    strbuf_add_fmt(&text, "%.*s is thrown off", SV_ARG(e->target));
    irc_tell_notice(irc, strbuf_view(&text));
    strbuf_done(&text);
}

/* RFC 2812, 3.7.1: KILL, and a reason that tells who did it. */
static void on_killed(struct irc *irc, struct hub_event *e)
{
    struct strbuf reason;

    show(irc, e);
    strbuf_init(&reason, IRC_LINE_BYTES_MAX);
    strbuf_add_fmt(&reason, "Killed (%.*s (%.*s))", SV_ARG(hub_nick_of(e->who)),
                   SV_ARG(utf8_truncate(e->text, IRC_KILL_BYTES_MAX)));
    session_close(irc->session, CLOSE_KILLED, strbuf_cstr(&reason));
    strbuf_done(&reason);
}

static void on_nothing(struct irc *irc, struct hub_event *e)
{
    (void)irc;
    (void)e;
}

typedef void (*event_fn)(struct irc *irc, struct hub_event *e);

static const struct event_row {
    event_fn fn;    /* NULL: it is only shown */
    bool is_answer; /* whatever its origin */
} rows[] = {
    [EV_REGISTERED] = {on_registered, true},
    [EV_NICK_TAKEN] = {on_nick_taken, true},
    [EV_UNAVAILABLE] = {on_unavailable, true},
    [EV_WELCOME] = {on_welcome, true},
    [EV_JOIN] = {on_join, false},
    [EV_LEAVE] = {answer_or_show, false},
    [EV_NICK] = {answer_or_show, false},
    [EV_TOPIC] = {answer_or_show, false},
    [EV_MESSAGE] = {on_message, false},
    [EV_TAGMSG] = {on_message, false},
    [EV_RECENT] = {on_nothing, false}, /* CHATHISTORY comes later */
    [EV_HISTORY_END] = {on_nothing, false},
    [EV_DIRECT_SENT] = {on_direct_sent, true},
    [EV_NO_SUCH_NICK] = {on_no_such_nick, true},
    [EV_ROOM_LISTED] = {irc_on_room_listed, true},
    [EV_ROOMS_END] = {on_nothing, true},
    [EV_WHOIS] = {on_whois, true},
    [EV_AWAY] = {on_away, false},
    [EV_JOIN_REFUSED] = {on_join_refused, true},
    [EV_INVITED] = {on_invited, true},
    [EV_INVITE_SEEN] = {on_invite_seen, false},
    [EV_KICK] = {answer_or_show, false},
    [EV_MODE] = {answer_or_show, false},
    [EV_SETNAME] = {on_setname, false},
    [EV_ONLINE] = {irc_on_online, false},
    [EV_OFFLINE] = {irc_on_offline, false},
    [EV_USER_MODES] = {on_user_modes, true},
    [EV_KILLED] = {on_killed, false},
    [EV_KILL_SENT] = {on_kill_sent, true},
    [EV_WALLOPS] = {show, false},
};

/* The call whose answer this event is a part of, or NULL. */
static struct irc_call *call_of(const struct irc *irc, const struct hub_event *e,
                                bool is_answer)
{
    struct irc_call *call = irc->speaking != NULL ? irc->speaking : irc->call;

    return is_answer || e->origin == irc->user ? call : NULL;
}

/* It comes back when it comes, whatever is asked for meanwhile. */
static bool is_pipelined(const struct hub_event *e)
{
    return e->type == EV_MESSAGE || e->type == EV_TAGMSG || e->type == EV_WALLOPS;
}

static void irc_deliver(void *sink, struct hub_event *e)
{
    static const struct event_row shown = {show, false};
    struct irc *irc = sink;
    struct irc_call *before = irc->speaking;
    const struct event_row *row = &shown;

    if (!irc_is_open(irc)) {
        return;
    }
    if ((size_t)e->type < PARLEY_COUNT_OF(rows) && rows[e->type].fn != NULL) {
        row = &rows[e->type];
    }
    irc->speaking = is_pipelined(e) ? NULL : call_of(irc, e, row->is_answer);
    row->fn(irc, e);
    irc->speaking = before;
}

static void irc_on_idle(void *sink)
{
    struct irc *irc = sink;

    if (irc_is_open(irc) && hub_user_is_settled(irc->user)) {
        said_done(&irc->said); /* what fell into a hole does not come back */
    }
    irc_go_on(irc);
}

/* What waits is offered again: PING is answered at once now. */
static void irc_on_away(void *sink)
{
    irc_offer_again(sink);
}

const struct hub_sink_ops irc_sink_ops = {
    .deliver = irc_deliver,
    .deliver_run = irc_deliver_run,
    .on_idle = irc_on_idle,
    .on_away = irc_on_away,
};
