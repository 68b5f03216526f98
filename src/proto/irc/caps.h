/* SPDX-License-Identifier: MIT */
/*
 * caps.h - what a client and the server agree on beyond RFC 2812.
 *
 * Model: a capability is a row with a bit; a client's set is a word. A row that is not
 * offered has its place and its bit, but what it promises is not there yet. Pure functions.
 * Source: IRCv3 capability-negotiation (CAP 302).
 */
#ifndef PARLEY_PROTO_IRC_CAPS_H
#define PARLEY_PROTO_IRC_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

/* X(NAME, "name", offered) in the order in which CAP LS tells them. */
#define IRC_CAPS(X)                                                                      \
    X(ACCOUNT_NOTIFY, "account-notify", false) /* accounts do not change yet */          \
    X(ACCOUNT_TAG, "account-tag", true)                                                  \
    X(AWAY_NOTIFY, "away-notify", true)                                                  \
    X(BATCH, "batch", true)                                                              \
    X(CAP_NOTIFY, "cap-notify", true)                                                    \
    X(CHGHOST, "chghost", false) /* hosts do not change yet */                           \
    X(ECHO_MESSAGE, "echo-message", true)                                                \
    X(EXTENDED_JOIN, "extended-join", true)                                              \
    X(EXTENDED_MONITOR, "extended-monitor", true)                                        \
    X(INVITE_NOTIFY, "invite-notify", true)                                              \
    X(LABELED_RESPONSE, "labeled-response", true)                                        \
    X(MESSAGE_TAGS, "message-tags", true)                                                \
    X(MULTI_PREFIX, "multi-prefix", true)                                                \
    X(SERVER_TIME, "server-time", true)                                                  \
    X(SETNAME, "setname", true)                                                          \
    X(STANDARD_REPLIES, "standard-replies", true)                                        \
    X(USERHOST_IN_NAMES, "userhost-in-names", true)

enum irc_cap_index {
#define X(name, text, offered) IRC_CAP_INDEX_##name,
    IRC_CAPS(X)
#undef X
        IRC_CAP_COUNT
};

enum irc_cap {
#define X(name, text, offered) IRC_CAP_##name = 1 << IRC_CAP_INDEX_##name,
    IRC_CAPS(X)
#undef X
};

enum { IRC_CAPS_LIST_BYTES_MAX = 400 }; /* of the list in one line of CAP */

/* Names of those of `caps` that are offered, blanks between. */
void irc_caps_add_names(struct strbuf *out, uint32_t caps);
/* All that are offered. */
uint32_t irc_caps_offered(void);
/*
 * The set after CAP REQ `list` ("-" takes one away). False, and nothing changed, when the list
 * holds what is not offered, is too long to be acknowledged, or gives up cap-notify, which
 * CAP 302 implies (`is_302`).
 */
bool irc_caps_request(struct str_view list, bool is_302, uint32_t *caps)
    PARLEY_MUST_CHECK;

#endif
