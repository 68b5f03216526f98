/* SPDX-License-Identifier: MIT */
/* Server operators (RFC 2812 sections 3.1.4, 3.7.1, 4.2, 4.7), and the modes of people. */
#include <parley/core/log.h>
#include <parley/util/mask.h>
#include <parley/util/password.h>
#include <parley/util/utf8.h>

#include "proto/irc/commands.h"
#include "proto/irc/modes.h"

/* Verifying a password stops the loop (see password.h): so often it may at most. */
enum {
    OPER_NODE_MS = 500,     /* between two on this node */
    OPER_SESSION_MS = 5000, /* of one session, after a wrong one */
};

bool irc_is_operator(struct irc *irc)
{
    if ((irc->modes & IRC_USER_OPERATOR) == 0) {
        irc_reply_plain(irc, ERR_NOPRIVILEGES);
        return false;
    }
    return true;
}

/* ---- modes ---- */

static enum irc_step set_modes(struct irc *irc, unsigned modes, enum irc_step next)
{
    struct strbuf letters;

    strbuf_init(&letters, PERSON_MODES_MAX);
    irc_modes_add_user_letters(&letters, modes);
    enum hub_result result = hub_set_modes(irc->user, strbuf_view(&letters));
    strbuf_done(&letters);
    return irc_requested(irc, result, irc_nick(irc), next, IRC_DONE);
}

/* The modes that `changes` ("+i-w") makes of those that are. */
static unsigned changed_modes(struct irc *irc, struct str_view changes)
{
    unsigned modes = irc->modes;
    bool is_added = true;
    bool is_known = true;

    for (size_t i = 0; i < changes.len; i++) {
        unsigned bit = irc_modes_user_bit(changes.ptr[i]);

        if (changes.ptr[i] == '+' || changes.ptr[i] == '-') {
            is_added = changes.ptr[i] == '+';
        } else if (bit == 0) {
            is_known = false;
        } else if (is_added) {
            modes |= bit == IRC_USER_OPERATOR ? 0 : bit;
        } else {
            modes &= ~bit;
        }
    }
    if (!is_known) {
        irc_reply_plain(irc, ERR_UMODEUNKNOWNFLAG);
    }
    return modes;
}

static enum irc_step own_modes(struct irc *irc, const struct irc_call *call)
{
    struct strbuf text;

    if (call->m.count > 1) {
        unsigned modes = changed_modes(irc, call->m.params[1]);
        return modes != irc->modes ? set_modes(irc, modes, IRC_LAST) : IRC_DONE;
    }
    strbuf_init(&text, IRC_LINE_BYTES_MAX);
    irc_modes_add_user(&text, irc->modes);
    irc_reply(irc, RPL_UMODEIS, strbuf_view(&text));
    strbuf_done(&text);
    return IRC_DONE;
}

static void on_other(struct irc *irc, struct irc_call *call,
                     const struct hub_event_person *p, const struct person *known)
{
    (void)known;
    if (p == NULL) {
        irc_reply(irc, ERR_NOSUCHNICK, call->m.params[0]);
    } else {
        irc_reply_plain(irc, ERR_USERSDONTMATCH);
    }
}

/* Serial, whether or not MODE is. */
enum irc_step irc_user_modes(struct irc *irc, struct irc_call *call)
{
    struct str_view nick = call->m.params[0];

    call->needs_quiet = true;
    if (!hub_user_is_settled(irc->user)) {
        return IRC_AGAIN;
    }
    if (sv_equal_nocase(nick, irc_nick(irc))) {
        return own_modes(irc, call);
    }
    return irc_look_up(irc, call, nick, on_other) == IRC_AGAIN ? IRC_LAST : IRC_DONE;
}

/* ---- OPER ---- */

static bool may_try(const struct irc *irc)
{
    uint64_t now_ms = loop_now_ms(irc->app->loop);

    return now_ms >= irc->oper_ms && now_ms >= irc->app->next_oper_ms;
}

/* What is verified for an unknown name does not matter, but that it takes as long. */
static bool is_right(const struct proto_app *app, struct str_view name,
                     struct str_view password)
{
    const struct options_oper *oper = &app->opers[0];
    bool is_known = false;

    for (size_t i = 0; i < app->oper_count && !is_known; i++) {
        is_known = sv_equal(name, sv_of(app->opers[i].name));
        oper = is_known ? &app->opers[i] : oper;
    }
    return password_verify(oper->hash, password) && is_known;
}

static bool verify(struct irc *irc, struct str_view name, struct str_view password)
{
    uint64_t now_ms = loop_now_ms(irc->app->loop);
    bool is_passed = is_right(irc->app, name, password);

    irc->app->next_oper_ms = now_ms + OPER_NODE_MS;
    irc->oper_ms = is_passed ? 0 : now_ms + OPER_SESSION_MS;
    log_event(is_passed ? LOG_INFO : LOG_WARN, is_passed ? "oper" : "oper_refused",
              "nick=%.*s host=%.*s name=\"%.*s\"", SV_ARG(irc_nick(irc)),
              SV_ARG(person_host(hub_user_person(irc->user))),
              SV_ARG(utf8_truncate(name, NICK_BYTES_MAX)));
    return is_passed;
}

enum irc_step irc_command_oper(struct irc *irc, struct irc_call *call)
{
    bool is_operator = (irc->modes & IRC_USER_OPERATOR) != 0;

    if (call->step > 0 || is_operator) {
        if (is_operator) {
            irc_reply_plain(irc, RPL_YOUREOPER);
        }
        return IRC_DONE;
    }
    if (irc->app->oper_count == 0) {
        irc_reply_plain(irc, ERR_NOOPERHOST);
    } else if (!may_try(irc)) {
        irc_reply(irc, RPL_TRYAGAIN, call->row->name);
    } else if (!verify(irc, call->m.params[0], call->m.params[1])) {
        irc_reply_plain(irc, ERR_PASSWDMISMATCH);
    } else {
        return set_modes(irc, irc->modes | IRC_USER_OPERATOR, IRC_AGAIN);
    }
    return IRC_DONE;
}

/* ---- what only they may ---- */

enum irc_step irc_command_kill(struct irc *irc, struct irc_call *call)
{
    struct str_view nick = call->m.params[0];
    struct str_view reason = utf8_truncate(call->m.params[1], IRC_KILL_BYTES_MAX);

    if (!irc_is_operator(irc)) {
        return IRC_DONE;
    }
    if (mask_matches(nick, SV(IRC_SERVER_NAME))) {
        irc_reply_plain(irc, ERR_CANTKILLSERVER);
        return IRC_DONE;
    }
    log_info("kill", "by=%.*s nick=\"%.*s\"", SV_ARG(irc_nick(irc)),
             SV_ARG(utf8_truncate(nick, NICK_BYTES_MAX)));
    return irc_requested(irc, hub_kill(irc->user, nick, reason), nick, IRC_LAST,
                         IRC_DONE);
}

enum irc_step irc_command_wallops(struct irc *irc, struct irc_call *call)
{
    if (!irc_is_operator(irc)) {
        return IRC_DONE;
    }
    enum hub_result result = hub_wallops(irc->user, call->m.params[0]);

    if (result == HUB_EMPTY) {
        irc_reply(irc, ERR_NEEDMOREPARAMS, call->row->name);
        return IRC_DONE;
    }
    return irc_requested(irc, result, SV("*"), IRC_DONE, IRC_DONE);
}

enum irc_step irc_command_rehash(struct irc *irc, struct irc_call *call)
{
    char error[MOTD_ERROR_SIZE];

    (void)call;
    if (!irc_is_operator(irc)) {
        return IRC_DONE;
    }
    irc_reply(irc, RPL_REHASHING, SV("motd-file"));
    if (!proto_app_reload_motd(irc->app, error)) {
        irc_tell_notice(irc, sv_of(error));
    }
    return IRC_DONE;
}
