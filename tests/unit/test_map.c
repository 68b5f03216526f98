/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/map.h>
#include <parley/util/rng.h>
#include <parley/util/str.h>

enum { MANY = 100000 };

struct thing {
    char name[16];
    size_t len;
    int seen;
    bool in;
};

static struct map m;
static struct thing *things; /* MANY of them, named n0, n1, ... */

static struct str_view thing_key(const void *object)
{
    const struct thing *t = object;

    return sv(t->name, t->len);
}

static void setup(void)
{
    rng_init();
    map_init(&m, thing_key);
    things = calloc(MANY, sizeof *things);
    ck_assert_ptr_nonnull(things);
    for (int i = 0; i < MANY; i++) {
        things[i].len = (size_t)snprintf(things[i].name, sizeof things[i].name, "n%d", i);
    }
}

static void teardown(void)
{
    map_done(&m);
    free(things);
}

static void add(struct thing *t)
{
    ck_assert(map_add(&m, t));
    t->in = true;
}

static void take_out(struct thing *t)
{
    ck_assert_ptr_eq(map_remove(&m, thing_key(t)), t);
    t->in = false;
}

/* The table's invariants: in order, no gap between an object's home and its place. */
static void assert_sound(void)
{
    size_t total = m.slot_count + (m.slot_count / 4 < 32 ? m.slot_count / 4 : 32);
    size_t used = 0;
    size_t run = 0;
    uint64_t last = 0;

    for (size_t i = 0; i < total; i++) {
        const struct map_slot *slot = &m.slots[i];

        if (slot->object == NULL) {
            run = i + 1;
            continue;
        }
        size_t home = (size_t)(slot->hash >> (64 - __builtin_ctzll(m.slot_count)));

        ck_assert(home >= run && home <= i && slot->hash >= last);
        last = slot->hash;
        used++;
    }
    ck_assert_uint_eq(used, map_count(&m));
}

/* That nothing stays the leak checker tells. */
START_TEST(test_done_frees_the_objects_too)
{
    struct map owned;

    map_init(&owned, thing_key);
    for (size_t i = 0; i < 3; i++) {
        struct thing *t = malloc(sizeof *t);

        ck_assert_ptr_nonnull(t);
        *t = things[i];
        ck_assert(map_add(&owned, t));
    }
    map_done_free(&owned);
    ck_assert_uint_eq(map_count(&owned), 0);
    ck_assert_ptr_null(map_find(&owned, SV("n0")));
}
END_TEST

START_TEST(test_map_find_in_an_empty_map_gives_null)
{
    size_t cursor = 0;

    ck_assert_ptr_null(map_find(&m, SV("x")));
    ck_assert_ptr_null(map_find(&m, sv(NULL, 0)));
    ck_assert_ptr_null(map_remove(&m, SV("x")));
    ck_assert_ptr_null(map_next(&m, &cursor));
    ck_assert_uint_eq(map_count(&m), 0);
    map_done(&m);
    map_done(&m);
}
END_TEST

START_TEST(test_map_add_of_a_taken_name_changes_nothing)
{
    struct thing twin = things[7];

    add(&things[7]);
    ck_assert(!map_add(&m, &twin));
    ck_assert_ptr_eq(map_find(&m, SV("n7")), &things[7]);
    ck_assert_uint_eq(map_count(&m), 1);
}
END_TEST

START_TEST(test_map_find_compares_whole_names)
{
    struct thing empty = {.len = 0};
    struct thing zero = {.name = "a\0b", .len = 3};

    add(&empty);
    add(&zero);
    ck_assert_ptr_eq(map_find(&m, SV("")), &empty);
    ck_assert_ptr_eq(map_find(&m, sv(NULL, 0)), &empty);
    ck_assert_ptr_eq(map_find(&m, SV("a\0b")), &zero);
    ck_assert_ptr_null(map_find(&m, SV("a")));
    ck_assert_ptr_null(map_find(&m, SV("a\0c")));
    ck_assert_ptr_null(map_find(&m, SV("A\0b")));
    map_done(&m);
}
END_TEST

START_TEST(test_map_add_many_finds_each)
{
    for (int i = 0; i < MANY; i++) {
        add(&things[i]);
    }
    assert_sound();
    ck_assert_uint_eq(map_count(&m), MANY);
    ck_assert(m.slot_count >= MANY && m.slot_count <= 4 * (size_t)MANY);
    for (int i = 0; i < MANY; i++) {
        ck_assert_ptr_eq(map_find(&m, thing_key(&things[i])), &things[i]);
    }
    ck_assert_ptr_null(map_find(&m, SV("n-1")));
}
END_TEST

START_TEST(test_map_find_does_not_find_again_what_was_removed)
{
    add(&things[1]);
    add(&things[2]);
    ck_assert_ptr_eq(map_find(&m, SV("n1")), &things[1]);
    ck_assert_ptr_eq(map_find(&m, SV("n1")), &things[1]);
    take_out(&things[1]);
    ck_assert_ptr_null(map_find(&m, SV("n1")));
    ck_assert_ptr_eq(map_find(&m, SV("n2")), &things[2]);
}
END_TEST

START_TEST(test_map_remove_shrinks_the_table)
{
    for (int i = 0; i < MANY; i++) {
        add(&things[i]);
    }
    for (int i = 0; i < MANY - 1; i++) {
        take_out(&things[i]);
        ck_assert(m.slot_count <= 8 || map_count(&m) >= m.slot_count / 8);
    }
    assert_sound();
    ck_assert_uint_eq(m.slot_count, 8);
    take_out(&things[MANY - 1]);
    ck_assert_ptr_null(m.slots);
    add(&things[0]);
    ck_assert_ptr_eq(map_find(&m, SV("n0")), &things[0]);
}
END_TEST

START_TEST(test_map_at_random_agrees_with_a_list)
{
    enum { NAMES = 500, STEPS = 200000 };

    for (int step = 0; step < STEPS; step++) {
        /* Waves, so that it grows and shrinks. */
        bool grow = rng_below(100) < (step / 5000 % 2 == 0 ? 70 : 20);
        struct thing *t = &things[rng_below(NAMES)];

        ck_assert_ptr_eq(map_find(&m, thing_key(t)), t->in ? t : NULL);
        if (grow && !t->in) {
            add(t);
        } else if (!grow && t->in) {
            take_out(t);
        }
        if (step % 1000 == 0) {
            assert_sound();
        }
    }
}
END_TEST

START_TEST(test_map_next_shows_each_once)
{
    size_t cursor = 0;
    struct thing *t = NULL;

    for (int i = 0; i < MANY; i++) {
        add(&things[i]);
    }
    while ((t = map_next(&m, &cursor)) != NULL) {
        t->seen++;
    }
    ck_assert_ptr_null(map_next(&m, &cursor));
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(things[i].seen, 1);
    }
}
END_TEST

START_TEST(test_map_next_while_removing_what_it_shows_sees_each_once)
{
    size_t cursor = 0;
    struct thing *t = NULL;

    for (int i = 0; i < MANY; i++) {
        add(&things[i]);
    }
    while ((t = map_next(&m, &cursor)) != NULL) {
        t->seen++;
        if (_i == 0 || rng_below(3) > 0) {
            take_out(t);
        }
    }
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(things[i].seen, 1);
        ck_assert_ptr_eq(map_find(&m, thing_key(&things[i])),
                         things[i].in ? &things[i] : NULL);
    }
    assert_sound();
}
END_TEST

START_TEST(test_map_next_while_others_come_and_go_sees_those_that_stay)
{
    size_t cursor = 0;
    struct thing *t = NULL;
    int coming = MANY / 2;
    int going = MANY / 4;

    for (int i = 0; i < MANY / 2; i++) {
        add(&things[i]);
    }
    while ((t = map_next(&m, &cursor)) != NULL) {
        t->seen++;
        ck_assert_int_le(t->seen, 1);
        if (coming < MANY) {
            add(&things[coming++]);
        }
        if (going < MANY / 2) {
            take_out(&things[going++]);
        }
    }
    for (int i = 0; i < MANY / 4; i++) {
        ck_assert_int_eq(things[i].seen, 1);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("map");
    TCase *tc = tcase_create("map");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_done_frees_the_objects_too);
    tcase_add_test(tc, test_map_find_in_an_empty_map_gives_null);
    tcase_add_test(tc, test_map_add_of_a_taken_name_changes_nothing);
    tcase_add_test(tc, test_map_find_compares_whole_names);
    tcase_add_test(tc, test_map_add_many_finds_each);
    tcase_add_test(tc, test_map_find_does_not_find_again_what_was_removed);
    tcase_add_test(tc, test_map_remove_shrinks_the_table);
    tcase_add_test(tc, test_map_at_random_agrees_with_a_list);
    tcase_add_test(tc, test_map_next_shows_each_once);
    tcase_add_loop_test(tc, test_map_next_while_removing_what_it_shows_sees_each_once, 0,
                        2);
    tcase_add_test(tc, test_map_next_while_others_come_and_go_sees_those_that_stay);
    suite_add_tcase(s, tc);
    return s;
}
