/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <parley/core/metrics.h>
#include <parley/util/clock.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum { TEXT_MAX = 1 << 20 };

static struct strbuf text;

static void setup(void)
{
    strbuf_init(&text, TEXT_MAX);
}

static void teardown(void)
{
    strbuf_done(&text);
}

static const char *render(void)
{
    strbuf_clear(&text);
    metrics_render(&text);
    ck_assert(!text.failed);
    return strbuf_cstr(&text);
}

static void assert_line(const char *line)
{
    const char *all = render();
    const char *at = strstr(all, line);

    ck_assert_msg(at != NULL, "\"%s\" is not in: %s", line, all);
    ck_assert(at == all || at[-1] == '\n');
    ck_assert_int_eq(at[strlen(line)], '\n');
}

/* ---- the table ---- */

static bool is_name(struct str_view name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c != '_' && (c < 'a' || c > 'z')) {
            return false;
        }
    }
    return name.len > 0;
}

START_TEST(test_rows_have_names_in_prometheus_style)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = &metric_rows[i];
        struct str_view name = metric_base_name((enum metric)i);
        bool is_total = name.len > 6 &&
                        sv_equal(sv(name.ptr + name.len - 6, 6), SV("_total"));

        ck_assert_msg(is_name(name), "%s", row->name);
        ck_assert_msg(is_total == (row->kind == METRIC_KIND_COUNTER), "%s", row->name);
        ck_assert_msg(row->kind != METRIC_KIND_HISTOGRAM ||
                          metric_is_time((enum metric)i),
                      "%s", row->name);
        if (row->name[name.len] != '\0') {
            ck_assert_str_eq(row->name + strlen(row->name) - 2, "\"}");
        }
    }
}
END_TEST

/* Rows of one name stand together, have one kind, and the first one explains all. */
START_TEST(test_rows_of_one_name_are_a_family)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        struct str_view name = metric_base_name((enum metric)i);
        bool is_first = i == 0 || !sv_equal(metric_base_name((enum metric)(i - 1)), name);

        ck_assert_msg((metric_rows[i].help[0] != '\0') == is_first, "%s",
                      metric_rows[i].name);
        for (int j = 0; j < i; j++) {
            ck_assert_str_ne(metric_rows[i].name, metric_rows[j].name);
            ck_assert_msg(!is_first || !sv_equal(metric_base_name((enum metric)j), name),
                          "%s stands apart", metric_rows[i].name);
        }
        ck_assert(is_first || metric_rows[i].kind == metric_rows[i - 1].kind);
    }
}
END_TEST

/* ---- values ---- */

START_TEST(test_metric_counter_and_labels_are_rendered)
{
    metric_add(METRIC_CLOSED_QUIT, 3);
    metric_set(METRIC_HELD_BYTES, 12345678901);
    assert_line("# TYPE parley_closed_total counter");
    assert_line("parley_closed_total{reason=\"quit\"} 3");
    assert_line("parley_closed_total{reason=\"drain\"} 0");
    assert_line("parley_held_bytes 12345678901");
    ck_assert_ptr_null(strstr(strstr(render(), "# TYPE parley_closed_total") + 1,
                              "# TYPE parley_closed_total"));
}
END_TEST

START_TEST(test_metric_times_are_kept_in_microseconds)
{
    metric_set(METRIC_PROBE_RTT, 1500);
    assert_line("parley_probe_rtt_seconds 0.001500");
    metric_set(METRIC_CPU, 2500000);
    assert_line("process_cpu_seconds_total 2.500000");
}
END_TEST

START_TEST(test_metric_touch_counts_from_now)
{
    metric_touch(METRIC_PROBE_AGE);
    ck_assert_double_lt(metric_value(METRIC_PROBE_AGE), 10);
    metric_set(METRIC_PROBE_AGE, (int64_t)clock_monotonic_us() - 7000000);
    ck_assert_double_ge(metric_value(METRIC_PROBE_AGE), 7);
    ck_assert_double_lt(metric_value(METRIC_PROBE_AGE), 17);
}
END_TEST

START_TEST(test_metric_observe_fills_buckets_up_to_their_bounds)
{
    const struct metric_histogram *h = metric_histogram(METRIC_LOOP_LAG);

    metric_observe(METRIC_LOOP_LAG, 0);
    metric_observe(METRIC_LOOP_LAG, 100);
    metric_observe(METRIC_LOOP_LAG, 101);
    metric_observe(METRIC_LOOP_LAG, 30000000);
    metric_observe(METRIC_LOOP_LAG, 30000001);
    ck_assert_uint_eq(h->count, 5);
    ck_assert_uint_eq(h->counts[0], 2);
    ck_assert_uint_eq(h->counts[1], 1);
    ck_assert_uint_eq(h->counts[METRIC_BUCKETS - 1], 1);
    ck_assert_uint_eq(h->counts[METRIC_BUCKETS], 1);
    assert_line("parley_loop_lag_seconds_bucket{le=\"0.0001\"} 2");
    assert_line("parley_loop_lag_seconds_bucket{le=\"0.00025\"} 3");
    assert_line("parley_loop_lag_seconds_bucket{le=\"10\"} 3");
    assert_line("parley_loop_lag_seconds_bucket{le=\"30\"} 4");
    assert_line("parley_loop_lag_seconds_bucket{le=\"+Inf\"} 5");
    assert_line("parley_loop_lag_seconds_sum 60.000202");
    assert_line("parley_loop_lag_seconds_count 5");
}
END_TEST

START_TEST(test_metric_bounds_grow)
{
    for (int i = 1; i < METRIC_BUCKETS; i++) {
        ck_assert_uint_gt(metric_bounds_us[i], metric_bounds_us[i - 1]);
    }
}
END_TEST

/* ---- deliveries ---- */

START_TEST(test_metric_deliveries_are_observed_at_the_end_of_the_turn)
{
    const struct metric_histogram *h = metric_histogram(METRIC_DELIVERY);
    uint64_t now_ms = clock_wall_ms();

    metric_end_turn();
    ck_assert_uint_eq(h->count, 0);
    for (int i = 0; i < 3000; i++) {
        metric_note_delivery(now_ms - 2000 - (uint64_t)(i % 1000));
    }
    ck_assert_uint_eq(h->count, 0);
    metric_end_turn();
    ck_assert_uint_eq(h->count, 3000);
    ck_assert_uint_ge(h->sum_us, 3000ULL * 2000000);
    metric_end_turn();
    ck_assert_uint_eq(h->count, 3000);
}
END_TEST

START_TEST(test_metric_delivery_from_the_future_takes_no_time)
{
    metric_note_delivery(clock_wall_ms() + 60000);
    metric_end_turn();
    ck_assert_uint_eq(metric_histogram(METRIC_DELIVERY)->counts[0], 1);
}
END_TEST

/* ---- the process ---- */

START_TEST(test_metrics_refresh_reads_the_process)
{
    metrics_refresh();
    ck_assert_int_gt(metric_values[METRIC_RESIDENT], 1 << 20);
    ck_assert_int_ge(metric_values[METRIC_OPEN_FDS], 3);
    ck_assert_int_gt(metric_values[METRIC_MAX_FDS], metric_values[METRIC_OPEN_FDS]);
    ck_assert_int_ge(metric_values[METRIC_CPU], 0);

    int64_t before = metric_values[METRIC_OPEN_FDS];
    FILE *one = tmpfile();

    metrics_refresh();
    ck_assert_int_eq(metric_values[METRIC_OPEN_FDS], before + 1);
    (void)fclose(one);
}
END_TEST

START_TEST(test_metrics_markdown_has_a_row_for_each_name)
{
    char *table = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&table, &size);

    metrics_print_markdown(out);
    (void)fclose(out);
    for (int i = 0; i < METRIC_COUNT; i++) {
        char cell[100];

        (void)snprintf(cell, sizeof cell, "| `%s%.*s` | ", metric_prefix((enum metric)i),
                       SV_ARG(metric_base_name((enum metric)i)));
        ck_assert_msg(strstr(table, cell) != NULL, "%s", cell);
    }
    free(table);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("metrics");
    TCase *all = tcase_create("metrics");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, test_rows_have_names_in_prometheus_style);
    tcase_add_test(all, test_rows_of_one_name_are_a_family);
    tcase_add_test(all, test_metric_counter_and_labels_are_rendered);
    tcase_add_test(all, test_metric_times_are_kept_in_microseconds);
    tcase_add_test(all, test_metric_touch_counts_from_now);
    tcase_add_test(all, test_metric_observe_fills_buckets_up_to_their_bounds);
    tcase_add_test(all, test_metric_bounds_grow);
    tcase_add_test(all, test_metric_deliveries_are_observed_at_the_end_of_the_turn);
    tcase_add_test(all, test_metric_delivery_from_the_future_takes_no_time);
    tcase_add_test(all, test_metrics_refresh_reads_the_process);
    tcase_add_test(all, test_metrics_markdown_has_a_row_for_each_name);
    suite_add_tcase(s, all);
    return s;
}
