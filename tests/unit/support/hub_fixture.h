/* SPDX-License-Identifier: MIT */
/*
 * hub_fixture.h - a few nodes in one process, and people on them who write down what they
 * hear.
 *
 * What a person hears is one text: each event a few words and a semicolon, e.g.
 * "join #a bob;say #a bob hi;". expect() compares it and begins anew.
 */
#ifndef PARLEY_TESTS_HUB_FIXTURE_H
#define PARLEY_TESTS_HUB_FIXTURE_H

#include <check.h>
#include <stdbool.h>

#include <parley/hub/hub.h>
#include <parley/util/strbuf.h>

#include "kept_names.h"
#include "memory_backplane.h"

enum { FIXTURE_NODES = 3, FIXTURE_TALKERS = 512 };

struct talker {
    struct hub_user *user; /* NULL: closed */
    struct strbuf heard;
    struct entry_id id; /* of the last event */
    unsigned runs;      /* events that came together count as one */
    unsigned idles;     /* calls of on_idle() */
    unsigned deafs;     /* calls after the end: never */
    bool closes_itself; /* at the next event */
    bool rejoins;       /* #a, when it is idle */
};

struct fixture {
    struct memory_world world;
    struct loop *loop;
    struct memory_node *nodes[FIXTURE_NODES];
    struct hub *hubs[FIXTURE_NODES];
    struct kept_names names[FIXTURE_NODES]; /* of #a */
    struct talker *talkers[FIXTURE_TALKERS];
    size_t talker_count;
    bool shows_own_modes; /* EV_MODE that nobody did is written down too */
};

extern struct fixture fx;

/* Fixture functions of Check: three nodes n0, n1, n2. The end asserts that nothing is left. */
void fixture_start(void);
void fixture_end(void);

/* Until nothing happens any more. */
void settle(void);
/* For that long, and until nothing happens. */
void settle_ms(unsigned ms);
/* From now on the node drops its copy of a room within 200 ms after its last one there has left. */
void keep_no_copies(size_t node);
/* A node ends without a word, and is reaped. */
void kill_node(size_t node);

/* Somebody who has no name yet. */
struct talker *talker_new(size_t node);
/* ... who has one, and has heard nothing yet. */
struct talker *talker_named(size_t node, const char *nick);
/* ... and is in #a: nobody has heard of it yet. */
struct talker *talker_in_a(size_t node, const char *nick);
struct talker *talker_in_a_by_key(size_t node, const char *name, struct str_view key);
struct room *room_of(const struct talker *t, const char *name);
void close_talker(struct talker *t, const char *reason);
void forget_heard(void);
/* The member's nicks in the copy, sorted, with blanks between: "alice bob". */
const char *names_in(size_t node, const char *room);

/* What was heard since; in `text` to compare and forget. */
const char *take_heard(struct talker *t);
#define expect(talker, text) ck_assert_str_eq(take_heard(talker), text)

/* A change of one mode, "+o bob", that is taken. */
#define mode(talker, room, text)                                                         \
    must(try_mode((talker)->user, room_of(talker, room), text))
/* What becomes of it; of one that is not made, why. */
enum hub_result try_mode(struct hub_user *u, const struct room *room, const char *text);
/* All modes of the copy and its members, as changes: "+n +b x!*@* +o alice". */
const char *modes_in(size_t node, const char *room);
/* The copies of #a on all nodes have these, one that begins now too. */
void check_modes(const char *expected);

#define must(call) ck_assert_int_eq(call, HUB_OK)
#define say(talker, room, text)                                                          \
    must(hub_say((talker)->user, room_of(talker, room), ITEM_MESSAGE, sv_of(text)))
#define join(talker, room) must(hub_join((talker)->user, sv_of(room)))
#define leave(talker, room) must(hub_leave((talker)->user, sv_of(room), SV("bye")))
#define nick(talker, name) must(hub_nick((talker)->user, sv_of(name)))

#endif
