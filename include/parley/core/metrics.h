/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - what a node counts.
 *
 * Every metric is a row of metrics.def, labels included, so the number of series is fixed at
 * compile time. One array of the process. Counters only grow, gauges are set; an AGE is set
 * to a moment and exported as the time since then; a HISTOGRAM counts times by size. Metrics
 * that are called ..._seconds are kept in microseconds.
 */
#ifndef PARLEY_CORE_METRICS_H
#define PARLEY_CORE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum metric {
#define METRIC(name, kind, exported, help) METRIC_##name,
#include <parley/core/metrics.def>
#undef METRIC
    METRIC_COUNT
};

enum metric_kind {
    METRIC_KIND_COUNTER,
    METRIC_KIND_GAUGE,
    METRIC_KIND_AGE,
    METRIC_KIND_HISTOGRAM,
};

enum { METRIC_BUCKETS = 17 };

struct metric_row {
    const char *name; /* as exported, without the "parley_" in front */
    enum metric_kind kind;
    bool is_emf; /* in the CloudWatch lines too */
    const char *help;
};

struct metric_histogram {
    uint64_t
        counts[METRIC_BUCKETS + 1]; /* by metric_bounds_us; the last one is the rest */
    uint64_t count;
    uint64_t sum_us;
};

extern const struct metric_row metric_rows[METRIC_COUNT];
extern const uint64_t metric_bounds_us[METRIC_BUCKETS]; /* upper bounds, inclusive */
extern int64_t metric_values[METRIC_COUNT];

static inline void metric_add(enum metric m, int64_t value)
{
    metric_values[m] += value;
}

/* To the row `index` behind `first`: labelled rows stand in the order of an enum. */
static inline void metric_add_at(enum metric first, unsigned index, int64_t value)
{
    metric_values[(unsigned)first + index] += value;
}

static inline void metric_set(enum metric m, int64_t value)
{
    metric_values[m] = value;
}

/* For an AGE: it happened now. */
void metric_touch(enum metric m);
/* For a HISTOGRAM. */
void metric_observe(enum metric m, uint64_t time_us);
const struct metric_histogram *metric_histogram(enum metric m);
/* The value in the metric's unit: seconds, where it is kept in microseconds. */
double metric_value(enum metric m);
bool metric_is_time(enum metric m);
/* "closed_total" of "closed_total{reason="quit"}". */
struct str_view metric_base_name(enum metric m);
/* "parley_", or nothing for names that every process has. */
const char *metric_prefix(enum metric m);

/* ---- deliveries: from the log to the clients ---- */
/* An entry with this log time (ms since 1970) was handed to local clients in this turn. */
void metric_note_delivery(uint64_t log_ms);
/* The turn's writes were made: METRIC_DELIVERY is observed for each. */
void metric_end_turn(void);

/* ---- all of them ---- */
/* Bring those up to date that are read when somebody asks: the process's. */
void metrics_refresh(void);
/* Prometheus' text format, version 0.0.4. */
void metrics_render(struct strbuf *out);
/* The table of docs/METRICS.md. */
void metrics_print_markdown(FILE *out);

#endif
