/* SPDX-License-Identifier: MIT */
#include "proto/irc/whox.h"

#include <stddef.h>

#include "proto/irc/limits.h"
#include "proto/irc/modes.h"
#include "proto/irc/numerics.h"

struct entry {
    const struct irc_who_query *query;
    struct str_view room;
    struct str_view prefixes;
    const struct hub_event_person *p;
};

static void add_token(struct strbuf *out, const struct entry *e)
{
    irc_numeric_add_word(out, e->query->token);
}

static void add_room(struct strbuf *out, const struct entry *e)
{
    irc_numeric_add_word(out, e->room);
}

static void add_user(struct strbuf *out, const struct entry *e)
{
    irc_numeric_add_word(out, e->p->user);
}

static void add_host(struct strbuf *out, const struct entry *e)
{
    irc_numeric_add_word(out, e->p->host);
}

static void add_server(struct strbuf *out, const struct entry *e)
{
    (void)e;
    strbuf_add(out, SV(IRC_SERVER_NAME));
}

static void add_nick(struct strbuf *out, const struct entry *e)
{
    irc_numeric_add_word(out, e->p->nick);
}

/* Here or gone, operator of the server, bot (IRCv3 bot-mode); then what stands before the
 * nick in that room. */
static void add_flags(struct strbuf *out, const struct entry *e)
{
    unsigned modes = irc_modes_of(e->p->modes);

    strbuf_add_char(out, e->p->away.len > 0 ? 'G' : 'H');
    strbuf_add(out, (modes & IRC_USER_OPERATOR) != 0 ? SV("*") : SV(""));
    strbuf_add(out, (modes & IRC_USER_BOT) != 0 ? SV("B") : SV(""));
    strbuf_add(out, e->prefixes);
}

/* Hops, and seconds of silence, which are not known. */
static void add_zero(struct strbuf *out, const struct entry *e)
{
    (void)e;
    strbuf_add_char(out, '0');
}

/* "0": no account. */
static void add_account(struct strbuf *out, const struct entry *e)
{
    irc_numeric_add_word(out, e->p->account.len > 0 ? e->p->account : SV("0"));
}

static void add_level(struct strbuf *out, const struct entry *e)
{
    (void)e;
    strbuf_add(out, SV("n/a"));
}

static void add_realname(struct strbuf *out, const struct entry *e)
{
    strbuf_add_char(out, ':');
    irc_numeric_add_text(out, e->p->realname.len > 0 ? e->p->realname : e->p->nick);
}

/* In the order of the answer. */
static const struct {
    char letter;
    void (*add)(struct strbuf *out, const struct entry *e);
} rows[] = {
    {'t', add_token},    {'c', add_room},   {'u', add_user},    {'i', add_host},
    {'h', add_host},     {'s', add_server}, {'n', add_nick},    {'f', add_flags},
    {'d', add_zero},     {'l', add_zero},   {'a', add_account}, {'o', add_level},
    {'r', add_realname},
};

static void take_field(struct irc_who_query *q, char letter)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(rows); i++) {
        if (rows[i].letter == letter) {
            q->fields |= UINT32_C(1) << i;
        }
    }
}

/* One to three digits, or nothing. */
static struct str_view token_of(struct str_view text)
{
    uint64_t number = 0;

    return text.len <= 3 && sv_to_u64(text, 999, &number) ? text : sv(NULL, 0);
}

struct irc_who_query irc_whox_parse(struct str_view option)
{
    struct irc_who_query q = {.fields = 0};
    struct str_view flags = sv_next_until(&option, '%');

    q.only_operators = sv_find_char(flags, 'o') < flags.len;
    struct str_view fields = sv_next_until(&option, ',');
    for (size_t i = 0; i < fields.len; i++) {
        take_field(&q, fields.ptr[i]);
    }
    q.is_extended = fields.len > 0;
    q.token = token_of(option);
    if (q.token.len == 0) {
        q.fields &= ~UINT32_C(1); /* "t" without a token has nothing to tell */
    }
    return q;
}

static void add_plain(struct strbuf *out, struct str_view nick, const struct entry *e)
{
    struct strbuf flags;
    struct str_view realname = e->p->realname.len > 0 ? e->p->realname : e->p->nick;

    strbuf_init(&flags, IRC_LINE_BYTES_MAX);
    add_flags(&flags, e);
    struct str_view args[] = {
        e->room,    e->p->user,          e->p->host, SV(IRC_SERVER_NAME),
        e->p->nick, strbuf_view(&flags), realname,
    };
    irc_numeric_add(out, RPL_WHOREPLY, nick, args, PARLEY_COUNT_OF(args));
    strbuf_done(&flags);
}

void irc_whox_add(struct strbuf *out, const struct irc_who_query *query,
                  struct str_view nick, struct str_view room, struct str_view prefixes,
                  const struct hub_event_person *p)
{
    struct entry e = {query, room, prefixes, p};

    if (!query->is_extended) {
        add_plain(out, nick, &e);
        return;
    }
    strbuf_add(out, SV(":" IRC_SERVER_NAME " 354 "));
    irc_numeric_add_word(out, nick);
    for (size_t i = 0; i < PARLEY_COUNT_OF(rows); i++) {
        if ((query->fields >> i & 1) != 0) {
            strbuf_add_char(out, ' ');
            rows[i].add(out, &e);
        }
    }
}
