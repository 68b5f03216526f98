/* SPDX-License-Identifier: MIT */
/*
 * follower_internal.h - shared by follower.c (states, frames), follower_pump.c (who asks next,
 * and whom), reading.c (snapshots, holes, heads) and follower_losses.c (what does not come back).
 */
#ifndef PARLEY_BACKPLANE_FOLLOWER_INTERNAL_H
#define PARLEY_BACKPLANE_FOLLOWER_INTERNAL_H

#include <parley/core/item.h>
#include <parley/core/loop.h>
#include <parley/util/list.h>
#include <parley/util/map.h>
#include <parley/util/strbuf.h>

#include "backplane/follower.h"
#include "backplane/redis_internal.h"
#include "backplane/sightings.h"
#include "backplane/turns.h"

enum log_state {
    LOG_SUBSCRIBE, /* the subscription is not confirmed */
    LOG_SNAPSHOT,  /* a snapshot is to be read */
    LOG_CHECK,     /* its head is to be compared with what we have */
    LOG_READ,      /* entries behind `last` are to be read */
    LOG_RESCAN,    /* the whole stream is to be read */
    LOG_LIVE,      /* frames are applied as they come */
};

/* A node that writes to logs; kept for the life of the process (there are few). */
struct writer {
    uint64_t heard_ms; /* when it said something new the last time */
    char id[NODE_ID_MAX + 1];
};

struct mark {
    struct writer *writer; /* borrowed */
    uint64_t seq;          /* highest batch applied */
    struct entry_id id;    /* of its entry */
    uint64_t seen_ms;      /* when it came; 0: it was in a snapshot */
};

/*
 * Invariant: `link` is in the queue of the log's state (see follower_queue()) unless a request is
 * under way; a closed log is in no queue and no map and dies with its last request.
 */
struct log_handle {
    struct follower *follower; /* borrowed */
    void *owner;               /* the hub's; NULL once closed */
    struct list link;
    enum log_state state;
    uint32_t partition;
    unsigned requests; /* under way that hold this log */
    bool has_copy;     /* a snapshot was given */
    bool reborn;       /* the partition's data was lost since */
    bool doubtful;     /* another server: `last` may name another entry there */
    bool holed;        /* entries are missing: the books are to be read again */
    uint64_t turn;     /* counts the state changes: answers to older questions are void */
    struct entry_id last;  /* applied */
    struct entry_id base;  /* what unmarked writers said up to it was in the snapshot */
    struct entry_id dirty; /* newest that we heard of */
    struct entry_id asked; /* `dirty` when the read under way was sent */
    struct entry_id scan;  /* the last entry that the rescan under way read */
    struct strbuf held;    /* frames that came while reading: {u32 length, bytes}... */
    struct mark *marks;    /* owned */
    size_t mark_count;
    size_t mark_capacity;
    struct sightings *sightings; /* owned; lines that came lately */
    size_t key_len;              /* of the stream's key, which is also the channel */
    size_t name_len;             /* of the log's name, the key's end */
    char key[];
};

/* What the logs of a partition have in common, and those that wait. */
struct followed {
    struct list subscribe;   /* logs in SUBSCRIBE that are not asked for yet */
    struct list read;        /* logs in SNAPSHOT, READ, RESCAN */
    struct list check;       /* logs in CHECK */
    struct list doubts;      /* what of it may be lost: follower_losses.c */
    uint64_t rests_until_ms; /* its primary refused a request */
    bool other_server;       /* that may lack entries; see follower_on_ready() */
    uint64_t newest_ms;      /* then: of its newest entry that we applied */
    bool moved;              /* it has another primary; told with follower_on_map() */
    struct shard *before;    /* borrowed until then */
};

struct follower {
    struct redis *redis;         /* borrowed */
    struct followed *partitions; /* owned */
    struct turns turns;
    bool has_other_server; /* one of them */
    struct map by_channel;
    struct map writers;
    struct list asked; /* logs in SUBSCRIBE that are asked for */
    struct list live;
    struct list closed; /* logs that die with their last request */
    struct list checks; /* comparisons of heads under way */
    struct list polls;  /* questions about doubts under way */
    size_t doubt_count;
    size_t asked_losses; /* rooms that are being told */
    uint32_t doubt_number;
    size_t sightings; /* of all logs */
    struct timer ask;
    struct loop_task pump;
    struct timer audit;
    struct timer retry;
    struct command command;
    struct arena arena;
};

/* The entry came within the last `ms`, not in a snapshot. */
static inline bool mark_is_recent(const struct mark *m, uint64_t now_ms, uint64_t ms)
{
    return m->seen_ms != 0 && now_ms - m->seen_ms <= ms;
}

/* NULL: it wrote nothing to this log. */
struct mark *mark_find(const struct log_handle *log, const struct writer *w);

/* The stream's key, which is also the channel. */
struct str_view log_key(const void *log);
/* A doubtful log that is to be compared or read on is read from its beginning instead. */
void log_set_state(struct log_handle *log, enum log_state state);
/* Whether the entry is new to this log; if so it is marked. */
bool log_mark(struct log_handle *log, const struct entry *entry, bool in_order);
/* Whether it is marked. */
bool log_knows(const struct log_handle *log, const struct entry *entry);
/* Give one entry to the hub if it is new. */
void log_apply(struct log_handle *log, const struct entry *entry, bool in_order);
/* Everything up to `last` is applied: apply the held frames and go LIVE, or read on if more
 * was heard of. May close the log. */
void log_caught_up(struct log_handle *log);
void log_hold(struct log_handle *log);
/* A request that held the log has ended; true when the log was closed meanwhile (and may be
 * gone now). */
bool log_let_go(struct log_handle *log);
/* follower_pump.c. Do what is queued: now, or at the end of this turn. */
void follower_pump(void *follower);
void follower_pump_soon(struct follower *f);
/* The primary of the partition refused: it is not asked for a while. */
void follower_rest(struct follower *f, uint32_t partition);
/* follower_losses.c: look again whether what is in doubt came back. */
void follower_ask_losses(void *follower);
void follower_free_losses(struct follower *f);
/* Where logs of this state wait. */
struct list *follower_queue(struct follower *f, uint32_t partition, enum log_state state);

/* reading.c: send the request that the log's state asks for; false: not now. */
bool reading_start(struct follower *f, struct log_handle *log);
void reading_free_checks(struct follower *f);
/* Compare the heads of a group of logs of the partition, taken off its `check`. */
bool reading_check_heads(struct follower *f, uint32_t partition);

#endif
