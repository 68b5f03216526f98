/* SPDX-License-Identifier: MIT */
/*
 * option_row.h - one row per option, and what the types of options can do.
 *
 * The rows are data (options_table.c); the types take values over and say which are right
 * (option_types.c); options.c walks the rows.
 */
#ifndef PARLEY_CORE_OPTION_ROW_H
#define PARLEY_CORE_OPTION_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <parley/core/options.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

enum option_type {
    OPTION_LISTEN,
    OPTION_ADMIN, /* HOST:PORT or "none" */
    OPTION_CIDRS, /* networks, or "none" */
    OPTION_OPERS, /* NAME:HASH, several with blanks between */
    OPTION_URL,
    OPTION_TEXT,   /* anything, also nothing */
    OPTION_NAME,   /* min to max of letters, digits and the characters of `accepts` */
    OPTION_CHOICE, /* one of the words of `accepts`; its number is stored */
    OPTION_SWITCH, /* no or yes */
    OPTION_NUMBER, /* min to max */
    OPTION_POWER,  /* ... and a power of two */
    OPTION_SHOW,   /* takes no value, prints something */
    OPTION_TYPE_COUNT,
};

enum {
    OPTION_SECRET = 1, /* its value is never shown */
    OPTION_HIDDEN = 2, /* not in --help and not in the README */
};

/* False: it could not, and said why on `err`. */
typedef bool (*show_fn)(FILE *out, FILE *err);

struct option_row {
    const char *name; /* the flag without its dashes */
    const char *unit; /* what --help calls the value */
    enum option_type type;
    unsigned flags;
    size_t offset; /* in struct options */
    const char *standard;
    uint64_t min, max;
    const char *accepts;
    show_fn show;
    const char *help;
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

struct option_type_ops {
    /* False: the value is wrong. Texts are borrowed and end in a zero behind the view. */
    bool (*take)(const struct option_row *row, struct str_view value, struct options *o);
    /* Say which values are right; NULL when all are. */
    void (*describe)(const struct option_row *row, FILE *out);
};

/* Types that take no value have an empty row here. */
extern const struct option_type_ops option_types[OPTION_TYPE_COUNT];

bool options_show_help(FILE *out, FILE *err);
bool options_show_version(FILE *out, FILE *err);
/* Read a password from standard input, unseen, and print its hash. */
bool options_show_hash(FILE *out, FILE *err);

#endif
