/* SPDX-License-Identifier: MIT */
#include "proto/irc/message.h"

#include <parley/util/utf8.h>

static void skip_blanks(struct str_view *rest)
{
    while (rest->len > 0 && rest->ptr[0] == ' ') {
        *rest = sv(rest->ptr + 1, rest->len - 1);
    }
}

/* Cut "@tags " or ":source " off; empty when there is none. */
static struct str_view cut_marked(struct str_view *rest, char mark)
{
    if (rest->len == 0 || rest->ptr[0] != mark) {
        return sv(NULL, 0);
    }
    struct str_view word = sv_next_until(rest, ' ');
    skip_blanks(rest);
    return sv(word.ptr + 1, word.len - 1);
}

static void cut_params(struct str_view rest, struct irc_message *m)
{
    while (m->count < IRC_PARAMS_MAX) {
        skip_blanks(&rest);
        if (rest.len == 0) {
            return;
        }
        if (rest.ptr[0] == ':') {
            m->params[m->count++] = sv(rest.ptr + 1, rest.len - 1);
            return;
        }
        if (m->count == IRC_PARAMS_MAX - 1) {
            m->params[m->count++] = rest;
            return;
        }
        m->params[m->count++] = sv_next_until(&rest, ' ');
    }
}

enum irc_message_result irc_message_parse(struct str_view line, struct irc_message *ret)
{
    struct irc_message m = {.count = 0};
    struct str_view rest = line;

    skip_blanks(&rest);
    bool is_tagged = rest.len > 0 && rest.ptr[0] == '@';
    m.tags = cut_marked(&rest, '@');
    if (is_tagged && m.tags.len + 2 > IRC_TAGS_BYTES_MAX) {
        return IRC_MESSAGE_TOO_LONG;
    }
    if (rest.len > IRC_BODY_BYTES_MAX) {
        return IRC_MESSAGE_TOO_LONG;
    }
    (void)cut_marked(&rest, ':');
    m.command = sv_next_until(&rest, ' ');
    if (m.command.len == 0) {
        return IRC_MESSAGE_BLANK;
    }
    if (!utf8_is_valid(line)) {
        return IRC_MESSAGE_NOT_UTF8;
    }
    cut_params(rest, &m);
    *ret = m;
    return IRC_MESSAGE_OK;
}

bool irc_message_find_tag(struct str_view tags, struct str_view key,
                          struct str_view *ret_value)
{
    bool is_found = false;

    while (tags.len > 0) {
        struct str_view value = sv_next_until(&tags, ';');
        struct str_view name = sv_next_until(&value, '=');

        if (sv_equal(name, key)) {
            *ret_value = value;
            is_found = true;
        }
    }
    return is_found;
}

/* Letters, digits, hyphens, and `other`; not empty. */
static bool is_key_word(struct str_view text, char other)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = ascii_lower(text.ptr[i]);

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != other) {
            return false;
        }
    }
    return text.len > 0;
}

/* key := "+" [vendor "/"] name; a vendor is a host's name. */
static bool is_client_key(struct str_view key)
{
    if (key.len < 2 || key.ptr[0] != '+') {
        return false;
    }
    struct str_view name = sv(key.ptr + 1, key.len - 1);
    bool has_vendor = sv_find_char(name, '/') < name.len;

    return (!has_vendor || is_key_word(sv_next_until(&name, '/'), '.')) &&
           is_key_word(name, '-');
}

void irc_message_add_client_tags(struct strbuf *out, struct str_view tags)
{
    size_t start = out->len;

    while (tags.len > 0) {
        struct str_view tag = sv_next_until(&tags, ';');
        struct str_view value = tag;

        if (is_client_key(sv_next_until(&value, '='))) {
            strbuf_add(out, out->len > start ? SV(";") : SV(""));
            strbuf_add(out, tag);
        }
    }
}

bool irc_message_next_item(struct str_view list, size_t *at, struct str_view *ret_item)
{
    while (*at < list.len) {
        struct str_view rest = sv(list.ptr + *at, list.len - *at);
        struct str_view item = sv_next_until(&rest, ',');

        *at += item.len + 1;
        if (item.len > 0) {
            *ret_item = item;
            return true;
        }
    }
    return false;
}
