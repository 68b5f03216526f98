/* SPDX-License-Identifier: MIT */
/*
 * line.h - one session of the line protocol, as its files share it.
 *
 * Model:   NAMELESS --name--> NAMING --it is yours--> ENTERING --#lobby--> PRESENT
 *              ^---- taken ------'
 * line.c holds life, the session's callbacks and the order of lines; commands.c the table of
 * commands; events.c what the hub tells; parse.c and render.c know neither.
 *
 * Order: a line is either said (several may be under way) or serial (it waits until all
 * before it has taken effect, and all behind waits for it). A line that cannot be taken yet
 * stays with the session (LINE_WAIT) until line_go_on().
 */
#ifndef PARLEY_PROTO_LINE_LINE_H
#define PARLEY_PROTO_LINE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/hub/hub.h>
#include <parley/net/session.h>
#include <parley/proto/proto.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

#include "proto/said.h"

enum line_state {
    LINE_NAMELESS, /* the next line is a name */
    LINE_NAMING,   /* the hub is asked for the name */
    LINE_ENTERING, /* the name is ours; on the way into #lobby */
    LINE_PRESENT,
};

struct line {
    struct proto_app *app;      /* borrowed */
    struct session *session;    /* borrowed; NULL once it ended */
    struct hub_user *user;      /* the hub's; NULL once the session ended */
    const struct room *current; /* the hub's; may be stale: see line_room() */
    struct said said;           /* things said that have not come back yet */
    enum line_state state;
    uint32_t listed; /* rooms shown of the answer to /rooms */
    bool serial;     /* a serial request is under way */
    bool waiting;    /* the session holds a line for us */
};

extern const struct hub_sink_ops line_sink_ops;

/* ---- talking to the client ---- */
/* Where the next line is to be written; line_send() sends it. One at a time. */
struct strbuf *line_begin(struct line *l);
/* The same for the answer to a line that is refused: counted, begins with "! ". */
struct strbuf *line_begin_refusal(struct line *l);
void line_send(struct line *l);
/* A whole line that is refused. */
void line_refuse(struct line *l, struct str_view text);
/* The errors that several commands share. */
void line_refuse_bad_name(struct line *l, struct str_view name);
void line_refuse_no_room(struct line *l);
void line_refuse_not_in(struct line *l, struct str_view room);
void line_refuse_too_long(struct line *l, size_t max_bytes);
/* "! Not sent (or done), the backplane is away: ..." as for EV_UNAVAILABLE. */
void line_tell_unavailable(struct line *l, char kind, struct str_view what);

/* ---- state ---- */
bool line_is_open(const struct line *l);
/* The current room, NULL if the person is in none. */
const struct room *line_room(struct line *l);
/* A serial request was accepted: what follows waits until it is done. */
void line_start_serial(struct line *l);
/* Something may have changed for a line that waits. */
void line_go_on(struct line *l);

/* ---- requests that come from several places ---- */
enum line_result line_ask_name(struct line *l, struct str_view name);
enum line_result line_say(struct line *l, char kind, struct str_view text);
/* "* You are in #room with ...": after `begin`, e.g. "* You are". */
void line_tell_place(struct line *l, const struct room *room);

/* ---- commands.c ---- */
struct input;
enum line_result line_run_command(struct line *l, const struct input *in);
/* Is it a command to be answered at once while the backplane is away? */
bool line_is_urgent(const struct input *in);

#endif
