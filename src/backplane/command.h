/* SPDX-License-Identifier: MIT */
/*
 * command.h - one Redis command, argument by argument.
 *
 * Arguments are borrowed until command_clear() or link_send(); numbers are kept inside.
 */
#ifndef PARLEY_BACKPLANE_COMMAND_H
#define PARLEY_BACKPLANE_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include <parley/util/str.h>

struct evbuffer;

struct command {
    const char **argv; /* owned array of borrowed bytes */
    size_t *argvlen;   /* owned */
    size_t argc;
    size_t capacity;
    char (*numbers)[24]; /* owned; text of the numbers, at the index of their argument */
};

void command_init(struct command *cmd);
void command_done(struct command *cmd);
/* Empty it for the next command; keeps the memory. */
void command_clear(struct command *cmd);
void command_add(struct command *cmd, struct str_view arg);
void command_add_u64(struct command *cmd, uint64_t value);
/* Replace argument `index` by a number (a count known only later). */
void command_set_u64(struct command *cmd, size_t index, uint64_t value);
/* Sum of the arguments' lengths. */
size_t command_bytes(const struct command *cmd);
/* Write it as the server reads it: an array of bulk strings (the RESP specification, "Sending
 * commands to a Redis server"). Takes at most command_wire_bytes_max(); returns how many. */
size_t command_write(const struct command *cmd, char *to);
size_t command_wire_bytes_max(const struct command *cmd);
/* Write it behind what waits in `out`. */
void command_append(const struct command *cmd, struct evbuffer *out);

#endif
