/* SPDX-License-Identifier: MIT */
/*
 * batch.h - what one node stores in one partition in one step.
 *
 * Model: items wait in chunks, one line of chunks per log. Sealing takes the first chunk of
 * each log that waits, numbers the batch, and writes each chunk's entry; from then on the
 * batch is sent, unchanged, until Redis has accepted that number. Unsealing undoes it, for a
 * batch that Redis certainly refused.
 *
 *   outlog "#lobby": [chunk: items M J M] [chunk: items M]   ...
 *   outlog "#tea":   [chunk: items M]
 *        --batch_seal-->  batch 17: { entry of #lobby, entry of #tea }
 */
#ifndef PARLEY_BACKPLANE_BATCH_H
#define PARLEY_BACKPLANE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/backplane.h>
#include <parley/util/list.h>
#include <parley/util/map.h>
#include <parley/util/shelf.h>
#include <parley/util/strbuf.h>

#include "backplane/redis_internal.h"

enum {
    BATCH_LOGS_MAX = 128,
    CHUNK_BYTES_MAX = 16 * 1024, /* of items; one item more may pass it */
    CHUNK_BYTES_FIRST = 1024,    /* room that is made for the first items ... */
    CHUNK_ITEMS_FIRST = 8,       /* ... and so many: a chunk mostly has several */
    CHUNKS_SPARE_MAX = 128,      /* empty ones that are kept, with their buffers, ... */
    CHUNK_BYTES_SPARE = 4096,    /* ... if those are no larger */
};

/* What is to be known of an item after it was encoded. */
struct out_item {
    struct token token;
    uint32_t items_end;   /* offset of its end in the chunk's items */
    uint32_t updates_end; /* the same in the chunk's updates */
    uint32_t update_count;
    bool want_stored;
    bool keep; /* tells the end of a membership: never given up */
};

/* In front of a book update, as a chunk keeps it. */
struct update_header {
    char op; /* parley.lua's letter */
    uint32_t field_len;
    uint32_t value_len;
};

/*
 * Items of one log that wait to travel together. Invariant: meta[i].items_end and updates_end
 * never decrease and the last ones equal the lengths of `items` and `updates`.
 */
struct chunk {
    struct list link;      /* in the outlog */
    struct strbuf items;   /* encoded */
    struct strbuf updates; /* book updates: an update_header, the field, the value */
    uint32_t update_count;
    struct out_item *meta; /* owned */
    size_t count;          /* items */
    size_t capacity;       /* of meta */
    uint64_t since_ms;     /* when its first item came */
};

/* A chunk in a batch; its texts lie in the batch's memory. */
struct sealed_chunk {
    struct str_view log;     /* name */
    struct str_view entry;   /* a header, then the items */
    struct str_view updates; /* as in the chunk */
    struct entry_id id;      /* that it got; {0,0} while nobody told us */
    struct out_item *meta;   /* owned; NULL once acknowledged */
    uint64_t since_ms;
    uint32_t header_bytes;
    uint32_t update_count;
    uint32_t count; /* items */
};

/* Logs of one partition that have something waiting. */
struct outlog {
    struct list link;   /* in the outbox */
    struct list chunks; /* never empty */
    size_t name_len;
    char name[];
};

/* What the outboxes of all partitions share. */
struct outlogs {
    struct map by_name; /* outlogs */
    /* Empty ones, owned: chunks come and go with each batch. */
    struct chunk *spare[CHUNKS_SPARE_MAX];
    size_t spare_count;
};

struct outbox {
    struct list logs;       /* in the order of their oldest item */
    struct outlogs *shared; /* borrowed */
    struct outlog
        *last; /* borrowed: where the last item went; often the next one's too */
    struct strbuf drops; /* names of logs to take out of our books, a blank after each */
    size_t bytes;        /* of all items and updates that wait */
};

/* In one piece, on a shelf. */
struct batch {
    struct list link;   /* in the ring or the to-do list of its partition */
    struct list age;    /* in publisher.ring_order while it is in the ring */
    uint32_t partition; /* ... of which it is */
    uint64_t seq;
    uint64_t acked_ms;
    char node[NODE_ID_MAX + 1]; /* under whose name it was numbered */
    bool maybe_applied;         /* it was sent and no answer came */
    bool is_replay;             /* it was acknowledged before */
    size_t bytes;               /* to be sent */
    size_t memory;              /* that it takes once it is acknowledged */
    struct str_view drops;      /* as outbox.drops */
    size_t chunk_count;
    struct sealed_chunk chunks[];
};

void outlogs_init(struct outlogs *all);
void outlogs_done(struct outlogs *all);
void outbox_init(struct outbox *box, struct outlogs *shared);
/* Frees what waits, without a word to anybody. */
void outbox_done(struct outbox *box);
bool outbox_is_empty(const struct outbox *box);
/* Append one publication behind what waits for its log. */
void outbox_add(struct outbox *box, struct str_view log, const struct publication *p,
                uint64_t now_ms);
/* The node follows the log no more: take it out of its books with the next batch. */
void outbox_drop_log(struct outbox *box, struct str_view log);

typedef bool (*out_item_test_fn)(const struct out_item *item, bool has_updates,
                                 void *ctx);
/*
 * Take the items that `test` picks out of everything that waits since `before_ms` or longer;
 * their tokens come back in *ret_tokens (to be freed) and the return value is their number.
 */
size_t outbox_take_back(struct outbox *box, uint64_t before_ms, out_item_test_fn test,
                        void *ctx, struct token **ret_tokens);

/* Number `seq` from the first chunk of each log; an empty outbox gives an empty batch. */
struct batch *batch_seal(struct outbox *box, struct shelf *shelf, const char *node,
                         uint64_t seq);
/* Put it back in front of what waits, and free the batch. */
void batch_unseal(struct batch *b, struct outbox *box);
/* Forget what is to be known of the items: they are acknowledged. */
void batch_forget_items(struct batch *b);
void batch_free(struct batch *b);

/* A section of parley_apply: its keys, and its arguments (see docs/REDIS.md). */
void batch_add_keys(const struct batch *b, const struct redis *r, uint32_t partition,
                    struct arena *a, struct command *cmd);
void batch_add_args(const struct batch *b, struct str_view era, uint64_t prevseq,
                    struct arena *a, struct command *cmd);
/* The batch as offers of a settlement (see settle.lua); returns their number. */
size_t batch_add_offers(const struct batch *b, struct arena *a, struct command *cmd);
size_t batch_key_count(const struct batch *b);
size_t batch_item_count(const struct batch *b);

#endif
