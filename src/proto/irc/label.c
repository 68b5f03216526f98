/* SPDX-License-Identifier: MIT */
#include "proto/irc/label.h"

#include <stdbool.h>
#include <stdlib.h>

#include <parley/util/alloc.h>

#include "proto/irc/limits.h"
#include "proto/irc/message.h"

/* A line of a message is no longer, with all its tags. */
enum { HELD_BYTES_MAX = 64 * 1024, TAG_BYTES_MAX = IRC_LABEL_BYTES_MAX + 8 };

/* A session has one batch open at most, so that all may have one name. */
#define BATCH_NAME "r"

struct irc_label {
    struct strbuf tag;  /* owned: "label=text" */
    struct strbuf held; /* owned: the first line, until there is a second */
    bool is_batch;
};

struct irc_label *irc_label_new(struct str_view text)
{
    struct irc_label *label = xcalloc(1, sizeof *label);

    strbuf_init(&label->tag, TAG_BYTES_MAX);
    strbuf_init(&label->held, HELD_BYTES_MAX);
    strbuf_add(&label->tag, SV("label="));
    strbuf_add(&label->tag, text);
    return label;
}

void irc_label_free(struct irc_label *label)
{
    if (label != NULL) {
        strbuf_done(&label->tag);
        strbuf_done(&label->held);
        free(label);
    }
}

struct str_view irc_label_text(const struct irc_label *label)
{
    struct str_view tag = strbuf_view(&label->tag);

    (void)sv_next_until(&tag, '=');
    return tag;
}

void irc_label_tag(struct strbuf *out, struct str_view tag, struct str_view line)
{
    bool is_tagged = line.len > 0 && line.ptr[0] == '@';

    strbuf_add_char(out, '@');
    strbuf_add(out, tag);
    strbuf_add_char(out, is_tagged ? ';' : ' ');
    strbuf_add(out, is_tagged ? sv(line.ptr + 1, line.len - 1) : line);
}

static void open_batch(struct irc_label *label, struct strbuf *out)
{
    label->is_batch = true;
    irc_label_tag(out, strbuf_view(&label->tag),
                  SV(":" IRC_SERVER_NAME " BATCH +" BATCH_NAME " labeled-response\r\n"));
    irc_label_tag(out, SV("batch=" BATCH_NAME), strbuf_view(&label->held));
    strbuf_done(&label->held);
}

static void add_line(struct irc_label *label, struct strbuf *out, struct str_view line)
{
    if (!label->is_batch && label->held.len == 0) {
        strbuf_add(&label->held, line);
        return;
    }
    if (!label->is_batch) {
        open_batch(label, out);
    }
    irc_label_tag(out, SV("batch=" BATCH_NAME), line);
}

void irc_label_add(struct irc_label *label, struct strbuf *out, struct str_view lines)
{
    while (lines.len > 0) {
        struct str_view rest = lines;
        size_t length = sv_next_until(&rest, '\n').len + 1;

        length = length < lines.len ? length : lines.len;
        add_line(label, out, sv(lines.ptr, length));
        lines = sv(lines.ptr + length, lines.len - length);
    }
}

void irc_label_end(struct irc_label *label, struct strbuf *out)
{
    struct str_view tag = strbuf_view(&label->tag);

    if (label->is_batch) {
        strbuf_add(out, SV(":" IRC_SERVER_NAME " BATCH -" BATCH_NAME "\r\n"));
    } else if (label->held.len > 0) {
        irc_label_tag(out, tag, strbuf_view(&label->held));
    } else {
        irc_label_tag(out, tag, SV(":" IRC_SERVER_NAME " ACK\r\n"));
    }
}
