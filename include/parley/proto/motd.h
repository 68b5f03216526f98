/* SPDX-License-Identifier: MIT */
/*
 * motd.h - the message of the day: a short text file, read at start and again when told.
 *
 * The text is shown to strangers line by line, so it is bounded and made clean when it is
 * read: valid UTF-8 without control characters.
 */
#ifndef PARLEY_PROTO_MOTD_H
#define PARLEY_PROTO_MOTD_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum {
    MOTD_BYTES_MAX = 16 * 1024,
    MOTD_LINE_BYTES_MAX = 400, /* so that it fits an IRC line with its prefix */
    MOTD_ERROR_SIZE = 200,
};

struct motd {
    struct strbuf text; /* owned; clean lines, each with a LF behind it */
};

void motd_init(struct motd *m);
void motd_done(struct motd *m);
/*
 * Read the file; the empty path gives the empty message. False with a one-line reason in
 * `ret_error` when it cannot be read, is too big or has too long a line; `m` is empty then.
 */
bool motd_load(struct motd *m, const char *path, char ret_error[MOTD_ERROR_SIZE])
    PARLEY_MUST_CHECK;
/* Read it again; what was shown before stays if that fails. */
bool motd_reload(struct motd *m, const char *path, char ret_error[MOTD_ERROR_SIZE])
    PARLEY_MUST_CHECK;
/* Cut the next line off `rest`, which starts as motd_text(). False at the end. */
bool motd_next_line(struct str_view *rest, struct str_view *ret_line);
struct str_view motd_text(const struct motd *m);

#endif
