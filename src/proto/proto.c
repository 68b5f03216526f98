/* SPDX-License-Identifier: MIT */
#include <parley/proto/proto.h>

#include <stdlib.h>

#include <parley/core/log.h>
#include <parley/util/alloc.h>

#include "proto/front.h"

/* A rendered line is bounded by its parts; this is only a wall against our own mistakes. */
enum { SCRATCH_BYTES_MAX = 256 * 1024, LISTING_BYTES_MAX = 32 * 1024 * 1024 };

void proto_app_init(struct proto_app *app, struct loop *loop, struct hub *hub,
                    uint64_t max_line_bytes)
{
    *app = (struct proto_app){
        .loop = loop,
        .hub = hub,
        .node_name = "",
        .version = "",
        .motd_file = "",
        .started_ms = loop_now_ms(loop),
        .ping_ms = 90000,
        .pong_ms = 60000,
        .max_line_bytes = max_line_bytes,
    };
    motd_init(&app->motd);
    strbuf_init(&app->scratch, SCRATCH_BYTES_MAX);
    strbuf_init(&app->listing.names, LISTING_BYTES_MAX);
}

void proto_app_done(struct proto_app *app)
{
    motd_done(&app->motd);
    strbuf_done(&app->scratch);
    strbuf_done(&app->listing.names);
}

bool proto_app_reload_motd(struct proto_app *app, char ret_error[MOTD_ERROR_SIZE])
{
    bool is_read = motd_reload(&app->motd, app->motd_file, ret_error);

    if (!is_read) {
        log_warn("reload_failed", "option=motd-file why=\"%s\"", ret_error);
    }
    return is_read;
}

/* ---- the table; the last row claims everything ---- */

static const struct proto_front *const fronts[] = {&irc_front, &line_front};

const struct proto_front *proto_choose(struct str_view first_line)
{
    size_t i = 0;

    while (i + 1 < PARLEY_COUNT_OF(fronts) && !fronts[i]->claims(first_line)) {
        i++;
    }
    return fronts[i];
}

/* ---- the sniffer ---- */

struct sniffer {
    struct proto_app *app;   /* borrowed */
    struct session *session; /* borrowed; outlives the sniffer's calls */
};

static void *sniffer_on_open(void *app, struct session *s)
{
    struct sniffer *sniffer = xcalloc(1, sizeof *sniffer);

    sniffer->app = app;
    sniffer->session = s;
    session_set_deadline(s, PROTO_GREETING_MS);
    return sniffer;
}

static enum line_result sniffer_on_line(void *data, struct str_view line,
                                        enum line_flaw flaw)
{
    struct sniffer *sniffer = data;
    struct session *s = sniffer->session;

    if (sv_trim(line).len == 0 && flaw == LINE_FLAWLESS) {
        return LINE_DONE;
    }
    session_set_deadline(s, 0);
    const struct proto_front *chosen = proto_choose(line);
    void *front = chosen->start(sniffer->app, s);
    session_set_front(s, chosen->ops, front);
    loop_bury(sniffer->app->loop, sniffer, free);
    return chosen->ops->on_line(front, line, flaw);
}

static bool sniffer_on_urgent_line(void *data, struct str_view line)
{
    (void)data;
    (void)line;
    return false;
}

/* Nothing was said: a person, who wants to know what this is. */
static void sniffer_on_deadline(void *data)
{
    struct sniffer *sniffer = data;
    struct strbuf *out = &sniffer->app->scratch;
    struct str_view rest = motd_text(&sniffer->app->motd);
    struct str_view line = {0};

    strbuf_clear(out);
    while (motd_next_line(&rest, &line)) {
        strbuf_add_fmt(out, "* %.*s\r\n", SV_ARG(line));
    }
    strbuf_add(out, SV("* Welcome to Parley. Type your name and press Enter.\r\n"));
    session_send_text(sniffer->session, strbuf_view(out));
}

static void sniffer_on_close(void *data, enum close_reason reason, const char *detail)
{
    struct sniffer *sniffer = data;
    const char *why = close_reason_text(reason);

    (void)detail;
    if (why[0] != '\0') {
        struct strbuf out;
        strbuf_init(&out, 256);
        strbuf_add_fmt(&out, "! %s\r\n", why);
        session_send_text(sniffer->session, strbuf_view(&out));
        strbuf_done(&out);
    }
    loop_bury(sniffer->app->loop, sniffer, free);
}

const struct front_ops proto_front_ops = {
    .on_open = sniffer_on_open,
    .on_line = sniffer_on_line,
    .on_urgent_line = sniffer_on_urgent_line,
    .on_deadline = sniffer_on_deadline,
    .on_close = sniffer_on_close,
};
