/* SPDX-License-Identifier: MIT */
/*
 * model_redis.h - what Redis and the function library do for one partition, in plain C.
 *
 * A second writing of parley.lua's apply and snap and of settle.lua, for the model check; that
 * the Lua text itself does what it says is tested in tests/system/functions. The whole
 * state is one struct, so that a checkpoint is a copy of it and a failover to a replica that
 * lagged is a copy back. Room books (members, state) are not modelled.
 */
#ifndef PARLEY_TESTS_MODEL_REDIS_H
#define PARLEY_TESTS_MODEL_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/item.h>
#include <parley/util/arena.h>
#include <parley/util/strbuf.h>

enum {
    MODEL_LOGS = 2,
    MODEL_ENTRIES_MAX = 6000,
    MODEL_WRITERS_MAX = 8,
    MODEL_OFFERS_MAX = 4000,
};

struct model_entry {
    struct entry_id id;
    const char *text; /* in the arena */
};

struct model_log {
    struct model_entry entries[MODEL_ENTRIES_MAX];
    size_t count;
    struct entry_id last;
};

struct model_writer {
    char id[NODE_ID_MAX + 1];
    uint64_t last;
    char ids[256];
    /* of the settlement under way */
    bool is_awaited;
    bool has_joined;
    uint64_t have; /* number of its last batch that is stored or offered */
    struct model_stream {
        uint64_t seen_seq; /* of its newest entry that anybody saw */
        char seen_place[40];
        char place[40];   /* the last one that was given */
        bool is_unplaced; /* there are entries behind it that have none */
    } streams[MODEL_LOGS];
};

struct model_offer {
    char place[80];
    size_t log;
    struct model_writer *writer;
    uint64_t seq;
    const char *text;
};

/* The id that an entry got in a settlement. */
struct model_new_id {
    const struct model_writer *writer; /* only compared */
    uint64_t seq;
    size_t log;
    struct entry_id id;
};

struct model_books {
    char epoch[64];
    uint64_t era;
    bool settling;
    uint64_t from_ms;
    uint64_t until_ms;
    struct model_writer writers[MODEL_WRITERS_MAX];
    size_t writer_count;
    struct model_offer offers[MODEL_OFFERS_MAX];
    size_t offer_count;
    struct model_new_id new_ids[MODEL_OFFERS_MAX];
    size_t new_id_count;
    struct model_log logs[MODEL_LOGS];
};

struct model_request {
    size_t argc;
    const struct str_view *argv;
};

struct model_redis {
    struct model_books books;
    uint64_t clock_ms; /* of the ids; may be set back */
    bool is_impatient; /* settlements wait for nobody */
    struct arena *arena;
    uint64_t settlements; /* ended, for the test to see that there were any */
    /* A frame for whoever listens to the log. */
    void (*publish)(void *arg, size_t log, const char *frame);
    void *arg;
};

/* Key of a log, which is also its channel. */
const char *model_log_key(size_t log);
size_t model_log_of_key(struct str_view key);
/* Carry the command out; its answer, in RESP, is appended to `out`. */
void model_redis_run(struct model_redis *r, const struct model_request *q,
                     struct strbuf *out);

#endif
