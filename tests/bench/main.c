/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 1024,
    TICK_NS = 20000000, /* the longest sleep */
};

static const char *const phase_names[] = {"connect", "settle", "warm",
                                          "measure", "drain",  "done"};

int64_t clock_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

_Noreturn void bench_die(const char *what)
{
    (void)fprintf(stderr, "parley-bench: %s\n", what);
    exit(2);
}

void *bench_alloc(size_t count, size_t size)
{
    void *p = calloc(count > 0 ? count : 1, size);

    if (p == NULL) {
        bench_die("out of memory");
    }
    return p;
}

/* ---- beginning ---- */

static void pin(int cpu)
{
    cpu_set_t set;

    if (cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
        if (sched_setaffinity(0, sizeof set, &set) != 0) {
            bench_die("--cpu: there is no such processor");
        }
    }
}

static void raise_descriptor_limit(size_t needed)
{
    struct rlimit limit;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (needed + 20 > limit.rlim_max) {
        bench_die("more connections than descriptors (ulimit -Hn)");
    }
}

static void prepare_conns(struct bench *b)
{
    const struct config *c = &b->config;

    b->conn_count = (size_t)(c->rooms * c->members);
    b->conns = bench_alloc(b->conn_count, sizeof *b->conns);
    b->numbers = bench_alloc(b->conn_count * c->senders, sizeof *b->numbers);
    b->dirty = bench_alloc(b->conn_count, sizeof(struct conn *));
    for (size_t i = 0; i < b->conn_count; i++) {
        b->conns[i] = (struct conn){
            .fd = -1,
            .number = (uint32_t)i,
            .room = (uint32_t)(i / c->members),
            .node = (uint16_t)(i % c->node_count),
            .next = b->numbers + i * c->senders,
        };
    }
}

static void prepare(struct bench *b)
{
    uint8_t run = 0;

    (void)signal(SIGPIPE, SIG_IGN);
    pin(b->config.cpu);
    raise_descriptor_limit((size_t)(b->config.rooms * b->config.members));
    prepare_conns(b);
    if (b->config.at_once == 0) {
        b->config.at_once = b->conn_count;
    }
    b->sender_count = (size_t)(b->config.rooms * b->config.senders);
    b->senders = bench_alloc(b->sender_count, sizeof *b->senders);
    b->ready = bench_alloc(b->sender_count, sizeof(struct sender *));
    b->buffer = bench_alloc(BENCH_READ_BYTES, 1);
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (getrandom(&run, sizeof run, 0) != sizeof run) {
        bench_die("getrandom");
    }
    b->run = run;
    b->start_ns = clock_ns();
    b->now_ns = b->start_ns;
}

static void note_moment(struct bench *b, struct moment *m)
{
    m->at_ns = clock_ns();
    m->deliveries = b->deliveries;
    m->sent = b->sent;
    m->reads = b->reads;
    m->delivery_bytes = b->delivery_bytes;
    for (size_t i = 0; i < b->config.server_count; i++) {
        m->usage[i] = usage_of(b->config.servers[i].pid);
    }
    m->own = usage_of(getpid());
}

/* ---- phases ---- */

static void enter(struct bench *b, enum phase phase)
{
    b->phase = phase;
    b->phase_ns = clock_ns();
    (void)fprintf(stderr, "phase %s\n", phase_names[phase]);
}

static bool has_lasted(const struct bench *b, double seconds)
{
    return (double)(b->now_ns - b->phase_ns) >= seconds * 1e9;
}

static void on_connecting(struct bench *b)
{
    while (b->opened < b->conn_count && b->failure == NULL &&
           b->opened - b->joined - b->gone < b->config.at_once) {
        conn_open(b, &b->conns[b->opened++]);
    }
    if (b->joined == b->conn_count) {
        note_moment(b, &b->joined_m);
        enter(b, PHASE_SETTLE);
    }
}

static void on_settling(struct bench *b)
{
    int64_t since_ns = b->last_read_ns > b->phase_ns ? b->last_read_ns : b->phase_ns;

    if ((double)(b->now_ns - since_ns) < b->config.settle_s * 1e9) {
        return;
    }
    note_moment(b, &b->settled);
    b->settled.at_ns = b->last_read_ns;
    if (b->sender_count > 0) {
        load_start(b);
        enter(b, PHASE_WARM);
    } else {
        note_moment(b, &b->from);
        enter(b, PHASE_MEASURE);
    }
}

static void on_measured(struct bench *b)
{
    note_moment(b, &b->to);
    load_stop(b);
    enter(b, PHASE_DRAIN);
}

static void move_on(struct bench *b)
{
    switch (b->phase) {
    case PHASE_CONNECT:
        on_connecting(b);
        break;
    case PHASE_SETTLE:
        on_settling(b);
        break;
    case PHASE_WARM:
        if (has_lasted(b, b->config.warm_s)) {
            hist_clear(&b->latency);
            note_moment(b, &b->from);
            enter(b, PHASE_MEASURE);
        }
        break;
    case PHASE_MEASURE:
        if (has_lasted(b, b->config.measure_s)) {
            on_measured(b);
        }
        break;
    case PHASE_DRAIN:
        if (load_is_finished(b) || has_lasted(b, b->config.drain_s)) {
            enter(b, PHASE_DONE);
        }
        break;
    case PHASE_DONE:
        break;
    }
}

/* ---- a turn ---- */

static void ping_when_due(struct bench *b)
{
    const struct config *c = &b->config;

    if (c->ping_s <= 0 || b->phase != PHASE_MEASURE) {
        return;
    }
    double passed_s = (double)(b->now_ns - b->phase_ns) / 1e9;
    uint64_t due = (uint64_t)(passed_s / c->ping_s * (double)b->conn_count);
    size_t len = __builtin_strlen(c->speech->ping);
    for (; b->pings < due; b->pings++) {
        conn_say(b, &b->conns[b->pings % b->conn_count], c->speech->ping, len);
    }
}

static void wait_for_events(struct bench *b, int64_t until_due_ns)
{
    static struct epoll_event events[EVENTS_MAX];
    struct timespec wait = {0};

    if (!b->config.spin) {
        wait.tv_nsec = until_due_ns < TICK_NS ? until_due_ns : TICK_NS;
    }
    int count = epoll_pwait2(b->epoll, events, EVENTS_MAX, &wait, NULL);
    b->now_ns = clock_ns();
    for (int i = 0; i < count; i++) {
        conn_on_event(b, events[i].data.ptr, events[i].events);
    }
}

static void turn(struct bench *b)
{
    int64_t until_due_ns = load_turn(b);

    ping_when_due(b);
    for (size_t i = 0; i < b->dirty_count; i++) {
        b->dirty[i]->is_dirty = false;
        conn_flush(b, b->dirty[i]);
    }
    b->dirty_count = 0;
    wait_for_events(b, until_due_ns);
    move_on(b);
}

static void show_progress(struct bench *b)
{
    static int64_t last_ns;
    static uint64_t last_deliveries;

    if (b->now_ns - last_ns < 1000000000) {
        return;
    }
    if (last_ns > 0) {
        (void)fprintf(stderr, "%-8s %zu of %zu joined, %.0f deliveries/s\n",
                      phase_names[b->phase], b->joined, b->conn_count,
                      (double)(b->deliveries - last_deliveries) * 1e9 /
                          (double)(b->now_ns - last_ns));
    }
    last_ns = b->now_ns;
    last_deliveries = b->deliveries;
}

int main(int argc, char **argv)
{
    static struct bench b;
    static char err_buffer[4096];

    (void)setvbuf(stderr, err_buffer, _IOLBF, sizeof err_buffer);
    config_read(&b.config, argc, argv);
    prepare(&b);
    note_moment(&b, &b.before);
    enter(&b, PHASE_CONNECT);
    while (b.phase != PHASE_DONE && b.failure == NULL) {
        turn(&b);
        show_progress(&b);
        if ((double)(b.now_ns - b.start_ns) > b.config.limit_s * 1e9) {
            b.failure = "the time limit";
        }
    }
    if (b.failure == NULL) {
        check_rest(&b);
    } else {
        (void)fprintf(stderr, "parley-bench: failed: %s\n", b.failure);
    }
    note_moment(&b, &b.end);
    report_print(&b);
    const struct faults *f = &b.faults;
    bool is_wrong = f->lost + f->duplicated + f->reordered + f->damaged > 0;
    return b.failure != NULL || is_wrong ? 1 : 0;
}
