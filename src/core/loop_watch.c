/* SPDX-License-Identifier: MIT */
#include <parley/core/watch.h>

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <event2/event.h>

#include <parley/util/alloc.h>

#include "core/loop_watch.h"

enum { READY_MAX = 1024 }; /* callbacks in one turn */

/* Invariant: the event is pending exactly while `count` > 0, so that a loop without anything
 * to wait for does not wait. */
struct watches {
    int fd;              /* owned: the epoll */
    struct event *event; /* owned: it is ready */
    size_t count;        /* watches that watch for something */
    struct epoll_event ready[READY_MAX];
};

static unsigned what_of(uint32_t events)
{
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        return WATCH_READ | WATCH_WRITE;
    }
    return ((events & EPOLLIN) != 0 ? WATCH_READ : 0) |
           ((events & EPOLLOUT) != 0 ? WATCH_WRITE : 0);
}

/* A callback may stop any other watch: what was ready then is skipped. */
static void on_ready(evutil_socket_t fd, short flags, void *arg)
{
    struct watches *ws = arg;
    int count = epoll_wait(ws->fd, ws->ready, READY_MAX, 0);

    (void)fd;
    (void)flags;
    for (int i = 0; i < count; i++) {
        struct watch *w = ws->ready[i].data.ptr;
        unsigned what = what_of(ws->ready[i].events) & w->armed;

        if (what != 0) {
            w->fn(w, what);
        }
    }
}

struct watches *watches_new(struct event_base *base)
{
    struct watches *ws = xcalloc(1, sizeof *ws);

    ws->fd = epoll_create1(EPOLL_CLOEXEC);
    PARLEY_ASSERT(ws->fd >= 0);
    ws->event = event_new(base, ws->fd, EV_READ | EV_PERSIST, on_ready, ws);
    PARLEY_ASSERT(ws->event != NULL);
    return ws;
}

void watches_free(struct watches *ws)
{
    event_free(ws->event);
    (void)close(ws->fd);
    free(ws);
}

static void set_count(struct watches *ws, size_t count)
{
    if (ws->count == 0 && count > 0) {
        PARLEY_ASSERT(event_add(ws->event, NULL) == 0);
    } else if (ws->count > 0 && count == 0) {
        (void)event_del(ws->event);
    }
    ws->count = count;
}

void watch_init(struct watch *w, int fd, watch_fn fn)
{
    *w = (struct watch){.fn = fn, .fd = fd};
}

bool watch_set(struct loop *loop, struct watch *w, unsigned what)
{
    struct watches *ws = loop_watches(loop);
    struct epoll_event wanted = {.data.ptr = w};
    int op = w->armed == 0 ? EPOLL_CTL_ADD : what == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

    if (what == w->armed) {
        return true;
    }
    wanted.events |= (what & WATCH_READ) != 0 ? (uint32_t)EPOLLIN : 0;
    wanted.events |= (what & WATCH_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0;
    if (epoll_ctl(ws->fd, op, w->fd, &wanted) != 0) {
        return false;
    }
    set_count(ws, ws->count + (what != 0) - (w->armed != 0));
    w->armed = (uint8_t)what;
    return true;
}

void watch_stop(struct loop *loop, struct watch *w)
{
    PARLEY_ASSERT(watch_set(loop, w, 0));
}
