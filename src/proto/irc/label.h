/* SPDX-License-Identifier: MIT */
/*
 * label.h - the answer to a labeled command, which is to be one thing.
 *
 * Model: the first line of the answer is held. A second one opens a batch, and from then on
 * lines go out as they come. At the end a line that is still held goes out with the label
 * itself; no line at all is an ACK. Pure: what is to be sent is appended to `out`.
 * Source: IRCv3 labeled-response, batch.
 */
#ifndef PARLEY_PROTO_IRC_LABEL_H
#define PARLEY_PROTO_IRC_LABEL_H

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

struct irc_label;

/* `text` as the client sent it, escaped. */
struct irc_label *irc_label_new(struct str_view text);
void irc_label_free(struct irc_label *label);
struct str_view irc_label_text(const struct irc_label *label);
/* A line of the answer, or several; each with its end. */
void irc_label_add(struct irc_label *label, struct strbuf *out, struct str_view lines);
/* That was all; called once. */
void irc_label_end(struct irc_label *label, struct strbuf *out);
/* `line` with a tag ("label=1") in front of those that it has. */
void irc_label_tag(struct strbuf *out, struct str_view tag, struct str_view line);

#endif
