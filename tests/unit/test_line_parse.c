/* The parser: blanks, slashes, commands, and the arguments that each shape takes. */
#include <check.h>
#include <string.h>

#include "proto/line/parse.h"

Suite *suite(void);

static void assert_view(struct str_view got, const char *want)
{
    ck_assert_msg(sv_equal(got, sv_of(want)), "\"%.*s\" is not \"%s\"", SV_ARG(got),
                  want);
}

static const struct line_case {
    const char *line;
    enum input_kind kind;
    const char *command;
    const char *text;
} line_cases[] = {
    {"", INPUT_BLANK, "", ""},
    {" ", INPUT_BLANK, "", " "},
    {" \t ", INPUT_BLANK, "", " \t "},
    {"hello", INPUT_TEXT, "", "hello"},
    {"  hello  you ", INPUT_TEXT, "", "  hello  you "},
    {" /join #tea", INPUT_TEXT, "", " /join #tea"},
    {"//", INPUT_TEXT, "", "/"},
    {"//join #tea", INPUT_TEXT, "", "/join #tea"},
    {"///", INPUT_TEXT, "", "//"},
    {"// ", INPUT_TEXT, "", "/ "},
    {"/", INPUT_COMMAND, "", ""},
    {"/ join", INPUT_COMMAND, "", "join"},
    {"/\tjoin", INPUT_COMMAND, "", "join"},
    {"/join", INPUT_COMMAND, "join", ""},
    {"/join ", INPUT_COMMAND, "join", ""},
    {"/join #tea", INPUT_COMMAND, "join", "#tea"},
    {"/join\t #tea \t", INPUT_COMMAND, "join", "#tea"},
    {"/msg bob  two  blanks ", INPUT_COMMAND, "msg", "bob  two  blanks"},
    {"/j/x y", INPUT_COMMAND, "j/x", "y"},
    {"/J\xc3\xa4 y", INPUT_COMMAND, "J\xc3\xa4", "y"},
};

START_TEST(test_line)
{
    const struct line_case *c = &line_cases[_i];
    struct input in = parse_line(sv_of(c->line));

    ck_assert_int_eq(in.kind, c->kind);
    if (c->kind != INPUT_BLANK) {
        assert_view(in.command, c->command);
        assert_view(in.text, c->text);
    }
}
END_TEST

START_TEST(test_null_view)
{
    ck_assert_int_eq(parse_line(sv(NULL, 0)).kind, INPUT_BLANK);
}
END_TEST

/* Each byte alone, behind a slash, as a name, and in an argument. */
START_TEST(test_any_byte)
{
    char byte = (char)_i;
    char line[] = {'/', 'm', 'e', ' ', 'a', byte, 'b'};
    bool blank = byte == ' ' || byte == '\t';

    struct input alone = parse_line(sv(&byte, 1));
    if (blank) {
        ck_assert_int_eq(alone.kind, INPUT_BLANK);
    } else if (byte == '/') {
        ck_assert_int_eq(alone.kind, INPUT_COMMAND);
    } else {
        ck_assert_int_eq(alone.kind, INPUT_TEXT);
    }
    char slash[] = {'/', byte};
    struct input behind = parse_line(sv(slash, 2));
    ck_assert_int_eq(behind.kind, byte == '/' ? INPUT_TEXT : INPUT_COMMAND);

    struct input in = parse_line(sv(line, sizeof line));
    ck_assert_int_eq(in.kind, INPUT_COMMAND);
    assert_view(in.command, "me");
    ck_assert_uint_eq(in.text.len, 3);
    ck_assert_mem_eq(in.text.ptr, line + 4, 3);
}
END_TEST

START_TEST(test_longest)
{
    static char line[4096];

    memset(line, 'x', sizeof line);
    struct input in = parse_line(sv(line, sizeof line));
    ck_assert_int_eq(in.kind, INPUT_TEXT);
    ck_assert_uint_eq(in.text.len, sizeof line);
    line[0] = '/';
    in = parse_line(sv(line, sizeof line));
    ck_assert_int_eq(in.kind, INPUT_COMMAND);
    ck_assert_uint_eq(in.command.len, sizeof line - 1);
    ck_assert_uint_eq(in.text.len, 0);
}
END_TEST

static const struct args_case {
    struct args_shape shape;
    const char *text;
    bool ok;
    size_t count;
    const char *first;
    const char *second;
} args_cases[] = {
    {{0, 0, false}, "", true, 0, "", ""},
    {{0, 0, false}, "x", false, 0, "", ""},
    {{0, 1, false}, "", true, 0, "", ""},
    {{0, 1, false}, " \t", true, 0, "", ""},
    {{0, 1, false}, "x", true, 1, "x", ""},
    {{0, 1, false}, " x ", true, 1, "x", ""},
    {{0, 1, false}, "x y", false, 0, "", ""},
    {{1, 1, false}, "", false, 0, "", ""},
    {{1, 1, true}, "", false, 0, "", ""},
    {{1, 1, true}, "a  b\tc ", true, 1, "a  b\tc", ""},
    {{2, 2, true}, "", false, 0, "", ""},
    {{2, 2, true}, "bob", false, 0, "", ""},
    {{2, 2, true}, "bob ", false, 0, "", ""},
    {{2, 2, true}, "bob  hello  you", true, 2, "bob", "hello  you"},
    {{0, 2, true}, "bob", true, 1, "bob", ""},
};

START_TEST(test_args)
{
    const struct args_case *c = &args_cases[_i];
    struct args args = {.count = 99};

    ck_assert_int_eq(parse_args(sv_of(c->text), &c->shape, &args), c->ok);
    if (!c->ok) {
        ck_assert_uint_eq(args.count, 99);
        return;
    }
    ck_assert_uint_eq(args.count, c->count);
    assert_view(args.at[0], c->first);
    assert_view(args.at[1], c->second);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("line_parse");
    TCase *t = tcase_create("line");

    tcase_add_loop_test(t, test_line, 0, (int)PARLEY_COUNT_OF(line_cases));
    tcase_add_test(t, test_null_view);
    tcase_add_loop_test(t, test_any_byte, 0, 256);
    tcase_add_test(t, test_longest);
    suite_add_tcase(s, t);

    t = tcase_create("args");
    tcase_add_loop_test(t, test_args, 0, (int)PARLEY_COUNT_OF(args_cases));
    suite_add_tcase(s, t);
    return s;
}
