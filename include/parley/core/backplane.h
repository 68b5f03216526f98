/* SPDX-License-Identifier: MIT */
/*
 * backplane.h - the contract between the hub and whatever carries its logs between nodes.
 *
 * Model: a log is named; publishing appends items to it and, in the same step, updates the
 * log's books (who is a member, the room's state). Whoever has the log open gets a snapshot
 * once, then every entry exactly once, in one order. The one real implementation is
 * backplane/redis.h; tests of the hub use one in memory.
 *
 * The hub holds a struct backplane (operations) and gives a struct backplane_events
 * (callbacks). Callbacks come from the loop, never from inside an operation. All views and
 * arrays given to a callback or an operation are valid during the call only.
 */
#ifndef PARLEY_CORE_BACKPLANE_H
#define PARLEY_CORE_BACKPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/item.h>
#include <parley/util/str.h>

/* Comes back with the answer to an asynchronous operation; ids, not pointers. */
struct token {
    uint64_t person; /* number of the person whose doing it was, 0 for the node itself */
    uint32_t kind;   /* the hub's: what it was */
    uint32_t serial; /* the hub's: which of them */
};

/* One change of a log's books, made by the same call that appends the entry. */
enum book_op {
    BOOK_MEMBER_SET, /* field: member id; value: what a snapshot is to tell of it */
    BOOK_MEMBER_DEL, /* field: member id */
    BOOK_STATE_SET,  /* field: e.g. "topic" */
    BOOK_STATE_DEL,
    BOOK_STATE_INIT, /* set if absent: when a lost log is registered again */
};

struct book_update {
    enum book_op op;
    struct str_view field;
    struct str_view value;
};

struct publication {
    struct str_view item; /* one encoded item */
    const struct book_update *updates;
    size_t update_count;
    struct token token;
    bool want_stored; /* tell on_stored(); else only on_refused() in case */
};

struct pair {
    struct str_view field;
    struct str_view value;
};

struct snapshot {
    struct entry_id last;
    const struct pair *members;
    size_t member_count;
    const struct pair *state;
    size_t state_count;
    const struct entry *entries; /* the newest, oldest first */
    size_t entry_count;
    bool
        reborn; /* the log's data was lost since the last snapshot: what is missing here may
                    only not have been registered again yet */
};

/* One room of the index. */
struct listing {
    struct str_view room; /* as people write it */
    uint64_t members;
    struct str_view topic;
};

enum claim_result {
    CLAIM_GRANTED,
    CLAIM_TAKEN,  /* somebody else has it */
    CLAIM_FAILED, /* the backplane did not answer in time */
};

struct backplane_events {
    /* The log was opened (or could only be followed by starting anew): this is all of it. */
    void (*on_snapshot)(void *hub, void *log_owner, const struct snapshot *snap);
    /* The next entry, in order, exactly once. */
    void (*on_entry)(void *hub, void *log_owner, const struct entry *entry);
    /* Entries are gone for good (trimmed before they could be read, or lost). A snapshot
     * follows if the books must be read again. */
    void (*on_hole)(void *hub, void *log_owner);
    /* A publication with want_stored is in the log; `id` is its entry's ({0,0}: not known),
     * `index` its place in it. */
    void (*on_stored)(void *hub, struct token token, struct entry_id id, uint64_t index);
    /* A publication was given up and will never be stored. */
    void (*on_refused)(void *hub, struct token token);
    void (*on_claim)(void *hub, struct token token, enum claim_result result);
    /* Answer to lookup(): owner is empty when nobody has the name. */
    void (*on_lookup)(void *hub, struct token token, bool answered, struct str_view owner,
                      struct str_view record);
    /* Answer to read_history(), oldest first. */
    void (*on_history)(void *hub, struct token token, bool answered,
                       const struct entry *entries, size_t count);
    /* Answer to list_rooms(); rooms come in several calls, `last` with the final one. */
    void (*on_rooms)(void *hub, struct token token, bool answered,
                     const struct listing *rooms, size_t count, bool last);
    /* The books of these logs and names are gone from the backplane: register again what is
     * ours there (members, state, claims). `is_ours(name)` tells what is concerned. */
    void (*on_lost)(void *hub, bool (*is_lost)(void *ctx, struct str_view name),
                    void *ctx);
    /* This node was declared dead and has a new id now; everything of ours must be
     * registered again under it. Items already handed over are published under the new id. */
    void (*on_new_node_id)(void *hub, struct str_view old_id, struct str_view new_id);
    /* Another server took over, or it began anew: what it was told last may be missing. Logs and
     * books heal by themselves; of names nothing tells. */
    void (*on_takeover)(void *hub);
    /* Can entries be stored and do they come back? */
    void (*on_available)(void *hub, bool available);
};

struct backplane; /* implementations begin with a struct backplane_base */

struct backplane_ops {
    void (*attach)(struct backplane *bp, const struct backplane_events *events,
                   void *hub);
    /* This node's id now. */
    struct str_view (*node_id)(struct backplane *bp);
    /* Name of the log through which direct messages reach a node. */
    void (*inbox_name)(struct backplane *bp, struct str_view node,
                       struct strbuf *ret_name);
    bool (*is_available)(struct backplane *bp);
    /* Follow a log; a snapshot comes, then entries. Returns the log's handle. */
    struct log_handle *(*open)(struct backplane *bp, struct str_view name,
                               void *log_owner);
    /* Stop following; no callback for that owner comes afterwards. */
    void (*close)(struct backplane *bp, struct log_handle *log);
    /* Append to an open log. False: the bounds on held items are reached, nothing was taken. */
    bool (*publish)(struct backplane *bp, struct log_handle *log,
                    const struct publication *p);
    /* Append to a log that need not be open here. */
    bool (*publish_to)(struct backplane *bp, struct str_view log_name,
                       const struct publication *p);
    /* Take a name (already folded) for member `owner` of this node, unless it is taken by
     * somebody other than `owner` and `expected` (the owner's id before this node got a new
     * one; empty: nobody). The record is what lookup() tells. Claiming an own name again
     * updates the record. */
    void (*claim)(struct backplane *bp, struct str_view name, struct str_view owner,
                  struct str_view expected, struct str_view record, struct token token);
    /* Give a name back if `owner` still has it. */
    void (*release)(struct backplane *bp, struct str_view name, struct str_view owner);
    void (*lookup)(struct backplane *bp, struct str_view name, struct token token);
    /* At most `count` (<= 1000) newest entries before `before` ({0,0}: the newest of all). */
    void (*read_history)(struct backplane *bp, struct str_view log_name,
                         struct entry_id before, size_t count, struct token token);
    void (*list_rooms)(struct backplane *bp, struct token token);
    /* Tell when everything handed over so far is stored or refused. For the drain. */
    bool (*is_idle)(struct backplane *bp);
};

struct backplane_base {
    const struct backplane_ops *ops;
};

static inline const struct backplane_ops *backplane_ops(struct backplane *bp)
{
    return ((struct backplane_base *)(void *)bp)->ops;
}

#endif
