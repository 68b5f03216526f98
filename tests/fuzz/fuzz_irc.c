/* SPDX-License-Identifier: MIT */
/* A line of an IRC client, without its end. */
#include <stdbool.h>

#include <parley/util/base.h>
#include <parley/util/strbuf.h>
#include <parley/util/utf8.h>

#include "fuzz.h"
#include "proto/irc/message.h"

static void check_inside(struct str_view whole, struct str_view part)
{
    PARLEY_ASSERT(part.len == 0 || (part.ptr >= whole.ptr &&
                                    part.ptr + part.len <= whole.ptr + whole.len));
}

static void check_lists(struct str_view list)
{
    struct str_view item;
    size_t at = 0;
    size_t seen = 0;

    while (irc_message_next_item(list, &at, &item)) {
        check_inside(list, item);
        PARLEY_ASSERT(item.len > 0 && sv_find_char(item, ',') == item.len);
        seen += item.len;
    }
    PARLEY_ASSERT(seen <= list.len);
}

static void check_tags(struct str_view tags)
{
    static const char *const keys[] = {"label", "+typing", "time", ""};
    struct str_view value;

    for (size_t i = 0; i < PARLEY_COUNT_OF(keys); i++) {
        if (irc_message_find_tag(tags, sv_of(keys[i]), &value)) {
            check_inside(tags, value);
            PARLEY_ASSERT(sv_find_char(value, ';') == value.len);
        }
    }
}

/* What may be relayed stands in the tags, and all of it may be relayed again. */
static void check_client_tags(struct str_view tags)
{
    struct strbuf once;
    struct strbuf twice;

    strbuf_init(&once, IRC_TAGS_BYTES_MAX);
    strbuf_init(&twice, IRC_TAGS_BYTES_MAX);
    irc_message_add_client_tags(&once, tags);
    irc_message_add_client_tags(&twice, strbuf_view(&once));
    PARLEY_ASSERT(!once.failed && once.len <= tags.len);
    PARLEY_ASSERT(once.len == 0 || once.ptr[0] == '+');
    PARLEY_ASSERT(sv_equal(strbuf_view(&once), strbuf_view(&twice)));
    strbuf_done(&once);
    strbuf_done(&twice);
}

/* Written with one blank between two it says the same; behind a source, because a command may
 * look like one. */
static void check_again(const struct irc_message *m)
{
    struct irc_message again;
    struct strbuf text;

    strbuf_init(&text, IRC_BODY_BYTES_MAX + 5);
    strbuf_add(&text, SV(":s "));
    strbuf_add(&text, m->command);
    for (size_t i = 0; i < m->count; i++) {
        strbuf_add(&text, i + 1 == m->count ? SV(" :") : SV(" "));
        strbuf_add(&text, m->params[i]);
    }
    PARLEY_ASSERT(!text.failed);
    /* What was added may make it too long. */
    if (text.len <= IRC_BODY_BYTES_MAX) {
        PARLEY_ASSERT(irc_message_parse(strbuf_view(&text), &again) == IRC_MESSAGE_OK);
        PARLEY_ASSERT(sv_equal(again.command, m->command) && again.count == m->count);
        for (size_t i = 0; i < m->count; i++) {
            PARLEY_ASSERT(sv_equal(again.params[i], m->params[i]));
        }
    }
    strbuf_done(&text);
}

int FUZZ_TARGET(const uint8_t *data, size_t size)
{
    struct str_view line = sv((const char *)data, size);
    struct irc_message m;

    if (irc_message_parse(line, &m) != IRC_MESSAGE_OK) {
        return 0;
    }
    PARLEY_ASSERT(utf8_is_valid(line));
    PARLEY_ASSERT(m.command.len > 0 && m.count <= IRC_PARAMS_MAX);
    check_inside(line, m.command);
    check_inside(line, m.tags);
    check_tags(m.tags);
    check_client_tags(m.tags);
    for (size_t i = 0; i < m.count; i++) {
        check_inside(line, m.params[i]);
        check_lists(m.params[i]);
        PARLEY_ASSERT(i + 1 == m.count ||
                      (m.params[i].len > 0 && m.params[i].ptr[0] != ':' &&
                       sv_find_char(m.params[i], ' ') == m.params[i].len));
    }
    check_again(&m);
    return 0;
}
