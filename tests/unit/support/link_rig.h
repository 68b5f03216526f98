/* SPDX-License-Identifier: MIT */
/*
 * link_rig.h - one link, one fake server, one loop, and what the link said.
 *
 * rig_setup() and rig_teardown() are a checked fixture; a test fills in rig.host, rig.url and
 * rig.server as it needs before rig_start().
 */
#ifndef PARLEY_TESTS_LINK_RIG_H
#define PARLEY_TESTS_LINK_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/util/str.h>

#include "backplane/link.h"
#include "backplane/url.h"
#include "fake_redis.h"

enum { RIG_REQUESTS = 100, RIG_TEXT_SIZE = 300 };

/* The callbacks of a link; a reply of NULL counts as RIG_LOST. */
enum rig_event {
    RIG_READY,
    RIG_DOWN,
    RIG_PUSH,
    RIG_UNUSABLE,
    RIG_DENIED,
    RIG_REPLY,
    RIG_LOST,
    RIG_EVENT_COUNT,
};

/* What a callback is to do beside counting. */
enum rig_act { RIG_DO_NOTHING, RIG_DO_CLOSE, RIG_DO_RESET, RIG_DO_RESET_AND_CLOSE };

struct rig {
    struct loop *loop;
    struct timer tick; /* so that no turn waits long */
    struct fake_redis server;
    const char *host; /* 127.0.0.1 */
    struct redis_url url;
    struct evdns_base *dns; /* owned; NULL unless the test makes one */
    struct link *link;      /* a test that closes it sets it to NULL */

    const char *next_password; /* what is found when the server denies the one there is */
    unsigned counts[RIG_EVENT_COUNT];
    enum rig_act acts[RIG_EVENT_COUNT];
    unsigned answered[RIG_REQUESTS]; /* how often request i was */
    char down[RIG_TEXT_SIZE];        /* the last of each */
    char unusable[RIG_TEXT_SIZE];
    char reply[RIG_TEXT_SIZE];
    char push[RIG_TEXT_SIZE]; /* kind and channel */
};

extern struct rig rig;

void rig_setup(void);
void rig_teardown(void);
void rig_start(enum link_role role);
/* ... and wait until it is READY. */
void rig_start_ready(enum link_role role);
/* Turn until counts[event] is at least `count`; who waits 20 s for it waits in vain. */
void rig_wait(enum rig_event event, unsigned count);
void rig_turn_for_ms(uint64_t ms);
/* link_send() of `word`, with `arg` unless it is empty, as request `index`. */
bool rig_send(const char *word, struct str_view arg, uint64_t timeout_ms, uint64_t index);
/* Have the server answer with just these bytes. */
bool rig_send_raw(const char *answer);
void rig_load_library(void);

#endif
