/* SPDX-License-Identifier: MIT */
/*
 * log.h - one line per event on standard output, as text or as JSON.
 *
 * A line is: time, level, event name, node, then named fields. Untrusted bytes are escaped
 * (the format's "%.*s" arguments too: the whole message is escaped after formatting). Events
 * of one name are limited to LOG_BURST a second; the next second tells how many were left out.
 * Never log message text, passwords or tokens. Nothing here blocks on memory.
 */
#ifndef PARLEY_CORE_LOG_H
#define PARLEY_CORE_LOG_H

#include <stdbool.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVEL_COUNT };
enum log_format { LOG_TEXT, LOG_JSON };
enum { LOG_BURST = 50 };

void log_setup(enum log_level level, enum log_format format, int fd);
/* The node's name on every line from now on (copied). */
void log_set_node(const char *node);
bool log_is_on(enum log_level level);
/*
 * `event` is a literal in snake_case; `fmt` gives "key=value key2=value2" fields; values with
 * blanks are quoted by the caller with \" around them.
 */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    PARLEY_PRINTF(3, 4);

/* Write a line that is complete already, with its end, for a program that reads the log. */
void log_raw(struct str_view line);

#define log_error(event, ...) log_event(LOG_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...) log_event(LOG_WARN, event, __VA_ARGS__)
#define log_info(event, ...) log_event(LOG_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)                                                            \
    (log_is_on(LOG_DEBUG) ? log_event(LOG_DEBUG, event, __VA_ARGS__) : (void)0)

#endif
