/* SPDX-License-Identifier: MIT */
#include "proto/irc/irc.h"

#include <stdlib.h>

#include <parley/core/loop.h>
#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "proto/front.h"
#include "proto/irc/commands.h"
#include "proto/irc/modes.h"

bool irc_is_open(const struct irc *irc)
{
    return irc->session != NULL;
}

bool irc_is_registered(const struct irc *irc)
{
    return irc->newcomer == NULL;
}

void irc_set_modes(struct irc *irc, unsigned modes)
{
    struct proto_app *app = irc->app;

    app->operators -= (irc->modes & IRC_USER_OPERATOR) != 0 ? 1 : 0;
    app->operators += (modes & IRC_USER_OPERATOR) != 0 ? 1 : 0;
    app->invisible -= (irc->modes & IRC_USER_INVISIBLE) != 0 ? 1 : 0;
    app->invisible += (modes & IRC_USER_INVISIBLE) != 0 ? 1 : 0;
    irc->modes = (uint8_t)modes;
}

/* ---- calls ---- */

static void call_done(struct irc_call *call)
{
    irc_label_free(call->label);
    strbuf_done(&call->text);
    free(call->line);
}

static bool is_blocked(const struct irc *irc, const struct irc_call *call)
{
    return hub_user_is_busy(irc->user) ||
           (call->needs_quiet && !hub_user_is_settled(irc->user));
}

/* May the command begin? PING while the backplane is away does not wait for anything. */
static bool must_wait(const struct irc *irc, const struct irc_command *row)
{
    if ((row->flags & IRC_URGENT) != 0 && !hub_is_available(irc->app->hub)) {
        return false;
    }
    if (irc->call != NULL) {
        return true;
    }
    return (row->flags & IRC_SERIAL) != 0 && !hub_user_is_settled(irc->user);
}

static enum irc_step run_once(struct irc *irc, struct irc_call *call)
{
    if (call->is_last) {
        return IRC_DONE;
    }
    if (!irc_is_registered(irc) && (call->row->flags & IRC_EARLY) == 0) {
        irc_reply_plain(irc, ERR_NOTREGISTERED);
        return IRC_DONE;
    }
    if (call->m.count < call->row->params_min) {
        irc_reply(irc, ERR_NEEDMOREPARAMS, call->row->name);
        return IRC_DONE;
    }
    return call->row->run(irc, call);
}

/* Carry the call on as far as it goes now. True: it is over, or the session is. */
static bool run(struct irc *irc, struct irc_call *call)
{
    struct irc_call *before = irc->speaking;
    bool was_running = irc->is_running;
    enum irc_step step = IRC_AGAIN;

    irc->speaking = call;
    irc->is_running = true;
    do {
        step = run_once(irc, call);
        call->step++;
        call->is_last = call->is_last || step == IRC_LAST;
    } while (step != IRC_DONE && irc_is_open(irc) && !is_blocked(irc, call));
    irc->speaking = before;
    irc->is_running = was_running;
    return step == IRC_DONE || !irc_is_open(irc);
}

static void finish(struct irc *irc, struct irc_call *call)
{
    if (call->label != NULL && irc_is_open(irc)) {
        irc_send_label_end(irc, call->label);
    }
    call_done(call);
}

static void keep(struct irc *irc, const struct irc_call *call, struct str_view line)
{
    struct irc_call *kept = xmalloc(sizeof *kept);

    PARLEY_ASSERT(irc->call == NULL);
    *kept = *call;
    kept->line = xstrndup(line.ptr, line.len);
    PARLEY_ASSERT(irc_message_parse(sv(kept->line, line.len), &kept->m) ==
                  IRC_MESSAGE_OK);
    irc->call = kept;
}

static void go_on_with_call(struct irc *irc)
{
    struct irc_call *call = irc->call;

    if (!is_blocked(irc, call) && run(irc, call)) {
        irc->call = NULL;
        finish(irc, call);
        free(call);
    }
}

void irc_go_on(struct irc *irc)
{
    if (!irc_is_open(irc) || irc->is_running) {
        return;
    }
    if (irc->call != NULL) {
        go_on_with_call(irc);
    }
    if (irc->call == NULL) {
        irc_offer_again(irc);
    }
}

void irc_offer_again(struct irc *irc)
{
    if (irc_is_open(irc) && irc->is_waiting) {
        irc->is_waiting = false;
        session_resume(irc->session);
    }
}

/* ---- lines ---- */

/* labeled-response: it wants batch too. */
static struct irc_label *label_of(const struct irc *irc, const struct irc_message *m)
{
    uint32_t needed = IRC_CAP_LABELED_RESPONSE | IRC_CAP_BATCH;
    struct str_view text = {0};

    if ((irc->caps & needed) != needed ||
        !irc_message_find_tag(m->tags, SV("label"), &text) || text.len == 0 ||
        text.len > IRC_LABEL_BYTES_MAX) {
        return NULL;
    }
    return irc_label_new(text);
}

static void begin_call(struct irc *irc, struct irc_call *call, struct str_view line)
{
    irc_command_count_up(call->row);
    call->label = label_of(irc, &call->m);
    call->needs_quiet = (call->row->flags & IRC_SERIAL) != 0;
    strbuf_init(&call->text, IRC_LINE_BYTES_MAX);
    if (run(irc, call)) {
        finish(irc, call);
    } else {
        keep(irc, call, line);
    }
}

static enum line_result take_line(struct irc *irc, struct str_view line)
{
    struct irc_call call = {.row = NULL};

    switch (irc_message_parse(line, &call.m)) {
    case IRC_MESSAGE_BLANK:
        return LINE_DONE;
    case IRC_MESSAGE_TOO_LONG:
        metric_add(METRIC_BAD_LINES, 1);
        irc_reply_plain(irc, ERR_INPUTTOOLONG);
        return LINE_DONE;
    case IRC_MESSAGE_NOT_UTF8:
        /* IRCv3 utf8-only: sent whether or not the client knows standard replies. */
        metric_add(METRIC_BAD_LINES, 1);
        irc_fail(irc, SV("*"), "INVALID_UTF8", SV(""),
                 "The line was refused: this network speaks UTF-8 only");
        return LINE_DONE;
    case IRC_MESSAGE_OK:
        break;
    }
    call.row = irc_command_find(call.m.command);
    if (must_wait(irc, call.row)) {
        return LINE_WAIT;
    }
    begin_call(irc, &call, line);
    return LINE_DONE;
}

static bool is_stray(char c)
{
    return c == '\r' || c == '\0';
}

/* Take a line that holds what no message may hold (RFC 2812, 2.3.1): blanks take its place. */
static enum line_result take_unclean_line(struct irc *irc, struct str_view line)
{
    char *clean = xstrndup(line.ptr, line.len);

    for (size_t i = 0; i < line.len; i++) {
        clean[i] = is_stray(line.ptr[i]) ? ' ' : line.ptr[i];
    }
    enum line_result result = take_line(irc, sv(clean, line.len));
    free(clean);
    return result;
}

static void heard(struct irc *irc)
{
    irc->heard_ms = loop_now_ms(irc->app->loop);
    irc->is_pinged = false;
}

static enum line_result irc_on_line(void *front, struct str_view line,
                                    enum line_flaw flaw)
{
    struct irc *irc = front;
    enum line_result result = LINE_DONE;

    heard(irc);
    irc->is_waiting = false;
    if (flaw == LINE_TOO_LONG) {
        irc_reply_plain(irc, ERR_INPUTTOOLONG);
    } else if (sv_find_char(line, '\r') < line.len ||
               sv_find_char(line, '\0') < line.len) {
        result = take_unclean_line(irc, line);
    } else {
        result = take_line(irc, line);
    }
    irc->is_waiting = result == LINE_WAIT;
    return result;
}

static bool irc_on_urgent_line(void *front, struct str_view line)
{
    struct irc *irc = front;
    struct irc_message m;

    if (hub_is_available(irc->app->hub) ||
        irc_message_parse(line, &m) != IRC_MESSAGE_OK ||
        (irc_command_find(m.command)->flags & IRC_URGENT) == 0) {
        return false;
    }
    heard(irc);
    return take_line(irc, line) == LINE_DONE;
}

/* ---- silence ---- */

static void irc_on_deadline(void *front)
{
    struct irc *irc = front;
    uint64_t silent_ms = loop_now_ms(irc->app->loop) - irc->heard_ms;

    if (irc->call != NULL || irc->is_waiting) {
        /* What we hold its lines for is not the client's fault. */
        session_set_deadline(irc->session, irc->app->ping_ms);
    } else if (silent_ms < irc->app->ping_ms) {
        session_set_deadline(irc->session, irc->app->ping_ms - silent_ms);
    } else if (!irc->is_pinged) {
        irc->is_pinged = true;
        session_set_deadline(irc->session, irc->app->pong_ms);
        strbuf_add(irc_begin(irc), SV("PING :" IRC_SERVER_NAME));
        irc_end(irc);
    } else {
        session_close(irc->session, CLOSE_PING_TIMEOUT, NULL);
    }
}

/* ---- life ---- */

static void *irc_start(struct proto_app *app, struct session *s)
{
    struct irc *irc = xcalloc(1, sizeof *irc);
    struct str_view host = session_host(s);
    char text[IRC_HOST_BYTES_MAX + 8] = "0";

    irc->app = app;
    irc->session = s;
    irc->newcomer = xcalloc(1, sizeof *irc->newcomer);
    irc->heard_ms = loop_now_ms(app->loop);
    said_init(&irc->said);
    if (host.len > 0 && host.ptr[0] == ':' && host.len < sizeof text - 1) {
        for (size_t i = 0; i < host.len; i++) {
            text[i + 1] = host.ptr[i];
        }
        host = sv(text, host.len + 1);
    }
    irc->user = hub_user_new(app->hub, &irc_sink_ops, irc, host);
    session_allow_line(s, IRC_TAGS_BYTES_MAX + IRC_LINE_BYTES_MAX);
    session_set_deadline(s, irc->app->ping_ms);
    return irc;
}

static void irc_free(void *arg)
{
    struct irc *irc = arg;

    if (irc->call != NULL) {
        call_done(irc->call);
        free(irc->call);
    }
    free(irc->newcomer);
    free(irc);
}

/* What the others are told of who is gone. */
static struct str_view quit_reason(enum close_reason reason, const char *detail)
{
    static const char *const reasons[CLOSE_REASON_COUNT] = {
        [CLOSE_PEER_CLOSED] = "connection closed",
        [CLOSE_PEER_RESET] = "connection reset",
        [CLOSE_SLOW_READER] = "reads too slowly",
        [CLOSE_PING_TIMEOUT] = "ping timeout",
        [CLOSE_DRAIN] = "node is being replaced",
        [CLOSE_SHUTDOWN] = "node is stopping",
    };
    bool is_told = reason == CLOSE_QUIT || reason == CLOSE_KILLED;

    return sv_of(is_told ? detail : reasons[reason]);
}

static void say_farewell(struct irc *irc, enum close_reason reason, const char *detail)
{
    struct strbuf out;

    if (reason == CLOSE_PEER_CLOSED || reason == CLOSE_PEER_RESET) {
        return;
    }
    /* Not the scratch buffer: closing may happen while that is being filled. */
    strbuf_init(&out, IRC_LINE_BYTES_MAX);
    strbuf_add(&out, SV("ERROR :Closing link: "));
    irc_numeric_add_text(&out, reason == CLOSE_QUIT ? SV("Quit: ") : SV(""));
    irc_numeric_add_text(&out, sv_of(detail));
    irc_numeric_cut(&out, 0);
    strbuf_add(&out, SV("\r\n"));
    session_send_text(irc->session, strbuf_view(&out));
    strbuf_done(&out);
}

static void irc_on_close(void *front, enum close_reason reason, const char *detail)
{
    struct irc *irc = front;

    say_farewell(irc, reason, detail);
    irc_set_modes(irc, 0);
    hub_user_close(irc->user, quit_reason(reason, detail));
    irc->session = NULL;
    irc->user = NULL;
    said_done(&irc->said);
    loop_bury(irc->app->loop, irc, irc_free);
}

/* A registration command with its argument (docs/PROTOCOL.md, "The beginning"). */
static bool irc_claims(struct str_view first_line)
{
    static const char *const commands[] = {"CAP", "NICK", "PASS", "USER", "AUTHENTICATE"};
    struct str_view rest = sv_trim(first_line);
    struct str_view word = sv_next_word(&rest);

    for (size_t i = 0; i < PARLEY_COUNT_OF(commands); i++) {
        if (sv_equal_nocase(word, sv_of(commands[i]))) {
            return rest.len > 0;
        }
    }
    return false;
}

/* A client shows it as the server's; before there is a nick it goes to "*". */
static void irc_on_drain(void *front, uint64_t seconds)
{
    struct irc *irc = front;

    strbuf_add_fmt(irc_begin(irc),
                   ":" IRC_SERVER_NAME
                   " NOTICE %.*s :This node is being replaced. You will be disconnected "
                   "within %llu s: connect again then.",
                   SV_ARG(irc_nick(irc)), (unsigned long long)seconds);
    irc_end(irc);
}

static const struct front_ops irc_ops = {
    .protocol = SESSION_SPEAKS_IRC,
    .on_drain = irc_on_drain,
    .on_line = irc_on_line,
    .on_urgent_line = irc_on_urgent_line,
    .on_deadline = irc_on_deadline,
    .on_close = irc_on_close,
};

const struct proto_front irc_front = {"irc", irc_claims, &irc_ops, irc_start};
