/* SPDX-License-Identifier: MIT */
/*
 * msg.h - immutable bytes with a reference count: one line for a thousand readers.
 *
 * A line is rendered once into a msg; every send queue that carries it holds a reference.
 * Whoever calls msg_new() holds the first one. Nobody changes the bytes after that.
 */
#ifndef PARLEY_UTIL_MSG_H
#define PARLEY_UTIL_MSG_H

#include <stddef.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

struct msg {
    uint32_t refs;  /* private */
    uint32_t len;   /* bytes; read only */
    uint32_t lines; /* that it counts as; read only */
    char bytes[];   /* read only */
};

/* A msg with a copy of `bytes` (at most 16 MiB). */
struct msg *msg_new(struct str_view bytes);
/* The same, of several lines. */
struct msg *msg_new_of(struct str_view bytes, uint32_t lines);
/* Private: the last reference is gone. */
void msg_free(struct msg *m);

/* These two are done for each delivery. */
static inline struct msg *msg_ref(struct msg *m)
{
    PARLEY_ASSERT(m->refs > 0 && m->refs < UINT32_MAX);
    m->refs++;
    return m;
}

/* NULL is allowed. */
static inline void msg_unref(struct msg *m)
{
    if (m != NULL) {
        PARLEY_ASSERT(m->refs > 0);
        m->refs--;
        if (m->refs == 0) {
            msg_free(m);
        }
    }
}

struct str_view msg_view(const struct msg *m);
/* How many msgs live; tests assert that it goes back to where it was. */
size_t msg_live_count(void);

#endif
