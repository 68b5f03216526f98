/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include <parley/util/shelf.h>

Suite *suite(void);

static struct shelf shelf;

static void set_up(void)
{
    shelf_init(&shelf);
}

static void tear_down(void)
{
    shelf_done(&shelf);
}

START_TEST(test_shelf_pieces_are_aligned_and_apart)
{
    enum { COUNT = 500 };
    unsigned char *pieces[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        pieces[i] = shelf_take(&shelf, i);
        ck_assert_uint_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)(i % 256), i);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < i; k++) {
            ck_assert_uint_eq(pieces[i][k], i % 256);
        }
        shelf_give_back(pieces[i]);
    }
}
END_TEST

START_TEST(test_shelf_blocks_go_with_their_last_piece)
{
    enum { COUNT = 40 };
    void *pieces[COUNT];

    for (size_t i = 0; i < COUNT; i++) { /* four in a block */
        pieces[i] = shelf_take(&shelf, SHELF_BLOCK_BYTES / 4 - 100);
    }
    ck_assert_uint_eq(shelf.bytes, (size_t)10 * SHELF_BLOCK_BYTES);
    for (size_t i = 0; i < COUNT; i++) {
        if (i % 4 != 2) {
            shelf_give_back(pieces[i]);
        }
    }
    ck_assert_uint_eq(shelf.bytes, (size_t)10 * SHELF_BLOCK_BYTES);
    for (size_t i = 2; i < COUNT; i += 4) {
        shelf_give_back(pieces[i]);
    }
    /* The one that pieces are cut off, and a spare one. */
    ck_assert_uint_eq(shelf.bytes, (size_t)2 * SHELF_BLOCK_BYTES);
}
END_TEST

START_TEST(test_shelf_steady_use_needs_no_new_block)
{
    void *last = shelf_take(&shelf, 1000);

    for (int i = 0; i < 10000; i++) {
        void *piece = shelf_take(&shelf, 1000);

        shelf_give_back(last);
        last = piece;
        ck_assert_uint_le(shelf.bytes, (size_t)2 * SHELF_BLOCK_BYTES);
    }
    shelf_give_back(last);
}
END_TEST

START_TEST(test_shelf_large_piece_has_a_block_of_its_own)
{
    void *small = shelf_take(&shelf, 1);
    char *large = shelf_take(&shelf, (size_t)3 * SHELF_BLOCK_BYTES);
    size_t before = shelf.bytes;

    memset(large, 'x', (size_t)3 * SHELF_BLOCK_BYTES);
    void *next = shelf_take(&shelf, 1000);

    shelf_give_back(large);
    ck_assert_uint_le(shelf.bytes, before - (size_t)2 * SHELF_BLOCK_BYTES);
    shelf_give_back(next);
    shelf_give_back(small);
}
END_TEST

START_TEST(test_shelf_shrunk_piece_leaves_room_for_the_next)
{
    char *first = shelf_take(&shelf, 10000);

    shelf_shrink(first, 10);
    char *next = shelf_take(&shelf, 10);

    ck_assert(next > first && next < first + 64);
    shelf_give_back(first);
    shelf_give_back(next);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("shelf");
    TCase *tc = tcase_create("shelf");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_shelf_pieces_are_aligned_and_apart);
    tcase_add_test(tc, test_shelf_blocks_go_with_their_last_piece);
    tcase_add_test(tc, test_shelf_steady_use_needs_no_new_block);
    tcase_add_test(tc, test_shelf_large_piece_has_a_block_of_its_own);
    tcase_add_test(tc, test_shelf_shrunk_piece_leaves_room_for_the_next);
    suite_add_tcase(s, tc);
    return s;
}
