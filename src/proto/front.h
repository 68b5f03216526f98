/* SPDX-License-Identifier: MIT */
/*
 * front.h - what a front-end hands to the sniffer to take part.
 *
 * A new protocol is one more struct proto_front and its row in proto.c.
 */
#ifndef PARLEY_PROTO_FRONT_H
#define PARLEY_PROTO_FRONT_H

#include <stdbool.h>

#include <parley/net/session.h>
#include <parley/proto/proto.h>
#include <parley/util/str.h>

struct proto_front {
    const char *name; /* for logs */
    /* Does a session whose first line is this one speak our protocol? */
    bool (*claims)(struct str_view first_line);
    const struct front_ops *ops; /* on_open is not called */
    /* The front-end's data for the session: what ops' functions get. */
    void *(*start)(struct proto_app *app, struct session *s);
};

/* The front-end that claims the line; there always is one. */
const struct proto_front *proto_choose(struct str_view first_line);

extern const struct proto_front irc_front;
extern const struct proto_front line_front;

#endif
