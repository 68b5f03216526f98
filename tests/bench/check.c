/* SPDX-License-Identifier: MIT */
/*
 * A stamp: "{", eight hexadecimal digits each of run and sender (8 and 24 bits), number of
 * the message, microseconds since the run began; "}". No name of ours has a brace in it.
 */
#include "bench.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS = 8 };

static void write_hex(char *at, uint32_t value)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = DIGITS - 1; i >= 0; i--) {
        at[i] = digits[value & 15];
        value >>= 4;
    }
}

/* Eight digits at once; nonsense for other characters, which the other fields reveal. */
static uint32_t read_hex(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t v = 0;

    memcpy(&v, at, sizeof v);
    v = be64toh(v);
    v = (v & (ones * 15)) + ((v >> 6) & ones) * 9;
    v = (v | (v >> 4)) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | (v >> 8)) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(v | (v >> 16));
}

void stamp_write(char *at, uint32_t run, uint32_t sender, uint32_t number, uint32_t us)
{
    at[0] = '{';
    write_hex(at + 1, run << 24 | sender);
    write_hex(at + 1 + DIGITS, number);
    write_hex(at + 1 + 2 * DIGITS, us);
    at[1 + 3 * DIGITS] = '}';
}

static void note_error(struct bench *b, const char *line, size_t len)
{
    if (b->faults.errors++ == 0) {
        (void)snprintf(b->first_error, sizeof b->first_error, "%.*s", (int)len, line);
    }
}

/* Not a delivery. */
static void check_other(struct bench *b, struct conn *c, const char *line, size_t len)
{
    if (len > 5 && memcmp(line, "PING ", 5) == 0) {
        conn_say(b, c, "PONG ", 5);
        conn_say(b, c, line + 5, len - 5);
        conn_say(b, c, "\r\n", 2);
    } else if (b->config.speech->is_error(line, len)) {
        note_error(b, line, len);
    }
}

/* The number is as expected, or tells what went wrong. True if it counts as delivered. */
static bool check_number(struct bench *b, uint32_t *next, uint32_t number)
{
    if (number == *next) {
        *next = number + 1;
        return true;
    }
    if (number > *next) { /* those between are lost unless they come later */
        b->faults.lost += number - *next;
        *next = number + 1;
        return true;
    }
    if (b->faults.lost > 0) {
        b->faults.lost--;
        b->faults.reordered++;
        return true;
    }
    b->faults.duplicated++;
    return false;
}

static void count_delivery(struct bench *b, struct sender *s, uint32_t number,
                           uint32_t sent_us)
{
    b->deliveries++;
    if (b->phase == PHASE_MEASURE) {
        uint32_t now_us = (uint32_t)((b->now_ns - b->start_ns) / 1000);
        hist_add(&b->latency, now_us > sent_us ? now_us - sent_us : 0);
    }
    if (s->remaining != NULL && --s->remaining[number & s->mask] == 0) {
        load_on_finished(b, s);
    }
}

void check_line(struct bench *b, struct conn *c, const char *line, size_t len)
{
    const char *at = memchr(line, '{', len);

    if (c->state != CONN_JOINED) { /* what a room said before is no delivery */
        at = NULL;
    }
    if (at == NULL || line + len < at + STAMP_BYTES || at[STAMP_BYTES - 1] != '}') {
        check_other(b, c, line, len);
        return;
    }
    uint32_t who = read_hex(at + 1);
    if (who >> 24 != b->run || (who & 0xffffff) >= b->sender_count) {
        b->faults.strays++;
        return;
    }
    struct sender *s = &b->senders[who & 0xffffff];
    uint32_t number = read_hex(at + 1 + DIGITS);
    if (s->conn->room != c->room || number >= s->sent) {
        b->faults.strays++;
        return;
    }
    if ((size_t)(line + len - at) != b->config.text_bytes) {
        b->faults.damaged++;
        return;
    }
    b->delivery_bytes += len + 2;
    if (check_number(b, &c->next[s->place], number)) {
        count_delivery(b, s, number, read_hex(at + 1 + 2 * DIGITS));
    }
}

void check_rest(struct bench *b)
{
    for (size_t i = 0; i < b->sender_count; i++) {
        const struct sender *s = &b->senders[i];
        size_t first = (size_t)s->conn->room * b->config.members;

        for (size_t m = 0; m < b->config.members; m++) {
            const struct conn *c = &b->conns[first + m];
            if (c != s->conn || b->config.echo) {
                b->faults.lost += s->sent - c->next[s->place];
            }
        }
    }
}
