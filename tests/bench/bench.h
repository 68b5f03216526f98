/* SPDX-License-Identifier: MIT */
/*
 * bench.h - the load generator: what its parts share.
 *
 * Model: `rooms` rooms with `members` connections each, of which the first `senders` speak. A
 * connection belongs to one room and one server address (node). Each text begins with a stamp
 * (who, which, when); whoever reads it checks that nothing was lost, doubled or reordered and
 * how long it took.
 *
 *   CONNECT -> SETTLE -> WARM -> MEASURE -> DRAIN -> DONE
 *
 * Open loop (`rate` > 0): messages leave evenly spaced and are stamped when they are due, so
 * that a server that stalls cannot hide it. Closed loop: a sender has up to `window`
 * messages out until all of their deliveries have come.
 *
 * One thread, one epoll; one big buffer for all reads; nothing is allocated per line.
 */
#ifndef PARLEY_BENCH_BENCH_H
#define PARLEY_BENCH_BENCH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hist.h"

enum {
    BENCH_NODES_MAX = 64,
    BENCH_SERVERS_MAX = 64,
    BENCH_NAME_MAX = 64, /* bytes of a room's or a person's name, terminated */
    BENCH_TEXT_MAX = 3000,
    BENCH_WINDOW_MAX = 1024,
    BENCH_READ_BYTES = 1 << 20,
    STAMP_BYTES = 26, /* see check.c */
};

struct bench;
struct conn;

/* ---- what is asked for (options.c) ---- */

struct watched {
    const char *name;
    int pid;
};

struct config {
    const struct speech *speech;
    struct sockaddr_in nodes[BENCH_NODES_MAX];
    size_t node_count;
    struct watched servers[BENCH_SERVERS_MAX];
    size_t server_count;
    uint64_t rooms;
    uint64_t members; /* of each room */
    uint64_t senders; /* of each room */
    uint64_t window;
    double rate; /* messages per second in all; 0: closed loop */
    uint64_t text_bytes;
    uint64_t at_once; /* connections that are under way at a time */
    double warm_s;
    double measure_s;
    double settle_s;  /* silence that ends the settling */
    double drain_s;   /* wait for what is out; then it is lost */
    double limit_s;   /* for everything; past it the run has failed */
    double ping_s;    /* each connection pings once in so many seconds; 0: never */
    uint64_t sources; /* connections for each source address 127.0.1.x; 0: do not bind */
    uint64_t head_bytes; /* protocol raw: what stands in front of a text; 0: as in line */
    const char *prefix;  /* of all names */
    const char *caps;    /* IRC capabilities to ask for, or NULL */
    bool lobby;          /* line: the room is #lobby, where everybody comes first */
    bool echo;           /* senders get their own lines */
    bool spin;
    int cpu; /* -1: any */
};

void config_read(struct config *c, int argc, char **argv);

/* ---- what the protocols say (speech.c) ---- */

enum { SPEECH_STEPS_MAX = 2 };

struct speech {
    const char *name;
    const char *ping;
    bool echo; /* by default */
    /* What to say at this step of the introduction; length, 0 when there is no such step. */
    size_t (*introduce)(const struct bench *b, const struct conn *c, unsigned step,
                        char *out, size_t size);
    /* Does this line end the step? */
    bool (*ends_step)(const struct conn *c, const char *line, size_t len);
    bool (*is_error)(const char *line, size_t len);
    /* What stands before and behind a text. */
    size_t (*before_text)(const struct bench *b, const struct conn *c, char *out,
                          size_t size);
    const char *after_text;
};

const struct speech *speech_find(const char *name);
void speech_room_name(const struct bench *b, const struct conn *c,
                      char ret_name[BENCH_NAME_MAX]);

/* ---- one connection (conn.c) ---- */

enum conn_state {
    CONN_UNUSED,
    CONN_CONNECTING,
    CONN_INTRODUCING, /* see `step` */
    CONN_JOINED,
    CONN_GONE,
};

struct bytes {
    char *ptr; /* owned */
    uint32_t len;
    uint32_t cap;
};

struct conn {
    int fd;
    enum conn_state state;
    uint32_t number;
    uint32_t room;
    uint16_t node;
    uint8_t step;
    bool is_dirty;    /* has something to write at the end of the turn */
    bool wants_write; /* the socket was full */
    struct bytes in;  /* a line that has not ended yet */
    struct bytes out;
    uint32_t *next; /* borrowed; for each sender of the room the number expected next */
};

/* Connect, or mark the connection gone. */
void conn_open(struct bench *b, struct conn *c);
void conn_on_event(struct bench *b, struct conn *c, uint32_t events);
/* Queue bytes; they leave at the end of the turn. */
void conn_say(struct bench *b, struct conn *c, const char *ptr, size_t len);
void conn_flush(struct bench *b, struct conn *c);

/* ---- stamps and what they tell (check.c) ---- */

struct sender {
    struct conn *conn;
    char *line; /* owned; the whole message, the stamp's place empty */
    size_t line_len;
    size_t stamp_at;
    uint32_t place;      /* among the senders of the room */
    uint32_t sent;       /* messages */
    uint32_t finished;   /* messages whose deliveries have all come */
    uint32_t *remaining; /* owned; closed loop: deliveries of number n due, at n & mask */
    uint32_t mask;
    bool is_ready; /* in the list of those who may speak */
};

struct faults {
    uint64_t lost;
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t damaged; /* not the text that was sent */
    uint64_t strays;  /* of another room or nobody's */
    uint64_t disconnected;
    uint64_t errors; /* lines that say so */
};

void stamp_write(char *at, uint32_t run, uint32_t sender, uint32_t number, uint32_t us);
/* A whole line: count it if it is a delivery to a joined connection. */
void check_line(struct bench *b, struct conn *c, const char *line, size_t len);
/* Messages that never came. */
void check_rest(struct bench *b);

/* ---- who speaks when (load.c) ---- */

void load_start(struct bench *b);
/* Say what is due now; returns nanoseconds until the next message (open loop). */
int64_t load_turn(struct bench *b);
void load_stop(struct bench *b);
bool load_is_finished(const struct bench *b);
/* All deliveries of the sender's oldest message have come. */
void load_on_finished(struct bench *b, struct sender *s);
/* The number of people who get each message. */
uint32_t load_audience(const struct bench *b);

/* ---- what the servers use (procfs.c) ---- */

struct usage {
    double user_s;
    double system_s;
    uint64_t rss_bytes;
    uint64_t peak_bytes;
};

/* All zero when the process is gone. */
struct usage usage_of(int pid);

/* ---- the whole ---- */

enum phase {
    PHASE_CONNECT,
    PHASE_SETTLE,
    PHASE_WARM,
    PHASE_MEASURE,
    PHASE_DRAIN,
    PHASE_DONE,
};

/* Counted at the borders of phases. */
struct moment {
    int64_t at_ns;
    uint64_t deliveries;
    uint64_t sent;
    uint64_t reads;
    uint64_t delivery_bytes;
    struct usage usage[BENCH_SERVERS_MAX];
    struct usage own;
};

struct bench {
    struct config config;
    enum phase phase;
    int epoll;
    uint32_t run; /* in the stamps: random, so that no other run's lines are counted */
    int64_t start_ns;
    int64_t now_ns;
    int64_t phase_ns;     /* when the phase began */
    int64_t last_read_ns; /* when something was read last */
    struct conn *conns;   /* owned, as all that follow */
    size_t conn_count;
    size_t opened;
    size_t joined;
    size_t gone;
    struct sender *senders;
    size_t sender_count;
    uint32_t *numbers; /* what conns' `next` point into */
    struct conn **dirty;
    size_t dirty_count;
    struct sender **ready; /* closed loop: may speak */
    size_t ready_count;
    bool is_speaking;
    int64_t first_due_ns; /* open loop */
    uint64_t due_count;   /* messages that left since */
    uint64_t pings;
    uint64_t sent;
    uint64_t deliveries;
    uint64_t reads;
    uint64_t delivery_bytes; /* of the lines that were deliveries */
    struct faults faults;
    char first_error[160];
    struct hist latency;
    struct moment before;   /* the first connection */
    struct moment joined_m; /* when all were in */
    struct moment settled;
    struct moment from; /* of the measuring */
    struct moment to;
    struct moment end;
    const char *failure; /* why the run is worth nothing, or NULL */
    char *buffer;
};

/* Print it as JSON. */
void report_print(const struct bench *b);
int64_t clock_ns(void);
_Noreturn void bench_die(const char *what);
void *bench_alloc(size_t count, size_t size);

#endif
