/* SPDX-License-Identifier: MIT */
#include <parley/util/clock.h>

#include <stdint.h>
#include <string.h>
#include <time.h>

/* 9999-12-31T23:59:59.999Z: later than that there is no room for. */
#define LAST_MS UINT64_C(253402300799999)

static uint64_t read_us(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

uint64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

/* Write `value` over the `count` bytes at `at`, with zeros in front. */
static void put_digits(char *at, int count, int value)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* Fill in the figures of "2026-11-23T14:02:11". The time may come from a peer: any value. */
static void put_time(uint64_t wall_ms, char *text)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm = {0};

    (void)gmtime_r(&seconds, &tm);
    put_digits(text, 4, tm.tm_year + 1900);
    put_digits(text + 5, 2, tm.tm_mon + 1);
    put_digits(text + 8, 2, tm.tm_mday);
    put_digits(text + 11, 2, tm.tm_hour);
    put_digits(text + 14, 2, tm.tm_min);
    put_digits(text + 17, 2, tm.tm_sec);
}

void clock_format_iso(uint64_t wall_ms, char ret_text[CLOCK_ISO_SIZE])
{
    static const char form[] = "0000-00-00T00:00:00Z";

    memcpy(ret_text, form, sizeof form);
    put_time(wall_ms < LAST_MS ? wall_ms : LAST_MS, ret_text);
}

void clock_format_iso_ms(uint64_t wall_ms, char ret_text[CLOCK_ISO_SIZE])
{
    static const char form[] = "0000-00-00T00:00:00.000Z";
    uint64_t shown_ms = wall_ms < LAST_MS ? wall_ms : LAST_MS;

    memcpy(ret_text, form, sizeof form);
    put_time(shown_ms, ret_text);
    put_digits(ret_text + 20, 3, (int)(shown_ms % 1000));
}
