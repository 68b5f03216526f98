/* SPDX-License-Identifier: MIT */
/*
 * modes.h - modes as IRC writes them.
 *
 * Which modes rooms have is the hub's table (parley/hub/mode.h): what 004 and 005 tell, what a
 * letter takes, and which answers a question gets, all come from its rows. Pure functions.
 * Sources: Modern IRC "MODE message", RPL_ISUPPORT CHANMODES, PREFIX, MAXLIST, MODES.
 */
#ifndef PARLEY_PROTO_IRC_MODES_H
#define PARLEY_PROTO_IRC_MODES_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/hub/mode.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

#include "proto/irc/message.h"
#include "proto/irc/numerics.h"

/* Changes with a parameter in one MODE: what is left behind the room and the letters. */
enum { IRC_MODES_MAX = IRC_PARAMS_MAX - 2 };

/* ---- what there is ---- */

/* "beI,k,l,imnstC" */
void irc_modes_add_chanmodes(struct strbuf *out);
/* "(ov)@+" */
void irc_modes_add_prefix(struct strbuf *out);
/* "@+" */
void irc_modes_add_status(struct strbuf *out);
/* "b:100,e:100,I:100": each list has its own limit. */
void irc_modes_add_maxlist(struct strbuf *out);
/* All letters, or those that take a parameter. */
void irc_modes_add_letters(struct strbuf *out);
void irc_modes_add_letters_with_parameter(struct strbuf *out);

/* ---- what is so ---- */

/* What stands in front of a member's nick: "@+", or the highest alone ("@"). */
void irc_modes_add_prefixes(struct strbuf *out, unsigned member_flags, bool is_multi);
/* "+klnt key 10": what is set but for the lists. */
void irc_modes_add_room(struct strbuf *out, const struct room *room);

/* ---- what is wanted ---- */

struct irc_mode_wish {
    size_t count;
    /* Letters may be unknown, and parameters missing: the hub says so. */
    struct hub_mode_change changes[HUB_MODE_CHANGES_MAX];
    unsigned lists; /* those that are asked for: bits 1 << enum room_list */
};

/* Of "MODE room letters parameters"; the texts are borrowed. What is beyond the limits is
 * passed over. */
void irc_modes_parse(const struct irc_message *m, struct irc_mode_wish *ret);

/* How many of `count` changes fit one line that has `bytes` for them: at least one. */
size_t irc_modes_count_fit(const struct hub_mode_change *changes, size_t count,
                           size_t bytes);
/* "+ov-b ann ben mask" */
void irc_modes_add_changes(struct strbuf *out, const struct hub_mode_change *changes,
                           size_t count);

/* ---- of a person ---- */
/* The operator's mode is given by OPER alone, and can be taken back. */
enum irc_user_mode {
    IRC_USER_INVISIBLE = 1,
    IRC_USER_WALLOPS = 2,
    IRC_USER_OPERATOR = 4,
    IRC_USER_BOT = 8,
};

/* The bit of a letter, 0: no such mode. */
unsigned irc_modes_user_bit(char letter);
/* Those of a person's letters that are modes here. */
unsigned irc_modes_of(struct str_view letters);
/* The letters, without a sign: what the hub keeps of a person. */
void irc_modes_add_user_letters(struct strbuf *out, unsigned modes);
/* "+iw" */
void irc_modes_add_user(struct strbuf *out, unsigned modes);
/* "+i-w": what was done to get from one to the other. */
void irc_modes_add_change(struct strbuf *out, unsigned from, unsigned to);
/* All letters. */
extern const struct str_view irc_modes_user_letters;

#endif
