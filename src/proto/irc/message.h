/* SPDX-License-Identifier: MIT */
/*
 * message.h - what a line from an IRC client is: tags, a command, parameters.
 *
 *   line := ["@" tags SPACE] [":" source SPACE] command *(SPACE middle) [SPACE ":" trailing]
 *
 * Pure functions; all views point into the line. Sources: RFC 2812 section 2.3.1, Modern IRC
 * "Message Format", IRCv3 message-tags.
 */
#ifndef PARLEY_PROTO_IRC_MESSAGE_H
#define PARLEY_PROTO_IRC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum {
    IRC_PARAMS_MAX = 15,
    IRC_BODY_BYTES_MAX = 510, /* of a line without its tags and its end (RFC 1459, 2.3) */
    IRC_TAGS_BYTES_MAX = 4096, /* of a client's tags with "@" and blank (message-tags) */
    IRC_LABEL_BYTES_MAX = 64,  /* of the label tag (labeled-response) */
};

struct irc_message {
    struct str_view tags; /* without the "@" */
    struct str_view command;
    size_t count;
    struct str_view params[IRC_PARAMS_MAX]; /* empty behind `count` */
};

enum irc_message_result {
    IRC_MESSAGE_OK,
    IRC_MESSAGE_BLANK,    /* no command in it */
    IRC_MESSAGE_TOO_LONG, /* the tags or the rest */
    IRC_MESSAGE_NOT_UTF8,
};

/* The source is skipped: a client's is always its own. A 15th parameter is the rest. */
enum irc_message_result irc_message_parse(struct str_view line, struct irc_message *ret)
    PARLEY_MUST_CHECK;
/* The value of a tag, still escaped, empty if it has none; false when it is not there. Of two
 * the last one counts. */
bool irc_message_find_tag(struct str_view tags, struct str_view key,
                          struct str_view *ret_value) PARLEY_MUST_CHECK;
/* Append the client-only tags, as they are ("+a=b;+c"): what may be relayed. Those whose key
 * is none are left out. */
void irc_message_add_client_tags(struct strbuf *out, struct str_view tags);
/* Cut the next item that is not empty off the list at `*at` (commas between); false at the
 * end. An offset, so that the list may move meanwhile. */
bool irc_message_next_item(struct str_view list, size_t *at, struct str_view *ret_item)
    PARLEY_MUST_CHECK;

#endif
