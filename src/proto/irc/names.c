/* SPDX-License-Identifier: MIT */
/* The list of a room's members, as NAMES and JOIN tell it. */
#include "proto/irc/commands.h"

enum {
    /* A list is sent whenever so much of it is there: with its end half of what the smallest
     * send queue takes. */
    PIECE_BYTES = 7 * 1024,
    /* What makes names differ from client to client. */
    FORM_CAPS = IRC_CAP_MULTI_PREFIX | IRC_CAP_USERHOST_IN_NAMES,
};

/* A nick is a word as it is: see hub_nick_is_valid(). */
static void add_name(const struct irc *irc, struct strbuf *out,
                     const struct room_member *m)
{
    if (m->flags != 0) {
        irc_add_prefixes(irc, out, m->flags);
    }
    strbuf_add(out, person_nick(m->person));
    if ((irc->caps & IRC_CAP_USERHOST_IN_NAMES) != 0) {
        strbuf_add_char(out, '!');
        irc_numeric_add_word(out, person_user(m->person));
        strbuf_add_char(out, '@');
        irc_numeric_add_word(out, person_host(m->person));
    }
    strbuf_add_char(out, ' ');
}

/* All names, a blank behind each; valid until the next call. */
static struct str_view all_names(const struct irc *irc, const struct room *room)
{
    struct proto_listing *listing = &irc->app->listing;
    uint32_t stamp = room_names_stamp(room);
    uint32_t form = irc->caps & FORM_CAPS;
    struct room_member m;

    if (listing->stamp != stamp || listing->form != form || listing->names.failed) {
        strbuf_clear(&listing->names);
        listing->cursor = 0;
        listing->stamp = stamp;
        listing->form = form;
    }
    while (room_next_member(room, &listing->cursor, &m)) {
        add_name(irc, &listing->names, &m);
    }
    return strbuf_view(&listing->names);
}

/* Cut off as many as fit into `max_bytes` (one always does), without the blank behind them. */
static struct str_view take_names(struct str_view *names, size_t max_bytes)
{
    size_t len = names->len - 1;

    if (len > max_bytes) {
        len = max_bytes;
        while (names->ptr[len] != ' ') {
            len--;
        }
    }
    struct str_view taken = sv(names->ptr, len);
    *names = sv(names->ptr + len + 1, names->len - len - 1);
    return taken;
}

static void add_line(const struct irc *irc, struct strbuf *out, const struct room *room,
                     struct str_view *names)
{
    bool is_secret = (room_mode_flags(room) & ROOM_SECRET) != 0;
    struct str_view args[] = {is_secret ? SV("@") : SV("="), room_name(room), SV("")};
    size_t start = out->len;

    irc_numeric_add(out, RPL_NAMREPLY, irc_nick(irc), args, PARLEY_COUNT_OF(args));
    size_t head = out->len - start;
    strbuf_add(out, take_names(names, IRC_LINE_BYTES_MAX - 2 - head));
    strbuf_add(out, SV("\r\n"));
}

void irc_tell_names(struct irc *irc, const struct room *room)
{
    struct str_view name = room_name(room);
    struct strbuf *out = irc_begin(irc);

    if (!irc_is_open(irc)) {
        return;
    }
    struct str_view names = all_names(irc, room);
    while (names.len > 0) {
        add_line(irc, out, room, &names);
        if (out->len >= PIECE_BYTES) {
            irc_send_lines(irc);
            irc_begin(irc);
        }
    }
    irc_numeric_add(out, RPL_ENDOFNAMES, irc_nick(irc), &name, 1);
    strbuf_add(out, SV("\r\n"));
    irc_send_lines(irc);
}
