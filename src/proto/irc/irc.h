/* SPDX-License-Identifier: MIT */
/*
 * irc.h - one IRC session, as its files share it.
 *
 * Model: a line becomes a call: a row of the table of commands and its parameters. Most calls
 * are over when their handler returns. One that waits for the hub is kept, with a copy of its
 * line, until it is done; lines behind it stay with the session (LINE_WAIT).
 *
 *   line -> call -> handler -> hub ... event (an answer to the call, or news) -> line
 *                     ^------------ on_idle: go on with the call
 *
 * irc.c holds life, the session's callbacks and the order of calls; send.c talks to the client;
 * commands_table.c the rows, commands_<family>.c the handlers; events.c what the hub tells.
 *
 * Order: messages are pipelined; a serial command waits until all before it has taken
 * effect.
 */
#ifndef PARLEY_PROTO_IRC_IRC_H
#define PARLEY_PROTO_IRC_IRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/hub/hub.h>
#include <parley/net/session.h>
#include <parley/proto/proto.h>
#include <parley/util/msg.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

#include "proto/irc/caps.h"
#include "proto/irc/label.h"
#include "proto/irc/limits.h"
#include "proto/irc/message.h"
#include "proto/irc/numerics.h"
#include "proto/said.h"

struct irc;
struct irc_call;
struct irc_command;

/* What a handler answers. */
enum irc_step {
    IRC_DONE,
    IRC_AGAIN, /* call me again when the hub has taken what I started */
    IRC_LAST,  /* done then, without me */
};

typedef enum irc_step (*irc_handler)(struct irc *irc, struct irc_call *call);
/* Somebody was looked up: `p` is NULL if there is no such person, `known` too if not known
 * on this node. */
typedef void (*irc_person_fn)(struct irc *irc, struct irc_call *call,
                              const struct hub_event_person *p,
                              const struct person *known);

/* A command that is being carried out. */
struct irc_call {
    const struct irc_command *row;
    struct irc_message m;
    struct irc_label *label; /* owned; NULL: not labeled */
    irc_person_fn on_person; /* what EV_WHOIS is for */
    struct strbuf text;      /* owned: an answer that is being gathered; JOIN: a room */
    char *line;              /* owned: what `m` shows, once it is kept */
    size_t at;               /* the handler's: an offset into a list */
    unsigned step;           /* the handler's: how often it was called before */
    unsigned targets;        /* the handler's: those that it is done with */
    bool needs_quiet;        /* goes on only when all that was said has come back */
    bool is_last;            /* IRC_LAST was answered */
};

/* What is known of somebody who has not registered yet. */
struct irc_newcomer {
    char nick[NICK_BYTES_MAX + 1]; /* "": none that could be had */
    char user[IRC_USER_BYTES_MAX + 1];
    char realname[REALNAME_BYTES_MAX + 1];
    bool has_user;
    bool is_negotiating; /* CAP LS or REQ without CAP END */
};

struct irc {
    struct proto_app *app;         /* borrowed */
    struct session *session;       /* borrowed; NULL once it ended */
    struct hub_user *user;         /* the hub's; NULL once the session ended */
    struct irc_newcomer *newcomer; /* owned; NULL: registered */
    struct irc_call *call;         /* owned: the one that is kept, or NULL */
    struct irc_call *speaking;     /* borrowed: whose answer is being sent, or NULL */
    const struct room
        *shown_join;     /* only compared: its JOIN was sent, not yet the rest */
    struct said said;    /* labels of what was said and has not come back */
    uint64_t heard_ms;   /* the last line came */
    uint64_t oper_ms;    /* OPER may be tried again then */
    uint32_t caps;       /* enum irc_cap */
    uint8_t modes;       /* enum irc_user_mode */
    bool is_302 : 1;     /* CAP LS 302: cap-notify is on for good */
    bool is_waiting : 1; /* the session holds a line for us */
    bool is_running : 1; /* a handler is on the stack */
    bool is_pinged : 1;
};

extern const struct hub_sink_ops irc_sink_ops;

/* ---- irc.c ---- */
bool irc_is_open(const struct irc *irc);
bool irc_is_registered(const struct irc *irc);
/* Something came back or ended: go on with the call, or take the next line. */
void irc_go_on(struct irc *irc);
/* The modes are these now; LUSERS counts them. */
void irc_set_modes(struct irc *irc, unsigned modes);
/* The session is to offer the line that it holds again. */
void irc_offer_again(struct irc *irc);

/* ---- send.c: all lines but those that many share ---- */
/* The client's nick, as answers begin with it; "*" before there is one. */
struct str_view irc_nick(const struct irc *irc);
/* An answer to the call that is speaking; `args` as in numerics.h. */
void irc_send_numeric(struct irc *irc, enum irc_numeric numeric,
                      const struct str_view *args, size_t count);
#define irc_reply(irc, numeric, ...)                                                     \
    irc_send_numeric((irc), (numeric), (const struct str_view[]){__VA_ARGS__},           \
                     IRC_COUNT(__VA_ARGS__))
#define IRC_COUNT(...) IRC_COUNT_UP_TO_7(__VA_ARGS__, 7, 6, 5, 4, 3, 2, 1, 0)
#define IRC_COUNT_UP_TO_7(a, b, c, d, e, f, g, count, ...) (count)
#define irc_reply_plain(irc, numeric) irc_send_numeric((irc), (numeric), NULL, 0)
/* Where another line of the answer is to be written, without its end; irc_end() sends it. */
struct strbuf *irc_begin(struct irc *irc);
void irc_end(struct irc *irc);
/* ... or several, with their ends. */
void irc_send_lines(struct irc *irc);
/* An event as a line of the answer. */
void irc_send_event(struct irc *irc, const struct hub_event *e);
/* A rendered line that many share, or lines; not part of an answer. */
void irc_send_shared(struct irc *irc, struct msg *m);
/* IRCv3 standard-replies: "FAIL command code context :text"; the context may be empty. */
void irc_fail(struct irc *irc, struct str_view command, const char *code,
              struct str_view context, const char *text);
/* A server's notice as a part of the answer. */
void irc_tell_notice(struct irc *irc, struct str_view text);
/* What was asked for was given up; `what` is a nick, a room or empty. */
void irc_tell_unavailable(struct irc *irc, struct str_view what);
/* The labeled call is over. */
void irc_send_label_end(struct irc *irc, struct irc_label *label);
/* Digits that live as long as `ret`. */
struct irc_digits {
    char bytes[U64_DIGITS_MAX];
};
struct str_view irc_digits(uint64_t number, struct irc_digits *ret);

#endif
