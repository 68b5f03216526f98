/* SPDX-License-Identifier: MIT */
#include "kept_names.h"

#include <check.h>

enum { NAMES_BYTES_MAX = 1 << 20 };

void kept_names_init(struct kept_names *kept)
{
    *kept = (struct kept_names){.cursor = 0};
    strbuf_init(&kept->text, NAMES_BYTES_MAX);
}

void kept_names_done(struct kept_names *kept)
{
    strbuf_done(&kept->text);
}

static void add_names(struct strbuf *out, const struct room *r, size_t *cursor)
{
    struct room_member m;

    while (room_next_member(r, cursor, &m)) {
        strbuf_add_fmt(out, "%u%.*s!%.*s@%.*s ", m.flags, SV_ARG(person_nick(m.person)),
                       SV_ARG(person_user(m.person)), SV_ARG(person_host(m.person)));
    }
}

void kept_names_check(struct kept_names *kept, const struct room *r)
{
    struct strbuf fresh;
    size_t cursor = 0;

    if (kept->stamp != room_names_stamp(r)) {
        strbuf_clear(&kept->text);
        kept->cursor = 0;
        kept->stamp = room_names_stamp(r);
    }
    add_names(&kept->text, r, &kept->cursor);
    strbuf_init(&fresh, NAMES_BYTES_MAX);
    add_names(&fresh, r, &cursor);
    ck_assert_str_eq(strbuf_cstr(&kept->text), strbuf_cstr(&fresh));
    strbuf_done(&fresh);
}
