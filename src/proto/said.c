/* SPDX-License-Identifier: MIT */
#include "proto/said.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

#include "proto/text.h"

enum {
    /* Far more than the hub lets one person have under way. */
    RECORDS_BYTES_MAX = 1024 * 1024,
    /* A character more than is quoted, so that what was longer still looks so. */
    BEGINNING_BYTES_MAX = TEXT_EXCERPT_BYTES + 4,
};

struct said_records {
    struct strbuf bytes; /* {head, text}... */
    uint32_t count;
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
    if (s->records != NULL) {
        strbuf_done(&s->records->bytes);
        free(s->records);
        s->records = NULL;
    }
}

void said_add(struct said *s, const struct room *room, uint32_t line,
              struct str_view text)
{
    size_t len = text.len < BEGINNING_BYTES_MAX ? text.len : BEGINNING_BYTES_MAX;
    struct record_head head = {room, line, (uint32_t)len};

    if (s->records == NULL) {
        s->records = xcalloc(1, sizeof *s->records);
        strbuf_init(&s->records->bytes, RECORDS_BYTES_MAX);
    }
    strbuf_add(&s->records->bytes, sv((const char *)&head, sizeof head));
    strbuf_add(&s->records->bytes, sv(text.ptr, head.len));
    s->records->count++;
}

/* Cut `length` bytes at `at` out of the records. */
static void remove_bytes(struct strbuf *records, size_t at, size_t length)
{
    memmove(records->ptr + at, records->ptr + at + length, records->len - at - length);
    records->len -= length;
}

/* Take out the first record that is of the room, or if that is NULL has the number. */
static void take(struct said *s, const struct room *room, uint32_t line,
                 struct strbuf *ret_text)
{
    struct record_head head;

    if (s->records == NULL) {
        return;
    }
    struct strbuf *bytes = &s->records->bytes;

    for (size_t at = 0; at < bytes->len; at += sizeof head + head.len) {
        memcpy(&head, bytes->ptr + at, sizeof head);
        if (room != NULL ? head.room != room : head.line != line) {
            continue;
        }
        if (ret_text != NULL) {
            strbuf_add(ret_text, sv(bytes->ptr + at + sizeof head, head.len));
        }
        remove_bytes(bytes, at, sizeof head + head.len);
        s->records->count--;
        break;
    }
    if (s->records->count == 0) {
        said_done(s);
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
