/* SPDX-License-Identifier: MIT */
/*
 * The metrics as text: for Prometheus and for docs/METRICS.md.
 */
#include <parley/core/metrics.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

#ifndef PARLEY_VERSION
#define PARLEY_VERSION "dev"
#endif

static const char *const type_names[] = {
    [METRIC_KIND_COUNTER] = "counter",
    [METRIC_KIND_GAUGE] = "gauge",
    [METRIC_KIND_AGE] = "gauge",
    [METRIC_KIND_HISTOGRAM] = "histogram",
};

/* Is it the first row of its name? */
static bool begins_family(enum metric m)
{
    return m == 0 || !sv_equal(metric_base_name(m), metric_base_name(m - 1));
}

/* ---- Prometheus ---- */

static void add_histogram(struct strbuf *out, enum metric m)
{
    const struct metric_histogram *h = metric_histogram(m);
    const char *prefix = metric_prefix(m);
    const char *name = metric_rows[m].name;
    uint64_t count = 0;

    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        count += h->counts[i];
        strbuf_add_fmt(out, "%s%s_bucket{le=\"%g\"} %" PRIu64 "\n", prefix, name,
                       (double)metric_bounds_us[i] / 1e6, count);
    }
    strbuf_add_fmt(out, "%s%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", prefix, name, h->count);
    strbuf_add_fmt(out, "%s%s_sum %.6f\n", prefix, name, (double)h->sum_us / 1e6);
    strbuf_add_fmt(out, "%s%s_count %" PRIu64 "\n", prefix, name, h->count);
}

static void add_metric(struct strbuf *out, enum metric m)
{
    const struct metric_row *row = &metric_rows[m];

    if (begins_family(m)) {
        struct str_view name = metric_base_name(m);
        const char *prefix = metric_prefix(m);

        strbuf_add_fmt(out, "# HELP %s%.*s %s\n", prefix, SV_ARG(name), row->help);
        strbuf_add_fmt(out, "# TYPE %s%.*s %s\n", prefix, SV_ARG(name),
                       type_names[row->kind]);
    }
    if (row->kind == METRIC_KIND_HISTOGRAM) {
        add_histogram(out, m);
    } else {
        strbuf_add_fmt(out, metric_is_time(m) ? "%s%s %.6f\n" : "%s%s %.0f\n",
                       metric_prefix(m), row->name, metric_value(m));
    }
}

void metrics_render(struct strbuf *out)
{
    strbuf_add(out, SV("# HELP parley_build_info The version that runs\n"
                       "# TYPE parley_build_info gauge\n"
                       "parley_build_info{version=\"" PARLEY_VERSION "\"} 1\n"));
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        add_metric(out, (enum metric)i);
    }
}

/* ---- Markdown ---- */

/* The labels of a family, with the values that each row has: `reason`: quit, full. */
static void print_labels(FILE *out, enum metric first)
{
    struct str_view name = metric_base_name(first);

    for (size_t i = first;
         i < METRIC_COUNT && sv_equal(metric_base_name((enum metric)i), name); i++) {
        struct str_view labels = sv_of(metric_rows[i].name);

        (void)sv_next_until(&labels, '{');
        if (labels.len > 0) {
            fprintf(out, "%s`%.*s`", i == first ? "" : "<br>", (int)labels.len - 1,
                    labels.ptr);
        }
    }
}

void metrics_print_markdown(FILE *out)
{
    fputs("| metric | kind | labels | CloudWatch | meaning |\n|---|---|---|---|---|\n",
          out);
    fputs("| `parley_build_info` | gauge | `version` | | The version that runs |\n", out);
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        enum metric m = (enum metric)i;

        if (begins_family(m)) {
            struct str_view name = metric_base_name(m);

            fprintf(out, "| `%s%.*s` | %s | ", metric_prefix(m), SV_ARG(name),
                    type_names[metric_rows[m].kind]);
            print_labels(out, m);
            fprintf(out, " | %s | %s |\n", metric_rows[m].is_emf ? "yes" : "",
                    metric_rows[m].help);
        }
    }
}
