/* SPDX-License-Identifier: MIT */
#include <parley/core/options.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/option_row.h"
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/utf8.h>

#ifndef PARLEY_VERSION
#define PARLEY_VERSION "dev"
#endif

enum { VARIABLE_SIZE = 64, ROWS_MAX = 60, URL_BYTES_MAX = 4096 };

/* Where a value came from; a later one wins. */
enum source { SOURCE_DEFAULT, SOURCE_VARIABLE, SOURCE_FLAG };

struct reader {
    struct options o;
    enum source sources[ROWS_MAX]; /* by row */
    FILE *err;
};

/* ---- names ---- */

/* "log-level" is PARLEY_LOG_LEVEL in the environment. */
static const char *variable_of(const struct option_row *row, char buffer[VARIABLE_SIZE])
{
    (void)snprintf(buffer, VARIABLE_SIZE, "PARLEY_%s", row->name);
    for (char *c = buffer; *c != '\0'; c++) {
        if (*c == '-') {
            *c = '_';
        } else if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
    return buffer;
}

static const struct option_row *find_row(struct str_view name)
{
    for (size_t i = 0; i < option_row_count; i++) {
        if (sv_equal(name, sv_of(option_rows[i].name))) {
            return &option_rows[i];
        }
    }
    return NULL;
}

static size_t row_index(const struct option_row *row)
{
    return (size_t)(row - option_rows);
}

/* ---- refusals: one line each ---- */

/* What an operator typed, on one line and not too long. */
static void print_quoted(FILE *out, struct str_view text)
{
    struct str_view shown = utf8_truncate(text, 100);

    fputc('"', out);
    for (size_t i = 0; i < shown.len; i++) {
        unsigned char c = (unsigned char)shown.ptr[i];

        fputc(c < 0x20 || c == 0x7f ? '?' : c, out);
    }
    fputs(shown.len < text.len ? "...\"" : "\"", out);
}

static void print_origin(FILE *out, const struct option_row *row, enum source source)
{
    char variable[VARIABLE_SIZE];

    if (source == SOURCE_VARIABLE) {
        fprintf(out, "parleyd: variable %s (option --%s): ", variable_of(row, variable),
                row->name);
    } else {
        fprintf(out, "parleyd: option --%s: ", row->name);
    }
}

static bool refuse_value(const struct reader *r, const struct option_row *row,
                         enum source source, struct str_view value)
{
    print_origin(r->err, row, source);
    if ((row->flags & OPTION_SECRET) != 0) {
        fputs("the value (not shown)", r->err);
    } else {
        print_quoted(r->err, value);
    }
    fputs(" is not right; it takes ", r->err);
    option_types[row->type].describe(row, r->err);
    fputc('\n', r->err);
    return false;
}

/* ---- reading ---- */

static bool take(struct reader *r, const struct option_row *row, enum source source,
                 const char *value)
{
    if (!option_types[row->type].take(row, sv_of(value), &r->o)) {
        return refuse_value(r, row, source, sv_of(value));
    }
    r->sources[row_index(row)] = source;
    return true;
}

/* The value of argv[*index], in it or behind it; NULL if there is none. */
static char *find_value(int argc, char **argv, int *index)
{
    char *equals = strchr(argv[*index], '=');

    if (equals != NULL) {
        return equals + 1;
    }
    if (*index + 1 == argc || strncmp(argv[*index + 1], "--", 2) == 0) {
        return NULL;
    }
    (*index)++;
    return argv[*index];
}

static bool refuse_missing(const struct reader *r, const struct option_row *row)
{
    print_origin(r->err, row, SOURCE_FLAG);
    fprintf(r->err, "a value is missing; it takes %s%s", row->unit,
            option_types[row->type].describe == NULL ? "" : ": ");
    if (option_types[row->type].describe != NULL) {
        option_types[row->type].describe(row, r->err);
    }
    fputc('\n', r->err);
    return false;
}

/* Take argv[*index] and its value over. A word that is no option may be a misplaced secret:
 * only what looks like a flag is shown. */
static bool read_flag(struct reader *r, int argc, char **argv, int *index)
{
    struct str_view rest = sv_of(argv[*index]);
    struct str_view flag = sv_next_until(&rest, '=');

    if (!sv_starts_with(flag, SV("--"))) {
        fprintf(r->err, "parleyd: argument %d is no option; --help lists them\n", *index);
        return false;
    }
    const struct option_row *row = find_row(sv(flag.ptr + 2, flag.len - 2));

    if (row == NULL) {
        fputs("parleyd: unknown option ", r->err);
        print_quoted(r->err, flag);
        fputs("; --help lists them\n", r->err);
        return false;
    }
    if (row->type == OPTION_SHOW) {
        fprintf(r->err, "parleyd: option --%s: it takes no value\n", row->name);
        return false;
    }
    char *value = find_value(argc, argv, index);

    if (value == NULL) {
        return refuse_missing(r, row);
    }
    bool taken = take(r, row, SOURCE_FLAG, value);

    if ((row->flags & OPTION_SECRET) != 0) {
        memset(value, '*', strlen(value));
    }
    return taken;
}

/* The row of a flag that only shows something, or NULL. */
static const struct option_row *find_show(const char *argument)
{
    const struct option_row *row = strncmp(argument, "--", 2) == 0
                                       ? find_row(sv_of(argument + 2))
                                       : NULL;

    return row != NULL && row->type == OPTION_SHOW ? row : NULL;
}

/* Variables and defaults, for the rows that no flag has set. */
static bool read_rest(struct reader *r)
{
    char variable[VARIABLE_SIZE];

    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        if (row->type == OPTION_SHOW || r->sources[i] == SOURCE_FLAG) {
            continue;
        }
        const char *value = getenv(variable_of(row, variable));

        if (value != NULL && value[0] != '\0') {
            if (!take(r, row, SOURCE_VARIABLE, value)) {
                return false;
            }
        } else if (row->standard != NULL &&
                   !take(r, row, SOURCE_DEFAULT, row->standard)) {
            return false;
        }
    }
    return true;
}

/* ---- what needs more than its own value ---- */

/* The first line of a file without its end; false with errno or, for a line that is too
 * long, EFBIG. */
static bool read_first_line(const char *path, char ret_line[URL_BYTES_MAX])
{
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        return false;
    }
    errno = 0;
    ret_line[0] = '\0';
    bool done = fgets(ret_line, URL_BYTES_MAX, file) != NULL || !ferror(file);
    int error = errno;

    (void)fclose(file);
    size_t len = strcspn(ret_line, "\r\n");

    if (done && len == URL_BYTES_MAX - 1) {
        done = false;
        error = EFBIG;
    }
    ret_line[len] = '\0';
    errno = error;
    return done;
}

/* --redis-url-file wins over --redis-url, but not a variable over a flag. */
static bool read_url_file(struct reader *r)
{
    const struct option_row *row = find_row(SV("redis-url-file"));
    const struct option_row *url = find_row(SV("redis-url"));
    enum source source = r->sources[row_index(row)];
    char line[URL_BYTES_MAX];

    if (r->o.redis_url_file == NULL || r->o.redis_url_file[0] == '\0' ||
        source < r->sources[row_index(url)]) {
        return true;
    }
    bool read = read_first_line(r->o.redis_url_file, line);
    int error = errno;
    bool right = read && option_types[url->type].take(url, sv_trim(sv_of(line)), &r->o);

    if (!right) {
        print_origin(r->err, row, source);
        print_quoted(r->err, sv_of(r->o.redis_url_file));
        if (read) {
            fputs(" has a first line (not shown) that is not right; it takes ", r->err);
            option_types[url->type].describe(url, r->err);
            fputc('\n', r->err);
        } else {
            fprintf(r->err, " cannot be read: %s\n", strerror(error));
        }
    }
    explicit_bzero(line, sizeof line);
    return right;
}

char *options_reread_url(const struct options *o, FILE *err)
{
    const struct option_row *row = find_row(SV("redis-url-file"));
    struct reader r = {.o = {.redis_url_file = o->redis_url_file}, .err = err};

    r.sources[row_index(row)] = SOURCE_FLAG;
    (void)read_url_file(&r);
    return r.o.redis_url;
}

/* The host's name, with anything else than a node may be called replaced. */
static void name_after_host(struct options *o)
{
    enum { HOST_SIZE = 65, NAME_MAX_LENGTH = 63 };
    char *name = xcalloc(1, HOST_SIZE);

    if (gethostname(name, HOST_SIZE) != 0 || name[0] == '\0') {
        memcpy(name, "localhost", sizeof "localhost");
    }
    name[NAME_MAX_LENGTH] = '\0';
    for (char *c = name; *c != '\0'; c++) {
        char low = ascii_lower(*c);

        if ((low < 'a' || low > 'z') && (low < '0' || low > '9') &&
            strchr("._-", low) == NULL) {
            *c = '-';
        }
    }
    o->copies[o->copy_count++] = name;
    o->node_name = name;
}

enum options_result options_read(int argc, char **argv, FILE *out, FILE *err,
                                 struct options *ret)
{
    struct reader r = {.err = err};
    bool done = true;

    PARLEY_ASSERT(option_row_count <= ROWS_MAX);
    for (int i = 1; i < argc && done; i++) {
        const struct option_row *show = find_show(argv[i]);

        if (show != NULL) {
            bool is_shown = show->show(out, err);

            options_done(&r.o);
            return is_shown ? OPTIONS_SHOWN : OPTIONS_REFUSED;
        }
        done = read_flag(&r, argc, argv, &i);
    }
    if (!done || !read_rest(&r) || !read_url_file(&r)) {
        options_done(&r.o);
        return OPTIONS_REFUSED;
    }
    if (r.o.node_name == NULL) {
        name_after_host(&r.o);
    }
    r.o.admin_is_default = r.sources[row_index(find_row(SV("admin")))] == SOURCE_DEFAULT;
    *ret = r.o;
    return OPTIONS_OK;
}

void options_done(struct options *o)
{
    if (o->redis_url != NULL) {
        explicit_bzero(o->redis_url, strlen(o->redis_url));
        free(o->redis_url);
    }
    for (size_t i = 0; i < o->copy_count; i++) {
        free(o->copies[i]);
    }
    *o = (struct options){0};
}

/* ---- showing ---- */

static const char *default_of(const struct option_row *row)
{
    if (row->standard == NULL) {
        return "the host's name";
    }
    return row->standard[0] == '\0' ? "none" : row->standard;
}

bool options_show_version(FILE *out, FILE *err)
{
    (void)err;
    fputs("parleyd " PARLEY_VERSION "\n", out);
    return true;
}

bool options_show_help(FILE *out, FILE *err)
{
    (void)err;
    fputs("parleyd " PARLEY_VERSION ": a chat relay that scales by adding nodes\n\n"
          "usage: parleyd [OPTION...]\n\n"
          "Each option can be given as a variable too: --log-level is PARLEY_LOG_LEVEL. "
          "A flag wins.\n\n",
          out);
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        if ((row->flags & OPTION_HIDDEN) != 0) {
            continue;
        }
        fprintf(out, "  --%s%s%s\n      %s", row->name, row->unit[0] == '\0' ? "" : " ",
                row->unit, row->help);
        if (option_types[row->type].describe != NULL) {
            fputs("\n      ", out);
            option_types[row->type].describe(row, out);
        }
        if (row->type != OPTION_SHOW) {
            fprintf(out, "%sdefault: %s",
                    option_types[row->type].describe == NULL ? "\n      " : "; ",
                    default_of(row));
        }
        fputc('\n', out);
    }
    return true;
}

bool options_print_markdown(FILE *out, FILE *err)
{
    char variable[VARIABLE_SIZE];

    (void)err;
    fputs("| option | variable | default | meaning |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        if (row->type == OPTION_SHOW) {
            continue;
        }
        bool quoted = row->standard != NULL && row->standard[0] != '\0';
        const char *mark = quoted ? "`" : "";

        fprintf(out, "| `--%s %s` | `%s` | %s%s%s | %s", row->name, row->unit,
                variable_of(row, variable), mark, default_of(row), mark, row->help);
        if (option_types[row->type].describe != NULL) {
            fputs(" (", out);
            option_types[row->type].describe(row, out);
            fputc(')', out);
        }
        fputs(" |\n", out);
    }
    return true;
}
