/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool starts_with(const char *line, size_t len, const char *what)
{
    size_t n = strlen(what);

    return len >= n && memcmp(line, what, n) == 0;
}

static bool is_line(const char *line, size_t len, const char *what)
{
    return len == strlen(what) && memcmp(line, what, len) == 0;
}

void speech_room_name(const struct bench *b, const struct conn *c,
                      char ret_name[BENCH_NAME_MAX])
{
    if (b->config.lobby) {
        (void)snprintf(ret_name, BENCH_NAME_MAX, "#lobby");
    } else {
        (void)snprintf(ret_name, BENCH_NAME_MAX, "#%sr%05u", b->config.prefix, c->room);
    }
}

/* ngIRCd has nine letters by default. */
static void person_name(const struct bench *b, const struct conn *c,
                        char ret_name[BENCH_NAME_MAX])
{
    (void)snprintf(ret_name, BENCH_NAME_MAX, "%s%06u", b->config.prefix, c->number);
}

__attribute__((format(printf, 3, 4))) static size_t add(char *out, size_t size,
                                                        const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(out, size, format, args);
    va_end(args);
    return len < 0 ? 0 : (size_t)len;
}

/* ---- line: everybody comes to #lobby first ---- */

static size_t line_introduce(const struct bench *b, const struct conn *c, unsigned step,
                             char *out, size_t size)
{
    char room[BENCH_NAME_MAX];
    char name[BENCH_NAME_MAX];

    if (step > 0) {
        return 0;
    }
    speech_room_name(b, c, room);
    person_name(b, c, name);
    if (b->config.lobby) {
        return add(out, size, "%s\r\n/ping up\r\n", name);
    }
    return add(out, size, "%s\r\n/leave #lobby\r\n/join %s\r\n/ping up\r\n", name, room);
}

static bool line_ends_step(const struct conn *c, const char *line, size_t len)
{
    (void)c;
    return is_line(line, len, "* pong up");
}

static bool line_is_error(const char *line, size_t len)
{
    return starts_with(line, len, "! ");
}

static size_t line_before_text(const struct bench *b, const struct conn *c, char *out,
                               size_t size)
{
    (void)b;
    (void)c;
    (void)out;
    (void)size;
    return 0;
}

/* ---- irc ---- */

static size_t irc_introduce(const struct bench *b, const struct conn *c, unsigned step,
                            char *out, size_t size)
{
    char room[BENCH_NAME_MAX];
    char name[BENCH_NAME_MAX];
    size_t len = 0;

    if (step == 0) {
        person_name(b, c, name);
        if (b->config.caps != NULL) {
            len = add(out, size, "CAP REQ :%s\r\nCAP END\r\n", b->config.caps);
        }
        return len + add(out + len, size - len, "NICK %s\r\nUSER %s 0 * :bench\r\n", name,
                         name);
    }
    if (step == 1) {
        speech_room_name(b, c, room);
        return add(out, size, "JOIN %s\r\n", room);
    }
    return 0;
}

/* The command or numeric of a line from a server, behind tags and source. */
static const char *irc_command(const char *line, size_t len, size_t *ret_len)
{
    const char *end = line + len;

    while (line < end && (*line == '@' || *line == ':')) {
        const char *blank = memchr(line, ' ', (size_t)(end - line));
        line = blank == NULL ? end : blank + 1;
    }
    *ret_len = (size_t)(end - line);
    return line;
}

static bool irc_ends_step(const struct conn *c, const char *line, size_t len)
{
    size_t rest = 0;
    const char *command = irc_command(line, len, &rest);

    if (c->step == 0) { /* end of the message of the day, or none */
        return starts_with(command, rest, "376 ") || starts_with(command, rest, "422 ");
    }
    return starts_with(command, rest, "366 ");
}

/* 4xx and 5xx but for "no message of the day". */
static bool irc_is_error(const char *line, size_t len)
{
    size_t rest = 0;
    const char *command = irc_command(line, len, &rest);

    return starts_with(command, rest, "ERROR ") ||
           (rest > 3 && command[3] == ' ' && (command[0] == '4' || command[0] == '5') &&
            !starts_with(command, rest, "422 "));
}

static size_t irc_before_text(const struct bench *b, const struct conn *c, char *out,
                              size_t size)
{
    char room[BENCH_NAME_MAX];

    speech_room_name(b, c, room);
    return add(out, size, "PRIVMSG %s :", room);
}

/* ---- redis: RESP3, in which one connection may subscribe and publish ---- */

static size_t redis_introduce(const struct bench *b, const struct conn *c, unsigned step,
                              char *out, size_t size)
{
    char room[BENCH_NAME_MAX];

    if (step > 0) {
        return 0;
    }
    speech_room_name(b, c, room);
    return add(out, size, "HELLO 3\r\nSUBSCRIBE %s\r\n", room);
}

static bool redis_ends_step(const struct conn *c, const char *line, size_t len)
{
    (void)c;
    return is_line(line, len, "subscribe");
}

static bool redis_is_error(const char *line, size_t len)
{
    return len > 0 && line[0] == '-';
}

static size_t redis_before_text(const struct bench *b, const struct conn *c, char *out,
                                size_t size)
{
    char room[BENCH_NAME_MAX];

    speech_room_name(b, c, room);
    return add(out, size, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%llu\r\n", strlen(room),
               room, (unsigned long long)b->config.text_bytes);
}

/* ---- raw: the ceiling passes lines on as they are, so the client writes what a relay
 * would have put in front of the text ---- */

static size_t raw_introduce(const struct bench *b, const struct conn *c, unsigned step,
                            char *out, size_t size)
{
    char room[BENCH_NAME_MAX];

    if (step > 0) {
        return 0;
    }
    speech_room_name(b, c, room);
    return add(out, size, "JOIN %s\n", room);
}

static bool raw_ends_step(const struct conn *c, const char *line, size_t len)
{
    (void)c;
    return starts_with(line, len, "JOINED ");
}

static bool raw_is_error(const char *line, size_t len)
{
    (void)line;
    (void)len;
    return false;
}

static size_t raw_before_text(const struct bench *b, const struct conn *c, char *out,
                              size_t size)
{
    char room[BENCH_NAME_MAX];
    char name[BENCH_NAME_MAX];
    size_t wanted = (size_t)b->config.head_bytes;

    speech_room_name(b, c, room);
    person_name(b, c, name);
    size_t len = add(out, size, "[%s] <%s> ", room, name);
    if (wanted == 0 || wanted > size) {
        return len;
    }
    if (wanted > len) {
        memset(out + len, '-', wanted - len);
    }
    return wanted;
}

static const struct speech speeches[] = {
    {"line", "/ping\r\n", true, line_introduce, line_ends_step, line_is_error,
     line_before_text, "\r\n"},
    {"irc", "PING x\r\n", false, irc_introduce, irc_ends_step, irc_is_error,
     irc_before_text, "\r\n"},
    {"redis", "PING\r\n", true, redis_introduce, redis_ends_step, redis_is_error,
     redis_before_text, "\r\n"},
    {"raw", "", true, raw_introduce, raw_ends_step, raw_is_error, raw_before_text,
     "\r\n"},
};

const struct speech *speech_find(const char *name)
{
    for (size_t i = 0; i < sizeof speeches / sizeof speeches[0]; i++) {
        if (strcmp(name, speeches[i].name) == 0) {
            return &speeches[i];
        }
    }
    return NULL;
}
