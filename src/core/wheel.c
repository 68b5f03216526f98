/* SPDX-License-Identifier: MIT */
#include "core/wheel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/core/loop.h>
#include <parley/util/base.h>
#include <parley/util/list.h>

void wheel_init(struct wheel *w, uint64_t now_tick)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++) {
        list_init(&w->slots[i]);
    }
    w->tick = now_tick;
}

void wheel_set(struct wheel *w, struct deadline *d, uint64_t due_tick)
{
    list_remove(&d->link);
    d->due_tick = due_tick > w->tick ? due_tick : w->tick + 1;
    list_append(&w->slots[d->due_tick % WHEEL_SLOTS], &d->link);
}

/* Move what is due in one slot to `due`. */
static void gather(struct list *slot, uint64_t now_tick, struct list *due)
{
    LIST_FOR_EACH(slot, it) {
        if (LIST_ENTRY(it, struct deadline, link)->due_tick <= now_tick) {
            list_remove(it);
            list_append(due, it);
        }
    }
}

void wheel_advance(struct wheel *w, uint64_t now_tick)
{
    struct list due;
    struct list *link;

    if (now_tick <= w->tick) {
        return;
    }
    uint64_t steps = now_tick - w->tick;
    if (steps > WHEEL_SLOTS) {
        steps = WHEEL_SLOTS;
    }
    list_init(&due);
    for (uint64_t i = 1; i <= steps; i++) {
        gather(&w->slots[(w->tick + i) % WHEEL_SLOTS], now_tick, &due);
    }
    w->tick = now_tick;
    while ((link = list_take(&due)) != NULL) {
        struct deadline *d = LIST_ENTRY(link, struct deadline, link);
        d->fn(d);
    }
}

/* Looking through the empty slots costs a microsecond at most and needs no bookkeeping when a
 * deadline is cleared. */
bool wheel_next_tick(const struct wheel *w, uint64_t *ret_tick)
{
    for (uint64_t tick = w->tick + 1; tick <= w->tick + WHEEL_SLOTS; tick++) {
        if (!list_is_empty(&w->slots[tick % WHEEL_SLOTS])) {
            *ret_tick = tick;
            return true;
        }
    }
    return false;
}

void wheel_check(const struct wheel *w)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++) {
        for (const struct list *it = w->slots[i].next; it != &w->slots[i];
             it = it->next) {
            const struct deadline *d = (const struct deadline *)(const void *)it;
            _Static_assert(offsetof(struct deadline, link) == 0, "link comes first");
            PARLEY_ASSERT(d->due_tick > w->tick);
            PARLEY_ASSERT(d->due_tick % WHEEL_SLOTS == i);
            PARLEY_ASSERT(d->fn != NULL);
        }
    }
}
