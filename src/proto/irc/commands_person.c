/* SPDX-License-Identifier: MIT */
/* People (RFC 2812 sections 3.6, 4). */
#include <time.h>

#include <parley/util/utf8.h>

#include "proto/irc/commands.h"
#include "proto/irc/modes.h"

/* ---- WHOIS, WHOWAS ---- */

static void tell_rooms(struct irc *irc, const struct hub_event_person *p,
                       const struct person *known)
{
    struct strbuf names;
    const struct room *room = NULL;

    strbuf_init(&names, IRC_LINE_BYTES_MAX - 100);
    for (size_t i = 0; (room = hub_user_room(irc->user, i)) != NULL; i++) {
        size_t before = names.len;
        if (!room_has(room, known)) {
            continue;
        }
        strbuf_add(&names, before > 0 ? SV(" ") : SV(""));
        irc_add_prefixes(irc, &names, room_member_flags(room, known));
        strbuf_add(&names, room_name(room));
        if (names.failed) {
            names.len = before;
            break;
        }
    }
    if (names.len > 0) {
        irc_reply(irc, RPL_WHOISCHANNELS, p->nick, strbuf_view(&names));
    }
    strbuf_done(&names);
}

static void tell_person(struct irc *irc, struct irc_call *call,
                        const struct hub_event_person *p, const struct person *known)
{
    (void)call;
    if (p == NULL) {
        return;
    }
    unsigned modes = irc_modes_of(p->modes);
    irc_reply(irc, RPL_WHOISUSER, p->nick, p->user, p->host,
              p->realname.len > 0 ? p->realname : p->nick);
    if (known != NULL) {
        tell_rooms(irc, p, known);
    }
    irc_reply(irc, RPL_WHOISSERVER, p->nick, SV(IRC_SERVER_NAME), SV(IRC_NETWORK));
    if ((modes & IRC_USER_OPERATOR) != 0) {
        irc_reply(irc, RPL_WHOISOPERATOR, p->nick);
    }
    if ((modes & IRC_USER_BOT) != 0) {
        irc_reply(irc, RPL_WHOISBOT, p->nick);
    }
    if (p->away.len > 0) {
        irc_reply(irc, RPL_AWAY, p->nick, p->away);
    }
    if (p->account.len > 0) {
        irc_reply(irc, RPL_WHOISACCOUNT, p->nick, p->account);
    }
}

/* The nick that WHOIS is about: "WHOIS server nick" is legal too. Of a list, the first. */
static struct str_view whois_nick(const struct irc_call *call)
{
    struct str_view list = call->m.params[call->m.count > 1 ? 1 : 0];
    struct str_view nick = {0};
    size_t at = 0;

    return irc_message_next_item(list, &at, &nick) ? nick : sv(NULL, 0);
}

static void on_whois(struct irc *irc, struct irc_call *call,
                     const struct hub_event_person *p, const struct person *known)
{
    if (p == NULL) {
        irc_reply(irc, ERR_NOSUCHNICK, whois_nick(call));
    }
    tell_person(irc, call, p, known);
}

enum irc_step irc_command_whois(struct irc *irc, struct irc_call *call)
{
    struct str_view nick = whois_nick(call);

    if (nick.len == 0) {
        irc_reply_plain(irc, ERR_NONICKNAMEGIVEN);
        return IRC_DONE;
    }
    if (call->step == 0 && irc_look_up(irc, call, nick, on_whois) == IRC_AGAIN) {
        return IRC_AGAIN;
    }
    irc_reply(irc, RPL_ENDOFWHOIS, nick);
    return IRC_DONE;
}

static void tell_former(struct irc *irc, const struct hub_former *f)
{
    time_t until = (time_t)(f->ms / 1000);
    struct tm parts;
    char text[64];
    size_t length = 0;

    if (gmtime_r(&until, &parts) != NULL) {
        length = strftime(text, sizeof text, "%a %b %d %H:%M:%S %Y UTC", &parts);
    }
    irc_reply(irc, RPL_WHOWASUSER, f->nick, f->user, f->host,
              f->realname.len > 0 ? f->realname : f->nick);
    irc_reply(irc, RPL_WHOISSERVER, f->nick, SV(IRC_SERVER_NAME), sv(text, length));
}

/* A count that is none, or 0, is all of them (RFC 2812, 3.6.3). */
enum irc_step irc_command_whowas(struct irc *irc, struct irc_call *call)
{
    struct str_view nick = call->m.params[0];
    struct hub_former f;
    size_t cursor = 0;
    uint64_t count = 0;
    uint64_t wanted = 0;

    if (nick.len == 0) {
        irc_reply_plain(irc, ERR_NONICKNAMEGIVEN);
        return IRC_DONE;
    }
    if (!sv_to_u64(call->m.params[1], UINT32_MAX, &wanted)) {
        wanted = 0;
    }
    while (hub_next_former(irc->app->hub, nick, &cursor, &f) &&
           (wanted == 0 || count < wanted)) {
        tell_former(irc, &f);
        count++;
    }
    if (count == 0) {
        irc_reply(irc, ERR_WASNOSUCHNICK, nick);
    }
    irc_reply(irc, RPL_ENDOFWHOWAS, nick);
    return IRC_DONE;
}

/* ---- AWAY ---- */

enum irc_step irc_command_away(struct irc *irc, struct irc_call *call)
{
    struct str_view text = utf8_truncate(call->m.params[0], IRC_AWAY_BYTES_MAX);

    return irc_requested(irc, hub_away(irc->user, text), SV("*"), IRC_LAST, IRC_DONE);
}

/* IRCv3 setname: what is not valid gets FAIL, whether or not standard-replies is known. */
enum irc_step irc_command_setname(struct irc *irc, struct irc_call *call)
{
    struct str_view name = call->m.params[0];

    if (name.len == 0 || name.len > REALNAME_BYTES_MAX) {
        irc_fail(irc, call->row->name, "INVALID_REALNAME", SV(""),
                 "The real name is empty or too long");
        return IRC_DONE;
    }
    return irc_requested(irc, hub_setname(irc->user, name), SV("*"), IRC_LAST, IRC_DONE);
}

/* ---- ISON, USERHOST, USERIP: one answer about several nicks ---- */

/* The next nick, wherever blanks and parameters are; call->targets counts parameters here. */
static bool next_nick(struct irc_call *call, struct str_view *ret_nick)
{
    while (call->targets < call->m.count) {
        struct str_view param = call->m.params[call->targets];
        struct str_view rest = sv(param.ptr + call->at, param.len - call->at);
        struct str_view nick = sv_next_word(&rest);

        if (nick.len > 0) {
            call->at = param.len - rest.len;
            *ret_nick = nick;
            return true;
        }
        call->targets++;
        call->at = 0;
    }
    return false;
}

static enum irc_step gather(struct irc *irc, struct irc_call *call, size_t nicks_max,
                            irc_person_fn on_person, enum irc_numeric answer)
{
    struct str_view nick = {0};

    while (call->step < nicks_max && irc_is_open(irc) && next_nick(call, &nick)) {
        if (irc_look_up(irc, call, nick, on_person) == IRC_AGAIN) {
            return IRC_AGAIN;
        }
    }
    irc_reply(irc, answer, strbuf_view(&call->text));
    return IRC_DONE;
}

static void add_nick(struct irc *irc, struct irc_call *call,
                     const struct hub_event_person *p, const struct person *known)
{
    (void)irc;
    (void)known;
    if (p != NULL) {
        strbuf_add(&call->text, call->text.len > 0 ? SV(" ") : SV(""));
        strbuf_add(&call->text, p->nick);
    }
}

/* nick=+user@host; "-" for who is away, "*" behind an operator's nick. */
static void add_address(struct irc *irc, struct irc_call *call,
                        const struct hub_event_person *p, const struct person *known)
{
    add_nick(irc, call, p, known);
    if (p != NULL) {
        strbuf_add(&call->text,
                   (irc_modes_of(p->modes) & IRC_USER_OPERATOR) != 0 ? SV("*") : SV(""));
        strbuf_add(&call->text, p->away.len > 0 ? SV("=-") : SV("=+"));
        irc_numeric_add_word(&call->text, p->user);
        strbuf_add_char(&call->text, '@');
        irc_numeric_add_word(&call->text, p->host);
    }
}

enum irc_step irc_command_ison(struct irc *irc, struct irc_call *call)
{
    return gather(irc, call, IRC_LINE_BYTES_MAX, add_nick, RPL_ISON);
}

enum irc_step irc_command_userhost(struct irc *irc, struct irc_call *call)
{
    return gather(irc, call, IRC_USERHOST_MAX, add_address, RPL_USERHOST);
}

enum irc_step irc_command_userip(struct irc *irc, struct irc_call *call)
{
    return gather(irc, call, IRC_USERHOST_MAX, add_address, RPL_USERIP);
}
