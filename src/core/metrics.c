/* SPDX-License-Identifier: MIT */
#include <parley/core/metrics.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/clock.h>
#include <parley/util/str.h>

const struct metric_row metric_rows[METRIC_COUNT] = {
#define METRIC(name, kind, exported, help)                                               \
    [METRIC_##name] = {(exported), METRIC_KIND_##kind, false, (help)},
#define METRIC_EMF(name, kind, exported, help)                                           \
    [METRIC_##name] = {(exported), METRIC_KIND_##kind, true, (help)},
#include <parley/core/metrics.def>
#undef METRIC
};

const uint64_t metric_bounds_us[METRIC_BUCKETS] = {
    100,    250,    500,    1000,    2500,    5000,    10000,    25000,   50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000};

/* The histograms get numbers of their own: rows of other kinds have no place here. */
#define COUNTER(name)
#define GAUGE(name)
#define AGE(name)
#define HISTOGRAM(name) HISTOGRAM_##name,
enum histogram {
#define METRIC(name, kind, exported, help) kind(name)
#include <parley/core/metrics.def>
#undef METRIC
    HISTOGRAM_COUNT
};
#undef HISTOGRAM
#define HISTOGRAM(name) [METRIC_##name] = HISTOGRAM_##name + 1,
static const uint8_t histogram_numbers[METRIC_COUNT] = {
#define METRIC(name, kind, exported, help) kind(name)
#include <parley/core/metrics.def>
#undef METRIC
};

int64_t metric_values[METRIC_COUNT];
static struct metric_histogram histograms[HISTOGRAM_COUNT];

/* ---- values ---- */

static struct metric_histogram *find_histogram(enum metric m)
{
    PARLEY_ASSERT(histogram_numbers[m] != 0);
    return &histograms[histogram_numbers[m] - 1];
}

const struct metric_histogram *metric_histogram(enum metric m)
{
    return find_histogram(m);
}

static void observe(struct metric_histogram *h, uint64_t time_us, uint64_t count)
{
    size_t i = 0;

    while (i < METRIC_BUCKETS && time_us > metric_bounds_us[i]) {
        i++;
    }
    h->counts[i] += count;
    h->count += count;
    h->sum_us += time_us * count;
}

void metric_observe(enum metric m, uint64_t time_us)
{
    observe(find_histogram(m), time_us, 1);
}

void metric_touch(enum metric m)
{
    metric_values[m] = (int64_t)clock_monotonic_us();
}

struct str_view metric_base_name(enum metric m)
{
    struct str_view name = sv_of(metric_rows[m].name);

    return sv_next_until(&name, '{');
}

static bool ends_with(struct str_view text, struct str_view end)
{
    return text.len >= end.len &&
           sv_equal(sv(text.ptr + text.len - end.len, end.len), end);
}

bool metric_is_time(enum metric m)
{
    struct str_view name = metric_base_name(m);

    return ends_with(name, SV("_seconds")) || ends_with(name, SV("_seconds_total"));
}

const char *metric_prefix(enum metric m)
{
    return sv_starts_with(metric_base_name(m), SV("process_")) ? "" : "parley_";
}

double metric_value(enum metric m)
{
    int64_t value = metric_values[m];

    if (metric_rows[m].kind == METRIC_KIND_AGE) {
        /* Never: since the beginning of the clock, which is long ago. */
        value = (int64_t)clock_monotonic_us() - value;
    }
    return metric_is_time(m) ? (double)value / 1e6 : (double)value;
}

/* ---- deliveries ---- */

enum { RUNS_MAX = 64 };

/* What a turn delivered: entries that follow each other mostly have the same millisecond. */
static struct {
    struct {
        uint64_t log_ms;
        uint64_t count;
    } runs[RUNS_MAX];
    size_t run_count;
} turn;

void metric_note_delivery(uint64_t log_ms)
{
    size_t last = turn.run_count - 1;

    if (turn.run_count > 0 &&
        (turn.runs[last].log_ms == log_ms || turn.run_count == RUNS_MAX)) {
        turn.runs[last].count++;
        return;
    }
    turn.runs[turn.run_count].log_ms = log_ms;
    turn.runs[turn.run_count++].count = 1;
}

void metric_end_turn(void)
{
    if (turn.run_count == 0) {
        return;
    }
    uint64_t now_ms = clock_wall_ms();

    for (size_t i = 0; i < turn.run_count; i++) {
        uint64_t log_ms = turn.runs[i].log_ms;
        /* Redis's clock may be ahead of ours. */
        uint64_t taken_ms = now_ms > log_ms ? now_ms - log_ms : 0;

        observe(find_histogram(METRIC_DELIVERY), taken_ms * 1000, turn.runs[i].count);
    }
    turn.run_count = 0;
}
