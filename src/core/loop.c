/* SPDX-License-Identifier: MIT */
#include <parley/core/loop.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#include <event2/event.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/clock.h>
#include <parley/util/list.h>

#include "core/loop_watch.h"
#include "core/wheel.h"

struct grave {
    void *object; /* owned from loop_bury() on */
    loop_fn free_fn;
};

/* Time as this turn sees it; read when somebody asks first. */
struct turn_clock {
    uint64_t now_ms;
    bool is_read;
};

static const uint64_t NEVER = UINT64_MAX;

/*
 * Invariant: `wheel_event` is pending exactly when armed_tick is not NEVER, and armed_tick is
 * never later than the earliest deadline. Clearing a deadline leaves it, so one wake-up may be
 * for nothing.
 */
struct loop {
    struct event_base *base; /* owned */
    struct watches *watches; /* owned */
    struct list tasks[LOOP_PHASE_COUNT];
    struct grave *graves; /* owned */
    size_t grave_count;
    size_t grave_cap;
    struct turn_clock *clock;  /* owned */
    struct wheel *wheel;       /* owned */
    struct event *wheel_event; /* owned */
    uint64_t armed_tick;
    bool is_stopping;
};

static struct timeval timeval_of_ms(uint64_t ms)
{
    return (struct timeval){.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

/* ---- deadlines ---- */

static void arm_wheel(struct loop *loop, uint64_t tick)
{
    uint64_t due_ms = tick * LOOP_TICK_MS;
    uint64_t now_ms = clock_monotonic_ms();
    struct timeval delay = timeval_of_ms(due_ms > now_ms ? due_ms - now_ms : 0);

    PARLEY_ASSERT(event_add(loop->wheel_event, &delay) == 0);
    loop->armed_tick = tick;
}

/* libevent's clock is coarse: the timer may come a few ms early, then nothing is due yet and
 * it is armed again. */
static void on_wheel(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    uint64_t next;

    (void)fd;
    (void)what;
    loop->armed_tick = NEVER;
    wheel_advance(loop->wheel, clock_monotonic_ms() / LOOP_TICK_MS);
    if (wheel_next_tick(loop->wheel, &next) && next < loop->armed_tick) {
        arm_wheel(loop, next);
    }
}

void deadline_init(struct deadline *d, loop_fn fn)
{
    list_init(&d->link);
    d->due_tick = 0;
    d->fn = fn;
}

/* From the real time, not from the turn's: a long turn must not make a deadline early. */
void deadline_set(struct loop *loop, struct deadline *d, uint64_t delay_ms)
{
    uint64_t due_ms = clock_monotonic_ms() + delay_ms;

    wheel_set(loop->wheel, d, (due_ms + LOOP_TICK_MS - 1) / LOOP_TICK_MS);
    if (d->due_tick < loop->armed_tick) {
        arm_wheel(loop, d->due_tick);
    }
}

void deadline_clear(struct deadline *d)
{
    list_remove(&d->link);
}

/* ---- exact timers ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct timer *t = arg;

    (void)fd;
    (void)what;
    t->fn(t->arg);
}

void timer_init(struct timer *t, struct loop *loop, loop_fn fn, void *arg)
{
    t->event = evtimer_new(loop->base, on_timer, t);
    PARLEY_ASSERT(t->event != NULL);
    t->fn = fn;
    t->arg = arg;
}

void timer_done(struct timer *t)
{
    if (t->event != NULL) {
        event_free(t->event);
        t->event = NULL;
    }
}

void timer_start(struct timer *t, uint64_t delay_ms)
{
    struct timeval delay = timeval_of_ms(delay_ms);

    PARLEY_ASSERT(evtimer_add(t->event, &delay) == 0);
}

void timer_stop(struct timer *t)
{
    (void)evtimer_del(t->event);
}

bool timer_is_running(const struct timer *t)
{
    return evtimer_pending(t->event, NULL) != 0;
}

/* ---- tasks ---- */

void loop_task_init(struct loop_task *task, loop_fn fn, void *arg)
{
    list_init(&task->link);
    task->fn = fn;
    task->arg = arg;
}

void loop_task_queue(struct loop *loop, enum loop_phase phase, struct loop_task *task)
{
    if (!list_is_linked(&task->link)) {
        list_append(&loop->tasks[phase], &task->link);
    }
}

void loop_task_cancel(struct loop_task *task)
{
    list_remove(&task->link);
}

/* Those that are queued now; what they queue in the same phase waits for the next turn. */
static void run_tasks(struct loop *loop, enum loop_phase phase)
{
    struct list queued;
    struct list *link;

    list_init(&queued);
    list_splice(&queued, &loop->tasks[phase]);
    while ((link = list_take(&queued)) != NULL) {
        struct loop_task *task = LIST_ENTRY(link, struct loop_task, link);
        task->fn(task->arg);
    }
}

/* ---- graveyard ---- */

void loop_bury(struct loop *loop, void *object, loop_fn free_fn)
{
    if (loop->grave_count == loop->grave_cap) {
        loop->grave_cap = loop->grave_cap == 0 ? 16 : loop->grave_cap * 2;
        loop->graves = xreallocarray(loop->graves, loop->grave_cap, sizeof *loop->graves);
    }
    loop->graves[loop->grave_count++] = (struct grave){object, free_fn};
}

/* Freeing an object may bury another. */
static void empty_graveyard(struct loop *loop)
{
    for (size_t i = 0; i < loop->grave_count; i++) {
        struct grave grave = loop->graves[i];
        grave.free_fn(grave.object);
    }
    loop->grave_count = 0;
}

/* ---- turns ---- */

struct loop *loop_new(void)
{
    struct loop *loop = xcalloc(1, sizeof *loop);

    loop->base = event_base_new();
    PARLEY_ASSERT(loop->base != NULL);
    loop->watches = watches_new(loop->base);
    for (unsigned i = 0; i < LOOP_PHASE_COUNT; i++) {
        list_init(&loop->tasks[i]);
    }
    loop->clock = xcalloc(1, sizeof *loop->clock);
    loop->wheel = xmalloc(sizeof *loop->wheel);
    wheel_init(loop->wheel, clock_monotonic_ms() / LOOP_TICK_MS);
    loop->wheel_event = evtimer_new(loop->base, on_wheel, loop);
    PARLEY_ASSERT(loop->wheel_event != NULL);
    loop->armed_tick = NEVER;
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    empty_graveyard(loop);
    event_free(loop->wheel_event);
    watches_free(loop->watches);
    event_base_free(loop->base);
    free(loop->wheel);
    free(loop->clock);
    free(loop->graves);
    free(loop);
}

static bool has_tasks(const struct loop *loop)
{
    for (unsigned i = 0; i < LOOP_PHASE_COUNT; i++) {
        if (!list_is_empty(&loop->tasks[i])) {
            return true;
        }
    }
    return false;
}

static void turn(struct loop *loop, int flags)
{
    if (has_tasks(loop) || loop->grave_count > 0) {
        flags |= EVLOOP_NONBLOCK;
    }
    loop->clock->is_read = false;
    (void)event_base_loop(loop->base, EVLOOP_ONCE | flags);
    run_tasks(loop, LOOP_PUBLISH);
    run_tasks(loop, LOOP_FLUSH);
    metric_end_turn();
    empty_graveyard(loop);
}

void loop_run(struct loop *loop)
{
    while (!loop->is_stopping) {
        turn(loop, EVLOOP_NO_EXIT_ON_EMPTY);
    }
    loop->is_stopping = false;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopping = true;
}

void loop_turn(struct loop *loop)
{
    turn(loop, 0);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

struct watches *loop_watches(const struct loop *loop)
{
    return loop->watches;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    struct turn_clock *clock = loop->clock;

    if (!clock->is_read) {
        clock->now_ms = clock_monotonic_ms();
        clock->is_read = true;
    }
    return clock->now_ms;
}
