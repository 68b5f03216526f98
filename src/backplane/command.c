/* SPDX-License-Identifier: MIT */
#include "backplane/command.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>

enum { COMMAND_CAPACITY_MIN = 16 };

void command_init(struct command *cmd)
{
    *cmd = (struct command){0};
}

void command_done(struct command *cmd)
{
    free(cmd->argv);
    free(cmd->argvlen);
    free(cmd->numbers);
    command_init(cmd);
}

void command_clear(struct command *cmd)
{
    cmd->argc = 0;
}

/* The texts of numbers move with their array, so the arguments that point at them do too. */
static void move_numbers(struct command *cmd, size_t capacity)
{
    char(*numbers)[24] = xreallocarray(NULL, capacity, sizeof *numbers);

    for (size_t i = 0; i < cmd->argc; i++) {
        if (cmd->argv[i] == cmd->numbers[i]) {
            memcpy(numbers[i], cmd->numbers[i], sizeof numbers[i]);
            cmd->argv[i] = numbers[i];
        }
    }
    free(cmd->numbers);
    cmd->numbers = numbers;
}

/* Room for one more argument. */
static void command_reserve(struct command *cmd)
{
    if (cmd->argc < cmd->capacity) {
        return;
    }
    size_t capacity = cmd->capacity == 0 ? COMMAND_CAPACITY_MIN : 2 * cmd->capacity;

    cmd->argv = xreallocarray(cmd->argv, capacity, sizeof *cmd->argv);
    cmd->argvlen = xreallocarray(cmd->argvlen, capacity, sizeof *cmd->argvlen);
    move_numbers(cmd, capacity);
    cmd->capacity = capacity;
}

void command_add(struct command *cmd, struct str_view arg)
{
    command_reserve(cmd);
    cmd->argv[cmd->argc] = arg.len == 0 ? "" : arg.ptr;
    cmd->argvlen[cmd->argc] = arg.len;
    cmd->argc++;
}

void command_add_u64(struct command *cmd, uint64_t value)
{
    command_add(cmd, sv(NULL, 0));
    command_set_u64(cmd, cmd->argc - 1, value);
}

void command_set_u64(struct command *cmd, size_t index, uint64_t value)
{
    PARLEY_ASSERT(index < cmd->argc);
    char *text = cmd->numbers[index];

    cmd->argv[index] = text;
    cmd->argvlen[index] = (size_t)(u64_write(text, value) - text);
}

/* "*2\r\n", "$5\r\n": returns what comes next. */
static char *put_length(char *to, char kind, size_t length)
{
    *to++ = kind;
    to = u64_write(to, length);
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

size_t command_bytes(const struct command *cmd)
{
    size_t bytes = 0;

    for (size_t i = 0; i < cmd->argc; i++) {
        bytes += cmd->argvlen[i];
    }
    return bytes;
}

size_t command_write(const struct command *cmd, char *to)
{
    const char *begin = to;

    to = put_length(to, '*', cmd->argc);
    for (size_t i = 0; i < cmd->argc; i++) {
        to = put_length(to, '$', cmd->argvlen[i]);
        memcpy(to, cmd->argv[i], cmd->argvlen[i]);
        to += cmd->argvlen[i];
        *to++ = '\r';
        *to++ = '\n';
    }
    return (size_t)(to - begin);
}

size_t command_wire_bytes_max(const struct command *cmd)
{
    const size_t around = 1 + U64_DIGITS_MAX + 2 + 2; /* a length and the end */

    return around + cmd->argc * around + command_bytes(cmd);
}

void command_append(const struct command *cmd, struct evbuffer *out)
{
    ev_ssize_t most = (ev_ssize_t)command_wire_bytes_max(cmd);
    struct evbuffer_iovec space;

    PARLEY_ASSERT(evbuffer_reserve_space(out, most, &space, 1) == 1);
    space.iov_len = command_write(cmd, space.iov_base);
    PARLEY_ASSERT(evbuffer_commit_space(out, &space, 1) == 0);
}
