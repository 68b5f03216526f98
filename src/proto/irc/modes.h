/* SPDX-License-Identifier: MIT */
/*
 * modes.h - the letters of MODE, one row each.
 *
 * What 004 and CHANMODES tell, which answers a query gets and what a letter takes all come
 * from these rows. Sources: Modern IRC "Modes", RPL_ISUPPORT CHANMODES and PREFIX.
 */
#ifndef PARLEY_PROTO_IRC_MODES_H
#define PARLEY_PROTO_IRC_MODES_H

#include <stddef.h>

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

#include "proto/irc/numerics.h"

/* In the order of CHANMODES=A,B,C,D; the members' ones stand in PREFIX. */
enum irc_mode_kind {
    IRC_MODE_LIST,    /* A: a list; without a parameter it is asked for */
    IRC_MODE_KEYLIKE, /* B: a parameter when set and when taken away */
    IRC_MODE_LIMIT,   /* C: a parameter when set */
    IRC_MODE_FLAG,    /* D: none */
    IRC_MODE_MEMBER,
    IRC_MODE_KIND_COUNT
};

struct irc_mode_row {
    char letter;
    enum irc_mode_kind kind;
    enum irc_numeric list_end; /* IRC_MODE_LIST: what ends the list */
};

/* NULL: no such mode. */
const struct irc_mode_row *irc_modes_find(char letter);
/* "beI,k,l,imnst" */
void irc_modes_add_chanmodes(struct strbuf *out);
/* All letters, or those that take a parameter. */
void irc_modes_add_letters(struct strbuf *out);
void irc_modes_add_letters_with_parameter(struct strbuf *out);

/* ---- of a person ---- */
/* Bits of the modes that somebody can set on themselves. */
enum irc_user_mode { IRC_USER_INVISIBLE = 1, IRC_USER_WALLOPS = 2 };

/* The bit of a letter, 0: no such mode. */
unsigned irc_modes_user_bit(char letter);
/* "+iw" */
void irc_modes_add_user(struct strbuf *out, unsigned modes);
/* "+i-w": what was done to get from one to the other. */
void irc_modes_add_change(struct strbuf *out, unsigned from, unsigned to);
/* All letters. */
extern const struct str_view irc_modes_user_letters;

#endif
