/* SPDX-License-Identifier: MIT */
/*
 * said.h - what a session has said that has not come back yet.
 *
 * Why it exists: when a line is given up its sender is to be told which one, and whoever
 * waits for all lines before must know when that is. Model: a queue of {room, number,
 * beginning of the text}; lines of one room come back in order, but any of them may be given
 * up. Owns its memory, and has none while nothing is under way.
 */
#ifndef PARLEY_PROTO_SAID_H
#define PARLEY_PROTO_SAID_H

#include <stddef.h>
#include <stdint.h>

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

struct room;
struct said_records;

struct said {
    struct said_records *records; /* owned; NULL: nothing is under way */
};

void said_init(struct said *s);
/* Forget everything. */
void said_done(struct said *s);
/* `room` is only compared; `line` is the hub's number. */
void said_add(struct said *s, const struct room *room, uint32_t line,
              struct str_view text);
/*
 * The oldest line said in the room came back: append its beginning to `ret_text` unless that
 * is NULL. Does nothing if there is none.
 */
void said_take(struct said *s, const struct room *room, struct strbuf *ret_text);
/* The line of that number was given up: the same. */
void said_take_line(struct said *s, uint32_t line, struct strbuf *ret_text);

#endif
