/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <string.h>

enum { TURN_MESSAGES_MAX = 1000 }; /* open loop: then reading has its turn */

uint32_t load_audience(const struct bench *b)
{
    return (uint32_t)b->config.members - (b->config.echo ? 0 : 1);
}

static void prepare(struct bench *b, struct sender *s, struct conn *c, uint32_t place)
{
    const struct speech *speech = b->config.speech;
    char before[1024];
    size_t before_len = speech->before_text(b, c, before, sizeof before);
    size_t text_len = (size_t)b->config.text_bytes;
    size_t after_len = strlen(speech->after_text);

    s->conn = c;
    s->place = place;
    s->stamp_at = before_len;
    s->line_len = before_len + text_len + after_len;
    s->line = bench_alloc(s->line_len, 1);
    memcpy(s->line, before, before_len);
    memset(s->line + before_len, 'x', text_len);
    memcpy(s->line + before_len + text_len, speech->after_text, after_len);
    if (b->config.rate <= 0) {
        uint32_t slots = 1;
        while (slots < b->config.window) {
            slots *= 2;
        }
        s->mask = slots - 1;
        s->remaining = bench_alloc(slots, sizeof *s->remaining);
    }
}

void load_start(struct bench *b)
{
    const struct config *c = &b->config;

    for (size_t i = 0; i < b->sender_count; i++) {
        size_t room = i / c->senders;
        size_t place = i % c->senders;

        prepare(b, &b->senders[i], &b->conns[room * c->members + place], (uint32_t)place);
        b->senders[i].is_ready = true;
        b->ready[b->ready_count++] = &b->senders[i];
    }
    b->is_speaking = true;
    b->first_due_ns = clock_ns();
}

static void speak(struct bench *b, struct sender *s, int64_t stamp_ns)
{
    uint32_t who = (uint32_t)(s - b->senders);
    uint32_t us = (uint32_t)((stamp_ns - b->start_ns) / 1000);

    if (s->remaining != NULL) {
        s->remaining[s->sent & s->mask] = load_audience(b);
    }
    stamp_write(s->line + s->stamp_at, b->run, who, s->sent, us);
    s->sent++;
    b->sent++;
    conn_say(b, s->conn, s->line, s->line_len);
}

static int64_t speak_when_due(struct bench *b)
{
    double interval_ns = 1e9 / b->config.rate;

    for (int i = 0; i < TURN_MESSAGES_MAX; i++) {
        int64_t due_ns = b->first_due_ns + (int64_t)((double)b->due_count * interval_ns);
        if (due_ns > b->now_ns) {
            return due_ns - b->now_ns;
        }
        speak(b, &b->senders[b->due_count % b->sender_count], due_ns);
        b->due_count++;
    }
    return 0;
}

static void speak_when_ready(struct bench *b)
{
    for (size_t i = 0; i < b->ready_count; i++) {
        struct sender *s = b->ready[i];
        s->is_ready = false;
        while (s->sent - s->finished < b->config.window) {
            speak(b, s, b->now_ns);
        }
    }
    b->ready_count = 0;
}

int64_t load_turn(struct bench *b)
{
    if (!b->is_speaking) {
        return INT64_MAX;
    }
    b->now_ns = clock_ns();
    if (b->config.rate > 0) {
        return speak_when_due(b);
    }
    speak_when_ready(b);
    return INT64_MAX;
}

void load_on_finished(struct bench *b, struct sender *s)
{
    s->finished++;
    if (!s->is_ready && b->is_speaking) {
        s->is_ready = true;
        b->ready[b->ready_count++] = s;
    }
}

void load_stop(struct bench *b)
{
    b->is_speaking = false;
}

bool load_is_finished(const struct bench *b)
{
    return b->deliveries >= b->sent * load_audience(b);
}
