/* Capability negotiation: what is offered, asked for, refused. */
#include <check.h>
#include <string.h>

#include "proto/irc/caps.h"

Suite *suite(void);

START_TEST(test_offered_fit_one_line)
{
    struct strbuf out;

    strbuf_init(&out, 4096);
    irc_caps_add_names(&out, irc_caps_offered());
    ck_assert(!out.failed);
    ck_assert_uint_le(out.len, IRC_CAPS_LIST_BYTES_MAX);
    strbuf_done(&out);
}
END_TEST

/* What is not there yet is not offered: no client is to wait for it. */
START_TEST(test_nothing_is_offered_that_is_not_there)
{
    uint32_t missing = IRC_CAP_ACCOUNT_NOTIFY | IRC_CAP_CHGHOST;

    ck_assert_uint_eq(irc_caps_offered() & missing, 0);
}
END_TEST

static const struct request_case {
    const char *list;
    bool is_302;
    uint32_t before;
    bool is_granted;
    uint32_t after;
} cases[] = {
    {"batch", false, 0, true, IRC_CAP_BATCH},
    {"  batch   server-time ", false, 0, true, IRC_CAP_BATCH | IRC_CAP_SERVER_TIME},
    {"-batch", false, IRC_CAP_BATCH | IRC_CAP_SERVER_TIME, true, IRC_CAP_SERVER_TIME},
    {"batch -batch", false, 0, true, 0},
    {"batch batch", false, IRC_CAP_BATCH, true, IRC_CAP_BATCH},
    {"", false, IRC_CAP_BATCH, true, IRC_CAP_BATCH},
    {"batch nonsense", false, IRC_CAP_SERVER_TIME, false, IRC_CAP_SERVER_TIME},
    {"sasl", false, 0, false, 0},
    {"setname", false, 0, true, IRC_CAP_SETNAME},
    {"chghost", false, 0, false, 0},
    {"BATCH", false, 0, false, 0},
    {"batch=1", false, 0, false, 0},
    {"-", false, 0, false, 0},
    {"--batch", false, 0, false, 0},
    {"-cap-notify", false, IRC_CAP_CAP_NOTIFY, true, 0},
    {"-cap-notify", true, IRC_CAP_CAP_NOTIFY, false, IRC_CAP_CAP_NOTIFY},
};

START_TEST(test_request)
{
    const struct request_case *c = &cases[_i];
    uint32_t caps = c->before;

    ck_assert_msg(irc_caps_request(sv_of(c->list), c->is_302, &caps) == c->is_granted,
                  "\"%s\"", c->list);
    ck_assert_uint_eq(caps, c->after);
}
END_TEST

/* All that is offered can be asked for at once, and taken back. */
START_TEST(test_request_all)
{
    struct strbuf out;
    uint32_t caps = 0;

    strbuf_init(&out, 4096);
    irc_caps_add_names(&out, irc_caps_offered());
    ck_assert(irc_caps_request(strbuf_view(&out), true, &caps));
    ck_assert_uint_eq(caps, irc_caps_offered());
    strbuf_done(&out);
}
END_TEST

START_TEST(test_request_too_long_to_acknowledge)
{
    char list[IRC_CAPS_LIST_BYTES_MAX + 6];
    uint32_t caps = 0;

    memset(list, ' ', sizeof list);
    memcpy(list, "batch", 5);
    ck_assert(irc_caps_request(sv(list, IRC_CAPS_LIST_BYTES_MAX), false, &caps));
    ck_assert(!irc_caps_request(sv(list, IRC_CAPS_LIST_BYTES_MAX + 1), false, &caps));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("irc_caps");
    TCase *tc = tcase_create("caps");

    tcase_add_test(tc, test_offered_fit_one_line);
    tcase_add_test(tc, test_nothing_is_offered_that_is_not_there);
    tcase_add_loop_test(tc, test_request, 0, (int)PARLEY_COUNT_OF(cases));
    tcase_add_test(tc, test_request_all);
    tcase_add_test(tc, test_request_too_long_to_acknowledge);
    suite_add_tcase(s, tc);
    return s;
}
