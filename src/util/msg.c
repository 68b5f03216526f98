/* SPDX-License-Identifier: MIT */
#include <parley/util/msg.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

enum { MSG_BYTES_MAX = 16 * 1024 * 1024 };

/*
 * Lines live for one turn of the loop: memory of those that went is used again, the newest first,
 * while it is still in the processor's caches. Sizes are rounded up, so that a line fits.
 */
enum {
    SPARE_STEP = 64,
    SPARE_SIZES = 9, /* up to 576 bytes: a line of IRC, and some tags */
#ifdef PARLEY_SANITIZED
    SPARE_MAX = 0, /* sanitizers are to see whatever is used after its end */
#else
    SPARE_MAX = 256, /* of each size */
#endif
};

struct spare {
    struct spare *next; /* owned */
};

struct spare_list {
    struct spare *first; /* owned */
    int count;
};

static struct spare_list spares[SPARE_SIZES];
static size_t live_count;

/* Those that may lie among the spares have a list. */
static struct spare_list *list_of(size_t len)
{
    size_t index = (sizeof(struct msg) + len - 1) / SPARE_STEP;

    return index < SPARE_SIZES ? &spares[index] : NULL;
}

static size_t size_of(size_t len)
{
    size_t size = sizeof(struct msg) + len;

    return list_of(len) != NULL ? (size + SPARE_STEP - 1) / SPARE_STEP * SPARE_STEP
                                : size;
}

static void *take_memory(size_t len)
{
    struct spare_list *list = list_of(len);

    if (list == NULL || list->first == NULL) {
        return xmalloc(size_of(len));
    }
    struct spare *spare = list->first;

    list->first = spare->next;
    list->count--;
    return spare;
}

struct msg *msg_new(struct str_view bytes)
{
    return msg_new_of(bytes, 1);
}

struct msg *msg_new_of(struct str_view bytes, uint32_t lines)
{
    PARLEY_ASSERT(bytes.len <= MSG_BYTES_MAX);
    struct msg *m = take_memory(bytes.len);

    m->refs = 1;
    m->len = (uint32_t)bytes.len;
    m->lines = lines;
    if (bytes.len > 0) {
        memcpy(m->bytes, bytes.ptr, bytes.len);
    }
    live_count++;
    return m;
}

void msg_free(struct msg *m)
{
    struct spare_list *list = list_of(m->len);
    struct spare *spare = (struct spare *)(void *)m;

    live_count--;
    if (list == NULL || list->count >= SPARE_MAX) {
        free(m);
        return;
    }
    spare->next = list->first;
    list->first = spare;
    list->count++;
}

struct str_view msg_view(const struct msg *m)
{
    return sv(m->bytes, m->len);
}

size_t msg_live_count(void)
{
    return live_count;
}
