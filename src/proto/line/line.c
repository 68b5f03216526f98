/* SPDX-License-Identifier: MIT */
#include "proto/line/line.h"

#include <stdlib.h>

#include <parley/core/item.h>
#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "proto/front.h"
#include "proto/line/parse.h"
#include "proto/line/render.h"
#include "proto/text.h"

/* ---- talking to the client ---- */

struct strbuf *line_begin(struct line *l)
{
    strbuf_clear(&l->app->scratch);
    return &l->app->scratch;
}

struct strbuf *line_begin_refusal(struct line *l)
{
    struct strbuf *out = line_begin(l);

    metric_add(METRIC_BAD_LINES, 1);
    strbuf_add(out, SV("! "));
    return out;
}

void line_send(struct line *l)
{
    struct strbuf *out = &l->app->scratch;

    strbuf_add(out, SV("\r\n"));
    if (l->session != NULL && !out->failed) {
        session_send_text(l->session, strbuf_view(out));
    }
}

void line_refuse(struct line *l, struct str_view text)
{
    strbuf_add(line_begin_refusal(l), text);
    line_send(l);
}

void line_refuse_bad_name(struct line *l, struct str_view name)
{
    struct strbuf *out = line_begin_refusal(l);

    strbuf_add(out, SV("The name \""));
    text_add_excerpt(out, name);
    strbuf_add(out,
               SV("\" is not valid: use 1 to 32 letters, digits or any of -_[]{}\\`^| "
                  "and begin with neither a digit nor -."));
    line_send(l);
}

void line_refuse_no_room(struct line *l)
{
    line_refuse(l, SV("You are in no room. Use /join #room."));
}

void line_refuse_not_in(struct line *l, struct str_view room)
{
    struct strbuf *out = line_begin_refusal(l);

    strbuf_add(out, SV("You are not in "));
    text_add_excerpt(out, room);
    strbuf_add_char(out, '.');
    line_send(l);
}

void line_refuse_too_long(struct line *l, size_t max_bytes)
{
    strbuf_add_fmt(line_begin_refusal(l), "The text is too long: at most %zu bytes.",
                   max_bytes);
    line_send(l);
}

void line_tell_unavailable(struct line *l, char kind, struct str_view what)
{
    struct hub_event e = {.type = EV_UNAVAILABLE, .kind = kind, .text = what};
    struct strbuf *out = line_begin(l);

    if (l->state != LINE_NAMELESS && l->state != LINE_NAMING) {
        if (render_event(out, &e)) {
            line_send(l);
        }
        return;
    }
    strbuf_add(out, SV("! The name \""));
    text_add_excerpt(out, what);
    strbuf_add(out, SV("\" could not be checked: the backplane is away. Try it again."));
    line_send(l);
}

void line_tell_place(struct line *l, const struct room *room)
{
    const struct person *self = hub_user_person(l->user);
    struct strbuf *out = line_begin(l);

    strbuf_add(out, SV("* You are "));
    if (l->state == LINE_ENTERING) {
        strbuf_add(out, person_nick(self));
        strbuf_add_char(out, ' ');
    }
    strbuf_add(out, SV("in "));
    strbuf_add(out, room_name(room));
    render_company(out, room, self);
    line_send(l);
}

/* ---- state ---- */

bool line_is_open(const struct line *l)
{
    return l->session != NULL;
}

const struct room *line_room(struct line *l)
{
    const struct room *newest = NULL;
    const struct room *room = NULL;

    /* The pointer is not followed before the hub has shown it again. */
    for (size_t i = 0; (room = hub_user_room(l->user, i)) != NULL; i++) {
        if (room == l->current) {
            return room;
        }
        newest = room;
    }
    l->current = newest;
    return newest;
}

void line_start_serial(struct line *l)
{
    /* It may be done already, or have ended the session. */
    l->serial = line_is_open(l) && hub_user_is_busy(l->user);
}

void line_go_on(struct line *l)
{
    if (l->waiting && line_is_open(l)) {
        l->waiting = false;
        session_resume(l->session);
    }
}

/* ---- requests ---- */

/* The answers to hub_nick() that come at once. */
static enum line_result refuse_name(struct line *l, struct str_view name,
                                    enum hub_result result)
{
    if (result == HUB_ALREADY) {
        struct strbuf *out = line_begin_refusal(l);
        strbuf_add(out, SV("You are "));
        strbuf_add(out, name);
        strbuf_add(out, SV(" already."));
        line_send(l);
    } else if (result == HUB_TOO_MANY) {
        return LINE_WAIT;
    } else if (result == HUB_UNAVAILABLE) {
        line_tell_unavailable(l, ITEM_NICK, name);
    } else {
        line_refuse_bad_name(l, name);
    }
    return LINE_DONE;
}

enum line_result line_ask_name(struct line *l, struct str_view name)
{
    bool is_first = l->state == LINE_NAMELESS;

    if (!hub_nick_is_valid(name)) {
        line_refuse_bad_name(l, name);
        return LINE_DONE;
    }
    if (is_first) {
        hub_user_describe(l->user, name, sv(NULL, 0), sv(NULL, 0));
    }
    enum hub_result result = hub_nick(l->user, name);
    if (result != HUB_OK) {
        return refuse_name(l, name, result);
    }
    if (is_first) {
        l->state = LINE_NAMING;
    }
    line_start_serial(l);
    if (is_first && !hub_is_available(l->app->hub) && line_is_open(l)) {
        /* The name was given in time: that it cannot be checked is not the client's fault. */
        session_set_registered(l->session);
        strbuf_add(line_begin(l),
                   SV("* The backplane is away. Your name will be taken when "
                      "it is back."));
        line_send(l);
    }
    return LINE_DONE;
}

static void refuse_speech(struct line *l, const struct room *room)
{
    struct strbuf *out = line_begin_refusal(l);

    strbuf_add(out, SV("You may not speak in "));
    strbuf_add(out, room_name(room));
    strbuf_add_char(out, '.');
    line_send(l);
}

enum line_result line_say(struct line *l, char kind, struct str_view text)
{
    const struct room *room = line_room(l);

    if (room == NULL) {
        line_refuse_no_room(l);
        return LINE_DONE;
    }
    switch (hub_say(l->user, room, kind, text)) {
    case HUB_OK:
        said_add(&l->said, room, hub_user_line(l->user), text);
        break;
    case HUB_TOO_MANY:
        return LINE_WAIT;
    case HUB_TOO_LONG:
        line_refuse_too_long(l, HUB_TEXT_BYTES_MAX);
        break;
    case HUB_UNAVAILABLE:
        line_tell_unavailable(l, kind, text);
        break;
    case HUB_NOT_MEMBER:
        line_refuse_not_in(l, room_name(room));
        break;
    case HUB_BANNED:
    case HUB_MODERATED:
    case HUB_NO_CTCP:
        refuse_speech(l, room);
        break;
    case HUB_BAD_NAME:
    case HUB_ALREADY:
    case HUB_EMPTY:
    case HUB_INVITE_ONLY:
    case HUB_BAD_KEY:
    case HUB_FULL:
    case HUB_NOT_OPERATOR:
    case HUB_NO_SUCH_MEMBER:
    case HUB_NO_SUCH_MODE:
    case HUB_BAD_PARAMETER:
    case HUB_LIST_FULL:
        break;
    }
    return LINE_DONE;
}

/* ---- the session's callbacks ---- */

static void *line_start(struct proto_app *app, struct session *s)
{
    struct line *l = xcalloc(1, sizeof *l);

    l->app = app;
    l->session = s;
    said_init(&l->said);
    l->user = hub_user_new(app->hub, &line_sink_ops, l, session_host(s));
    return l;
}

/* A line that is clean and not too long. */
static enum line_result take_line(struct line *l, struct str_view text)
{
    struct input in = parse_line(text);

    switch (in.kind) {
    case INPUT_BLANK:
        break;
    case INPUT_COMMAND:
        return line_run_command(l, &in);
    case INPUT_TEXT:
        if (l->serial) {
            return LINE_WAIT;
        }
        return l->state == LINE_NAMELESS ? line_ask_name(l, sv_trim(text))
                                         : line_say(l, ITEM_MESSAGE, in.text);
    }
    return LINE_DONE;
}

/* Counted by the session if it came too long. */
static enum line_result refuse_long_line(struct line *l)
{
    if (l->serial) {
        return LINE_WAIT;
    }
    strbuf_add_fmt(
        line_begin(l),
        "! The line is too long: at most %llu bytes with its end. It was dropped.",
        (unsigned long long)l->app->max_line_bytes);
    line_send(l);
    return LINE_DONE;
}

/* Take a line that holds something to be replaced or left out. */
static enum line_result take_unclean_line(struct line *l, struct str_view line)
{
    struct strbuf clean;

    strbuf_init(&clean, (size_t)l->app->max_line_bytes);
    text_add_clean(&clean, line);
    metric_add(METRIC_BAD_LINES, clean.failed && !l->serial ? 1 : 0);
    enum line_result result = clean.failed ? refuse_long_line(l)
                                           : take_line(l, strbuf_view(&clean));
    strbuf_done(&clean);
    return result;
}

static enum line_result line_on_line(void *front, struct str_view line,
                                     enum line_flaw flaw)
{
    struct line *l = front;
    enum line_result result = LINE_DONE;

    l->waiting = false;
    if (flaw == LINE_TOO_LONG) {
        result = refuse_long_line(l);
    } else if (text_is_clean(line)) {
        result = take_line(l, line);
    } else {
        result = take_unclean_line(l, line);
    }
    l->waiting = result == LINE_WAIT;
    return result;
}

static bool line_on_urgent_line(void *front, struct str_view line)
{
    struct line *l = front;

    if (hub_is_available(l->app->hub) || !text_is_clean(line)) {
        return false;
    }
    struct input in = parse_line(line);
    return line_is_urgent(&in) && line_run_command(l, &in) == LINE_DONE;
}

static void line_on_deadline(void *front)
{
    (void)front; /* none is set */
}

/* What the others are told of who is gone. */
static struct str_view quit_reason(enum close_reason reason, const char *detail)
{
    static const char *const reasons[CLOSE_REASON_COUNT] = {
        [CLOSE_PEER_CLOSED] = "connection closed",
        [CLOSE_PEER_RESET] = "connection reset",
        [CLOSE_SLOW_READER] = "reads too slowly",
        [CLOSE_DRAIN] = "node is being replaced",
        [CLOSE_SHUTDOWN] = "node is stopping",
    };
    bool is_told = reason == CLOSE_QUIT || reason == CLOSE_KILLED;

    return sv_of(is_told ? detail : reasons[reason]);
}

static void say_farewell(struct line *l, enum close_reason reason)
{
    const char *why = close_reason_text(reason);
    struct strbuf out;

    /* Not the scratch buffer: closing may happen while that is being sent. */
    strbuf_init(&out, 256);
    if (reason == CLOSE_QUIT) {
        strbuf_add(&out, SV("* Goodbye.\r\n"));
    } else if (why[0] != '\0') {
        strbuf_add_fmt(&out, "! %s\r\n", why);
    }
    if (out.len > 0) {
        session_send_text(l->session, strbuf_view(&out));
    }
    strbuf_done(&out);
}

static void line_on_drain(void *front, uint64_t seconds)
{
    struct line *l = front;

    strbuf_add_fmt(
        line_begin(l),
        "* This node is being replaced. You will be disconnected within %llu s: "
        "connect again then.",
        (unsigned long long)seconds);
    line_send(l);
}

static void line_on_close(void *front, enum close_reason reason, const char *detail)
{
    struct line *l = front;

    say_farewell(l, reason);
    hub_user_close(l->user, quit_reason(reason, detail));
    l->session = NULL;
    l->user = NULL;
    said_done(&l->said);
    loop_bury(l->app->loop, l, free);
}

static bool claims_all(struct str_view first_line)
{
    (void)first_line;
    return true;
}

static const struct front_ops line_ops = {
    .protocol = SESSION_SPEAKS_LINE,
    .on_line = line_on_line,
    .on_urgent_line = line_on_urgent_line,
    .on_deadline = line_on_deadline,
    .on_drain = line_on_drain,
    .on_close = line_on_close,
};

const struct proto_front line_front = {"line", claims_all, &line_ops, line_start};
