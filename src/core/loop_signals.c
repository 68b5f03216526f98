/* SPDX-License-Identifier: MIT */
#include <parley/core/signals.h>

#include <event2/event.h>
#include <stdlib.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>

struct signal_watch {
    struct event *event; /* owned */
    loop_fn fn;
    void *arg; /* borrowed */
};

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct signal_watch *watch = arg;

    (void)number;
    (void)what;
    watch->fn(watch->arg);
}

struct signal_watch *signal_watch_new(struct loop *loop, int signal_number, loop_fn fn,
                                      void *arg)
{
    struct signal_watch *watch = xcalloc(1, sizeof(*watch));

    watch->fn = fn;
    watch->arg = arg;
    watch->event = evsignal_new(loop_base(loop), signal_number, on_signal, watch);
    PARLEY_ASSERT(watch->event != NULL && evsignal_add(watch->event, NULL) == 0);
    return watch;
}

void signal_watch_free(struct signal_watch *watch)
{
    if (watch != NULL) {
        event_free(watch->event);
        free(watch);
    }
}
