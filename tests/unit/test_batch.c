/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/core/item.h>
#include <parley/util/map.h>
#include <parley/util/rng.h>
#include <parley/util/strbuf.h>

#include "backplane/batch.h"

Suite *suite(void);

/* ---- a box to fill ---- */

static struct outlogs outlogs;
static struct outbox box;
static struct shelf shelf;

static void set_up(void)
{
    rng_init();
    outlogs_init(&outlogs);
    outbox_init(&box, &outlogs);
    shelf_init(&shelf);
}

static void tear_down(void)
{
    outbox_done(&box);
    ck_assert_uint_eq(map_count(&outlogs.by_name), 0);
    outlogs_done(&outlogs);
    shelf_done(&shelf);
}

static void add(const char *log, const char *text, uint32_t serial, enum book_op op)
{
    struct str_view field = sv_of(text);
    struct strbuf item;
    struct book_update update = {.op = op, .field = SV("n/1"), .value = SV("value")};
    struct publication p = {.token = {.person = 1, .serial = serial}};

    strbuf_init(&item, ITEM_BYTES_MAX);
    item_encode(&item, ITEM_MESSAGE, &field, 1);
    p.item = strbuf_view(&item);
    if (op != BOOK_STATE_INIT) { /* stands for: no update */
        p.updates = &update;
        p.update_count = 1;
    }
    outbox_add(&box, sv_of(log), &p, 1000 + serial);
    strbuf_done(&item);
}

static void say(const char *log, const char *text, uint32_t serial)
{
    add(log, text, serial, BOOK_STATE_INIT);
}

/* The texts of a chunk's entry, joined by commas; checks its header. */
static const char *texts_of(const struct sealed_chunk *c, const char *node, uint64_t seq)
{
    static char joined[4096];
    struct str_view rest;
    struct entry entry;
    struct item it;
    size_t count = 0;

    joined[0] = '\0';
    ck_assert(entry_decode(c->entry, &entry));
    ck_assert(sv_equal(entry.node, sv_of(node)));
    ck_assert_uint_eq(entry.seq, seq);
    for (rest = entry.items; item_decode(&rest, &it) == ITEM_NEXT_OK; count++) {
        if (count > 0) {
            strcat(joined, ",");
        }
        strncat(joined, it.fields[0].ptr, it.fields[0].len);
    }
    ck_assert_uint_eq(count, entry.count);
    return joined;
}

/* ---- sealing ---- */

START_TEST(test_seal_empty_box_gives_empty_batch)
{
    struct batch *b = batch_seal(&box, &shelf, "node", 1);

    ck_assert_uint_eq(b->chunk_count, 0);
    ck_assert_uint_eq(batch_item_count(b), 0);
    ck_assert_uint_eq(batch_key_count(b), 3);
    batch_free(b);
}
END_TEST

START_TEST(test_seal_several_logs_one_entry_each_in_order)
{
    say("#a", "1", 1);
    say("#b", "2", 2);
    say("#a", "3", 3);
    struct batch *b = batch_seal(&box, &shelf, "node", 7);

    ck_assert_uint_eq(b->chunk_count, 2);
    ck_assert(sv_equal(b->chunks[0].log, SV("#a")));
    ck_assert_str_eq(texts_of(&b->chunks[0], "node", 7), "1,3");
    ck_assert(sv_equal(b->chunks[1].log, SV("#b")));
    ck_assert_str_eq(texts_of(&b->chunks[1], "node", 7), "2");
    ck_assert(outbox_is_empty(&box));
    ck_assert_uint_eq(box.bytes, 0);
    batch_free(b);
}
END_TEST

START_TEST(test_sealed_batch_takes_no_more_than_it_says)
{
    const struct book_update update = {BOOK_MEMBER_SET, SV("node/1"), SV("a record")};
    struct publication p = {.item = SV("11 M6:node/1"), .updates = &update};
    size_t parts = 0;

    for (size_t i = 0; i < 50; i++) {
        p.update_count = i % 2;
        outbox_add(&box, i < 25 ? SV("#a") : SV("#b"), &p, 1);
    }
    struct batch *b = batch_seal(&box, &shelf, "node", 1);

    for (size_t i = 0; i < b->chunk_count; i++) {
        const struct sealed_chunk *c = &b->chunks[i];

        parts += sizeof *c + c->log.len + c->entry.len + c->updates.len;
    }
    ck_assert_uint_eq(b->chunk_count, 2);
    ck_assert_uint_eq(b->memory, parts + sizeof *b);
    void *behind = shelf_take(&shelf, 1);

    ck_assert_uint_le((size_t)((char *)behind - (char *)b), b->memory + 64);
    shelf_give_back(behind);
    batch_free(b);
}
END_TEST

START_TEST(test_seal_more_logs_than_fit_leaves_the_rest)
{
    char name[16];

    for (int i = 0; i < BATCH_LOGS_MAX + 10; i++) {
        (void)snprintf(name, sizeof(name), "#%d", i);
        say(name, "x", (uint32_t)i);
    }
    struct batch *b = batch_seal(&box, &shelf, "node", 1);

    ck_assert_uint_eq(b->chunk_count, BATCH_LOGS_MAX);
    batch_free(b);
    b = batch_seal(&box, &shelf, "node", 2);
    ck_assert_uint_eq(b->chunk_count, 10);
    ck_assert(sv_equal(b->chunks[0].log, SV("#128")));
    batch_free(b);
}
END_TEST

START_TEST(test_seal_many_items_one_chunk_at_a_time)
{
    char text[16];

    for (int i = 0; i < 2 * ENTRY_ITEMS_MAX + 1; i++) {
        (void)snprintf(text, sizeof(text), "%d", i);
        say("#a", text, (uint32_t)i);
    }
    size_t expected[] = {ENTRY_ITEMS_MAX, ENTRY_ITEMS_MAX, 1};

    for (size_t i = 0; i < PARLEY_COUNT_OF(expected); i++) {
        struct batch *b = batch_seal(&box, &shelf, "node", i + 1);

        ck_assert_uint_eq(b->chunk_count, 1);
        ck_assert_uint_eq(b->chunks[0].count, expected[i]);
        batch_free(b);
    }
    ck_assert(outbox_is_empty(&box));
}
END_TEST

START_TEST(test_unseal_everything_waits_again_in_order)
{
    say("#a", "1", 1);
    say("#b", "2", 2);
    size_t bytes = box.bytes;
    struct batch *b = batch_seal(&box, &shelf, "node", 1);

    say("#b", "3", 3);
    say("#c", "4", 4);
    batch_unseal(b, &box);
    ck_assert_uint_gt(box.bytes, bytes);
    b = batch_seal(&box, &shelf, "other", 2);
    ck_assert_uint_eq(b->chunk_count, 3);
    ck_assert_str_eq(texts_of(&b->chunks[0], "other", 2), "1");
    ck_assert(sv_equal(b->chunks[1].log, SV("#b")));
    ck_assert_str_eq(texts_of(&b->chunks[1], "other", 2), "2");
    batch_free(b);
    b = batch_seal(&box, &shelf, "other", 3);
    ck_assert_str_eq(texts_of(&b->chunks[0], "other", 3), "3");
    batch_free(b);
}
END_TEST

/* ---- taking back ---- */

static bool is_even(const struct out_item *item, bool has_updates, void *ctx)
{
    (void)has_updates;
    (void)ctx;
    return item->token.serial % 2 == 0;
}

static bool has_update(const struct out_item *item, bool has_updates, void *ctx)
{
    (void)item;
    (void)ctx;
    return has_updates;
}

START_TEST(test_take_back_picked_items_leave_the_others_whole)
{
    struct token *tokens = NULL;

    for (uint32_t i = 0; i < 6; i++) {
        char text[4] = {(char)('a' + i), '\0'};

        add("#a", text, i, i == 3 ? BOOK_MEMBER_SET : BOOK_STATE_INIT);
    }
    size_t count = outbox_take_back(&box, UINT64_MAX, is_even, NULL, &tokens);

    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(tokens[0].serial, 0);
    ck_assert_uint_eq(tokens[2].serial, 4);
    free(tokens);
    struct batch *b = batch_seal(&box, &shelf, "node", 1);

    ck_assert_str_eq(texts_of(&b->chunks[0], "node", 1), "b,d,f");
    ck_assert_uint_eq(b->chunks[0].update_count, 1);
    ck_assert_uint_eq(batch_key_count(b), 3 + 1 + 2);
    batch_free(b);
}
END_TEST

START_TEST(test_take_back_everything_empties_the_box)
{
    struct token *tokens = NULL;

    add("#a", "1", 1, BOOK_MEMBER_SET);
    add("#b", "2", 2, BOOK_MEMBER_DEL);
    ck_assert_uint_eq(outbox_take_back(&box, UINT64_MAX, has_update, NULL, &tokens), 2);
    free(tokens);
    ck_assert(outbox_is_empty(&box));
    ck_assert_uint_eq(box.bytes, 0);
}
END_TEST

START_TEST(test_take_back_young_items_stay)
{
    struct token *tokens = NULL;

    say("#a", "old", 0);
    say("#b", "young", 500);
    ck_assert_uint_eq(outbox_take_back(&box, 1100, is_even, NULL, &tokens), 1);
    free(tokens);
    ck_assert(!outbox_is_empty(&box));
}
END_TEST

START_TEST(test_take_back_from_what_was_unsealed)
{
    struct token *tokens = NULL;

    add("#a", "1", 1, BOOK_MEMBER_SET);
    say("#a", "2", 2);
    batch_unseal(batch_seal(&box, &shelf, "node", 1), &box);
    say("#a", "3", 3);
    ck_assert_uint_eq(outbox_take_back(&box, UINT64_MAX, is_even, NULL, &tokens), 1);
    ck_assert_uint_eq(tokens[0].serial, 2);
    free(tokens);
    struct batch *b = batch_seal(&box, &shelf, "node", 1);

    ck_assert_str_eq(texts_of(&b->chunks[0], "node", 1), "1,3");
    ck_assert_uint_eq(b->chunks[0].update_count, 1);
    ck_assert_uint_eq(b->chunks[0].since_ms, 1001);
    batch_free(b);
}
END_TEST

START_TEST(test_add_end_of_membership_is_kept)
{
    add("#a", "1", 1, BOOK_MEMBER_DEL);
    add("#a", "2", 2, BOOK_MEMBER_SET);
    struct batch *b = batch_seal(&box, &shelf, "node", 1);

    ck_assert(b->chunks[0].meta[0].keep);
    ck_assert(!b->chunks[0].meta[1].keep);
    batch_free(b);
}
END_TEST

/* ---- logs that are followed no more ---- */

START_TEST(test_drop_log_is_told_once)
{
    outbox_drop_log(&box, SV("#a"));
    outbox_drop_log(&box, SV("#ab"));
    outbox_drop_log(&box, SV("#a"));
    struct batch *b = batch_seal(&box, &shelf, "node", 1);

    ck_assert(sv_equal(b->drops, SV("#a #ab ")));
    ck_assert(outbox_is_empty(&box));
    batch_unseal(b, &box);
    ck_assert(!outbox_is_empty(&box));
}
END_TEST

START_TEST(test_drop_log_is_cancelled_by_a_new_member)
{
    outbox_drop_log(&box, SV("#ab"));
    outbox_drop_log(&box, SV("#a"));
    outbox_drop_log(&box, SV("#c"));
    add("#a", "1", 1, BOOK_MEMBER_SET);
    struct batch *b = batch_seal(&box, &shelf, "node", 1);

    ck_assert(sv_equal(b->drops, SV("#ab #c ")));
    batch_free(b);
}
END_TEST

START_TEST(test_chunks_are_used_again_as_if_they_were_new)
{
    say("#a", "1", 1);
    say("#a", "2", 2);
    batch_free(batch_seal(&box, &shelf, "node", 1));
    ck_assert_uint_eq(outlogs.spare_count, 1);
    say("#b", "3", 3);
    ck_assert_uint_eq(outlogs.spare_count, 0);
    add("#b", "4", 4, BOOK_MEMBER_SET);
    struct batch *b = batch_seal(&box, &shelf, "node", 2);

    ck_assert_str_eq(texts_of(&b->chunks[0], "node", 2), "3,4");
    ck_assert_uint_eq(b->chunks[0].meta[1].token.serial, 4);
    ck_assert_uint_eq(b->chunks[0].update_count, 1);
    ck_assert_uint_eq(outlogs.spare_count, 0); /* those with updates go */
    batch_free(b);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("batch");
    TCase *tc = tcase_create("batch");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_seal_empty_box_gives_empty_batch);
    tcase_add_test(tc, test_sealed_batch_takes_no_more_than_it_says);
    tcase_add_test(tc, test_seal_several_logs_one_entry_each_in_order);
    tcase_add_test(tc, test_seal_more_logs_than_fit_leaves_the_rest);
    tcase_add_test(tc, test_seal_many_items_one_chunk_at_a_time);
    tcase_add_test(tc, test_unseal_everything_waits_again_in_order);
    tcase_add_test(tc, test_take_back_picked_items_leave_the_others_whole);
    tcase_add_test(tc, test_take_back_everything_empties_the_box);
    tcase_add_test(tc, test_take_back_young_items_stay);
    tcase_add_test(tc, test_take_back_from_what_was_unsealed);
    tcase_add_test(tc, test_add_end_of_membership_is_kept);
    tcase_add_test(tc, test_drop_log_is_told_once);
    tcase_add_test(tc, test_drop_log_is_cancelled_by_a_new_member);
    tcase_add_test(tc, test_chunks_are_used_again_as_if_they_were_new);
    suite_add_tcase(s, tc);
    return s;
}
