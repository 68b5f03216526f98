/* SPDX-License-Identifier: MIT */
#include <parley/core/metrics.h>

#include <stdint.h>

const struct metric_row metric_rows[METRIC_COUNT] = {
#define METRIC(name, kind, exported, help)                                               \
    [METRIC_##name] = {(exported), METRIC_KIND_##kind, (help)},
#include <parley/core/metrics.def>
#undef METRIC
};

int64_t metric_values[METRIC_COUNT];
