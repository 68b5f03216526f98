/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the two clocks: one that never jumps, one that people read.
 */
#ifndef PARLEY_UTIL_CLOCK_H
#define PARLEY_UTIL_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic, for durations and deadlines. */
uint64_t clock_monotonic_us(void);
uint64_t clock_monotonic_ms(void);
/* Milliseconds since 1970, for people. */
uint64_t clock_wall_ms(void);

enum { CLOCK_ISO_SIZE = sizeof "2026-11-23T14:02:11.123Z" };

/* "2026-11-23T14:02:11Z" or, with milliseconds, "2026-11-23T14:02:11.123Z". */
void clock_format_iso(uint64_t wall_ms, char ret_text[CLOCK_ISO_SIZE]);
void clock_format_iso_ms(uint64_t wall_ms, char ret_text[CLOCK_ISO_SIZE]);

#endif
