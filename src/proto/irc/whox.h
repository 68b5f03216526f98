/* SPDX-License-Identifier: MIT */
/*
 * whox.h - what a WHO asks for, and one line of its answer.
 *
 * Pure functions. Sources: RFC 2812 section 3.6.1, Modern IRC "WHO", IRCv3 WHOX.
 */
#ifndef PARLEY_PROTO_IRC_WHOX_H
#define PARLEY_PROTO_IRC_WHOX_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/hub/person.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

struct irc_who_query {
    bool is_extended;      /* 354, else 352 */
    bool only_operators;   /* "o" */
    uint32_t fields;       /* bits in the order of the answer */
    struct str_view token; /* borrowed; up to three digits */
};

/* `option` is the second parameter of WHO; what is wrong with it is passed over. */
struct irc_who_query irc_whox_parse(struct str_view option);
/* Append one line about `p`, without its end; `room` is "*" for none, `prefixes` are those of
 * the nick in it. */
void irc_whox_add(struct strbuf *out, const struct irc_who_query *query,
                  struct str_view nick, struct str_view room, struct str_view prefixes,
                  const struct hub_event_person *p);

#endif
