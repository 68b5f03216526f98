/* SPDX-License-Identifier: MIT */
/*
 * commands.h - what the files of the commands share.
 *
 * A command is a row of the table in commands.c and a function command_<name>(), which runs
 * when the arguments are right in number and it is the command's turn.
 */
#ifndef PARLEY_PROTO_LINE_COMMANDS_H
#define PARLEY_PROTO_LINE_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/hub/hub.h>
#include <parley/net/session.h>
#include <parley/util/str.h>

#include "proto/line/line.h"
#include "proto/line/parse.h"

enum { SHORT_TEXT_BYTES_MAX = 390 }; /* of a topic, a reason, an away text, a token */

/* Does the word name a room? */
bool command_is_room(struct str_view word);
/* The room of that name, if the person is in it. */
const struct room *command_own_room(struct line *l, struct str_view name);
/*
 * The room that a command is about: `name`, or the current one if that is empty. NULL when
 * the person is not in it; the error is sent then.
 */
const struct room *command_room(struct line *l, struct str_view name);
/*
 * The end of every serial request. `what` is the text, the room or the name that an error is
 * to tell; what only one command can be refused for, that command tells before.
 */
enum line_result command_answer(struct line *l, enum hub_result result, char kind,
                                struct str_view what);
void command_refuse_usage(struct line *l, const char *name);

/* ---- commands_room.c ---- */
enum line_result command_join(struct line *l, const struct args *args);
enum line_result command_leave(struct line *l, const struct args *args);
enum line_result command_room_switch(struct line *l, const struct args *args);
enum line_result command_rooms(struct line *l, const struct args *args);
enum line_result command_topic(struct line *l, const struct args *args);
enum line_result command_history(struct line *l, const struct args *args);

/* ---- commands_person.c ---- */
enum line_result command_nick(struct line *l, const struct args *args);
enum line_result command_msg(struct line *l, const struct args *args);
enum line_result command_me(struct line *l, const struct args *args);
enum line_result command_who(struct line *l, const struct args *args);
enum line_result command_away(struct line *l, const struct args *args);

#endif
