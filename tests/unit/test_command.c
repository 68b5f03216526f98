/* Building a command: arguments, numbers, growth, reuse. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>

#include "backplane/command.h"

Suite *suite(void);

static void assert_arg(const struct command *cmd, size_t index, const char *want)
{
    ck_assert_uint_lt(index, cmd->argc);
    ck_assert_uint_eq(cmd->argvlen[index], strlen(want));
    ck_assert_mem_eq(cmd->argv[index], want, strlen(want));
}

START_TEST(test_arguments_are_kept_in_order)
{
    struct command cmd;

    command_init(&cmd);
    command_add(&cmd, SV("SET"));
    command_add(&cmd, SV("key"));
    command_add(&cmd, sv("a\0\r\nb", 5));
    ck_assert_uint_eq(cmd.argc, 3);
    assert_arg(&cmd, 0, "SET");
    assert_arg(&cmd, 1, "key");
    ck_assert_uint_eq(cmd.argvlen[2], 5);
    ck_assert_mem_eq(cmd.argv[2], "a\0\r\nb", 5);
    ck_assert_uint_eq(command_bytes(&cmd), 3 + 3 + 5);
    command_done(&cmd);
}
END_TEST

START_TEST(test_empty_argument_is_an_argument)
{
    struct command cmd;

    command_init(&cmd);
    command_add(&cmd, sv(NULL, 0));
    ck_assert_uint_eq(cmd.argc, 1);
    ck_assert_ptr_nonnull(cmd.argv[0]);
    ck_assert_uint_eq(cmd.argvlen[0], 0);
    command_done(&cmd);
}
END_TEST

START_TEST(test_numbers_survive_growth)
{
    struct command cmd;
    char want[24];

    command_init(&cmd);
    for (uint64_t i = 0; i < 1000; i++) {
        command_add_u64(&cmd, i * i);
        command_add(&cmd, SV("text"));
    }
    for (size_t i = 0; i < 1000; i++) {
        (void)snprintf(want, sizeof want, "%zu", i * i);
        assert_arg(&cmd, 2 * i, want);
        assert_arg(&cmd, 2 * i + 1, "text");
    }
    command_done(&cmd);
}
END_TEST

START_TEST(test_largest_number_fits)
{
    struct command cmd;

    command_init(&cmd);
    command_add_u64(&cmd, UINT64_MAX);
    assert_arg(&cmd, 0, "18446744073709551615");
    command_done(&cmd);
}
END_TEST

START_TEST(test_write_is_what_the_server_reads)
{
    static const char want[] = "*4\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\na\0\r\nb\r\n"
                               "$20\r\n18446744073709551615\r\n";
    struct command cmd;
    struct evbuffer *out = evbuffer_new();
    const void *text = NULL;

    command_init(&cmd);
    command_add(&cmd, SV("SET"));
    command_add(&cmd, SV(""));
    command_add(&cmd, sv("a\0\r\nb", 5));
    command_add_u64(&cmd, UINT64_MAX);
    command_append(&cmd, out);
    command_append(&cmd, out);
    ck_assert_uint_eq(evbuffer_get_length(out), 2 * (sizeof want - 1));
    text = evbuffer_pullup(out, -1);
    ck_assert_mem_eq(text, want, sizeof want - 1);
    ck_assert_mem_eq((const char *)text + sizeof want - 1, want, sizeof want - 1);
    evbuffer_free(out);
    command_done(&cmd);
}
END_TEST

START_TEST(test_set_number_replaces_any_argument)
{
    struct command cmd;

    command_init(&cmd);
    command_add(&cmd, SV("FCALL"));
    command_add(&cmd, SV("later"));
    command_add_u64(&cmd, 1);
    command_set_u64(&cmd, 1, 42);
    command_set_u64(&cmd, 2, 123456);
    assert_arg(&cmd, 0, "FCALL");
    assert_arg(&cmd, 1, "42");
    assert_arg(&cmd, 2, "123456");
    command_done(&cmd);
}
END_TEST

START_TEST(test_cleared_command_is_empty_and_reusable)
{
    struct command cmd;

    command_init(&cmd);
    for (uint64_t i = 0; i < 40; i++) {
        command_add_u64(&cmd, i);
    }
    command_clear(&cmd);
    ck_assert_uint_eq(cmd.argc, 0);
    ck_assert_uint_eq(command_bytes(&cmd), 0);
    for (size_t i = 0; i < 100; i++) {
        command_add(&cmd, SV("x"));
    }
    ck_assert_uint_eq(cmd.argc, 100);
    assert_arg(&cmd, 99, "x");
    command_done(&cmd);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("command");
    TCase *tc = tcase_create("build");

    tcase_add_test(tc, test_arguments_are_kept_in_order);
    tcase_add_test(tc, test_empty_argument_is_an_argument);
    tcase_add_test(tc, test_numbers_survive_growth);
    tcase_add_test(tc, test_largest_number_fits);
    tcase_add_test(tc, test_write_is_what_the_server_reads);
    tcase_add_test(tc, test_set_number_replaces_any_argument);
    tcase_add_test(tc, test_cleared_command_is_empty_and_reusable);
    suite_add_tcase(s, tc);
    return s;
}
