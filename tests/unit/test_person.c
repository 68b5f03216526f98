/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

#include "hub/person_internal.h"

static struct strbuf out;

static void setup(void)
{
    strbuf_init(&out, ITEM_BYTES_MAX);
}

static void teardown(void)
{
    strbuf_done(&out);
}

static struct record sample(void)
{
    struct record rec = {.version = 7};

    rec.texts[PERSON_NICK] = SV("alice");
    rec.texts[PERSON_USER] = SV("ali");
    rec.texts[PERSON_HOST] = SV("192.0.2.7");
    rec.texts[PERSON_ACCOUNT] = SV("acc");
    rec.texts[PERSON_REALNAME] = SV("Alice A.");
    rec.texts[PERSON_AWAY] = SV("");
    return rec;
}

START_TEST(test_record_is_decoded_as_it_was_encoded)
{
    struct record rec = sample();
    struct record back;

    record_encode(&out, &rec);
    ck_assert(record_decode(strbuf_view(&out), &back));
    for (size_t i = 0; i < PERSON_RECORD_TEXTS; i++) {
        ck_assert(sv_equal(rec.texts[i], back.texts[i]));
    }
    ck_assert_uint_eq(back.version, 7);
}
END_TEST

START_TEST(test_record_cut_anywhere_is_refused_or_sound)
{
    struct record rec = sample();
    struct record back;

    record_encode(&out, &rec);
    for (size_t len = 0; len < out.len; len++) {
        char *exact = xstrndup(out.ptr, len);

        ck_assert(!record_decode(sv(exact, len), &back));
        free(exact);
    }
}
END_TEST

static const struct {
    enum person_text text;
    const char *value;
} flaws[] = {
    {PERSON_NICK, ""},
    {PERSON_NICK, "1a"},
    {PERSON_NICK, "a b"},
    {PERSON_USER, "a\nb"},
    {PERSON_HOST, "a\rb"},
    {PERSON_AWAY, "a\nb"},
    {PERSON_REALNAME, "\n"},
    {PERSON_ACCOUNT, "\r"},
    {PERSON_USER, "12345678901234567890123456789012345678901234567890"},
};

START_TEST(test_record_with_a_flaw_is_refused)
{
    struct record rec = sample();
    struct record back;

    rec.texts[flaws[_i].text] = sv_of(flaws[_i].value);
    record_encode(&out, &rec);
    ck_assert(!record_decode(strbuf_view(&out), &back));
}
END_TEST

START_TEST(test_record_of_an_older_version_of_ours_is_read)
{
    struct str_view fields[2] = {SV("alice"), SV("ali")};
    struct hub_event_person person;

    item_encode(&out, 'p', fields, 2);
    ck_assert(person_record_decode(strbuf_view(&out), &person));
    ck_assert(sv_equal(person.nick, SV("alice")));
    ck_assert(sv_equal(person.user, SV("ali")));
    ck_assert_uint_eq(person.host.len, 0);
    strbuf_clear(&out);
    item_encode(&out, 'q', fields, 2);
    ck_assert(!person_record_decode(strbuf_view(&out), &person));
}
END_TEST

START_TEST(test_person_keeps_its_texts_through_changes)
{
    struct record rec = sample();
    struct who_text who;
    struct person p;

    person_init(&p, NULL, SV("n1/7"));
    person_set_record(&p, &rec);
    rec = person_record(&p);
    rec.texts[PERSON_NICK] = SV("a-much-longer-nick");
    rec.version = 8;
    person_set_record(&p, &rec); /* the record shows the texts that are replaced */
    ck_assert(sv_equal(person_nick(&p), SV("a-much-longer-nick")));
    ck_assert(sv_equal(person_user(&p), SV("ali")));
    ck_assert(sv_equal(person_host(&p), SV("192.0.2.7")));
    ck_assert(sv_equal(person_account(&p), SV("acc")));
    ck_assert(sv_equal(person_realname(&p), SV("Alice A.")));
    ck_assert_uint_eq(person_away(&p).len, 0);
    ck_assert(sv_equal(person_text(&p, PERSON_ID), SV("n1/7")));
    ck_assert(sv_equal(person_who(&p, &who), SV("a-much-longer-nick!ali@192.0.2.7")));
    ck_assert(person_is_of_node(&p, SV("n1")));
    ck_assert(!person_is_of_node(&p, SV("n")));
    ck_assert(!person_is_of_node(&p, SV("n1/")));
    person_done(&p);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("person");
    TCase *tc = tcase_create("persons");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_record_is_decoded_as_it_was_encoded);
    tcase_add_test(tc, test_record_cut_anywhere_is_refused_or_sound);
    tcase_add_loop_test(tc, test_record_with_a_flaw_is_refused, 0,
                        (int)PARLEY_COUNT_OF(flaws));
    tcase_add_test(tc, test_record_of_an_older_version_of_ours_is_read);
    tcase_add_test(tc, test_person_keeps_its_texts_through_changes);
    suite_add_tcase(s, tc);
    return s;
}
