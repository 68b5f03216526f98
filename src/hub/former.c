/* SPDX-License-Identifier: MIT */
#include "hub/former.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>
#include <parley/util/clock.h>

#include "hub/hub_internal.h"

/* One after the other in `text`, as they stand in hub_former. */
enum { NICK, USER, HOST, REALNAME, TEXT_COUNT };

/* A place of hub->former, a ring of HUB_FORMER_MAX. */
struct former {
    char *text; /* owned; NULL: nobody yet */
    uint16_t ends[TEXT_COUNT];
    uint64_t ms;
};

void former_add(struct hub *hub, const struct record *rec)
{
    const struct str_view texts[TEXT_COUNT] = {
        [NICK] = rec->texts[PERSON_NICK],
        [USER] = rec->texts[PERSON_USER],
        [HOST] = rec->texts[PERSON_HOST],
        [REALNAME] = rec->texts[PERSON_REALNAME],
    };
    size_t len = 0;

    if (hub->former == NULL) {
        hub->former = xcalloc(HUB_FORMER_MAX, sizeof *hub->former);
    }
    struct former *f = &hub->former[hub->former_count++ % HUB_FORMER_MAX];

    free(f->text);
    f->text = xmalloc(texts[NICK].len + texts[USER].len + texts[HOST].len +
                      texts[REALNAME].len + 1);
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        if (texts[i].len > 0) {
            memcpy(f->text + len, texts[i].ptr, texts[i].len);
        }
        len += texts[i].len;
        f->ends[i] = (uint16_t)len;
    }
    f->ms = clock_wall_ms();
}

void former_done(struct hub *hub)
{
    for (size_t i = 0; hub->former != NULL && i < HUB_FORMER_MAX; i++) {
        free(hub->former[i].text);
    }
    free(hub->former);
    hub->former = NULL;
}

static struct str_view text_of(const struct former *f, size_t which)
{
    size_t from = which > 0 ? f->ends[which - 1] : 0;

    return sv(f->text + from, f->ends[which] - from);
}

bool hub_next_former(const struct hub *hub, struct str_view nick, size_t *cursor,
                     struct hub_former *ret)
{
    size_t kept = hub->former_count < HUB_FORMER_MAX ? hub->former_count : HUB_FORMER_MAX;

    while (*cursor < kept) {
        size_t at = (hub->former_count - ++*cursor) % HUB_FORMER_MAX;
        const struct former *f = &hub->former[at];

        if (sv_equal_nocase(text_of(f, NICK), nick)) {
            *ret = (struct hub_former){text_of(f, NICK), text_of(f, USER),
                                       text_of(f, HOST), text_of(f, REALNAME), f->ms};
            return true;
        }
    }
    return false;
}
