/* SPDX-License-Identifier: MIT */
/*
 * person.h - somebody who is known here: a user of this node, or a member from another node.
 *
 * The hub owns persons. A person is valid during the event that shows it and as long as it is
 * a member of a room whose copy is looked at; front-ends keep no pointers to one.
 */
#ifndef PARLEY_HUB_PERSON_H
#define PARLEY_HUB_PERSON_H

#include <stdbool.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

struct person;

enum {
    NICK_BYTES_MAX = 32,
    USER_BYTES_MAX = 32,
    HOST_BYTES_MAX = 64,
    ACCOUNT_BYTES_MAX = 32,
    REALNAME_BYTES_MAX = 160,
    AWAY_BYTES_MAX = 390,
    PERSON_MODES_MAX = 16,
};

struct str_view person_nick(const struct person *p);
struct str_view person_user(const struct person *p);
struct str_view person_host(const struct person *p);
struct str_view person_account(const struct person *p);
struct str_view person_realname(const struct person *p);
/* Empty: not away. */
struct str_view person_away(const struct person *p);
/* Letters that front-ends give a meaning, e.g. "iw" (see hub_set_modes()). */
struct str_view person_modes(const struct person *p);

/* What EV_WHOIS tells of somebody who need not be known here. */
struct hub_event_person {
    /* borrowed from the record */
    struct str_view nick, user, host, account, realname, away, modes;
};

bool person_record_decode(struct str_view record, struct hub_event_person *ret)
    PARLEY_MUST_CHECK;

#endif
