/* SPDX-License-Identifier: MIT */
/*
 * signals.h - a process signal as a callback from the loop.
 */
#ifndef PARLEY_CORE_SIGNALS_H
#define PARLEY_CORE_SIGNALS_H

#include <parley/core/loop.h>

struct signal_watch;

/* Call fn(arg) from the loop each time the signal comes. Borrows the loop. */
struct signal_watch *signal_watch_new(struct loop *loop, int signal_number, loop_fn fn,
                                      void *arg);
void signal_watch_free(struct signal_watch *watch);

#endif
