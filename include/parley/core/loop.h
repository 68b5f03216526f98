/* SPDX-License-Identifier: MIT */
/*
 * loop.h - the one event loop of the process, turn by turn.
 *
 * Model: a turn is  poll -> callbacks of everything that is ready -> tasks of phase PUBLISH
 * (the backplane sends what the callbacks gathered) -> tasks of phase FLUSH (each dirty send
 * queue is written once) -> graveyard. So work gathers during a turn and leaves together at
 * its end, and nothing is freed while somebody up the stack may still hold it.
 *
 * Two kinds of timers: struct timer is exact (a libevent timer) and for the few; struct
 * deadline is coarse (a wheel, LOOP_TICK_MS) and costs a session 40 bytes and no heap.
 */
#ifndef PARLEY_CORE_LOOP_H
#define PARLEY_CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/util/list.h>

struct event_base;
struct loop;

enum { LOOP_TICK_MS = 100 };

typedef void (*loop_fn)(void *arg);

struct loop *loop_new(void);
/* Runs what is left in the graveyard, then frees. */
void loop_free(struct loop *loop);
/* Turn until loop_stop(), which may have come before. */
void loop_run(struct loop *loop);
/* Leave loop_run() at the end of this turn. */
void loop_stop(struct loop *loop);
/* One turn, waiting at most until the next event or timer. For tests. */
void loop_turn(struct loop *loop);
struct event_base *loop_base(struct loop *loop);
/* Monotonic milliseconds; the same for all of a turn's callbacks and tasks. */
uint64_t loop_now_ms(const struct loop *loop);

/* ---- tasks: something to do once at the end of this turn ---- */
enum loop_phase { LOOP_PUBLISH, LOOP_FLUSH, LOOP_PHASE_COUNT };

struct loop_task {
    struct list link; /* linked while queued */
    loop_fn fn;
    void *arg; /* borrowed */
};

void loop_task_init(struct loop_task *task, loop_fn fn, void *arg);
/* Queue it unless it is queued. A FLUSH task may be queued by a PUBLISH task of the same turn;
 * what a FLUSH task queues runs in the next turn, which then does not wait. */
void loop_task_queue(struct loop *loop, enum loop_phase phase, struct loop_task *task);
void loop_task_cancel(struct loop_task *task);

/* ---- the graveyard: freed at the end of the turn, in order ---- */
void loop_bury(struct loop *loop, void *object, loop_fn free_fn);

/* ---- exact timers ---- */
struct timer {
    struct event *event; /* owned */
    loop_fn fn;
    void *arg; /* borrowed */
};

void timer_init(struct timer *t, struct loop *loop, loop_fn fn, void *arg);
void timer_done(struct timer *t);
/* Fire once after delay_ms; a running timer is set anew. May be called in its own callback. */
void timer_start(struct timer *t, uint64_t delay_ms);
void timer_stop(struct timer *t);
bool timer_is_running(const struct timer *t);

/* ---- deadlines: cheap, coarse, one shot ---- */
struct deadline {
    struct list link; /* linked while set */
    uint64_t due_tick;
    loop_fn fn;
};

/* `fn` gets the deadline itself: recover the object with PARLEY_CONTAINER_OF. */
void deadline_init(struct deadline *d, loop_fn fn);
/* Fires within LOOP_TICK_MS after delay_ms, never before; set anew if it was set. */
void deadline_set(struct loop *loop, struct deadline *d, uint64_t delay_ms);
void deadline_clear(struct deadline *d);

#endif
