/* A link against a server that misbehaves: replies, pushes, failures, endings. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/rng.h>

#include "backplane/link.h"
#include "support/link_rig.h"

Suite *suite(void);

static void subscribe(const char *channel)
{
    struct command cmd;

    command_init(&cmd);
    command_add(&cmd, SV("SSUBSCRIBE"));
    command_add(&cmd, sv_of(channel));
    ck_assert(link_send_subscription(rig.link, &cmd));
    command_done(&cmd);
}

static void say(const char *bytes)
{
    fake_redis_say(&rig.server, bytes, strlen(bytes));
}

/* ---- replies ---- */

START_TEST(test_replies_arrive_byte_by_byte)
{
    rig.server.byte_by_byte = true;
    rig_start_ready(LINK_COMMANDS);
    ck_assert(rig_send_raw("*3\r\n$5\r\nhello\r\n*2\r\n:17\r\n$-1\r\n+OK\r\n"));
    ck_assert(rig_send_raw("$11\r\nsplit\r\nhere\r\n"));
    rig_wait(RIG_REPLY, 2);
    ck_assert_str_eq(rig.reply, "split\r\nhere");
}
END_TEST

START_TEST(test_error_reply_is_a_reply)
{
    rig_start_ready(LINK_COMMANDS);
    ck_assert(rig_send_raw("-OOM command not allowed\r\n"));
    rig_wait(RIG_REPLY, 1);
    ck_assert_str_eq(rig.reply, "OOM command not allowed");
    ck_assert_int_eq(link_state(rig.link), LINK_READY);
}
END_TEST

START_TEST(test_many_replies_find_their_requests)
{
    rig_start_ready(LINK_COMMANDS);
    for (uint64_t i = 0; i < RIG_REQUESTS; i++) {
        char text[32];

        (void)snprintf(text, sizeof text, "+%d\r\n", (int)i);
        ck_assert(rig_send("RAW", sv_of(text), 0, i));
    }
    ck_assert_uint_eq(rig.counts[RIG_REPLY], 0);
    ck_assert_uint_gt(link_queued_bytes(rig.link), 0);
    rig_wait(RIG_REPLY, RIG_REQUESTS);
    for (unsigned i = 0; i < RIG_REQUESTS; i++) {
        ck_assert_uint_eq(rig.answered[i], 1);
    }
    ck_assert_str_eq(rig.reply, "99");
}
END_TEST

static const char *const garbage[] = {
    "garbage\r\n",
    "\r\n",
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "*3\r\n@",
    "$abc\r\n",
    ":12x4\r\n",
    "*99999999999999999999\r\n",
    "*1073741824\r\n",
    "$-5\r\n",
    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
};

START_TEST(test_garbage_ends_the_connection)
{
    rig_start_ready(LINK_COMMANDS);
    ck_assert(rig_send_raw(garbage[_i]));
    rig_wait(RIG_DOWN, 1);
    ck_assert_msg(sv_starts_with(sv_of(rig.down), SV("malformed answer: ")), "%s",
                  rig.down);
    ck_assert_uint_eq(rig.counts[RIG_LOST], 1);
    ck_assert_uint_eq(rig.answered[0], 1);
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 1);
    rig_wait(RIG_READY, 2);
    ck_assert_int_eq(metric_values[METRIC_RECONNECTS], 1);
}
END_TEST

START_TEST(test_random_bytes_never_crash)
{
    rig_start_ready(_i == 0 ? LINK_COMMANDS : LINK_SUBSCRIPTIONS);
    for (unsigned round = 0; round < 100; round++) {
        static const char likely[] = "*$:+-0123456789\r\n";
        char bytes[200];
        size_t len = 1 + rng_below(sizeof bytes - 1);

        for (size_t i = 0; i < len; i++) {
            bytes[i] = rng_below(2) == 0 ? likely[rng_below(sizeof likely - 1)]
                                         : (char)rng_below(256);
        }
        fake_redis_say(&rig.server, bytes, len);
        loop_turn(rig.loop);
        loop_turn(rig.loop);
    }
    while (link_state(rig.link) != LINK_READY) {
        loop_turn(rig.loop);
    }
    ck_assert_uint_gt(rig.counts[RIG_DOWN], 0);
}
END_TEST

START_TEST(test_unasked_answer_ends_the_connection)
{
    rig_start_ready(LINK_COMMANDS);
    say("+hello\r\n");
    rig_wait(RIG_DOWN, 1);
    ck_assert_str_eq(rig.down, "an answer that nobody asked for: hello");
}
END_TEST

START_TEST(test_huge_string_is_refused)
{
    enum { CHUNK = 1 << 20 };
    char *bytes = xcalloc(1, CHUNK);

    rig_start_ready(LINK_COMMANDS);
    ck_assert(rig_send("MUTE", SV(""), 60000, 0)); /* however slow the machine */
    say("$100000000\r\n");
    memset(bytes, 'x', CHUNK);
    for (unsigned i = 0; i < 96 && rig.counts[RIG_DOWN] == 0; i++) {
        fake_redis_say(&rig.server, bytes, CHUNK);
        for (unsigned turn = 0; turn < 10; turn++) {
            loop_turn(rig.loop);
        }
    }
    free(bytes);
    rig_wait(RIG_DOWN, 1);
    ck_assert_str_eq(rig.down, "malformed answer: a reply is too large");
    ck_assert_uint_eq(rig.answered[0], 1);
}
END_TEST

START_TEST(test_cut_answers_every_request_once)
{
    rig_start_ready(LINK_COMMANDS);
    for (uint64_t i = 0; i < RIG_REQUESTS; i++) {
        ck_assert(rig_send(i == 50  ? "CUT"
                           : i < 50 ? "RAW"
                                    : "MUTE",
                           SV("+OK\r\n"), 0, i));
    }
    rig_wait(RIG_DOWN, 1);
    for (unsigned i = 0; i < RIG_REQUESTS; i++) {
        ck_assert_uint_eq(rig.answered[i], 1);
    }
    ck_assert_uint_ge(rig.counts[RIG_LOST], RIG_REQUESTS - 50);
    ck_assert_str_eq(rig.down, "the server closed the connection");
    rig_wait(RIG_READY, 2);
    ck_assert_uint_eq(rig.counts[RIG_LOST] + rig.counts[RIG_REPLY], RIG_REQUESTS);
}
END_TEST

START_TEST(test_deadline_ends_the_connection)
{
    uint64_t start_ms = clock_monotonic_ms();

    rig_start_ready(LINK_COMMANDS);
    ck_assert(rig_send("MUTE", SV(""), 600000, 0));
    ck_assert(rig_send("MUTE", SV(""), 100, 1)); /* behind one that may take longer */
    rig_wait(RIG_DOWN, 1);
    ck_assert_uint_ge(clock_monotonic_ms() - start_ms, 100);
    ck_assert_str_eq(rig.down, "no answer in time");
    ck_assert_uint_eq(rig.counts[RIG_LOST], 2);
    rig_wait(RIG_READY, 2);
}
END_TEST

START_TEST(test_answers_in_time_keep_the_connection)
{
    rig_start_ready(LINK_COMMANDS);
    for (unsigned i = 1; i <= 30; i++) {
        ck_assert(rig_send("RAW", SV("+OK\r\n"), 100, 0));
        rig_wait(RIG_REPLY, i);
        rig_turn_for_ms(10);
    }
    rig_turn_for_ms(200);
    ck_assert_uint_eq(rig.counts[RIG_DOWN], 0);
}
END_TEST

START_TEST(test_silent_server_ends_the_handshake)
{
    rig.server.silent = true;
    rig_start(LINK_COMMANDS);
    rig_wait(RIG_DOWN, 1);
    ck_assert_str_eq(rig.down, "no answer in time");
    rig.server.silent = false;
    rig_wait(RIG_READY, 1);
}
END_TEST

/* ---- subscriptions ---- */

START_TEST(test_pushes_are_told_apart)
{
    rig_start_ready(LINK_SUBSCRIPTIONS);
    subscribe("ch");
    rig_wait(RIG_PUSH, 1);
    ck_assert_str_eq(rig.push, "ssubscribe ch");
    say("*3\r\n$8\r\nsmessage\r\n$2\r\nch\r\n$5\r\nhello\r\n");
    rig_wait(RIG_PUSH, 2);
    ck_assert_str_eq(rig.push, "smessage ch");
    say("*3\r\n$12\r\nsunsubscribe\r\n$2\r\nch\r\n:0\r\n");
    rig_wait(RIG_PUSH, 3);
    ck_assert_str_eq(rig.push, "sunsubscribe ch");
    ck_assert_uint_eq(rig.counts[RIG_DOWN], 0);
}
END_TEST

START_TEST(test_malformed_pushes_are_counted_and_dropped)
{
    rig_start_ready(LINK_SUBSCRIPTIONS);
    say("*1\r\n$8\r\nsmessage\r\n"
        "*2\r\n$8\r\nsmessage\r\n$2\r\nch\r\n"
        "*3\r\n$8\r\nsmessage\r\n$2\r\nch\r\n:1\r\n"
        "*3\r\n$8\r\nsmessage\r\n*0\r\n$1\r\nx\r\n"
        "*3\r\n$10\r\nssubscribe\r\n$2\r\nch\r\n$1\r\n1\r\n"
        "*3\r\n$8\r\nsmessage\r\n$2\r\nch\r\n$0\r\n\r\n");
    rig_wait(RIG_PUSH, 1);
    ck_assert_int_eq(metric_values[METRIC_MALFORMED], 5);
    ck_assert_uint_eq(rig.counts[RIG_DOWN], 0);
}
END_TEST

START_TEST(test_refused_subscription_ends_the_connection)
{
    rig_start_ready(LINK_SUBSCRIPTIONS);
    say("-MOVED 7 10.0.0.1:6379\r\n");
    rig_wait(RIG_DOWN, 1);
    ck_assert_str_eq(rig.down, "refused: MOVED 7 10.0.0.1:6379");
    rig_wait(RIG_READY, 2);
}
END_TEST

START_TEST(test_idle_subscription_link_stays_up)
{
    rig_start_ready(LINK_SUBSCRIPTIONS);
    rig_turn_for_ms(LINK_SILENCE_MS + 1500);
    ck_assert_uint_eq(rig.counts[RIG_DOWN], 0);
    ck_assert_uint_lt(link_idle_ms(rig.link), LINK_SILENCE_MS);
}
END_TEST

START_TEST(test_silent_subscription_link_is_given_up)
{
    rig_start_ready(LINK_SUBSCRIPTIONS);
    rig.server.silent = true;
    uint64_t start_ms = clock_monotonic_ms();

    rig_wait(RIG_DOWN, 1);
    ck_assert_str_eq(rig.down, "the server is silent");
    ck_assert_uint_ge(clock_monotonic_ms() - start_ms, LINK_SILENCE_MS - 100);
}
END_TEST

/* ---- close and reset inside every callback ---- */

/* Make `where` happen once, with a second request under way behind it. */
static void provoke(enum rig_event where)
{
    if (where == RIG_UNUSABLE) {
        rig.server.info = "redis_version:2.8.0\r\n";
    } else if (where == RIG_DENIED) {
        rig.url.password = xstrdup("s3cret");
        rig.server.auth = "-WRONGPASS invalid username-password pair\r\n";
    }
    rig_start(where == RIG_PUSH ? LINK_SUBSCRIPTIONS : LINK_COMMANDS);
    if (where == RIG_READY || where == RIG_UNUSABLE || where == RIG_DENIED) {
        return;
    }
    rig_wait(RIG_READY, 1);
    if (where == RIG_PUSH) {
        subscribe("ch");
        subscribe("ch");
        return;
    }
    ck_assert(rig_send(where == RIG_REPLY ? "RAW" : "CUT", SV("+1\r\n+2\r\n"), 0, 0));
    ck_assert(rig_send("MUTE", SV(""), 0, 1));
}

START_TEST(test_close_inside_a_callback)
{
    enum rig_event where = (enum rig_event)_i;

    rig.acts[where] = RIG_DO_CLOSE;
    provoke(where);
    rig_wait(where, 1);
    rig.link = NULL;
    rig_turn_for_ms(100);
    ck_assert_uint_eq(rig.counts[where], 1);
    ck_assert_uint_eq(rig.counts[RIG_DOWN],
                      where == RIG_DOWN || where == RIG_UNUSABLE ? 1 : 0);
    ck_assert_uint_eq(rig.server.connections, 1);
}
END_TEST

START_TEST(test_reset_then_close_inside_a_callback)
{
    enum rig_event where = (enum rig_event)_i;

    rig.acts[where] = RIG_DO_RESET_AND_CLOSE;
    provoke(where);
    rig_wait(where, 1);
    rig.link = NULL;
    rig_turn_for_ms(100);
    ck_assert_uint_eq(rig.counts[where], 1);
}
END_TEST

START_TEST(test_reset_inside_a_callback)
{
    enum rig_event where = (enum rig_event)_i;

    rig.acts[where] = RIG_DO_RESET;
    provoke(where);
    rig_wait(where, 1);
    rig.acts[where] = RIG_DO_NOTHING;
    rig.server.info = NULL;
    rig.server.auth = NULL;
    rig_wait(RIG_READY, where == RIG_UNUSABLE || where == RIG_DENIED ? 1 : 2);
    ck_assert_uint_eq(rig.counts[RIG_DOWN], 1);
    ck_assert_uint_le(rig.answered[0], 1);
    ck_assert_uint_le(rig.answered[1], 1);
    ck_assert_uint_eq(rig.answered[0], rig.answered[1]);
}
END_TEST

START_TEST(test_reset_answers_later_not_inside)
{
    rig_start_ready(LINK_COMMANDS);
    ck_assert(rig_send("MUTE", SV(""), 0, 0));
    link_reset(rig.link, "because");
    ck_assert_uint_eq(rig.counts[RIG_LOST] + rig.counts[RIG_DOWN], 0);
    ck_assert_int_eq(link_state(rig.link), LINK_DOWN);
    ck_assert(!rig_send_raw("+OK\r\n"));
    rig_wait(RIG_DOWN, 1);
    ck_assert_uint_eq(rig.counts[RIG_LOST], 1);
    ck_assert_str_eq(rig.down, "because");
    rig_wait(RIG_READY, 2);
}
END_TEST

START_TEST(test_library_can_be_loaded_again)
{
    rig_start_ready(LINK_COMMANDS);
    strbuf_clear(&rig.server.heard);
    rig_load_library();
    rig_wait(RIG_REPLY, 1);
    ck_assert_str_eq(strbuf_cstr(&rig.server.heard),
                     "|FUNCTION LOAD REPLACE #!lua name=lib\n");
}
END_TEST

static TCase *add_case(Suite *s, const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
    suite_add_tcase(s, tc);
    return tc;
}

static void add_reply_tests(TCase *tc)
{
    tcase_add_test(tc, test_replies_arrive_byte_by_byte);
    tcase_add_test(tc, test_error_reply_is_a_reply);
    tcase_add_test(tc, test_many_replies_find_their_requests);
    tcase_add_loop_test(tc, test_garbage_ends_the_connection, 0,
                        (int)PARLEY_COUNT_OF(garbage));
    tcase_add_loop_test(tc, test_random_bytes_never_crash, 0, 2);
    tcase_add_test(tc, test_unasked_answer_ends_the_connection);
    tcase_add_test(tc, test_huge_string_is_refused);
    tcase_add_test(tc, test_cut_answers_every_request_once);
    tcase_add_test(tc, test_deadline_ends_the_connection);
    tcase_add_test(tc, test_answers_in_time_keep_the_connection);
    tcase_add_test(tc, test_silent_server_ends_the_handshake);
}

Suite *suite(void)
{
    Suite *s = suite_create("link");

    add_reply_tests(add_case(s, "replies"));

    TCase *tc = add_case(s, "subscriptions");

    tcase_add_test(tc, test_pushes_are_told_apart);
    tcase_add_test(tc, test_malformed_pushes_are_counted_and_dropped);
    tcase_add_test(tc, test_refused_subscription_ends_the_connection);
    tcase_add_test(tc, test_idle_subscription_link_stays_up);
    tcase_add_test(tc, test_silent_subscription_link_is_given_up);

    tc = add_case(s, "endings");
    tcase_add_loop_test(tc, test_close_inside_a_callback, 0, RIG_EVENT_COUNT);
    tcase_add_loop_test(tc, test_reset_inside_a_callback, 0, RIG_EVENT_COUNT);
    tcase_add_loop_test(tc, test_reset_then_close_inside_a_callback, 0, RIG_EVENT_COUNT);
    tcase_add_test(tc, test_reset_answers_later_not_inside);
    tcase_add_test(tc, test_library_can_be_loaded_again);
    return s;
}
