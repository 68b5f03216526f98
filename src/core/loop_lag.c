/* SPDX-License-Identifier: MIT */
#include <parley/core/loop_lag.h>

#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/clock.h>

enum { INTERVAL_MS = 250 };

struct loop_lag {
    struct event *event; /* owned */
    int fd;              /* owned */
    uint64_t due_us;     /* when the timer fires next */
};

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct loop_lag *lag = arg;
    uint64_t now_us = clock_monotonic_us();
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof count) != (ssize_t)sizeof count) {
        return;
    }
    metric_observe(METRIC_LOOP_LAG, now_us > lag->due_us ? now_us - lag->due_us : 0);
    lag->due_us += count * INTERVAL_MS * 1000ULL;
}

struct loop_lag *loop_lag_new(struct loop *loop)
{
    const struct itimerspec every = {
        .it_interval = {.tv_nsec = INTERVAL_MS * 1000000L},
        .it_value = {.tv_nsec = INTERVAL_MS * 1000000L},
    };
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

    if (fd < 0) {
        return NULL;
    }
    struct loop_lag *lag = xcalloc(1, sizeof *lag);

    lag->fd = fd;
    lag->due_us = clock_monotonic_us() + INTERVAL_MS * 1000ULL;
    PARLEY_ASSERT(timerfd_settime(fd, 0, &every, NULL) == 0);
    lag->event = event_new(loop_base(loop), fd, EV_READ | EV_PERSIST, on_timer, lag);
    PARLEY_ASSERT(lag->event != NULL && event_add(lag->event, NULL) == 0);
    return lag;
}

void loop_lag_free(struct loop_lag *lag)
{
    if (lag != NULL) {
        event_free(lag->event);
        (void)close(lag->fd);
        free(lag);
    }
}
