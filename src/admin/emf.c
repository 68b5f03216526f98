/* SPDX-License-Identifier: MIT */
#include "admin/emf.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum { HALF = 500, NEARLY_ALL = 990, ALL = 1000, PARTS_BYTES_MAX = 64 * 1024 };

struct emf {
    struct emf_config config;
    int64_t told[METRIC_COUNT];                         /* counters */
    uint64_t buckets[METRIC_COUNT][METRIC_BUCKETS + 1]; /* histograms */
    struct strbuf names;                                /* the list in "_aws" */
    struct strbuf values;                               /* its members */
};

static const char *unit_of(enum metric m)
{
    struct str_view name = metric_base_name(m);

    if (metric_is_time(m)) {
        return "Seconds";
    }
    return name.len > 6 && sv_equal(sv(name.ptr + name.len - 6, 6), SV("_bytes"))
               ? "Bytes"
               : "Count";
}

static void add_value(struct emf *emf, enum metric m, const char *end, double value)
{
    struct str_view name = metric_base_name(m);

    strbuf_add_fmt(&emf->names, "%s{\"Name\":\"%.*s%s\",\"Unit\":\"%s\"}",
                   emf->names.len == 0 ? "" : ",", SV_ARG(name), end, unit_of(m));
    strbuf_add_fmt(&emf->values,
                   metric_is_time(m) ? ",\"%.*s%s\":%.6f" : ",\"%.*s%s\":%.0f",
                   SV_ARG(name), end, value);
}

/* The bound below which `permille` of the counts lie. */
static double percentile(const uint64_t counts[METRIC_BUCKETS + 1], uint64_t count,
                         uint64_t permille)
{
    uint64_t below = 0;

    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        below += counts[i];
        if (below * ALL >= count * permille) {
            return (double)metric_bounds_us[i] / 1e6;
        }
    }
    return (double)metric_bounds_us[METRIC_BUCKETS - 1] / 1e6;
}

static void add_histogram(struct emf *emf, enum metric m)
{
    const struct metric_histogram *h = metric_histogram(m);
    uint64_t fresh[METRIC_BUCKETS + 1];
    uint64_t count = 0;

    for (size_t i = 0; i <= METRIC_BUCKETS; i++) {
        fresh[i] = h->counts[i] - emf->buckets[m][i];
        emf->buckets[m][i] = h->counts[i];
        count += fresh[i];
    }
    if (count > 0) {
        add_value(emf, m, "_p50", percentile(fresh, count, HALF));
        add_value(emf, m, "_p99", percentile(fresh, count, NEARLY_ALL));
    }
}

static void add_counter(struct emf *emf, enum metric m)
{
    double fresh = (double)(metric_values[m] - emf->told[m]);

    emf->told[m] = metric_values[m];
    add_value(emf, m, "", metric_is_time(m) ? fresh / 1e6 : fresh);
}

static void add_metric(struct emf *emf, enum metric m)
{
    switch (metric_rows[m].kind) {
    case METRIC_KIND_COUNTER:
        add_counter(emf, m);
        break;
    case METRIC_KIND_GAUGE:
    case METRIC_KIND_AGE:
        add_value(emf, m, "", metric_value(m));
        break;
    case METRIC_KIND_HISTOGRAM:
        add_histogram(emf, m);
        break;
    }
}

/* Names are words (core/options_table.c): nothing in them needs an escape. */
void emf_render(struct emf *emf, struct strbuf *out)
{
    const struct emf_config *c = &emf->config;

    strbuf_clear(&emf->names);
    strbuf_clear(&emf->values);
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        if (metric_rows[i].is_emf) {
            add_metric(emf, (enum metric)i);
        }
    }
    strbuf_add_fmt(out,
                   "{\"_aws\":{\"Timestamp\":%" PRIu64
                   ",\"CloudWatchMetrics\":[{\"Namespace\":\"%s\","
                   "\"Dimensions\":[[\"Service\"]],\"Metrics\":[",
                   clock_wall_ms(), c->name_space);
    strbuf_add(out, strbuf_view(&emf->names));
    strbuf_add_fmt(out,
                   "]}]},\"Service\":\"%s\",\"event\":\"metrics\",\"node\":\"%s\","
                   "\"version\":\"%s\"",
                   c->service, c->node_name, c->version);
    strbuf_add(out, strbuf_view(&emf->values));
    strbuf_add(out, SV("}\n"));
}

struct emf *emf_new(const struct emf_config *config)
{
    struct emf *emf = xcalloc(1, sizeof *emf);

    emf->config = *config;
    strbuf_init(&emf->names, PARTS_BYTES_MAX);
    strbuf_init(&emf->values, PARTS_BYTES_MAX);
    return emf;
}

void emf_free(struct emf *emf)
{
    if (emf != NULL) {
        strbuf_done(&emf->names);
        strbuf_done(&emf->values);
        free(emf);
    }
}
