/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - what a node counts.
 *
 * Every metric is a row of metrics.def: METRIC(NAME, kind, "exported_name", "help"). Counters
 * only grow, gauges are set. One array of the process; cardinality is fixed at compile time.
 */
#ifndef PARLEY_CORE_METRICS_H
#define PARLEY_CORE_METRICS_H

#include <stdint.h>

enum metric {
#define METRIC(name, kind, exported, help) METRIC_##name,
#include <parley/core/metrics.def>
#undef METRIC
    METRIC_COUNT
};

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE };

struct metric_row {
    const char *name; /* as exported, without the "parley_" in front */
    enum metric_kind kind;
    const char *help;
};

extern const struct metric_row metric_rows[METRIC_COUNT];
extern int64_t metric_values[METRIC_COUNT];

static inline void metric_add(enum metric m, int64_t value)
{
    metric_values[m] += value;
}

static inline void metric_set(enum metric m, int64_t value)
{
    metric_values[m] = value;
}

#endif
