/* SPDX-License-Identifier: MIT */
/* MONITOR: who comes and goes (IRCv3 monitor, extended-monitor). */
#include "proto/irc/commands.h"

/* Of the names in one line: behind them there is always room for one more. */
enum { LIST_BYTES_MAX = 340 };

/* ---- lists, in as many lines as they take ---- */

static void flush(struct irc *irc, struct irc_call *call, enum irc_numeric numeric)
{
    if (call->text.len > 0) {
        irc_reply(irc, numeric, strbuf_view(&call->text));
        strbuf_clear(&call->text);
    }
}

static void add(struct irc *irc, struct irc_call *call, enum irc_numeric numeric,
                struct str_view text)
{
    strbuf_add(&call->text, call->text.len > 0 ? SV(",") : SV(""));
    strbuf_add(&call->text, text);
    if (call->text.len > LIST_BYTES_MAX) {
        flush(irc, call, numeric);
    }
}

static enum irc_step list(struct irc *irc, struct irc_call *call)
{
    struct hub_watched watched;

    for (size_t i = 0; hub_watched_at(irc->user, i, &watched); i++) {
        add(irc, call, RPL_MONLIST, watched.nick);
    }
    flush(irc, call, RPL_MONLIST);
    irc_reply_plain(irc, RPL_ENDOFMONLIST);
    return IRC_DONE;
}

static void tell_those(struct irc *irc, struct irc_call *call, bool is_online)
{
    enum irc_numeric numeric = is_online ? RPL_MONONLINE : RPL_MONOFFLINE;
    struct hub_watched watched;

    for (size_t i = 0; hub_watched_at(irc->user, i, &watched); i++) {
        if ((watched.who.len > 0) == is_online) {
            add(irc, call, numeric, is_online ? watched.who : watched.nick);
        }
    }
    flush(irc, call, numeric);
}

static enum irc_step status(struct irc *irc, struct irc_call *call)
{
    tell_those(irc, call, true);
    tell_those(irc, call, false);
    return IRC_DONE;
}

/* ---- changes ---- */

static enum irc_step clear(struct irc *irc, struct irc_call *call)
{
    (void)call;
    hub_unwatch_all(irc->user);
    return IRC_DONE;
}

static enum irc_step take_away(struct irc *irc, struct irc_call *call)
{
    struct str_view nick = {0};

    while (irc_message_next_item(call->m.params[1], &call->at, &nick)) {
        hub_unwatch(irc->user, nick);
    }
    return IRC_DONE;
}

static void tell_full(struct irc *irc, struct str_view rest)
{
    struct irc_digits digits;

    irc_reply(irc, ERR_MONLISTFULL, irc_digits(HUB_WATCHED_MAX, &digits), rest);
}

/* One name after the other; EV_ONLINE and EV_OFFLINE are the answers. */
static enum irc_step put_in(struct irc *irc, struct irc_call *call)
{
    struct str_view names = call->m.params[1];
    struct str_view nick = {0};

    while (irc_is_open(irc) && irc_message_next_item(names, &call->at, &nick)) {
        enum hub_result result = hub_watch(irc->user, nick);

        if (result == HUB_LIST_FULL) {
            size_t from = (size_t)(nick.ptr - names.ptr);
            tell_full(irc, sv(nick.ptr, names.len - from));
            return IRC_DONE;
        }
        if (result == HUB_BAD_NAME) {
            irc_reply(irc, RPL_MONOFFLINE, nick); /* nobody can have it */
        } else if (irc_requested(irc, result, nick, IRC_AGAIN, IRC_DONE) == IRC_AGAIN) {
            return IRC_AGAIN;
        }
    }
    return IRC_DONE;
}

enum irc_step irc_command_monitor(struct irc *irc, struct irc_call *call)
{
    static const struct {
        char letter;
        irc_handler run;
    } subcommands[] = {
        {'+', put_in}, {'-', take_away}, {'C', clear}, {'L', list}, {'S', status},
    };
    struct str_view what = call->m.params[0];

    for (size_t i = 0; what.len == 1 && i < PARLEY_COUNT_OF(subcommands); i++) {
        if (ascii_lower(what.ptr[0]) == ascii_lower(subcommands[i].letter)) {
            return subcommands[i].run(irc, call);
        }
    }
    return IRC_DONE;
}

/* ---- news ---- */

void irc_on_online(struct irc *irc, struct hub_event *e)
{
    irc_reply(irc, RPL_MONONLINE, e->who);
}

void irc_on_offline(struct irc *irc, struct hub_event *e)
{
    irc_reply(irc, RPL_MONOFFLINE, e->text);
}
