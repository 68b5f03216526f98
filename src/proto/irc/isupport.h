/* SPDX-License-Identifier: MIT */
/*
 * isupport.h - what 005 tells a client, one row for each token.
 *
 * At most 13 tokens stand on a line, so that it has no more parameters than RFC 2812 allows
 * (Modern IRC, RPL_ISUPPORT). What is told holds exactly; what is not there yet is not told.
 */
#ifndef PARLEY_PROTO_IRC_ISUPPORT_H
#define PARLEY_PROTO_IRC_ISUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/strbuf.h>

enum { IRC_ISUPPORT_TOKENS_MAX = 13, IRC_ISUPPORT_BYTES_MAX = 400 };

/* Append the next line's tokens, blanks between; *cursor = 0 at first. False at the end. The node
 * lets one person be in max_rooms rooms. */
bool irc_isupport_next(size_t *cursor, uint64_t max_rooms, struct strbuf *out)
    PARLEY_MUST_CHECK;

#endif
