/* SPDX-License-Identifier: MIT */
#include <parley/admin/admin.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <parley/core/log.h>
#include <parley/core/loop.h>
#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/clock.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

#include "admin/emf.h"
#include "admin/http.h"

_Static_assert((int)ADMIN_ERROR_SIZE == (int)ACCEPTOR_ERROR_SIZE, "one buffer for both");

struct admin {
    struct admin_config config;
    const struct admin_ops *ops; /* borrowed */
    void *app;                   /* borrowed */
    uint64_t started_ms;
    struct http *http; /* owned */
    struct loop *loop; /* borrowed */
    struct emf *emf;   /* owned */
    struct deadline emf_due;
};

static bool is_redis_available(void)
{
    return metric_values[METRIC_AVAILABLE] != 0;
}

static bool is_ready(const struct admin *admin)
{
    return admin->ops->is_serving(admin->app) &&
           (is_redis_available() || !admin->config.ready_needs_redis);
}

static void refresh_metrics(struct admin *admin)
{
    metric_set(METRIC_READY, is_ready(admin) ? 1 : 0);
    metrics_refresh();
}

/* ---- pages ---- */

static void page_health(struct admin *admin, struct http_answer *a)
{
    (void)admin;
    strbuf_add(a->body, SV("ok\n"));
}

static void page_ready(struct admin *admin, struct http_answer *a)
{
    a->status = is_ready(admin) ? 200 : 503;
    strbuf_add_fmt(a->body, "%s\nredis: %s\n", admin->ops->state(admin->app),
                   is_redis_available() ? "available" : "away");
}

static void page_metrics(struct admin *admin, struct http_answer *a)
{
    a->type = "text/plain; version=0.0.4; charset=utf-8";
    refresh_metrics(admin);
    metrics_render(a->body);
}

/* Which metrics /status shows, and how. */
static const struct {
    const char *group;
    const char *name;
    enum metric metric;
} numbers[] = {
    {"clients", "connections", METRIC_SESSIONS},
    {"clients", "registered_line", METRIC_CONNECTIONS_LINE_REGISTERED},
    {"clients", "registered_irc", METRIC_CONNECTIONS_IRC_REGISTERED},
    {"clients", "throttled", METRIC_THROTTLED_SESSIONS},
    {"clients", "accepted", METRIC_ACCEPTED},
    {"clients", "refused", METRIC_REFUSED},
    {"clients", "sendq_bytes", METRIC_SENDQ_BYTES},
    {"chat", "users", METRIC_USERS},
    {"chat", "rooms", METRIC_ROOMS},
    {"chat", "members", METRIC_MEMBERS},
    {"chat", "lines_in", METRIC_LINES_IN},
    {"chat", "deliveries", METRIC_DELIVERIES},
    {"redis", "available", METRIC_AVAILABLE},
    {"redis", "links_commands", METRIC_LINK_UP},
    {"redis", "links_subscriptions", METRIC_LINK_UP_SUBSCRIPTIONS},
    {"redis", "probe_rtt_seconds", METRIC_PROBE_RTT},
    {"redis", "probe_age_seconds", METRIC_PROBE_AGE},
    {"redis", "held_bytes", METRIC_HELD_BYTES},
    {"process", "cpu_seconds", METRIC_CPU},
    {"process", "resident_bytes", METRIC_RESIDENT},
    {"process", "open_descriptors", METRIC_OPEN_FDS},
    {"process", "max_descriptors", METRIC_MAX_FDS},
};

static void add_numbers(struct strbuf *out)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(numbers); i++) {
        enum metric m = numbers[i].metric;
        bool is_first = i == 0 ||
                        !sv_equal(sv_of(numbers[i].group), sv_of(numbers[i - 1].group));

        if (is_first) {
            strbuf_add_fmt(out, "%s,\n  \"%s\": {", i == 0 ? "" : "}", numbers[i].group);
        }
        strbuf_add_fmt(out, metric_is_time(m) ? "%s\"%s\": %.6f" : "%s\"%s\": %.0f",
                       is_first ? "" : ", ", numbers[i].name, metric_value(m));
    }
    strbuf_add(out, SV("}"));
}

/* Names and states are words: nothing in them needs an escape. */
static void page_status(struct admin *admin, struct http_answer *a)
{
    struct str_view id = admin->ops->node_id(admin->app);

    a->type = "application/json";
    refresh_metrics(admin);
    strbuf_add_fmt(a->body,
                   "{\n  \"version\": \"%s\",\n  \"node\": \"%s\",\n  \"id\": \"%.*s\",\n"
                   "  \"state\": \"%s\",\n  \"ready\": %s,\n"
                   "  \"uptime_seconds\": %" PRIu64,
                   admin->config.version, admin->config.node_name, SV_ARG(id),
                   admin->ops->state(admin->app), is_ready(admin) ? "true" : "false",
                   (clock_monotonic_ms() - admin->started_ms) / 1000);
    add_numbers(a->body);
    strbuf_add(a->body, SV("\n}\n"));
}

static void page_index(struct admin *admin, struct http_answer *a)
{
    (void)admin;
    strbuf_add(a->body, SV("/healthz\n/readyz\n/metrics\n/status\n"));
}

static const struct {
    const char *path;
    void (*write)(struct admin *admin, struct http_answer *a);
} pages[] = {
    {"/", page_index},          {"/healthz", page_health}, {"/readyz", page_ready},
    {"/metrics", page_metrics}, {"/status", page_status},
};

static bool handle(void *arg, struct str_view path, struct http_answer *a)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(pages); i++) {
        if (sv_equal(path, sv_of(pages[i].path))) {
            pages[i].write(arg, a);
            return true;
        }
    }
    return false;
}

/* ---- CloudWatch ---- */

void admin_flush(struct admin *admin)
{
    struct strbuf line;

    if (admin->config.emf_seconds == 0) {
        return;
    }
    refresh_metrics(admin);
    strbuf_init(&line, HTTP_ANSWER_BYTES_MAX);
    emf_render(admin->emf, &line);
    log_raw(strbuf_view(&line));
    strbuf_done(&line);
}

static void on_emf_due(void *deadline)
{
    struct admin *admin = PARLEY_CONTAINER_OF(deadline, struct admin, emf_due);

    admin_flush(admin);
    deadline_set(admin->loop, &admin->emf_due, admin->config.emf_seconds * 1000);
}

static void start_emf(struct admin *admin)
{
    const struct emf_config config = {
        .name_space = admin->config.emf_namespace,
        .service = admin->config.emf_service,
        .node_name = admin->config.node_name,
        .version = admin->config.version,
    };

    admin->emf = emf_new(&config);
    deadline_init(&admin->emf_due, on_emf_due);
    if (admin->config.emf_seconds > 0) {
        deadline_set(admin->loop, &admin->emf_due, admin->config.emf_seconds * 1000);
    }
}

/* ---- life ---- */

struct admin *admin_new(struct loop *loop, const struct admin_config *config,
                        const struct admin_ops *ops, void *app)
{
    struct admin *admin = xcalloc(1, sizeof *admin);

    admin->config = *config;
    admin->ops = ops;
    admin->app = app;
    admin->started_ms = clock_monotonic_ms();
    metric_set(METRIC_START_TIME, (int64_t)clock_wall_ms() * 1000);
    metric_touch(METRIC_PROBE_AGE);
    admin->loop = loop;
    admin->http = http_new(loop, handle, admin);
    start_emf(admin);
    return admin;
}

void admin_free(struct admin *admin)
{
    if (admin != NULL) {
        deadline_clear(&admin->emf_due);
        emf_free(admin->emf);
        http_free(admin->http);
        free(admin);
    }
}

bool admin_listen(struct admin *admin, const char *address,
                  char ret_error[ADMIN_ERROR_SIZE])
{
    return http_listen(admin->http, address, ret_error);
}
