/* SPDX-License-Identifier: MIT */
#include "proto/said.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

#include "proto/text.h"

enum {
    /* Far more than the hub lets one person have under way. */
    RECORDS_BYTES_MAX = 1024 * 1024,
    RECORDS_BYTES_MIN = 112, /* of IRC's lines without a label: 7 */
    /* A character more than is quoted, so that what was longer still looks so. */
    BEGINNING_BYTES_MAX = TEXT_EXCERPT_BYTES + 4,
};

/* One block, as it comes and goes all the time. Invariant: 0 < len <= size. */
struct said_records {
    uint32_t len;
    uint32_t size;
    char bytes[]; /* {head, text}... */
};

/* In front of each text; copied in and out, as records are not aligned. */
struct record_head {
    const struct room *room;
    uint32_t line;
    uint32_t len;
};

void said_init(struct said *s)
{
    s->records = NULL;
}

void said_done(struct said *s)
{
    free(s->records);
    s->records = NULL;
}

/* Where `len` more bytes go; NULL: nowhere. */
static char *extend(struct said *s, uint32_t len)
{
    uint32_t used = s->records != NULL ? s->records->len : 0;
    uint32_t size = s->records != NULL ? s->records->size : 0;

    if (used + len > RECORDS_BYTES_MAX) {
        return NULL;
    }
    if (used + len > size) {
        size = RECORDS_BYTES_MIN + 2 * used + len;
        s->records = xreallocarray(s->records, 1, sizeof *s->records + size);
        s->records->size = size;
    }
    s->records->len = used + len;
    return s->records->bytes + used;
}

void said_add(struct said *s, const struct room *room, uint32_t line,
              struct str_view text)
{
    size_t len = text.len < BEGINNING_BYTES_MAX ? text.len : BEGINNING_BYTES_MAX;
    struct record_head head = {room, line, (uint32_t)len};
    char *to = extend(s, (uint32_t)sizeof head + head.len);

    if (to == NULL) {
        return;
    }
    memcpy(to, &head, sizeof head);
    if (len > 0) {
        memcpy(to + sizeof head, text.ptr, len);
    }
}

/* Cut `length` bytes at `at` out of the records. */
static void remove_bytes(struct said *s, size_t at, size_t length)
{
    struct said_records *records = s->records;

    memmove(records->bytes + at, records->bytes + at + length,
            records->len - at - length);
    records->len -= (uint32_t)length;
    if (records->len == 0) {
        said_done(s);
    }
}

/* Take out the first record that is of the room, or if that is NULL has the number. */
static void take(struct said *s, const struct room *room, uint32_t line,
                 struct strbuf *ret_text)
{
    struct said_records *records = s->records;
    struct record_head head;

    for (size_t at = 0; records != NULL && at < records->len;
         at += sizeof head + head.len) {
        memcpy(&head, records->bytes + at, sizeof head);
        if (room != NULL ? head.room != room : head.line != line) {
            continue;
        }
        if (ret_text != NULL) {
            strbuf_add(ret_text, sv(records->bytes + at + sizeof head, head.len));
        }
        remove_bytes(s, at, sizeof head + head.len);
        return;
    }
}

void said_take(struct said *s, const struct room *room, struct strbuf *ret_text)
{
    take(s, room, 0, ret_text);
}

void said_take_line(struct said *s, uint32_t line, struct strbuf *ret_text)
{
    take(s, NULL, line, ret_text);
}
