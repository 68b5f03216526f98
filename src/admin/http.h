/* SPDX-License-Identifier: MIT */
/*
 * http.h - as much of an HTTP server as a health check and a scraper need.
 *
 * Model: a connection carries one GET or HEAD, gets one answer, and is closed:
 *
 *   READING --blank line--> WRITING --all written--> LINGERING (until the peer closes) -> gone
 *
 * Why not libevent's evhttp: a strange or hostile peer must cost the chat nothing, and evhttp
 * (2.1) cannot bound its connections; and a Network Load Balancer may put a PROXY protocol
 * header in front of its health checks, which evhttp takes for a broken request. Here a
 * connection has one deadline for everything and a buffer of fixed size; when there are
 * HTTP_CONNECTIONS_MAX the oldest one makes room.
 */
#ifndef PARLEY_ADMIN_HTTP_H
#define PARLEY_ADMIN_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/net/acceptor.h>
#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

struct http;

enum {
    HTTP_CONNECTIONS_MAX = 32,
    HTTP_REQUEST_BYTES_MAX = 8192, /* all of it, a PROXY protocol header too */
    HTTP_ANSWER_BYTES_MAX = 256 * 1024,
    HTTP_DEADLINE_MS = 5000, /* from accepting to closing */
};

struct http_answer {
    unsigned status; /* 200 at first */
    const char *type;
    struct strbuf *body;
};

/* Answer a GET of `path` (without its query). False: there is nothing of that name. */
typedef bool (*http_handler)(void *arg, struct str_view path, struct http_answer *answer);

struct http *http_new(struct loop *loop, http_handler handler, void *arg);
void http_free(struct http *http);
/* As server_listen(). */
bool http_listen(struct http *http, const char *address,
                 char ret_error[ACCEPTOR_ERROR_SIZE]) PARLEY_MUST_CHECK;
uint16_t http_port(const struct http *http);

#endif
