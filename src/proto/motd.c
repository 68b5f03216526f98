/* SPDX-License-Identifier: MIT */
#include <parley/proto/motd.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/text.h"

void motd_init(struct motd *m)
{
    /* Replacing invalid bytes makes a text three times as long at most. */
    strbuf_init(&m->text, (size_t)MOTD_BYTES_MAX * 3 + 1);
}

void motd_done(struct motd *m)
{
    strbuf_done(&m->text);
}

/* Everything up to one byte past the limit; false when reading failed. */
static bool read_file(struct strbuf *raw, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    char chunk[4096];
    bool more = true;
    while (more) {
        size_t got = fread(chunk, 1, sizeof chunk, file);
        strbuf_add(raw, sv(chunk, got));
        more = got == sizeof chunk && !raw->failed;
    }
    bool ok = ferror(file) == 0;
    int error = errno;
    (void)fclose(file);
    errno = error;
    return ok;
}

static bool add_line(struct motd *m, struct str_view line)
{
    size_t start = m->text.len;

    text_add_clean(&m->text, line);
    bool fits = m->text.len - start <= MOTD_LINE_BYTES_MAX;
    strbuf_add_char(&m->text, '\n');
    return fits;
}

static bool add_lines(struct motd *m, struct str_view rest,
                      char ret_error[MOTD_ERROR_SIZE])
{
    for (size_t number = 1; rest.len > 0; number++) {
        if (!add_line(m, sv_next_until(&rest, '\n'))) {
            (void)snprintf(ret_error, MOTD_ERROR_SIZE, "line %zu is longer than %d bytes",
                           number, MOTD_LINE_BYTES_MAX);
            return false;
        }
    }
    return true;
}

bool motd_load(struct motd *m, const char *path, char ret_error[MOTD_ERROR_SIZE])
{
    strbuf_clear(&m->text);
    if (path[0] == '\0') {
        return true;
    }
    struct strbuf raw;
    strbuf_init(&raw, MOTD_BYTES_MAX);
    bool ok = false;
    if (!read_file(&raw, path)) {
        (void)snprintf(ret_error, MOTD_ERROR_SIZE, "%s", strerror(errno));
    } else if (raw.failed) {
        (void)snprintf(ret_error, MOTD_ERROR_SIZE, "it has more than %d bytes",
                       MOTD_BYTES_MAX);
    } else {
        ok = add_lines(m, strbuf_view(&raw), ret_error);
    }
    strbuf_done(&raw);
    if (!ok) {
        strbuf_clear(&m->text);
    }
    return ok;
}

bool motd_reload(struct motd *m, const char *path, char ret_error[MOTD_ERROR_SIZE])
{
    struct motd fresh;

    motd_init(&fresh);
    if (!motd_load(&fresh, path, ret_error)) {
        motd_done(&fresh);
        return false;
    }
    motd_done(m);
    *m = fresh;
    return true;
}

bool motd_next_line(struct str_view *rest, struct str_view *ret_line)
{
    if (rest->len == 0) {
        return false;
    }
    *ret_line = sv_next_until(rest, '\n');
    return true;
}

struct str_view motd_text(const struct motd *m)
{
    return strbuf_view(&m->text);
}
