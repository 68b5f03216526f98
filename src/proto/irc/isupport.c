/* SPDX-License-Identifier: MIT */
#include "proto/irc/isupport.h"

#include <inttypes.h>

#include <parley/hub/hub.h>
#include <parley/hub/person.h>
#include <parley/hub/room.h>

#include "proto/irc/limits.h"
#include "proto/irc/modes.h"

enum { MAX_ROOMS = 1 << 30 }; /* as a number: what the node allows */

/* A row has a text, a number or a function that appends the value; or none of them. Only MAX_ROOMS
 * has a text in front. */
struct isupport_row {
    const char *name;
    const char *text;
    unsigned number;
    void (*add)(struct strbuf *out);
};

static void add_targmax(struct strbuf *out)
{
    strbuf_add_fmt(out,
                   "JOIN:,PART:,KICK:%d,NAMES:1,PRIVMSG:%d,NOTICE:%d,TAGMSG:%d,WHOIS:1",
                   IRC_TARGETS_MAX, IRC_TARGETS_MAX, IRC_TARGETS_MAX, IRC_TARGETS_MAX);
}

static const struct isupport_row rows[] = {
    {"AWAYLEN", NULL, IRC_AWAY_BYTES_MAX, NULL},
    {"BOT", "B", 0, NULL},
    {"CASEMAPPING", "ascii", 0, NULL},
    {"CHANLIMIT", "#:", MAX_ROOMS, NULL},
    {"CHANMODES", NULL, 0, irc_modes_add_chanmodes},
    {"CHANNELLEN", NULL, ROOM_BYTES_MAX, NULL},
    {"CHANTYPES", "#", 0, NULL},
    {"ELIST", "MNU", 0, NULL},
    {"EXCEPTS", "e", 0, NULL},
    {"HOSTLEN", NULL, IRC_HOST_BYTES_MAX, NULL},
    {"INVEX", "I", 0, NULL},
    {"KEYLEN", NULL, ROOM_KEY_BYTES_MAX, NULL},
    {"KICKLEN", NULL, IRC_KICK_BYTES_MAX, NULL},
    {"MAXLIST", NULL, 0, irc_modes_add_maxlist},
    {"MODES", NULL, IRC_MODES_MAX, NULL},
    {"MONITOR", NULL, HUB_WATCHED_MAX, NULL},
    {"NAMELEN", NULL, REALNAME_BYTES_MAX, NULL},
    {"NETWORK", IRC_NETWORK, 0, NULL},
    {"NICKLEN", NULL, NICK_BYTES_MAX, NULL},
    {"PREFIX", NULL, 0, irc_modes_add_prefix},
    {"SAFELIST", NULL, 0, NULL},
    {"STATUSMSG", NULL, 0, irc_modes_add_status},
    {"TARGMAX", NULL, 0, add_targmax},
    {"TOPICLEN", NULL, IRC_TOPIC_BYTES_MAX, NULL},
    {"USERLEN", NULL, IRC_USER_BYTES_MAX, NULL},
    {"UTF8ONLY", NULL, 0, NULL},
    {"WHOX", NULL, 0, NULL},
};

static void add_token(struct strbuf *out, const struct isupport_row *row,
                      uint64_t max_rooms)
{
    strbuf_add_fmt(out, "%s", row->name);
    if (row->number == MAX_ROOMS) {
        strbuf_add_fmt(out, "=%s%" PRIu64, row->text, max_rooms);
    } else if (row->text != NULL) {
        strbuf_add_fmt(out, "=%s", row->text);
    } else if (row->number > 0) {
        strbuf_add_fmt(out, "=%u", row->number);
    } else if (row->add != NULL) {
        strbuf_add_char(out, '=');
        row->add(out);
    }
}

bool irc_isupport_next(size_t *cursor, uint64_t max_rooms, struct strbuf *out)
{
    size_t start = out->len;
    size_t tokens = 0;

    while (*cursor < PARLEY_COUNT_OF(rows) && tokens < IRC_ISUPPORT_TOKENS_MAX) {
        size_t before = out->len;

        strbuf_add(out, tokens > 0 ? SV(" ") : SV(""));
        add_token(out, &rows[*cursor], max_rooms);
        if (out->len - start > IRC_ISUPPORT_BYTES_MAX) {
            out->len = before;
            break;
        }
        tokens++;
        (*cursor)++;
    }
    return tokens > 0;
}
