/* SPDX-License-Identifier: MIT */
/*
 * base.h - the few macros that every file may use.
 */
#ifndef PARLEY_UTIL_BASE_H
#define PARLEY_UTIL_BASE_H

#include <stddef.h>

#define PARLEY_MUST_CHECK __attribute__((warn_unused_result))
#define PARLEY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define PARLEY_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The object of `type` whose `member` lies at `ptr`. */
#define PARLEY_CONTAINER_OF(ptr, type, member)                                           \
    ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/*
 * An invariant of our own. On in release builds; says what broke and aborts. Never put data
 * from a peer, from Redis or from the configuration in front of it.
 */
#define PARLEY_ASSERT(cond)                                                              \
    ((cond) ? (void)0 : parley_assert_failed(#cond, __FILE__, __LINE__))

_Noreturn void parley_assert_failed(const char *what, const char *file, int line);

#endif
