/* SPDX-License-Identifier: MIT */
/* The server (RFC 2812 sections 3.4, 3.7, 4; Modern IRC "Server Queries and Commands"). */
#include <time.h>

#include <parley/core/loop.h>
#include <parley/core/metrics.h>
#include <parley/proto/motd.h>
#include <parley/util/mask.h>

#include "proto/irc/commands.h"

/* Is another server asked? There is none; the error is sent then. */
static bool is_elsewhere(struct irc *irc, struct str_view server)
{
    if (server.len == 0 || mask_matches(server, SV(IRC_SERVER_NAME)) ||
        sv_equal_nocase(server, irc_nick(irc))) {
        return false;
    }
    irc_reply(irc, ERR_NOSUCHSERVER, server);
    return true;
}

static uint64_t metric_count(enum metric m)
{
    return metric_values[m] > 0 ? (uint64_t)metric_values[m] : 0;
}

/* As far as this node knows. */
void irc_tell_lusers(struct irc *irc)
{
    const struct proto_app *app = irc->app;
    uint64_t users = metric_count(METRIC_USERS);
    uint64_t invisible = app->invisible < users ? app->invisible : users;
    uint64_t unknown = metric_count(METRIC_CONNECTIONS_NONE_UNREGISTERED) +
                       metric_count(METRIC_CONNECTIONS_LINE_UNREGISTERED) +
                       metric_count(METRIC_CONNECTIONS_IRC_UNREGISTERED);
    struct irc_digits digits[2];

    irc_reply(irc, RPL_LUSERCLIENT, irc_digits(users - invisible, &digits[0]),
              irc_digits(invisible, &digits[1]));
    irc_reply(irc, RPL_LUSEROP, irc_digits(app->operators, &digits[0]));
    irc_reply(irc, RPL_LUSERUNKNOWN, irc_digits(unknown, &digits[0]));
    irc_reply(irc, RPL_LUSERCHANNELS, irc_digits(metric_count(METRIC_ROOMS), &digits[0]));
    irc_reply(irc, RPL_LUSERME, irc_digits(users, &digits[0]));
}

enum irc_step irc_command_lusers(struct irc *irc, struct irc_call *call)
{
    (void)call;
    irc_tell_lusers(irc);
    return IRC_DONE;
}

void irc_tell_motd(struct irc *irc)
{
    struct str_view rest = motd_text(&irc->app->motd);
    struct str_view line = {0};

    if (rest.len == 0) {
        irc_reply_plain(irc, ERR_NOMOTD);
        return;
    }
    irc_reply(irc, RPL_MOTDSTART, SV(IRC_SERVER_NAME));
    while (motd_next_line(&rest, &line)) {
        irc_reply(irc, RPL_MOTD, line);
    }
    irc_reply_plain(irc, RPL_ENDOFMOTD);
}

enum irc_step irc_command_motd(struct irc *irc, struct irc_call *call)
{
    if (!is_elsewhere(irc, call->m.params[0])) {
        irc_tell_motd(irc);
    }
    return IRC_DONE;
}

enum irc_step irc_command_version(struct irc *irc, struct irc_call *call)
{
    struct strbuf version;

    if (is_elsewhere(irc, call->m.params[0])) {
        return IRC_DONE;
    }
    strbuf_init(&version, IRC_LINE_BYTES_MAX);
    strbuf_add_fmt(&version, "parley-%s", irc->app->version);
    irc_reply(irc, RPL_VERSION, strbuf_view(&version), SV(IRC_SERVER_NAME),
              sv_of(irc->app->node_name));
    strbuf_done(&version);
    irc_tell_isupport(irc);
    return IRC_DONE;
}

enum irc_step irc_command_time(struct irc *irc, struct irc_call *call)
{
    time_t now = time(NULL);
    struct tm parts;
    char text[64];

    if (is_elsewhere(irc, call->m.params[0])) {
        return IRC_DONE;
    }
    if (gmtime_r(&now, &parts) == NULL) {
        return IRC_DONE;
    }
    size_t length = strftime(text, sizeof text, "%A %B %d %Y -- %H:%M:%S +00:00", &parts);
    irc_reply(irc, RPL_TIME, SV(IRC_SERVER_NAME), sv(text, length));
    return IRC_DONE;
}

enum irc_step irc_command_info(struct irc *irc, struct irc_call *call)
{
    static const struct str_view lines[] = {
        SV_INIT("Parley: a chat relay that scales by identical nodes."),
        SV_INIT(
            "Whichever node you reach, everybody is there; people who type into nc too."),
        SV_INIT("HELP lists the commands."),
    };

    if (is_elsewhere(irc, call->m.params[0])) {
        return IRC_DONE;
    }
    for (size_t i = 0; i < PARLEY_COUNT_OF(lines); i++) {
        irc_reply(irc, RPL_INFO, lines[i]);
    }
    irc_reply_plain(irc, RPL_ENDOFINFO);
    return IRC_DONE;
}

enum irc_step irc_command_admin(struct irc *irc, struct irc_call *call)
{
    if (!is_elsewhere(irc, call->m.params[0])) {
        irc_reply(irc, ERR_NOADMININFO, SV(IRC_SERVER_NAME));
    }
    return IRC_DONE;
}

/* ---- STATS ---- */

static void tell_uptime(struct irc *irc)
{
    uint64_t s = (loop_now_ms(irc->app->loop) - irc->app->started_ms) / 1000;
    struct strbuf text;

    strbuf_init(&text, IRC_LINE_BYTES_MAX);
    strbuf_add_fmt(&text, "%u days %u:%02u:%02u", (unsigned)(s / 86400),
                   (unsigned)(s / 3600 % 24), (unsigned)(s / 60 % 60),
                   (unsigned)(s % 60));
    irc_reply(irc, RPL_STATSUPTIME, strbuf_view(&text));
    strbuf_done(&text);
}

static void tell_command_counts(struct irc *irc)
{
    const struct irc_command *row = NULL;
    struct irc_digits digits;

    for (size_t i = 0; (row = irc_command_at(i)) != NULL; i++) {
        if (irc_command_count(row) > 0) {
            irc_reply(irc, RPL_STATSCOMMANDS, row->name,
                      irc_digits(irc_command_count(row), &digits));
        }
    }
}

static void tell_operators(struct irc *irc)
{
    if (!irc_is_operator(irc)) {
        return;
    }
    for (size_t i = 0; i < irc->app->oper_count; i++) {
        irc_reply(irc, RPL_STATSOLINE, sv_of(irc->app->opers[i].name));
    }
}

enum irc_step irc_command_stats(struct irc *irc, struct irc_call *call)
{
    static const struct {
        char letter;
        void (*tell)(struct irc *irc);
    } kinds[] = {{'u', tell_uptime}, {'m', tell_command_counts}, {'o', tell_operators}};
    struct str_view query = call->m.params[0];

    if (is_elsewhere(irc, call->m.params[1])) {
        return IRC_DONE;
    }
    for (size_t i = 0; query.len > 0 && i < PARLEY_COUNT_OF(kinds); i++) {
        if (query.ptr[0] == kinds[i].letter) {
            kinds[i].tell(irc);
        }
    }
    irc_reply(irc, RPL_ENDOFSTATS, query);
    return IRC_DONE;
}

/* ---- one server ---- */

enum irc_step irc_command_links(struct irc *irc, struct irc_call *call)
{
    (void)call;
    irc_reply(irc, RPL_LINKS, SV(IRC_SERVER_NAME), SV(IRC_SERVER_NAME), SV(IRC_NETWORK));
    irc_reply(irc, RPL_ENDOFLINKS, SV("*"));
    return IRC_DONE;
}

enum irc_step irc_command_map(struct irc *irc, struct irc_call *call)
{
    (void)call;
    irc_reply(irc, RPL_MAP, SV(IRC_SERVER_NAME));
    irc_reply_plain(irc, RPL_MAPEND);
    return IRC_DONE;
}

/* ---- HELP ---- */

static enum irc_step list_commands(struct irc *irc)
{
    const struct irc_command *row = NULL;
    struct strbuf text;

    strbuf_init(&text, IRC_LINE_BYTES_MAX);
    irc_reply(irc, RPL_HELPSTART, SV("*"),
              SV("These are the commands; HELP command tells what one takes:"));
    for (size_t i = 0; (row = irc_command_at(i)) != NULL && irc_is_open(irc); i++) {
        strbuf_clear(&text);
        strbuf_add(&text, row->name);
        strbuf_add_fmt(&text, ": %s", row->help);
        irc_reply(irc, RPL_HELPTXT, SV("*"), strbuf_view(&text));
    }
    irc_reply(irc, RPL_ENDOFHELP, SV("*"));
    strbuf_done(&text);
    return IRC_DONE;
}

enum irc_step irc_command_help(struct irc *irc, struct irc_call *call)
{
    if (call->m.params[0].len == 0) {
        return list_commands(irc);
    }
    const struct irc_command *row = irc_command_find(call->m.params[0]);
    if (row->name.len == 0) {
        irc_reply(irc, ERR_HELPNOTFOUND, call->m.params[0]);
        return IRC_DONE;
    }
    struct strbuf usage;
    strbuf_init(&usage, IRC_LINE_BYTES_MAX);
    strbuf_add(&usage, row->name);
    strbuf_add_fmt(&usage, "%s%s", row->parameters[0] != '\0' ? " " : "",
                   row->parameters);
    irc_reply(irc, RPL_HELPSTART, row->name, strbuf_view(&usage));
    irc_reply(irc, RPL_HELPTXT, row->name, sv_of(row->help));
    irc_reply(irc, RPL_ENDOFHELP, row->name);
    strbuf_done(&usage);
    return IRC_DONE;
}

enum irc_step irc_command_unknown(struct irc *irc, struct irc_call *call)
{
    irc_reply(irc, ERR_UNKNOWNCOMMAND, call->m.command);
    return IRC_DONE;
}
