/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/core/item.h>
#include <parley/util/base.h>
#include <parley/util/rng.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

static struct strbuf out;
static struct item item;

static void setup(void)
{
    strbuf_init(&out, 1024 * 1024);
    memset(&item, 0, sizeof item);
}

static void teardown(void)
{
    strbuf_done(&out);
}

static enum item_next decode(struct str_view text)
{
    return item_decode(&text, &item);
}

/* ---- items ---- */

START_TEST(test_item_encode_writes_the_documented_form)
{
    const struct str_view fields[] = {SV("n1/7"), SV(""), SV("hello")};

    item_encode(&out, 'M', fields, 3);
    item_encode(&out, 'X', NULL, 0);
    ck_assert_str_eq(strbuf_cstr(&out), "16 M4:n1/70:5:hello1 X");
}
END_TEST

START_TEST(test_item_decode_reads_what_encode_wrote)
{
    const struct str_view fields[] = {SV("a"), SV("b:\0 \r\n9:"), SV("\xff\xfe"), SV("")};

    item_encode(&out, 'M', fields, 4);
    item_encode(&out, 'X', NULL, 0);
    struct str_view rest = strbuf_view(&out);

    ck_assert_int_eq(item_decode(&rest, &item), ITEM_NEXT_OK);
    ck_assert_int_eq(item.type, 'M');
    ck_assert_uint_eq(item.field_count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert(sv_equal(item_field(&item, i), fields[i]));
    }
    ck_assert_int_eq(item_decode(&rest, &item), ITEM_NEXT_OK);
    ck_assert_int_eq(item.type, 'X');
    ck_assert_uint_eq(item.field_count, 0);
    ck_assert_int_eq(item_decode(&rest, &item), ITEM_NEXT_END);
}
END_TEST

START_TEST(test_item_field_past_the_last_is_empty)
{
    ck_assert_int_eq(decode(SV("4 M1:a")), ITEM_NEXT_OK);
    ck_assert(sv_equal(item_field(&item, 0), SV("a")));
    ck_assert_uint_eq(item_field(&item, 1).len, 0);
    ck_assert_uint_eq(item_field(&item, SIZE_MAX).len, 0);
}
END_TEST

START_TEST(test_item_decode_of_many_fields_ignores_the_surplus)
{
    enum { COUNT = ITEM_FIELDS_MAX + 3 };

    strbuf_add_fmt(&out, "%d Z", 1 + 3 * COUNT);
    for (int i = 0; i < COUNT; i++) {
        strbuf_add_fmt(&out, "1:%c", 'a' + i);
    }
    strbuf_add(&out, SV("1 X"));
    struct str_view rest = strbuf_view(&out);

    ck_assert_int_eq(item_decode(&rest, &item), ITEM_NEXT_OK);
    ck_assert_uint_eq(item.field_count, ITEM_FIELDS_MAX);
    ck_assert(sv_equal(item_field(&item, ITEM_FIELDS_MAX - 1), SV("p")));
    ck_assert_int_eq(item_decode(&rest, &item), ITEM_NEXT_OK);
    ck_assert_int_eq(item.type, 'X');
}
END_TEST

START_TEST(test_item_encode_longest_is_readable_and_longer_fails)
{
    static char bytes[ITEM_BYTES_MAX];
    struct str_view field = sv(bytes,
                               ITEM_BYTES_MAX - 7); /* "M16377:..." is the longest */

    item_encode(&out, 'M', &field, 1);
    ck_assert(!out.failed);
    ck_assert_int_eq(decode(strbuf_view(&out)), ITEM_NEXT_OK);
    ck_assert_uint_eq(item_field(&item, 0).len, field.len);
    strbuf_clear(&out);
    field.len++;
    item_encode(&out, 'M', &field, 1);
    ck_assert(out.failed && out.len == 0);
    strbuf_clear(&out);
    item_encode(&out, 'M', &(struct str_view){bytes, SIZE_MAX}, 1);
    ck_assert(out.failed && out.len == 0);
}
END_TEST

/* Nothing of these is an item. */
static const struct str_view bad_items[] = {
    SV_INIT(" "),
    SV_INIT("1"),
    SV_INIT("1 "),
    SV_INIT("0 "),
    SV_INIT("0 M"),
    SV_INIT("2 M"),
    SV_INIT("x M"),
    SV_INIT("-1 M"),
    SV_INIT("+1 M"),
    SV_INIT(" 1 M"),
    SV_INIT("1\0 M"),
    SV_INIT("1 1"),
    SV_INIT("1 \0"),
    SV_INIT("1 \xff"),
    SV_INIT("16385 M"),
    SV_INIT("18446744073709551615 M"),
    SV_INIT("18446744073709551616 M"),
    SV_INIT("99999999999999999999999999999999 M"),
    SV_INIT("2 Ma"),
    SV_INIT("2 M:"),
    SV_INIT("2 M1"),
    SV_INIT("3 M1:"),
    SV_INIT("4 M2:a"),
    SV_INIT("4 M2:ab"),
    SV_INIT("4 M-1:"),
    SV_INIT("5 M1:ab"),
    SV_INIT("22 M18446744073709551615:"),
    SV_INIT("22 M18446744073709551615:aaaa"),
    SV_INIT("8 M99999:a"),
};

START_TEST(test_item_decode_of_hostile_bytes_is_bad)
{
    struct str_view rest = bad_items[_i];

    item.type = '?';
    ck_assert_int_eq(item_decode(&rest, &item), ITEM_NEXT_BAD);
    ck_assert_int_eq(item.type, '?');
}
END_TEST

START_TEST(test_item_decode_cut_at_every_byte_is_bad)
{
    const struct str_view fields[] = {SV("n1/7"), SV("bob!b@host"), SV(""),
                                      SV("hello you")};

    item_encode(&out, 'M', fields, 4);
    for (size_t len = 0; len < out.len; len++) {
        /* A copy of its own size, so that the sanitizer sees a read past the end. */
        char *copy = malloc(len + (len == 0));

        memcpy(copy, out.ptr, len);
        ck_assert_int_eq(decode(sv(copy, len)), len == 0 ? ITEM_NEXT_END : ITEM_NEXT_BAD);
        free(copy);
    }
}
END_TEST

START_TEST(test_item_decode_of_changed_bytes_stays_inside)
{
    const struct str_view fields[] = {SV("n1/7"), SV("bob!b@host"), SV(""),
                                      SV("hello you")};

    rng_init();
    item_encode(&out, 'M', fields, 4);
    item_encode(&out, 'J', fields, 4);
    char *copy = malloc(out.len);

    for (int round = 0; round < 100000; round++) {
        memcpy(copy, out.ptr, out.len);
        for (uint32_t n = 1 + rng_below(3); n > 0; n--) {
            copy[rng_below((uint32_t)out.len)] = "0123456789: MJ\xff"[rng_below(15)];
        }
        struct str_view rest = sv(copy, out.len);

        while (item_decode(&rest, &item) == ITEM_NEXT_OK) {
            for (size_t i = 0; i < item.field_count; i++) {
                const char *end = item.fields[i].ptr + item.fields[i].len;

                ck_assert(item.fields[i].ptr >= copy && end <= copy + out.len);
            }
        }
    }
    free(copy);
}
END_TEST

/* ---- entries ---- */

START_TEST(test_lines_are_counted_up_to_what_is_malformed)
{
    const struct str_view fields[] = {SV("n1/7"), SV("who"), SV(""), SV("5 M4:x")};

    ck_assert_uint_eq(items_count_lines(SV("")), 0);
    for (const char *type = "MJAOGTM"; *type != '\0'; type++) {
        item_encode(&out, *type, fields, 4);
    }
    ck_assert_uint_eq(items_count_lines(strbuf_view(&out)), 4);
    strbuf_add(&out, SV("99 M"));
    ck_assert_uint_eq(items_count_lines(strbuf_view(&out)), 4);
    ck_assert_uint_eq(items_count_lines(SV("0 1 M")), 0);
}
END_TEST

START_TEST(test_entry_decode_reads_what_encode_wrote)
{
    struct entry entry = {.id = {1, 2}};

    entry_encode_header(&out, SV("abc123"), 4711, 1);
    ck_assert_str_eq(strbuf_cstr(&out), "1 abc123 4711 1 ");
    strbuf_add(&out, SV("1 X"));
    ck_assert(entry_decode(strbuf_view(&out), &entry));
    ck_assert(sv_equal(entry.node, SV("abc123")));
    ck_assert_uint_eq(entry.seq, 4711);
    ck_assert_uint_eq(entry.count, 1);
    ck_assert(sv_equal(entry.items, SV("1 X")));
    ck_assert(entry.id.ms == 1 && entry.id.seq == 2);
}
END_TEST

static const struct {
    struct str_view text;
    bool right;
} entries[] = {
    {SV_INIT("1 - 0 1 1 X"), true},
    {SV_INIT("1 a 0 0 "), true},
    {SV_INIT("1 abcdefghijklmnopqrstuvwx 9007199254740992 128 "), true},
    {SV_INIT("1 abcdefghijklmnopqrstuvwxy 1 1 "), false},
    {SV_INIT("1 a 9007199254740993 1 "), false},
    {SV_INIT("1 a 1 129 "), false},
    {SV_INIT("1 a 1 1"), false},
    {SV_INIT("1 a 1 "), false},
    {SV_INIT("1 a 1"), false},
    {SV_INIT("1 a"), false},
    {SV_INIT("1 "), false},
    {SV_INIT("1"), false},
    {SV_INIT(""), false},
    {SV_INIT("2 a 1 1 "), false},
    {SV_INIT("11 a 1 1 "), false},
    {SV_INIT("1  1 1 "), false},
    {SV_INIT("1 A 1 1 "), false},
    {SV_INIT("1 a/b 1 1 "), false},
    {SV_INIT("1 -- 1 1 "), false},
    {SV_INIT("1 a\0 1 1 "), false},
    {SV_INIT("1 a -1 1 "), false},
    {SV_INIT("1 a 1  1 "), false},
    {SV_INIT("1 a 18446744073709551616 1 "), false},
};

START_TEST(test_entry_decode_checks_every_part)
{
    struct entry entry = {.seq = 99};

    ck_assert_msg(entry_decode(entries[_i].text, &entry) == entries[_i].right, "\"%.*s\"",
                  SV_ARG(entries[_i].text));
    ck_assert(entries[_i].right || entry.seq == 99);
}
END_TEST

START_TEST(test_entry_decode_of_too_many_bytes_fails)
{
    struct entry entry;
    char *bytes = malloc(ENTRY_BYTES_MAX + 1);

    memset(bytes, 'x', ENTRY_BYTES_MAX + 1);
    entry_encode_header(&out, SV("a"), 1, 1);
    strbuf_add(&out, sv(bytes, ENTRY_BYTES_MAX));
    ck_assert(entry_decode(strbuf_view(&out), &entry));
    strbuf_add_char(&out, 'x');
    ck_assert(!entry_decode(strbuf_view(&out), &entry));
    free(bytes);
}
END_TEST

/* ---- ids ---- */

static const struct {
    const char *text;
    bool right;
    struct entry_id id;
} ids[] = {
    {"0-0", true, {0, 0}},
    {"1732370531123-7", true, {1732370531123, 7}},
    {"18446744073709551615-18446744073709551615", true, {UINT64_MAX, UINT64_MAX}},
    {"18446744073709551616-0", false, {0, 0}},
    {"0-18446744073709551616", false, {0, 0}},
    {"1", false, {0, 0}},
    {"1-", false, {0, 0}},
    {"-1", false, {0, 0}},
    {"1-2-3", false, {0, 0}},
    {"1--2", false, {0, 0}},
    {" 1-2", false, {0, 0}},
    {"", false, {0, 0}},
    {"a-b", false, {0, 0}},
};

START_TEST(test_entry_id_parse_reads_bounded_numbers_only)
{
    struct entry_id id = {4, 2};
    bool right = entry_id_parse(sv_of(ids[_i].text), &id);

    ck_assert_msg(right == ids[_i].right, "\"%s\"", ids[_i].text);
    ck_assert_int_eq(entry_id_compare(id, right ? ids[_i].id : (struct entry_id){4, 2}),
                     0);
    if (right) {
        entry_id_add(&out, id);
        ck_assert_str_eq(strbuf_cstr(&out), ids[_i].text);
    }
}
END_TEST

START_TEST(test_entry_id_compare_orders_by_time_then_sequence)
{
    static const struct entry_id order[] = {{0, 0},          {0, 1},
                                            {0, UINT64_MAX}, {1, 0},
                                            {UINT64_MAX, 0}, {UINT64_MAX, UINT64_MAX}};

    for (int i = 0; i < (int)PARLEY_COUNT_OF(order); i++) {
        for (int k = 0; k < (int)PARLEY_COUNT_OF(order); k++) {
            ck_assert_int_eq(entry_id_compare(order[i], order[k]), (i > k) - (i < k));
        }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("item");
    TCase *tc = tcase_create("item");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_item_encode_writes_the_documented_form);
    tcase_add_test(tc, test_item_decode_reads_what_encode_wrote);
    tcase_add_test(tc, test_item_field_past_the_last_is_empty);
    tcase_add_test(tc, test_item_decode_of_many_fields_ignores_the_surplus);
    tcase_add_test(tc, test_item_encode_longest_is_readable_and_longer_fails);
    tcase_add_loop_test(tc, test_item_decode_of_hostile_bytes_is_bad, 0,
                        (int)PARLEY_COUNT_OF(bad_items));
    tcase_add_test(tc, test_item_decode_cut_at_every_byte_is_bad);
    tcase_add_test(tc, test_item_decode_of_changed_bytes_stays_inside);
    tcase_add_test(tc, test_lines_are_counted_up_to_what_is_malformed);
    tcase_add_test(tc, test_entry_decode_reads_what_encode_wrote);
    tcase_add_loop_test(tc, test_entry_decode_checks_every_part, 0,
                        (int)PARLEY_COUNT_OF(entries));
    tcase_add_test(tc, test_entry_decode_of_too_many_bytes_fails);
    tcase_add_loop_test(tc, test_entry_id_parse_reads_bounded_numbers_only, 0,
                        (int)PARLEY_COUNT_OF(ids));
    tcase_add_test(tc, test_entry_id_compare_orders_by_time_then_sequence);
    suite_add_tcase(s, tc);
    return s;
}
