/* SPDX-License-Identifier: MIT */
#include <parley/app.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/admin/admin.h>
#include <parley/backplane/redis.h>
#include <parley/core/log.h>
#include <parley/core/loop.h>
#include <parley/core/loop_lag.h>
#include <parley/core/metrics.h>
#include <parley/core/signals.h>
#include <parley/hub/hub.h>
#include <parley/net/server.h>
#include <parley/proto/proto.h>
#include <parley/util/rng.h>

#ifndef PARLEY_VERSION
#define PARLEY_VERSION "dev"
#endif

enum {
    PENDING_LINES_MAX = 64,  /* of one person, on their way to Redis and back */
    ROOM_LINGER_MS = 30000,  /* who leaves often comes back */
    REQUEST_SLACK_MS = 1000, /* the backplane itself gives up first */
    STOP_POLL_MS = 50,
    STOP_STORE_MS = 10000, /* what is held when all clients are gone has that long */
};

/* STARTING (no Redis yet) -> SERVING -> DRAINING (clients leave) -> STORING -> RETIRING. */
enum app_state { APP_STARTING, APP_SERVING, APP_DRAINING, APP_STORING, APP_RETIRING };

struct app {
    const struct options *options; /* borrowed */
    enum app_state state;
    int exit_code;
    struct loop *loop; /* owned, as all that follow; built in this order */
    struct loop_lag *lag;
    struct backplane *backplane;
    struct hub *hub;
    struct proto_app proto;
    struct server *server;
    struct admin *admin;
    struct signal_watch *terminate;
    struct signal_watch *interrupt;
    struct signal_watch *hangup;
    struct timer stop_timer;
    uint64_t storing_since_ms;
};

static void fail(struct app *app, const char *why)
{
    (void)fprintf(stderr, "parleyd: %s\n", why);
    app->exit_code = 1;
    loop_stop(app->loop);
}

/* ---- starting ---- */

static bool listen_everywhere(struct app *app)
{
    const struct options *o = app->options;

    for (size_t i = 0; i < o->listen_count; i++) {
        unsigned flags = (o->listen_proxy[i] ? LISTEN_PROXY : 0U) |
                         (o->listen_secure[i] ? LISTEN_SECURE : 0U);
        char error[SERVER_ERROR_SIZE];

        if (!server_listen(app->server, o->listen[i], flags, error)) {
            fail(app, error);
            return false;
        }
    }
    return true;
}

/* A node takes clients as soon as it can do something for them. */
static void on_start(void *arg)
{
    struct app *app = arg;

    if (app->state == APP_STARTING && listen_everywhere(app)) {
        app->state = APP_SERVING;
        log_info("serving", "version=%s", PARLEY_VERSION);
    }
}

static void on_unusable(void *arg, const char *why)
{
    struct app *app = arg;

    if (app->state == APP_STARTING) {
        fail(app, why);
    }
}

/* ---- stopping ---- */

static void on_retired(void *arg)
{
    struct app *app = arg;

    loop_stop(app->loop);
}

static void on_stop_timer(void *arg)
{
    struct app *app = arg;
    uint64_t now_ms = loop_now_ms(app->loop);

    timer_start(&app->stop_timer, STOP_POLL_MS);
    if (app->state == APP_DRAINING && server_session_count(app->server) == 0) {
        app->state = APP_STORING;
        app->storing_since_ms = now_ms;
    }
    if (app->state == APP_STORING &&
        (backplane_ops(app->backplane)->is_idle(app->backplane) ||
         now_ms - app->storing_since_ms >= STOP_STORE_MS)) {
        app->state = APP_RETIRING;
        redis_backplane_retire(app->backplane);
    }
}

static void stop(struct app *app, uint64_t spread_ms)
{
    if (app->state == APP_STARTING || app->state >= APP_DRAINING) {
        loop_stop(app->loop); /* nobody to tell, or told twice: at once */
        return;
    }
    log_info("draining", "sessions=%zu seconds=%llu", server_session_count(app->server),
             (unsigned long long)(spread_ms / 1000));
    app->state = APP_DRAINING;
    metric_set(METRIC_DRAINING, 1);
    server_drain(app->server, spread_ms);
    on_stop_timer(app);
}

static void on_terminate(void *arg)
{
    struct app *app = arg;

    stop(app, app->options->drain_seconds * 1000);
}

/* Somebody at a terminal: no need to spread. */
static void on_interrupt(void *arg)
{
    stop(arg, 0);
}

/* ---- files, again ---- */

/* A password that was changed is used for the next connection to Redis. */
static void reload_url(struct app *app)
{
    char *said = NULL;
    size_t said_bytes = 0;
    FILE *err = open_memstream(&said, &said_bytes);

    PARLEY_ASSERT(err != NULL);
    char *url = options_reread_url(app->options, err);
    (void)fclose(err);
    const char *error = said_bytes > 0 ? said : NULL;

    if (url != NULL) {
        error = redis_backplane_set_url(app->backplane, url);
        explicit_bzero(url, strlen(url));
        free(url);
    }
    if (error != NULL) {
        log_warn("reload_failed", "option=redis-url-file why=\"%.*s\"",
                 (int)strcspn(error, "\n"), error);
    }
    free(said);
}

static void on_denied(void *arg)
{
    reload_url(arg);
}

static void on_hangup(void *arg)
{
    struct app *app = arg;
    char error[MOTD_ERROR_SIZE];

    (void)proto_app_reload_motd(&app->proto, error);
    reload_url(app);
    log_info("reloaded", "motd_bytes=%zu", motd_text(&app->proto.motd).len);
}

/* ---- building ---- */

static bool build_backplane(struct app *app)
{
    static const struct redis_callbacks callbacks = {
        .on_start = on_start,
        .on_unusable = on_unusable,
        .on_denied = on_denied,
        .on_retired = on_retired,
    };
    const struct options *o = app->options;
    const struct redis_config config = {
        .url = o->redis_url,
        .prefix = o->redis_prefix,
        .partitions = (uint32_t)o->partitions,
        .history = o->history,
        .history_ttl_s = o->history_ttl_s,
        .hold_bytes = o->hold_bytes,
        .hold_ms = o->hold_seconds * 1000,
    };
    const char *error = NULL;

    app->backplane = redis_backplane_new(app->loop, &config, &callbacks, app, &error);
    if (app->backplane == NULL) {
        (void)fprintf(stderr, "parleyd: --redis-url: %s\n", error);
    }
    return app->backplane != NULL;
}

static void build_hub(struct app *app)
{
    const struct hub_policy policy = {
        .max_rooms = app->options->max_rooms,
        .max_pending_lines = PENDING_LINES_MAX,
        .linger_ms = ROOM_LINGER_MS,
        .request_ms = app->options->hold_seconds * 1000 + REQUEST_SLACK_MS,
    };

    app->hub = hub_new(app->loop, app->backplane, &policy);
}

static bool build_proto(struct app *app)
{
    char error[MOTD_ERROR_SIZE];

    proto_app_init(&app->proto, app->loop, app->hub, app->options->max_line_bytes);
    app->proto.node_name = app->options->node_name;
    app->proto.version = PARLEY_VERSION;
    app->proto.ping_ms = app->options->ping_seconds * 1000;
    app->proto.pong_ms = app->options->ping_timeout_seconds * 1000;
    app->proto.motd_file = app->options->motd_file;
    app->proto.opers = app->options->opers;
    app->proto.oper_count = app->options->oper_count;
    if (!motd_load(&app->proto.motd, app->options->motd_file, error)) {
        (void)fprintf(stderr, "parleyd: --motd-file %s: %s\n", app->options->motd_file,
                      error);
        return false;
    }
    return true;
}

static void build_server(struct app *app)
{
    const struct options *o = app->options;
    const struct server_policy policy = {
        .max_sessions = o->max_sessions,
        .max_per_address = o->max_sessions_per_address,
        .exempt = o->exempt,
        .exempt_count = o->exempt_count,
        .proxy_seconds = o->proxy_seconds,
        .max_line_bytes = o->max_line_bytes,
        .sendq_bytes = o->sendq_bytes,
        .sendq_soft_bytes = o->sendq_soft_bytes,
        .sendq_soft_seconds = o->sendq_soft_seconds,
        .flood_lines = o->flood_lines,
        .flood_burst = o->flood_burst,
        .register_seconds = o->register_seconds,
    };

    server_raise_descriptor_limit();
    app->server = server_new(app->loop, &policy, &proto_front_ops, &app->proto);
}

/* ---- the admin port ---- */

static const char *on_ask_state(void *arg)
{
    static const char *const words[] = {
        [APP_STARTING] = "starting", [APP_SERVING] = "serving",
        [APP_DRAINING] = "draining", [APP_STORING] = "draining",
        [APP_RETIRING] = "stopping",
    };
    const struct app *app = arg;

    return words[app->state];
}

static bool on_ask_serving(void *arg)
{
    const struct app *app = arg;

    return app->state == APP_SERVING;
}

static struct str_view on_ask_node_id(void *arg)
{
    struct app *app = arg;

    return backplane_ops(app->backplane)->node_id(app->backplane);
}

/* A default port may be taken: two nodes on one machine. A port that was asked for not. */
static bool build_admin(struct app *app)
{
    static const struct admin_ops ops = {
        .state = on_ask_state,
        .is_serving = on_ask_serving,
        .node_id = on_ask_node_id,
    };
    const struct options *o = app->options;
    const struct admin_config config = {
        .version = PARLEY_VERSION,
        .node_name = o->node_name,
        .ready_needs_redis = o->ready_needs_redis,
        .emf_seconds = o->emf_seconds,
        .emf_namespace = o->emf_namespace,
        .emf_service = o->emf_service,
    };
    char error[ADMIN_ERROR_SIZE];

    app->lag = loop_lag_new(app->loop);
    app->admin = admin_new(app->loop, &config, &ops, app);
    if (sv_equal(sv_of(o->admin), SV("none")) ||
        admin_listen(app->admin, o->admin, error)) {
        return true;
    }
    if (o->admin_is_default) {
        log_warn("admin_unavailable", "why=\"%s\"", error);
        return true;
    }
    (void)fprintf(stderr, "parleyd: --admin: %s\n", error);
    return false;
}

static void watch_signals(struct app *app)
{
    (void)signal(SIGPIPE, SIG_IGN);
    app->terminate = signal_watch_new(app->loop, SIGTERM, on_terminate, app);
    app->interrupt = signal_watch_new(app->loop, SIGINT, on_interrupt, app);
    app->hangup = signal_watch_new(app->loop, SIGHUP, on_hangup, app);
    timer_init(&app->stop_timer, app->loop, on_stop_timer, app);
}

static void tear_down(struct app *app)
{
    admin_free(app->admin);
    server_free(app->server);
    proto_app_done(&app->proto);
    hub_free(app->hub);
    redis_backplane_free(app->backplane);
    timer_done(&app->stop_timer);
    signal_watch_free(app->hangup);
    signal_watch_free(app->interrupt);
    signal_watch_free(app->terminate);
    loop_lag_free(app->lag);
    loop_free(app->loop);
}

int app_run(const struct options *options)
{
    struct app app = {.options = options, .state = APP_STARTING};

    rng_init();
    log_setup(options->log_level, options->log_format, 1);
    log_set_node(options->node_name);
    app.loop = loop_new();
    if (!build_backplane(&app)) {
        loop_free(app.loop);
        return 1;
    }
    build_hub(&app);
    watch_signals(&app);
    build_server(&app);
    if (build_proto(&app) && build_admin(&app)) {
        log_info("starting", "version=%s", PARLEY_VERSION);
        redis_backplane_start(app.backplane);
        loop_run(app.loop);
        admin_flush(app.admin);
        log_info("stopped", "code=%d", app.exit_code);
    } else {
        app.exit_code = 1;
    }
    tear_down(&app);
    return app.exit_code;
}
