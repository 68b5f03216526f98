/* SPDX-License-Identifier: MIT */
#include <parley/util/msg.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

enum { MSG_BYTES_MAX = 16 * 1024 * 1024 };

static size_t live_count;

struct msg *msg_new(struct str_view bytes)
{
    PARLEY_ASSERT(bytes.len <= MSG_BYTES_MAX);
    struct msg *m = xmalloc(sizeof *m + bytes.len);

    m->refs = 1;
    m->len = (uint32_t)bytes.len;
    if (bytes.len > 0) {
        memcpy(m->bytes, bytes.ptr, bytes.len);
    }
    live_count++;
    return m;
}

void msg_free(struct msg *m)
{
    live_count--;
    free(m);
}

struct str_view msg_view(const struct msg *m)
{
    return sv(m->bytes, m->len);
}

size_t msg_live_count(void)
{
    return live_count;
}
