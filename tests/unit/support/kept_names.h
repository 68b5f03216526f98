/* SPDX-License-Identifier: MIT */
/*
 * kept_names.h - does room_names_stamp() keep its word? A list of names is kept as a front-end
 * keeps one, and compared with a new one whenever somebody asks.
 */
#ifndef PARLEY_TESTS_KEPT_NAMES_H
#define PARLEY_TESTS_KEPT_NAMES_H

#include <parley/hub/hub.h>
#include <parley/util/strbuf.h>

struct kept_names {
    struct strbuf text;
    size_t cursor;
    uint32_t stamp;
};

void kept_names_init(struct kept_names *kept);
void kept_names_done(struct kept_names *kept);
void kept_names_check(struct kept_names *kept, const struct room *r);

#endif
