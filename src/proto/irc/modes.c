/* SPDX-License-Identifier: MIT */
#include "proto/irc/modes.h"

static const struct irc_mode_row rows[] = {
    {'b', IRC_MODE_LIST, RPL_ENDOFBANLIST},
    {'e', IRC_MODE_LIST, RPL_ENDOFEXCEPTLIST},
    {'I', IRC_MODE_LIST, RPL_ENDOFINVITELIST},
    {'k', IRC_MODE_KEYLIKE, 0},
    {'l', IRC_MODE_LIMIT, 0},
    {'C', IRC_MODE_FLAG, 0},
    {'i', IRC_MODE_FLAG, 0},
    {'m', IRC_MODE_FLAG, 0},
    {'n', IRC_MODE_FLAG, 0},
    {'s', IRC_MODE_FLAG, 0},
    {'t', IRC_MODE_FLAG, 0},
    {'o', IRC_MODE_MEMBER, 0},
    {'v', IRC_MODE_MEMBER, 0},
};

static const struct {
    char letter;
    unsigned bit;
} user_rows[] = {
    {'i', IRC_USER_INVISIBLE},
    {'w', IRC_USER_WALLOPS},
};

const struct str_view irc_modes_user_letters = SV_INIT("iw");

const struct irc_mode_row *irc_modes_find(char letter)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(rows); i++) {
        if (rows[i].letter == letter) {
            return &rows[i];
        }
    }
    return NULL;
}

static void add_kind(struct strbuf *out, enum irc_mode_kind kind)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(rows); i++) {
        if (rows[i].kind == kind) {
            strbuf_add_char(out, rows[i].letter);
        }
    }
}

void irc_modes_add_chanmodes(struct strbuf *out)
{
    for (unsigned kind = IRC_MODE_LIST; kind <= IRC_MODE_FLAG; kind++) {
        if (kind != IRC_MODE_LIST) {
            strbuf_add_char(out, ',');
        }
        add_kind(out, (enum irc_mode_kind)kind);
    }
}

void irc_modes_add_letters(struct strbuf *out)
{
    for (unsigned kind = IRC_MODE_LIST; kind < IRC_MODE_KIND_COUNT; kind++) {
        add_kind(out, (enum irc_mode_kind)kind);
    }
}

void irc_modes_add_letters_with_parameter(struct strbuf *out)
{
    for (unsigned kind = IRC_MODE_LIST; kind < IRC_MODE_KIND_COUNT; kind++) {
        if (kind != IRC_MODE_FLAG) {
            add_kind(out, (enum irc_mode_kind)kind);
        }
    }
}

unsigned irc_modes_user_bit(char letter)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(user_rows); i++) {
        if (user_rows[i].letter == letter) {
            return user_rows[i].bit;
        }
    }
    return 0;
}

static void add_user_letters(struct strbuf *out, char sign, unsigned modes)
{
    if (modes == 0) {
        return;
    }
    strbuf_add_char(out, sign);
    for (size_t i = 0; i < PARLEY_COUNT_OF(user_rows); i++) {
        if ((modes & user_rows[i].bit) != 0) {
            strbuf_add_char(out, user_rows[i].letter);
        }
    }
}

void irc_modes_add_change(struct strbuf *out, unsigned from, unsigned to)
{
    add_user_letters(out, '+', to & ~from);
    add_user_letters(out, '-', from & ~to);
}

void irc_modes_add_user(struct strbuf *out, unsigned modes)
{
    if (modes == 0) {
        strbuf_add_char(out, '+');
    }
    add_user_letters(out, '+', modes);
}
