/* SPDX-License-Identifier: MIT */
/*
 * virtual_loop.h - core/loop.h without time: the test moves the clock and fires the timers.
 *
 * Linked instead of core/loop.c. There is one loop; tasks run when the test says so.
 */
#ifndef PARLEY_TESTS_VIRTUAL_LOOP_H
#define PARLEY_TESTS_VIRTUAL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

void virtual_loop_reset(void);
/* Run what is queued, also what that queues. */
void virtual_loop_run_tasks(void);
uint64_t virtual_loop_now_ms(void);
/* Move the clock to the next timer, at most `limit_ms` on, and fire what is due. */
void virtual_loop_advance(uint64_t limit_ms);

#endif
