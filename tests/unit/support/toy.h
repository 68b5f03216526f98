/* SPDX-License-Identifier: MIT */
/*
 * toy.h - a server with a toy front-end, and clients for it, in one process.
 *
 * The toy notes what it is called for in toy.trace ("open;line:x;close:quit;") and echoes each
 * line. Some lines mean something (see toy.c): "quit", "flood N", "P..." (urgent).
 */
#ifndef PARLEY_TESTS_TOY_H
#define PARLEY_TESTS_TOY_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/net/server.h>
#include <parley/net/session.h>
#include <parley/util/strbuf.h>

enum toy_callback { TOY_NONE, TOY_OPEN, TOY_LINE, TOY_URGENT, TOY_DEADLINE, TOY_CLOSE };

struct toy {
    struct loop *loop;
    struct server *srv;
    struct server_policy policy; /* change it before toy_listen() */
    struct strbuf trace;
    struct session *last;        /* the newest session */
    uint64_t lines;              /* taken */
    bool is_holding;             /* lines have to wait */
    bool is_quiet;               /* no echo, no trace of lines */
    bool is_registering;         /* call session_set_registered() at once */
    bool is_sending;             /* inside session_send() */
    uint64_t deadline_ms;        /* set in on_open(); 0: none */
    enum toy_callback closes_in; /* this callback calls session_close(PROTOCOL) */
};

extern struct toy toy;

void toy_setup(void);
void toy_teardown(void);
/* Make the server and listen on a port of 127.0.0.1. */
void toy_listen(void);
/* One turn, at most a few milliseconds long, and session_check() of every session. */
void toy_turn(void);
/* Let waiting lines go on. */
void toy_release(struct session *s);

/* A client's socket, connected; the server has not necessarily accepted it. */
int client_connect(void);
/* ... to another of its ports. */
int client_connect_to(uint16_t port);
/* Write all of it, turning the loop while the socket is full. */
void client_write(int fd, const char *text);
/* Turn until the client has read exactly this. */
void client_reads(int fd, const char *expected);
/* Turn until the client has read so many bytes. */
void client_reads_bytes(int fd, size_t count);
/* Turn until the end of the stream; returns all that came before it in toy memory. */
const char *client_reads_to_end(int fd);

/* Turn until the condition holds (Check's time-out ends a test that waits in vain). */
#define TOY_UNTIL(condition)                                                             \
    do {                                                                                 \
        while (!(condition)) {                                                           \
            toy_turn();                                                                  \
        }                                                                                \
    } while (0)
#define TOY_TRACE(expected) ck_assert_str_eq(strbuf_cstr(&toy.trace), expected)

#endif
