/* SPDX-License-Identifier: MIT */
/*
 * admin.h - health, metrics and state of a node, on a port of its own.
 *
 *   /healthz  200 as long as the event loop turns
 *   /readyz   200 while clients are accepted, else 503; the body says why
 *   /metrics  Prometheus' text format
 *   /status   JSON, for people
 *
 * And, if asked for, metrics for CloudWatch in the log (admin/emf.h).
 *
 * Nothing here is secret from an operator, and nothing needs a password: listen where only
 * operators come.
 */
#ifndef PARLEY_ADMIN_ADMIN_H
#define PARLEY_ADMIN_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

struct admin;

struct admin_config {
    const char *version; /* borrowed, as what follows */
    const char *node_name;
    uint64_t emf_seconds; /* between two lines for CloudWatch; 0: none */
    const char *emf_namespace;
    const char *emf_service;
    bool ready_needs_redis; /* /readyz fails while Redis is away */
};

struct admin_ops {
    /* One word: "starting", "serving", "draining" ... */
    const char *(*state)(void *app);
    bool (*is_serving)(void *app);
    /* The node's id in Redis. */
    struct str_view (*node_id)(void *app);
};

enum { ADMIN_ERROR_SIZE = 200 };

struct admin *admin_new(struct loop *loop, const struct admin_config *config,
                        const struct admin_ops *ops, void *app);
void admin_free(struct admin *admin);
/* "HOST:PORT"; false with a one-line reason otherwise. Logs "admin_listening". */
bool admin_listen(struct admin *admin, const char *address,
                  char ret_error[ADMIN_ERROR_SIZE]) PARLEY_MUST_CHECK;
/* The last line for CloudWatch: what was counted since the one before. */
void admin_flush(struct admin *admin);

#endif
