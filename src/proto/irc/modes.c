/* SPDX-License-Identifier: MIT */
#include "proto/irc/modes.h"

#include "proto/irc/numerics.h"

/* ---- what there is ---- */

/* The kinds in the order of CHANMODES=A,B,C,D: lists; a parameter always; one when it is set;
 * none. */
static const enum room_mode_kind kinds[] = {
    ROOM_MODE_LIST,
    ROOM_MODE_KEY,
    ROOM_MODE_LIMIT,
    ROOM_MODE_FLAG,
};

/* The highest first. */
static const struct {
    unsigned flag;
    char prefix;
} prefixes[] = {
    {MEMBER_OPERATOR, '@'},
    {MEMBER_VOICE, '+'},
};

static void add_kind(struct strbuf *out, enum room_mode_kind kind)
{
    const struct room_mode_row *row = NULL;

    for (size_t i = 0; (row = room_mode_at(i)) != NULL; i++) {
        if (row->kind == kind) {
            strbuf_add_char(out, row->letter);
        }
    }
}

void irc_modes_add_chanmodes(struct strbuf *out)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(kinds); i++) {
        strbuf_add(out, i > 0 ? SV(",") : SV(""));
        add_kind(out, kinds[i]);
    }
}

void irc_modes_add_status(struct strbuf *out)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(prefixes); i++) {
        strbuf_add_char(out, prefixes[i].prefix);
    }
}

void irc_modes_add_prefix(struct strbuf *out)
{
    strbuf_add_char(out, '(');
    add_kind(out, ROOM_MODE_MEMBER);
    strbuf_add_char(out, ')');
    irc_modes_add_status(out);
}

void irc_modes_add_maxlist(struct strbuf *out)
{
    const struct room_mode_row *row = NULL;
    size_t start = out->len;

    for (size_t i = 0; (row = room_mode_at(i)) != NULL; i++) {
        if (row->kind == ROOM_MODE_LIST) {
            strbuf_add(out, out->len > start ? SV(",") : SV(""));
            strbuf_add_fmt(out, "%c:%d", row->letter, ROOM_MASKS_MAX);
        }
    }
}

void irc_modes_add_letters(struct strbuf *out)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(kinds); i++) {
        add_kind(out, kinds[i]);
    }
    add_kind(out, ROOM_MODE_MEMBER);
}

void irc_modes_add_letters_with_parameter(struct strbuf *out)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(kinds); i++) {
        if (kinds[i] != ROOM_MODE_FLAG) {
            add_kind(out, kinds[i]);
        }
    }
    add_kind(out, ROOM_MODE_MEMBER);
}

/* ---- what is so ---- */

void irc_modes_add_prefixes(struct strbuf *out, unsigned member_flags, bool is_multi)
{
    bool goes_on = true;

    for (size_t i = 0; i < PARLEY_COUNT_OF(prefixes) && goes_on; i++) {
        if ((member_flags & prefixes[i].flag) != 0) {
            strbuf_add_char(out, prefixes[i].prefix);
            goes_on = is_multi;
        }
    }
}

void irc_modes_add_room(struct strbuf *out, const struct room *room)
{
    const struct room_mode_row *row = NULL;
    struct str_view key = room_mode_key(room);
    uint32_t limit = room_mode_limit(room);
    unsigned flags = room_mode_flags(room);

    strbuf_add_char(out, '+');
    for (size_t i = 0; (row = room_mode_at(i)) != NULL; i++) {
        if ((row->kind == ROOM_MODE_KEY && key.len > 0) ||
            (row->kind == ROOM_MODE_LIMIT && limit > 0) ||
            (row->kind == ROOM_MODE_FLAG && (flags & row->value) != 0)) {
            strbuf_add_char(out, row->letter);
        }
    }
    if (key.len > 0) {
        strbuf_add_char(out, ' ');
        strbuf_add(out, key);
    }
    if (limit > 0) {
        strbuf_add_char(out, ' ');
        strbuf_add_u64(out, limit);
    }
}

/* ---- what is wanted ---- */

static bool takes_parameter(const struct room_mode_row *row, bool is_added)
{
    return row != NULL && row->kind != ROOM_MODE_FLAG &&
           (row->kind != ROOM_MODE_LIMIT || is_added);
}

void irc_modes_parse(const struct irc_message *m, struct irc_mode_wish *ret)
{
    struct str_view letters = m->params[1];
    struct hub_mode_change change = {.is_added = true};
    size_t next = 2;

    ret->count = 0;
    ret->lists = 0;
    for (size_t i = 0; i < letters.len && ret->count < HUB_MODE_CHANGES_MAX; i++) {
        const struct room_mode_row *row = room_mode_find(letters.ptr[i]);

        if (letters.ptr[i] == '+' || letters.ptr[i] == '-') {
            change.is_added = letters.ptr[i] == '+';
            continue;
        }
        change.letter = letters.ptr[i];
        change.parameter = SV("");
        if (takes_parameter(row, change.is_added) && next < m->count) {
            change.parameter = m->params[next++];
        }
        if (row != NULL && row->kind == ROOM_MODE_LIST && change.parameter.len == 0) {
            ret->lists |= 1U << row->value;
        } else {
            ret->changes[ret->count++] = change;
        }
    }
}

size_t irc_modes_count_fit(const struct hub_mode_change *changes, size_t count,
                           size_t bytes)
{
    size_t used = 0;
    size_t parameters = 0;
    size_t i = 0;

    for (; i < count; i++) {
        size_t length = changes[i].parameter.len;

        used += i == 0 || changes[i].is_added != changes[i - 1].is_added ? 2 : 1;
        used += length > 0 ? length + 1 : 0;
        parameters += length > 0 ? 1 : 0;
        if (i > 0 && (used > bytes || parameters > IRC_MODES_MAX)) {
            break;
        }
    }
    return i;
}

void irc_modes_add_changes(struct strbuf *out, const struct hub_mode_change *changes,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || changes[i].is_added != changes[i - 1].is_added) {
            strbuf_add_char(out, changes[i].is_added ? '+' : '-');
        }
        strbuf_add_char(out, changes[i].letter);
    }
    for (size_t i = 0; i < count; i++) {
        if (changes[i].parameter.len > 0) {
            strbuf_add_char(out, ' ');
            irc_numeric_add_word(out, changes[i].parameter);
        }
    }
}

/* ---- of a person ---- */

static const struct {
    char letter;
    unsigned bit;
} user_rows[] = {
    {'i', IRC_USER_INVISIBLE},
    {'o', IRC_USER_OPERATOR},
    {'w', IRC_USER_WALLOPS},
    {'B', IRC_USER_BOT},
};

const struct str_view irc_modes_user_letters = SV_INIT("iowB");

unsigned irc_modes_user_bit(char letter)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(user_rows); i++) {
        if (user_rows[i].letter == letter) {
            return user_rows[i].bit;
        }
    }
    return 0;
}

unsigned irc_modes_of(struct str_view letters)
{
    unsigned modes = 0;

    for (size_t i = 0; i < letters.len; i++) {
        modes |= irc_modes_user_bit(letters.ptr[i]);
    }
    return modes;
}

void irc_modes_add_user_letters(struct strbuf *out, unsigned modes)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(user_rows); i++) {
        if ((modes & user_rows[i].bit) != 0) {
            strbuf_add_char(out, user_rows[i].letter);
        }
    }
}

static void add_signed(struct strbuf *out, char sign, unsigned modes)
{
    if (modes != 0) {
        strbuf_add_char(out, sign);
        irc_modes_add_user_letters(out, modes);
    }
}

void irc_modes_add_change(struct strbuf *out, unsigned from, unsigned to)
{
    add_signed(out, '+', to & ~from);
    add_signed(out, '-', from & ~to);
}

void irc_modes_add_user(struct strbuf *out, unsigned modes)
{
    strbuf_add_char(out, '+');
    irc_modes_add_user_letters(out, modes);
}
