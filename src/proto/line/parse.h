/* SPDX-License-Identifier: MIT */
/*
 * parse.h - what a line of the line protocol is: nothing, something said, or a command.
 *
 * Pure functions; all views point into the line.
 */
#ifndef PARLEY_PROTO_LINE_PARSE_H
#define PARLEY_PROTO_LINE_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

enum { PARSE_ARGS_MAX = 2 };

enum input_kind {
    INPUT_BLANK,   /* empty, or only blanks */
    INPUT_TEXT,    /* said in the current room (or a name) */
    INPUT_COMMAND, /* begins with one slash */
};

struct input {
    enum input_kind kind;
    struct str_view text;    /* INPUT_TEXT: what is said; INPUT_COMMAND: the arguments */
    struct str_view command; /* INPUT_COMMAND: its name without the slash */
};

struct input parse_line(struct str_view line);

/* Which arguments a command takes. */
struct args_shape {
    unsigned char min;
    unsigned char max; /* at most PARSE_ARGS_MAX */
    bool last_is_text; /* the last one is the rest of the line */
};

struct args {
    size_t count;
    struct str_view at[PARSE_ARGS_MAX]; /* empty behind `count` */
};

/* False when there are too few or too many; none of them is empty. */
bool parse_args(struct str_view text, const struct args_shape *shape,
                struct args *ret_args) PARLEY_MUST_CHECK;

#endif
