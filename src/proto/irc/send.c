/* SPDX-License-Identifier: MIT */
/* Talking to one client. */
#include "proto/irc/commands.h"
#include "proto/irc/irc.h"
#include "proto/irc/render.h"

/* A labeled answer's second line brings the first one and the batch's beginning along. */
enum { LABELED_BYTES_MAX = 256 * 1024 };

/* Whole lines, as a part of the answer of the call that is speaking. */
static void emit(struct irc *irc, struct str_view lines)
{
    struct strbuf out;

    if (irc->session == NULL) {
        return;
    }
    if (irc->speaking == NULL || irc->speaking->label == NULL) {
        session_send_text(irc->session, lines);
        return;
    }
    strbuf_init(&out, LABELED_BYTES_MAX);
    irc_label_add(irc->speaking->label, &out, lines);
    if (out.len > 0) {
        session_send_text(irc->session, strbuf_view(&out));
    }
    strbuf_done(&out);
}

void irc_send_label_end(struct irc *irc, struct irc_label *label)
{
    struct strbuf out;

    strbuf_init(&out, LABELED_BYTES_MAX);
    irc_label_end(label, &out);
    session_send_text(irc->session, strbuf_view(&out));
    strbuf_done(&out);
}

struct strbuf *irc_begin(struct irc *irc)
{
    strbuf_clear(&irc->app->scratch);
    return &irc->app->scratch;
}

void irc_end(struct irc *irc)
{
    struct strbuf *out = &irc->app->scratch;

    irc_numeric_cut(out, 0);
    strbuf_add(out, SV("\r\n"));
    irc_send_lines(irc);
}

void irc_send_lines(struct irc *irc)
{
    const struct strbuf *out = &irc->app->scratch;

    if (!out->failed) {
        emit(irc, strbuf_view(out));
    }
}

struct str_view irc_nick(const struct irc *irc)
{
    if (irc->user == NULL || !irc_is_registered(irc)) {
        return SV("*");
    }
    return person_nick(hub_user_person(irc->user));
}

void irc_send_numeric(struct irc *irc, enum irc_numeric numeric,
                      const struct str_view *args, size_t count)
{
    if (irc_is_open(irc)) {
        irc_numeric_add(irc_begin(irc), numeric, irc_nick(irc), args, count);
        irc_end(irc);
    }
}

void irc_send_event(struct irc *irc, const struct hub_event *e)
{
    struct strbuf *out = irc_begin(irc);

    if (irc_render_event(out, e, irc_render_form(irc->caps, e)) && !out->failed) {
        emit(irc, strbuf_view(out));
    }
}

void irc_send_shared(struct irc *irc, struct msg *m)
{
    if (irc->session != NULL) {
        session_send(irc->session, m);
    }
}

void irc_fail(struct irc *irc, struct str_view command, const char *code,
              struct str_view context, const char *text)
{
    struct strbuf *out = irc_begin(irc);

    strbuf_add(out, SV(":" IRC_SERVER_NAME " FAIL "));
    irc_numeric_add_word(out, command);
    strbuf_add_fmt(out, " %s", code);
    if (context.len > 0) {
        strbuf_add_char(out, ' ');
        irc_numeric_add_word(out, context);
    }
    strbuf_add_fmt(out, " :%s", text);
    irc_end(irc);
}

void irc_tell_notice(struct irc *irc, struct str_view text)
{
    struct strbuf *out = irc_begin(irc);

    strbuf_add(out, SV(":" IRC_SERVER_NAME " NOTICE "));
    irc_numeric_add_word(out, irc_nick(irc));
    strbuf_add(out, SV(" :"));
    irc_numeric_add_text(out, text);
    irc_end(irc);
}

void irc_tell_unavailable(struct irc *irc, struct str_view what)
{
    static const char text[] = "Not done, the backplane is away";

    if ((irc->caps & IRC_CAP_STANDARD_REPLIES) != 0) {
        struct str_view command = irc->speaking != NULL ? irc->speaking->row->name
                                                        : SV("*");
        irc_fail(irc, command, "TEMPORARILY_UNAVAILABLE", what, text);
    } else {
        irc_reply(irc, ERR_UNAVAILRESOURCE, what, sv_of(text));
    }
}

struct str_view irc_digits(uint64_t number, struct irc_digits *ret)
{
    return sv_from_u64(number, ret->bytes);
}
