/* SPDX-License-Identifier: MIT */
/*
 * tls.h - TLS to Redis (rediss://): TLS 1.2 or newer, the server's certificate verified.
 *
 * The certificate must be signed by an authority of the system's store (or of the files that
 * the variables SSL_CERT_FILE and SSL_CERT_DIR name) and be valid for the host of the URL.
 */
#ifndef PARLEY_BACKPLANE_TLS_H
#define PARLEY_BACKPLANE_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct bufferevent;
struct event_base;
struct tls;

/* For connections to `host`, a name or an address. */
struct tls *tls_new(const char *host);
/* Connections that are open keep what they need. NULL is allowed. */
void tls_free(struct tls *tls);
/* A bufferevent without a socket yet that will speak TLS; NULL when memory is out. */
struct bufferevent *tls_open(struct tls *tls, struct event_base *base);
/*
 * What ended the connection, in one line. True: TLS did, and says that the server can never be
 * trusted (its certificate did not verify). Empty text: it was not TLS.
 */
bool tls_explain(struct bufferevent *bev, char *ret_text, size_t size);

#endif
