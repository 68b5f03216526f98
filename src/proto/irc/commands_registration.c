/* SPDX-License-Identifier: MIT */
/* Registration and the connection (RFC 2812 section 3.1; IRCv3 capability-negotiation). */
#include <string.h>

#include <parley/util/utf8.h>

#include "proto/irc/commands.h"

/* Copy the beginning of `text`, cut on a character; `size` counts the terminator. */
static void copy_text(char *to, size_t size, struct str_view text)
{
    text = utf8_truncate(text, size - 1);
    if (text.len > 0) {
        memcpy(to, text.ptr, text.len);
    }
    to[text.len] = '\0';
}

/* ---- becoming somebody ---- */

static void tell_held(struct irc *irc)
{
    /* All was said in time: that it cannot be checked is not the client's fault. */
    session_set_registered(irc->session);
    strbuf_add(irc_begin(irc), SV(":" IRC_SERVER_NAME
                                  " NOTICE * :The backplane is away. Your nick will be "
                                  "taken when it is back."));
    irc_end(irc);
}

/* When NICK and USER are there and no negotiation is under way. The rest: EV_REGISTERED. */
static enum irc_step try_register(struct irc *irc)
{
    const struct irc_newcomer *n = irc->newcomer;

    if (n->nick[0] == '\0' || !n->has_user || n->is_negotiating) {
        return IRC_DONE;
    }
    hub_user_describe(irc->user, sv_of(n->user), sv_of(n->realname), sv(NULL, 0));
    struct str_view nick = sv_of(n->nick);
    enum irc_step step = irc_requested(irc, hub_nick(irc->user, nick), nick, IRC_LAST,
                                       IRC_DONE);
    if (step == IRC_LAST && !hub_is_available(irc->app->hub)) {
        tell_held(irc);
    }
    return step;
}

enum irc_step irc_command_nick(struct irc *irc, struct irc_call *call)
{
    struct str_view nick = call->m.params[0];

    if (nick.len == 0) {
        irc_reply_plain(irc, ERR_NONICKNAMEGIVEN);
        return IRC_DONE;
    }
    if (!hub_nick_is_valid(nick)) {
        irc_reply(irc, ERR_ERRONEUSNICKNAME, nick);
        return IRC_DONE;
    }
    if (irc_is_registered(irc)) {
        return irc_requested(irc, hub_nick(irc->user, nick), nick, IRC_LAST, IRC_DONE);
    }
    copy_text(irc->newcomer->nick, sizeof irc->newcomer->nick, nick);
    return try_register(irc);
}

static bool is_user_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '.';
}

/* "~" as nobody has asked an identd, then what a user name may be. */
static void set_user(struct irc_newcomer *n, struct str_view user)
{
    size_t len = 0;

    n->user[len++] = '~';
    for (size_t i = 0; i < user.len && len < IRC_USER_BYTES_MAX; i++) {
        if (is_user_char(user.ptr[i])) {
            n->user[len++] = user.ptr[i];
        }
    }
    if (len == 1) {
        n->user[len++] = 'u';
    }
    n->user[len] = '\0';
}

enum irc_step irc_command_user(struct irc *irc, struct irc_call *call)
{
    if (irc_is_registered(irc)) {
        irc_reply_plain(irc, ERR_ALREADYREGISTERED);
        return IRC_DONE;
    }
    set_user(irc->newcomer, call->m.params[0]);
    copy_text(irc->newcomer->realname, sizeof irc->newcomer->realname, call->m.params[3]);
    irc->newcomer->has_user = true;
    return try_register(irc);
}

enum irc_step irc_command_pass(struct irc *irc, struct irc_call *call)
{
    (void)call;
    if (irc_is_registered(irc)) {
        irc_reply_plain(irc, ERR_ALREADYREGISTERED);
    }
    return IRC_DONE;
}

/* SASL is not offered: there are no accounts. */
enum irc_step irc_command_authenticate(struct irc *irc, struct irc_call *call)
{
    irc_reply(irc, ERR_UNKNOWNCOMMAND, call->m.command);
    return IRC_DONE;
}

/* ---- CAP ---- */

static void begin_cap(struct irc *irc, const char *what)
{
    struct strbuf *out = irc_begin(irc);

    strbuf_add(out, SV(":" IRC_SERVER_NAME " CAP "));
    irc_numeric_add_word(out, irc_nick(irc));
    strbuf_add_fmt(out, " %s :", what);
}

static void negotiate(struct irc *irc)
{
    if (irc->newcomer != NULL) {
        irc->newcomer->is_negotiating = true;
    }
}

static enum irc_step cap_ls(struct irc *irc, struct irc_call *call)
{
    uint64_t version = 0;

    negotiate(irc);
    if (sv_to_u64(call->m.params[1], UINT32_MAX, &version) && version >= 302) {
        irc->is_302 = true;
        irc->caps |= IRC_CAP_CAP_NOTIFY;
    }
    begin_cap(irc, "LS");
    irc_caps_add_names(&irc->app->scratch, irc_caps_offered());
    irc_end(irc);
    return IRC_DONE;
}

static enum irc_step cap_list(struct irc *irc, struct irc_call *call)
{
    (void)call;
    begin_cap(irc, "LIST");
    irc_caps_add_names(&irc->app->scratch, irc->caps);
    irc_end(irc);
    return IRC_DONE;
}

static enum irc_step cap_req(struct irc *irc, struct irc_call *call)
{
    struct str_view list = sv_trim(call->m.params[1]);

    negotiate(irc);
    begin_cap(irc, irc_caps_request(list, irc->is_302, &irc->caps) ? "ACK" : "NAK");
    strbuf_add(&irc->app->scratch, list);
    irc_end(irc);
    return IRC_DONE;
}

static enum irc_step cap_end(struct irc *irc, struct irc_call *call)
{
    (void)call;
    if (irc->newcomer == NULL) {
        return IRC_DONE;
    }
    irc->newcomer->is_negotiating = false;
    return try_register(irc);
}

enum irc_step irc_command_cap(struct irc *irc, struct irc_call *call)
{
    static const struct {
        struct str_view name;
        irc_handler run;
    } subcommands[] = {
        {SV_INIT("LS"), cap_ls},
        {SV_INIT("LIST"), cap_list},
        {SV_INIT("REQ"), cap_req},
        {SV_INIT("END"), cap_end},
    };

    for (size_t i = 0; i < PARLEY_COUNT_OF(subcommands); i++) {
        if (sv_equal_nocase(call->m.params[0], subcommands[i].name)) {
            return subcommands[i].run(irc, call);
        }
    }
    irc_reply(irc, ERR_INVALIDCAPCMD, call->m.params[0]);
    return IRC_DONE;
}

/* ---- the connection ---- */

enum irc_step irc_command_ping(struct irc *irc, struct irc_call *call)
{
    struct str_view token = call->m.params[0];

    if (token.len == 0) {
        irc_reply_plain(irc, ERR_NOORIGIN);
        return IRC_DONE;
    }
    struct strbuf *out = irc_begin(irc);
    strbuf_add(out, SV(":" IRC_SERVER_NAME " PONG " IRC_SERVER_NAME " :"));
    irc_numeric_add_text(out, token);
    irc_end(irc);
    return IRC_DONE;
}

/* That a line came is all that is to be known. */
enum irc_step irc_command_pong(struct irc *irc, struct irc_call *call)
{
    (void)irc;
    (void)call;
    return IRC_DONE;
}

enum irc_step irc_command_quit(struct irc *irc, struct irc_call *call)
{
    struct strbuf reason;

    strbuf_init(&reason, IRC_LINE_BYTES_MAX);
    strbuf_add(&reason, utf8_truncate(call->m.params[0], IRC_REASON_BYTES_MAX));
    session_close(irc->session, CLOSE_QUIT, strbuf_cstr(&reason));
    strbuf_done(&reason);
    return IRC_DONE;
}
