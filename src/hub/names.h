/* SPDX-License-Identifier: MIT */
/*
 * names.h - what is a name, when are two the same, and what may stand in a text.
 */
#ifndef PARLEY_HUB_NAMES_H
#define PARLEY_HUB_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/item.h>
#include <parley/hub/hub.h>
#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum {
    MEMBER_ID_MAX = NODE_ID_MAX + 1 + 20, /* a slash, a number */
    WHO_BYTES_MAX = NICK_BYTES_MAX + 1 + USER_BYTES_MAX + 1 + HOST_BYTES_MAX,
};

struct number_text {
    char bytes[20]; /* 64 bits in decimal */
    size_t len;
};

struct str_view number_format(uint64_t number, struct number_text *ret);

/* "<node>/<number>": who somebody is, whatever the nick. */
struct member_id {
    struct str_view node; /* borrowed */
    uint64_t number;
};

struct member_id_text {
    char bytes[MEMBER_ID_MAX];
    size_t len;
};

bool member_id_parse(struct str_view text, struct member_id *ret) PARLEY_MUST_CHECK;
struct str_view member_id_format(struct member_id id, struct member_id_text *ret);

/* The form in which names are compared: ASCII letters small. `name` may be cut to the size
 * of the buffer, which is enough for every valid name. */
struct folded_name {
    char bytes[ROOM_BYTES_MAX];
    size_t len;
};

struct str_view name_fold(struct str_view name, struct folded_name *ret);

/* No carriage return, line feed or zero: can be shown in a line. */
bool names_allow_text(struct str_view text);
/* `text` at most `max_bytes` long, and clean; `scratch` (emptied before) is used when bytes
 * must be replaced. */
struct str_view names_clean_text(struct str_view text, size_t max_bytes,
                                 struct strbuf *scratch);

#endif
