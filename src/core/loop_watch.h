/* SPDX-License-Identifier: MIT */
/*
 * loop_watch.h - the loop's part of watch.h: the epoll that all watches share.
 */
#ifndef PARLEY_CORE_LOOP_WATCH_H
#define PARLEY_CORE_LOOP_WATCH_H

struct event_base;
struct loop;
struct watches;

struct watches *watches_new(struct event_base *base);
void watches_free(struct watches *ws);
/* In loop.c. */
struct watches *loop_watches(const struct loop *loop);

#endif
