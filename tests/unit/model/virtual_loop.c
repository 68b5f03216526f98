/* SPDX-License-Identifier: MIT */
#include "virtual_loop.h"

#include <stdlib.h>

#include <parley/core/loop.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/list.h>

/* What a timer calls its event. */
struct event {
    struct list link; /* in timers */
    struct timer *timer;
    uint64_t due_ms; /* 0: not running */
};

static struct list timers;
static struct list tasks;
static uint64_t now_ms;

void virtual_loop_reset(void)
{
    list_init(&timers);
    list_init(&tasks);
    now_ms = 1000000;
}

uint64_t virtual_loop_now_ms(void)
{
    return now_ms;
}

void virtual_loop_run_tasks(void)
{
    for (struct list *it; (it = list_take(&tasks)) != NULL;) {
        struct loop_task *task = LIST_ENTRY(it, struct loop_task, link);

        task->fn(task->arg);
    }
}

static struct event *next_timer(void)
{
    struct event *next = NULL;

    LIST_FOR_EACH(&timers, it) {
        struct event *e = LIST_ENTRY(it, struct event, link);

        if (e->due_ms != 0 && (next == NULL || e->due_ms < next->due_ms)) {
            next = e;
        }
    }
    return next;
}

void virtual_loop_advance(uint64_t limit_ms)
{
    uint64_t end_ms = now_ms + limit_ms;
    struct event *e = next_timer();

    if (e == NULL || e->due_ms > end_ms) {
        now_ms = end_ms;
        return;
    }
    now_ms = e->due_ms > now_ms ? e->due_ms : now_ms;
    e->due_ms = 0;
    e->timer->fn(e->timer->arg);
    virtual_loop_run_tasks();
}

uint64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return now_ms;
}

void loop_task_init(struct loop_task *task, loop_fn fn, void *arg)
{
    list_init(&task->link);
    task->fn = fn;
    task->arg = arg;
}

void loop_task_queue(struct loop *loop, enum loop_phase phase, struct loop_task *task)
{
    (void)loop;
    (void)phase;
    if (!list_is_linked(&task->link)) {
        list_append(&tasks, &task->link);
    }
}

void loop_task_cancel(struct loop_task *task)
{
    list_remove(&task->link);
}

void timer_init(struct timer *t, struct loop *loop, loop_fn fn, void *arg)
{
    (void)loop;
    *t = (struct timer){xcalloc(1, sizeof *t->event), fn, arg};
    t->event->timer = t;
    list_init(&t->event->link);
    list_append(&timers, &t->event->link);
}

void timer_done(struct timer *t)
{
    if (t->event != NULL) {
        list_remove(&t->event->link);
        free(t->event);
        t->event = NULL;
    }
}

void timer_start(struct timer *t, uint64_t delay_ms)
{
    t->event->due_ms = now_ms + delay_ms;
}

void timer_stop(struct timer *t)
{
    t->event->due_ms = 0;
}

bool timer_is_running(const struct timer *t)
{
    return t->event->due_ms != 0;
}
