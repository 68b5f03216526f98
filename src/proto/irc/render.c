/* SPDX-License-Identifier: MIT */
#include "proto/irc/render.h"

#include <parley/hub/hub.h>
#include <parley/util/clock.h>
#include <parley/util/utf8.h>

#include "proto/irc/caps.h"
#include "proto/irc/limits.h"
#include "proto/irc/modes.h"
#include "proto/irc/numerics.h"
#include "proto/text.h"

/* How CTCP marks an action: 0x01 "ACTION " text 0x01. */
#define ACTION_BEGIN                                                                     \
    "\x01"                                                                               \
    "ACTION "
#define ACTION_END "\x01"

/* ---- forms ---- */

unsigned irc_render_form_of_caps(uint32_t caps)
{
    unsigned form = 0;

    form |= (caps & IRC_CAP_SERVER_TIME) != 0 ? 0 : IRC_FORM_PLAIN_TIME;
    form |= (caps & IRC_CAP_MESSAGE_TAGS) != 0 ? 0 : IRC_FORM_PLAIN_ID;
    form |= (caps & IRC_CAP_ACCOUNT_TAG) != 0 ? 0 : IRC_FORM_PLAIN_ACCOUNT;
    form |= (caps & IRC_CAP_EXTENDED_JOIN) != 0 ? IRC_FORM_EXTENDED : 0;
    return form;
}

unsigned irc_render_form(uint32_t caps, const struct hub_event *e)
{
    unsigned form = irc_render_form_of_caps(caps);

    if (e->account.len == 0) {
        form |= IRC_FORM_PLAIN_ACCOUNT;
    }
    if (e->type != EV_JOIN) {
        form &= ~(unsigned)IRC_FORM_EXTENDED;
    }
    return form;
}

/* ---- tags ---- */

/* Begin a tag: "@" or ";" and the key. */
static void begin_tag(struct strbuf *out, size_t start, struct str_view key)
{
    strbuf_add_char(out, out->len == start ? '@' : ';');
    strbuf_add(out, key);
    strbuf_add_char(out, '=');
}

/* message-tags, "Rules for escaping": an account holds none of these unless another node
 * lets it. */
static void add_escaped(struct strbuf *out, struct str_view value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        strbuf_add_char(out, c <= ' ' || c == ';' || c == '\\' ? '_' : value.ptr[i]);
    }
}

/*
 * The news of a change of a person comes by the log of each shared room, whichever is first:
 * it has no id that would be the same on all nodes.
 */
static bool has_id(const struct hub_event *e)
{
    return (e->id.ms > 0 || e->id.seq > 0) && e->type != EV_NICK && e->type != EV_QUIT &&
           e->type != EV_AWAY && e->type != EV_SETNAME;
}

/* What the event is in: a room, or what is said to one person. */
static struct str_view target_of(const struct hub_event *e)
{
    return e->room != NULL ? room_name(e->room) : e->target;
}

/*
 * The id of an entry is unique within its log only: a digest of the log's name (FNV-1a, of
 * the name in lower case) makes it unique. Every node comes to the same.
 */
static void add_log_digest(struct strbuf *out, struct str_view name)
{
    uint64_t digest = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < name.len; i++) {
        digest ^= (unsigned char)ascii_lower(name.ptr[i]);
        digest *= UINT64_C(0x100000001b3);
    }
    strbuf_add_char(out, '.');
    for (int shift = 60; shift >= 0; shift -= 4) {
        strbuf_add_char(out, "0123456789abcdef"[digest >> shift & 0xf]);
    }
}

static void add_id(struct strbuf *out, const struct hub_event *e, size_t part)
{
    entry_id_add(out, e->id);
    strbuf_add_char(out, '.');
    strbuf_add_u64(out, e->index);
    add_log_digest(out, target_of(e));
    if (part > 0) {
        strbuf_add_char(out, '.');
        strbuf_add_u64(out, part);
    }
}

static bool is_of_bot(const struct hub_event *e)
{
    struct str_view modes = e->person != NULL ? person_modes(e->person) : e->modes;

    /* Without `who` the server says it, be it of a bot. */
    return e->who.len > 0 && (irc_modes_of(modes) & IRC_USER_BOT) != 0;
}

/* IRCv3 bot-mode; and the client-only tags, which come last (message-tags, "Size limit"). */
static void add_tags_of_clients(struct strbuf *out, const struct hub_event *e,
                                size_t start, size_t part)
{
    if (is_of_bot(e)) {
        strbuf_add(out, out->len == start ? SV("@bot") : SV(";bot"));
    }
    if (e->tags.len > 0 && part == 0) {
        strbuf_add_char(out, out->len == start ? '@' : ';');
        strbuf_add(out, e->tags);
    }
}

/* `part` counts the lines of one message, from 0. */
static void add_tags(struct strbuf *out, const struct hub_event *e, unsigned form,
                     size_t part)
{
    size_t start = out->len;
    char time[CLOCK_ISO_SIZE];

    if ((form & IRC_FORM_PLAIN_TIME) == 0) {
        clock_format_iso_ms(e->time_ms, time);
        begin_tag(out, start, SV("time"));
        strbuf_add(out, sv_of(time));
    }
    if ((form & IRC_FORM_PLAIN_ID) == 0 && has_id(e)) {
        begin_tag(out, start, SV("msgid"));
        add_id(out, e, part);
    }
    if ((form & IRC_FORM_PLAIN_ACCOUNT) == 0) {
        begin_tag(out, start, SV("account"));
        add_escaped(out, e->account);
    }
    if ((form & IRC_FORM_PLAIN_ID) == 0) {
        add_tags_of_clients(out, e, start, part);
    }
    if (out->len > start) {
        strbuf_add_char(out, ' ');
    }
}

/* ---- lines ---- */

static void add_source(struct strbuf *out, const struct hub_event *e,
                       struct str_view command)
{
    strbuf_add_char(out, ':');
    irc_numeric_add_word(out, e->who.len > 0 ? e->who : SV(IRC_SERVER_NAME));
    strbuf_add_char(out, ' ');
    strbuf_add(out, command);
}

static void add_room(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add_char(out, ' ');
    irc_numeric_add_word(out, e->room != NULL ? room_name(e->room) : SV("*"));
}

static void add_trailing(struct strbuf *out, struct str_view text)
{
    strbuf_add(out, SV(" :"));
    irc_numeric_add_text(out, text);
}

/* extended-join: account ("*": none) and real name. */
static void on_join(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    add_source(out, e, SV("JOIN"));
    add_room(out, e);
    if ((form & IRC_FORM_EXTENDED) != 0) {
        struct str_view realname = e->person != NULL ? person_realname(e->person)
                                                     : SV("");

        strbuf_add_char(out, ' ');
        irc_numeric_add_word(out, e->account);
        add_trailing(out, realname.len > 0 ? realname : hub_nick_of(e->who));
    }
}

static void on_leave(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    add_source(out, e, SV("PART"));
    add_room(out, e);
    if (e->text.len > 0) {
        add_trailing(out, e->text);
    }
}

static void on_quit(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    add_source(out, e, SV("QUIT"));
    add_trailing(out, e->text);
}

static void on_nick(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    add_source(out, e, SV("NICK"));
    add_trailing(out, e->text);
}

static void on_topic(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    add_source(out, e, SV("TOPIC"));
    add_room(out, e);
    add_trailing(out, e->text);
}

static void on_away(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    add_source(out, e, SV("AWAY"));
    if (e->text.len > 0) {
        add_trailing(out, e->text);
    }
}

static void on_kick(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    add_source(out, e, SV("KICK"));
    add_room(out, e);
    strbuf_add_char(out, ' ');
    irc_numeric_add_word(out, e->target);
    add_trailing(out, e->text.len > 0 ? e->text : hub_nick_of(e->who));
}

/* To whom is asked, and to operators with invite-notify. */
static void on_invite(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    add_source(out, e, SV("INVITE"));
    strbuf_add_char(out, ' ');
    irc_numeric_add_word(out, e->target);
    strbuf_add_char(out, ' ');
    irc_numeric_add_word(out, e->room_name);
}

/* The history has a hole: the server itself says so. */
static void on_hole(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    strbuf_add(out, SV(":" IRC_SERVER_NAME " NOTICE"));
    add_room(out, e);
    add_trailing(out, SV("Some lines of this room are missing here."));
}

static void on_lost(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    strbuf_add(out, SV(":" IRC_SERVER_NAME " NOTICE"));
    add_room(out, e);
    strbuf_add(out, SV(" :"));
    text_add_lost(out, e->count);
}

static void on_setname(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    add_source(out, e, SV("SETNAME"));
    add_trailing(out, e->text);
}

static void on_killed(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    add_source(out, e, SV("KILL"));
    strbuf_add_char(out, ' ');
    irc_numeric_add_word(out, e->target);
    add_trailing(out, e->text);
}

static void on_wallops(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    (void)form;
    add_source(out, e, SV("WALLOPS"));
    add_trailing(out, e->text);
}

typedef void (*render_fn)(struct strbuf *out, const struct hub_event *e, unsigned form);

static const render_fn renderers[] = {
    [EV_JOIN] = on_join,       [EV_LEAVE] = on_leave,   [EV_QUIT] = on_quit,
    [EV_NICK] = on_nick,       [EV_TOPIC] = on_topic,   [EV_AWAY] = on_away,
    [EV_KICK] = on_kick,       [EV_INVITE] = on_invite, [EV_INVITE_SEEN] = on_invite,
    [EV_HOLE] = on_hole,       [EV_KILLED] = on_killed, [EV_SETNAME] = on_setname,
    [EV_WALLOPS] = on_wallops, [EV_LOST] = on_lost,
};

/* ---- modes ---- */

/* As many lines as the changes take. */
static void render_modes(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    const struct hub_mode_change *changes = e->changes;
    size_t count = e->change_count;

    for (size_t part = 0; count > 0; part++) {
        add_tags(out, e, form, part);
        size_t start = out->len;
        add_source(out, e, SV("MODE"));
        add_room(out, e);
        strbuf_add_char(out, ' ');
        size_t taken = out->len - start + 2;
        size_t fit = irc_modes_count_fit(changes, count, IRC_LINE_BYTES_MAX - taken);

        irc_modes_add_changes(out, changes, fit);
        irc_numeric_cut(out, start);
        strbuf_add(out, SV("\r\n"));
        changes += fit;
        count -= fit;
    }
}

/* ---- what is said ---- */

static bool is_said(const struct hub_event *e)
{
    return e->type == EV_MESSAGE || e->type == EV_TAGMSG || e->type == EV_DIRECT ||
           e->type == EV_DIRECT_SENT;
}

static void add_target(struct strbuf *out, const struct hub_event *e)
{
    strbuf_add_char(out, ' ');
    if (e->status != '\0') {
        strbuf_add_char(out, e->status); /* STATUSMSG */
    }
    irc_numeric_add_word(out, target_of(e));
}

static void add_said_head(struct strbuf *out, const struct hub_event *e)
{
    add_source(out, e, e->kind == ITEM_NOTICE ? SV("NOTICE") : SV("PRIVMSG"));
    add_target(out, e);
    strbuf_add(out, e->kind == ITEM_ACTION ? SV(" :" ACTION_BEGIN) : SV(" :"));
}

/* For those who know tags: others could make nothing of it. */
static bool render_tagmsg(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    if ((form & IRC_FORM_PLAIN_ID) != 0) {
        return false;
    }
    add_tags(out, e, form, 0);
    add_source(out, e, SV("TAGMSG"));
    add_target(out, e);
    strbuf_add(out, SV("\r\n"));
    return true;
}

/* The line protocol lets a text be longer than a line of ours: it becomes several. */
static void render_said(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    struct str_view end = e->kind == ITEM_ACTION ? SV(ACTION_END "\r\n") : SV("\r\n");
    struct str_view rest = e->text;

    for (size_t part = 0; part == 0 || rest.len > 0; part++) {
        add_tags(out, e, form, part);
        size_t start = out->len;
        add_said_head(out, e);
        size_t taken = out->len - start + end.len;
        struct str_view text = utf8_truncate(rest, IRC_LINE_BYTES_MAX - taken);

        irc_numeric_add_text(out, text);
        strbuf_add(out, end);
        rest = sv(rest.ptr + text.len, rest.len - text.len);
        if (text.len == 0) {
            return; /* not UTF-8: nothing of it can be shown */
        }
    }
}

bool irc_render_event(struct strbuf *out, const struct hub_event *e, unsigned form)
{
    if (is_said(e) && e->kind == ITEM_TAGMSG) {
        return render_tagmsg(out, e, form);
    }
    if (is_said(e)) {
        render_said(out, e, form);
        return true;
    }
    if (e->type == EV_MODE) {
        render_modes(out, e, form);
        return e->change_count > 0;
    }
    if ((size_t)e->type >= PARLEY_COUNT_OF(renderers) || renderers[e->type] == NULL) {
        return false;
    }
    add_tags(out, e, form, 0);
    size_t start = out->len;
    renderers[e->type](out, e, form);
    irc_numeric_cut(out, start);
    strbuf_add(out, SV("\r\n"));
    return true;
}

bool irc_render_is_action(struct str_view text, struct str_view *ret_text)
{
    struct str_view begin = SV(ACTION_BEGIN);

    if (!sv_starts_with(text, begin)) {
        return false;
    }
    text = sv(text.ptr + begin.len, text.len - begin.len);
    if (text.len > 0 && text.ptr[text.len - 1] == ACTION_END[0]) {
        text.len--;
    }
    *ret_text = text;
    return text.len > 0;
}
