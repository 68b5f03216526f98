/* SPDX-License-Identifier: MIT */
/*
 * proto.h - which protocol a connection speaks, and what its front-end is given.
 *
 * Model: a new session belongs to a sniffer. The first line that is not blank is shown to a
 * table of front-ends; the first that claims it gets the session and the line. Who says
 * nothing for PROTO_GREETING_MS is greeted meanwhile.
 *
 *   server -> sniffer --first line--> irc | line
 *
 * struct proto_app is what all sessions share; the app fills it in before it listens.
 */
#ifndef PARLEY_PROTO_PROTO_H
#define PARLEY_PROTO_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/core/options.h>
#include <parley/hub/hub.h>
#include <parley/net/session.h>
#include <parley/proto/motd.h>
#include <parley/util/strbuf.h>

enum { PROTO_GREETING_MS = 300 };

/* The forms of an event that differ in bytes: indices of hub_event.rendered. */
enum proto_variant {
    PROTO_VARIANT_LINE,
    PROTO_VARIANT_IRC, /* and those behind it: see proto/irc/render.h */
};

/* The names of the room that was listed last: when many come at once, the next one who is told
 * of it needs only those who came since. */
struct proto_listing {
    struct strbuf names; /* owned */
    size_t cursor;       /* behind them */
    uint32_t stamp;      /* room_names_stamp() */
    uint32_t form;       /* the front-end's */
};

struct proto_app {
    struct loop *loop;     /* borrowed */
    struct hub *hub;       /* borrowed */
    const char *node_name; /* borrowed */
    const char *version;   /* borrowed */
    uint64_t ping_ms; /* of an IRC client's silence, then it is sent a PING; it has ... */
    uint64_t pong_ms; /* ... to answer */
    uint64_t max_line_bytes; /* of a client's line with its end, to say it in an error */
    const char *motd_file;   /* borrowed; "": none */
    struct motd motd;        /* owned */
    const struct options_oper *opers; /* borrowed: who may become a server operator */
    size_t oper_count;
    uint64_t started_ms;   /* of the loop */
    uint64_t next_oper_ms; /* no password is verified before */
    size_t operators;      /* IRC clients that are server operators */
    size_t invisible;      /* IRC clients with the mode 'i' */
    struct strbuf scratch; /* private: where front-ends render */
    /* private, of IRC */
    struct proto_listing listing;
};

/* The strings must outlive it; `motd` is empty: fill it with motd_load(). */
void proto_app_init(struct proto_app *app, struct loop *loop, struct hub *hub,
                    uint64_t max_line_bytes);
void proto_app_done(struct proto_app *app);
/* Read the message of the day again; the old one stays if that fails. */
bool proto_app_reload_motd(struct proto_app *app, char ret_error[MOTD_ERROR_SIZE]);

/* The sniffer: give it to server_new() with a struct proto_app. */
extern const struct front_ops proto_front_ops;

#endif
