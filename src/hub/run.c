/* SPDX-License-Identifier: MIT */
#include "hub/run.h"

#include <stdlib.h>

#include <parley/util/alloc.h>
#include <parley/util/arena.h>

#include "hub/fanout.h"
#include "hub/room_internal.h"
#include "hub/user_internal.h"

enum {
    RUN_EVENTS = 64,
    RUN_BYTES = 8192,      /* made of it: half of what the smallest queue takes */
    LINE_BYTES = 160,      /* tags, a command, an end */
    LINE_TEXT_BYTES = 256, /* of a text: so much always fits */
};

struct run {
    const struct room *room; /* borrowed; NULL: there is none */
    size_t readers;          /* so many of its locals, the first ones */
    size_t count;
    size_t bytes;
    struct arena texts;
    struct hub_event events[RUN_EVENTS];
};

struct run *run_new(void)
{
    struct run *run = xcalloc(1, sizeof *run);

    arena_init(&run->texts);
    return run;
}

void run_free(struct run *run)
{
    arena_done(&run->texts);
    free(run);
}

/* ---- gathering ---- */

/* About what is made of it; a long text becomes several lines. */
static size_t bytes_of(const struct room *r, const struct hub_event *ev)
{
    size_t realname = ev->type == EV_JOIN ? person_realname(ev->person).len : 0;
    size_t lines = 1 + ev->text.len / LINE_TEXT_BYTES;

    return lines * (LINE_BYTES + room_name(r).len + ev->who.len + ev->account.len) +
           realname + ev->tags.len + ev->text.len;
}

/* A user whose own join is the first event is at the end of the locals already. */
static void begin(struct run *run, const struct room *r, const struct hub_event *ev)
{
    run->room = r;
    run->readers = r->local_count - (ev->type == EV_JOIN && ev->origin != NULL ? 1 : 0);
}

/* Those who are no readers of the run. */
static void tell_newcomers(const struct run *run, struct hub_event *ev)
{
    const struct room *r = run->room;

    if (run->readers == r->local_count) {
        return;
    }
    for (size_t i = run->readers; i < r->local_count; i++) {
        r->locals[i]->ops->deliver(r->locals[i]->sink, ev);
    }
    fanout_drop_rendered(ev->rendered);
}

void run_add(const struct room *r, const struct hub_event *ev)
{
    struct run *run = r->owner.hub->run;
    size_t bytes = bytes_of(r, ev);

    if (run->room != r || run->count == RUN_EVENTS || run->bytes + bytes > RUN_BYTES) {
        run_end(r->owner.hub);
        begin(run, r, ev);
    }
    struct hub_event *kept = &run->events[run->count++];

    *kept = *ev;
    if (ev->type == EV_JOIN) {
        kept->who = arena_copy(&run->texts, ev->who);
        kept->account = arena_copy(&run->texts, ev->account);
    }
    run->bytes += bytes;
    tell_newcomers(run, kept);
}

/* ---- telling ---- */

/* Those whose doing some of it is see their own in another way. */
static void mark_origins(const struct run *run, bool is_in_run)
{
    for (size_t i = 0; i < run->count; i++) {
        if (run->events[i].origin != NULL) {
            run->events[i].origin->is_in_run = is_in_run;
        }
    }
}

/* It may close the user in the middle, whose ops are others then. */
static void tell_one_by_one(struct run *run, const struct hub_user *u)
{
    for (size_t i = 0; i < run->count; i++) {
        u->ops->deliver(u->sink, &run->events[i]);
    }
}

static void tell_together(struct run *run, const struct room *r)
{
    struct hub_run together = {.events = run->events, .count = run->count};

    mark_origins(run, true);
    for (size_t i = 0; i < run->readers; i++) {
        const struct hub_user *u = r->locals[i];

        if (u->is_in_run || u->ops->deliver_run == NULL) {
            tell_one_by_one(run, u);
        } else {
            u->ops->deliver_run(u->sink, &together);
        }
    }
    mark_origins(run, false);
    fanout_drop_rendered(together.rendered);
}

static void tell(struct run *run, const struct room *r)
{
    if (run->count > 1) {
        tell_together(run, r);
        return;
    }
    for (size_t i = 0; i < run->readers; i++) {
        tell_one_by_one(run, r->locals[i]);
    }
}

static void end_event(const struct room *r, struct hub_event *ev)
{
    fanout_drop_rendered(ev->rendered);
    if (ev->type != EV_JOIN && ev->origin != NULL) {
        user_line_came_back(ev->origin, r);
    }
}

void run_end(struct hub *hub)
{
    struct run *run = hub->run;
    const struct room *r = run->room;

    if (r == NULL) {
        return;
    }
    run->room = NULL; /* what is told from inside does not come here again */
    tell(run, r);
    for (size_t i = 0; i < run->count; i++) {
        end_event(r, &run->events[i]);
    }
    run->count = 0;
    run->bytes = 0;
    arena_clear(&run->texts);
}

void run_end_for(const struct hub_user *u)
{
    const struct run *run = u->hub->run;
    const struct member *m = run->room != NULL ? room_find_member(run->room, &u->person)
                                               : NULL;

    if (m != NULL && m->local_index < run->readers) {
        run_end(u->hub);
    }
}
