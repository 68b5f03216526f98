/* SPDX-License-Identifier: MIT */
/*
 * replay SECTION - does the same work each time, so that its instructions can be counted.
 *
 * Only measured() counts: the driver runs this under callgrind with --toggle-collect=measured.
 * What was done is printed ("100000 deliveries"), so that the count can be told for each.
 * Sections: see the table at the end.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/core/item.h>
#include <parley/core/log.h>
#include <parley/core/loop.h>
#include <parley/hub/hub.h>
#include <parley/net/framer.h>
#include <parley/net/server.h>
#include <parley/proto/proto.h>
#include <parley/util/alloc.h>
#include <parley/util/rng.h>

#include "backplane/batch.h"
#include "echo_backplane.h"

enum {
    PEOPLE = 1000,
    AT_ONCE = 100,    /* people who come together */
    LINE_BYTES = 100, /* of a text */
    FRAMED_LINES = 100000,
    READ_BYTES = 16384,
    ITEMS = 100000,
    ITEMS_PER_ENTRY = 16,
    BATCHES = 1000,
    LOGS_PER_BATCH = 20,
    ITEMS_PER_LOG = 5,
    LISTINGS = 100,
};

static const char text[] = "0123456789012345678901234567890123456789"
                           "012345678901234567890123456789012345678901234567890123456789";
_Static_assert(sizeof text == LINE_BYTES + 1, "a text of LINE_BYTES");

/* ---- what is counted ---- */

typedef uint64_t (*work_fn)(void *data);

/* Returns how many things were done. */
__attribute__((noinline)) uint64_t measured(work_fn work, void *data);
uint64_t measured(work_fn work, void *data)
{
    return work(data);
}

static void tell(uint64_t count, const char *what)
{
    (void)printf("%llu %s\n", (unsigned long long)count, what);
}

static void check(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "replay: %s\n", what);
        exit(1);
    }
}

/* ---- framing ---- */

struct stream {
    char *bytes;
    size_t len;
};

/* As a session does: as many bytes as one read gives, all lines in them, the rest kept. */
static uint64_t frame(void *data)
{
    const struct stream *s = data;
    struct framer framer;
    struct framed_line line;
    uint64_t lines = 0;

    framer_init(&framer, 4096);
    for (size_t at = 0; at < s->len; at += READ_BYTES) {
        struct str_view fresh = sv(s->bytes + at, s->len - at);
        if (fresh.len > READ_BYTES) {
            fresh.len = READ_BYTES;
        }
        while (framer_peek(&framer, &fresh, &line)) {
            lines++;
            framer_take(&framer, &fresh, &line);
        }
        framer_keep(&framer, fresh);
    }
    framer_done(&framer);
    return lines;
}

static void run_framing(void)
{
    struct stream s = {.bytes = xcalloc(FRAMED_LINES, LINE_BYTES + 2)};

    for (size_t i = 0; i < FRAMED_LINES; i++) {
        memcpy(s.bytes + s.len, text, LINE_BYTES);
        memcpy(s.bytes + s.len + LINE_BYTES, "\r\n", 2);
        s.len += LINE_BYTES + 2;
    }
    tell(measured(frame, &s), "lines");
    free(s.bytes);
}

/* ---- items ---- */

static void encode_message(struct strbuf *out)
{
    const struct str_view fields[] = {
        SV("jc5hmfofub1j/1234"),
        SV("b000123!b000123@127.0.0.1"),
        SV(""),
        sv(text, LINE_BYTES),
    };

    item_encode(out, ITEM_MESSAGE, fields, PARLEY_COUNT_OF(fields));
}

static uint64_t recode(void *data)
{
    struct strbuf *out = data;
    struct entry entry = {0};
    struct item item;
    uint64_t items = 0;

    while (items < ITEMS) {
        strbuf_clear(out);
        entry_encode_header(out, SV("jc5hmfofub1j"), items, ITEMS_PER_ENTRY);
        for (int i = 0; i < ITEMS_PER_ENTRY; i++) {
            encode_message(out);
        }
        check(entry_decode(strbuf_view(out), &entry), "an entry is malformed");
        while (item_decode(&entry.items, &item) == ITEM_NEXT_OK) {
            items++;
        }
    }
    return items;
}

static void run_items(void)
{
    struct strbuf out;

    strbuf_init(&out, ENTRY_BYTES_MAX);
    tell(measured(recode, &out), "items");
    strbuf_done(&out);
}

/* ---- batches ---- */

struct publications {
    struct publication publication;
    char names[LOGS_PER_BATCH][16];
};

static uint64_t build_batches(void *data)
{
    const struct publications *p = data;
    struct outlogs logs;
    struct outbox box;
    struct shelf shelf;
    uint64_t items = 0;

    shelf_init(&shelf);
    outlogs_init(&logs);
    outbox_init(&box, &logs);
    for (uint64_t seq = 1; seq <= BATCHES; seq++) {
        for (int i = 0; i < LOGS_PER_BATCH * ITEMS_PER_LOG; i++) {
            struct str_view log = sv_of(p->names[i % LOGS_PER_BATCH]);
            outbox_add(&box, log, &p->publication, 1);
        }
        struct batch *b = batch_seal(&box, &shelf, "jc5hmfofub1j", seq);
        items += batch_item_count(b);
        batch_free(b);
    }
    outbox_done(&box);
    outlogs_done(&logs);
    shelf_done(&shelf);
    return items;
}

static void run_batches(void)
{
    static struct publications p;
    struct strbuf item;

    strbuf_init(&item, ITEM_BYTES_MAX);
    encode_message(&item);
    p.publication = (struct publication){.item = strbuf_view(&item),
                                         .token = {.person = 1}};
    for (int i = 0; i < LOGS_PER_BATCH; i++) {
        (void)snprintf(p.names[i], sizeof p.names[i], "#room%02d", i);
    }
    tell(measured(build_batches, &p), "items");
    strbuf_done(&item);
}

/* ---- a node without Redis, and its clients, in one process ---- */

struct node {
    struct loop *loop;
    struct backplane *backplane;
    struct hub *hub;
    struct proto_app proto;
    struct server *server;
    int clients[PEOPLE];
    int turns;          /* to be measured */
    int lines_per_turn; /* from so many clients */
    int members;        /* of each room */
};

static void start_node(struct node *n)
{
    const struct hub_policy hub_policy = {
        .max_rooms = 10,
        .max_pending_lines = 64,
        .linger_ms = 30000,
    };
    const struct server_policy policy = {
        .max_sessions = 0,
        .max_line_bytes = 4096,
        .sendq_bytes = 1 << 20,
        .flood_burst = 40,
    };
    char error[SERVER_ERROR_SIZE];

    log_setup(LOG_WARN, LOG_TEXT, 2);
    rng_init();
    n->loop = loop_new();
    n->backplane = echo_backplane_new(n->loop);
    n->hub = hub_new(n->loop, n->backplane, &hub_policy);
    proto_app_init(&n->proto, n->loop, n->hub, policy.max_line_bytes);
    n->server = server_new(n->loop, &policy, &proto_front_ops, &n->proto);
    check(server_listen(n->server, "127.0.0.1:0", 0, error), error);
}

static void stop_node(struct node *n)
{
    for (int i = 0; i < PEOPLE; i++) {
        (void)close(n->clients[i]);
    }
    server_free(n->server);
    proto_app_done(&n->proto);
    hub_free(n->hub);
    echo_backplane_free(n->backplane);
    loop_free(n->loop);
}

static void say(int fd, const char *what, size_t len)
{
    check(send(fd, what, len, MSG_NOSIGNAL) == (ssize_t)len, "a client cannot send");
}

static void turn_until_items(struct node *n, uint64_t items)
{
    while (echo_backplane_items(n->backplane) < items) {
        loop_turn(n->loop);
    }
}

static int connect_client(const struct node *n)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_port = htons(server_port(n->server, 0));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0,
          "a client cannot connect");
    return fd;
}

static void drain_clients(const struct node *n)
{
    static char dump[1 << 16];

    for (int i = 0; i < PEOPLE && n->clients[i] > 0; i++) {
        while (recv(n->clients[i], dump, sizeof dump, MSG_DONTWAIT) > 0) {}
    }
}

/* Some at a time into #lobby, then into rooms of `members`, if that is not all. */
static void join_all(struct node *n)
{
    char line[64];
    uint64_t items = 0;

    for (int i = 0; i < PEOPLE; i++) {
        n->clients[i] = connect_client(n);
        int len = snprintf(line, sizeof line, "b%06d\r\n", i);
        say(n->clients[i], line, (size_t)len);
        items++;
        if (n->members < PEOPLE) {
            len = snprintf(line, sizeof line, "/leave\r\n/join #r%d\r\n", i / n->members);
            say(n->clients[i], line, (size_t)len);
            items += 2;
        }
        if ((i + 1) % AT_ONCE == 0) {
            turn_until_items(n, items);
            drain_clients(n);
        }
    }
}

static uint64_t talk(void *data)
{
    struct node *n = data;
    char line[LINE_BYTES + 2];
    uint64_t items = echo_backplane_items(n->backplane);
    uint64_t lines = 0;

    memcpy(line, text, LINE_BYTES);
    memcpy(line + LINE_BYTES, "\r\n", 2);
    for (int i = 0; i < n->turns; i++) {
        for (int k = 0; k < n->lines_per_turn; k++) {
            say(n->clients[lines++ % PEOPLE], line, sizeof line);
        }
        turn_until_items(n, items + lines);
    }
    return lines * (uint64_t)n->members;
}

static void run_node(int members, int turns, int lines_per_turn)
{
    static struct node n;

    n.members = members;
    n.turns = turns;
    n.lines_per_turn = lines_per_turn;
    start_node(&n);
    join_all(&n);
    tell(measured(talk, &n), "deliveries");
    stop_node(&n);
}

/* 20 kB wait for each client in the end: less than a socket takes. */
static void run_fanout_single(void)
{
    run_node(PEOPLE, 100, 1);
}

static void run_fanout_many(void)
{
    run_node(PEOPLE, 8, 25);
}

static void run_pairs(void)
{
    run_node(2, 100, 250);
}

/* ---- names ---- */

/* Turns until the answer's end has come. */
static void ask(struct node *n, int fd, const char *line, const char *end)
{
    char answer[1 << 16];
    size_t len = 0;

    say(fd, line, strlen(line));
    while (len < strlen(end) ||
           memcmp(answer + len - strlen(end), end, strlen(end)) != 0) {
        loop_turn(n->loop);
        ssize_t got = recv(fd, answer + len, sizeof answer - len, MSG_DONTWAIT);
        len += got > 0 ? (size_t)got : 0;
    }
}

#define NAMES "NAMES #lobby\r\n"

static uint64_t list_names(struct node *n, const char *odd, const char *even)
{
    for (int i = 0; i < LISTINGS; i++) {
        ask(n, n->clients[0], i % 2 == 0 ? even : odd, "/NAMES list\r\n");
    }
    return (uint64_t)PEOPLE * LISTINGS;
}

/* Each time in another form than before. */
static uint64_t list_names_anew(void *data)
{
    return list_names(data, "CAP REQ :multi-prefix\r\n" NAMES,
                      "CAP REQ :-multi-prefix\r\n" NAMES);
}

static uint64_t list_names_again(void *data)
{
    return list_names(data, NAMES, NAMES);
}

/* The first of those who are there makes place for one who speaks IRC. */
static void run_names(work_fn work)
{
    static struct node n;

    n.members = PEOPLE;
    start_node(&n);
    join_all(&n);
    (void)close(n.clients[0]);
    n.clients[0] = connect_client(&n);
    ask(&n, n.clients[0], "NICK irc\r\nUSER irc 0 * :irc\r\nJOIN #lobby\r\n",
        "/NAMES list\r\n");
    tell(measured(work, &n), "names");
    stop_node(&n);
}

static void run_names_anew(void)
{
    run_names(list_names_anew);
}

static void run_names_again(void)
{
    run_names(list_names_again);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*run)(void);
} sections[] = {
    {"framing", run_framing},             /* lines out of reads */
    {"items", run_items},                 /* entries written and read */
    {"batches", run_batches},             /* publications to sealed batches */
    {"fanout-single", run_fanout_single}, /* a line to 1,000, written alone */
    {"fanout-many", run_fanout_many},     /* the same, 25 lines to a write */
    {"pairs", run_pairs},                 /* 500 rooms of two */
    {"names-anew", run_names_anew},       /* of 1,000, told to one */
    {"names-again", run_names_again},     /* the same, when nobody has left meanwhile */
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(sections); i++) {
        if (argc == 2 && strcmp(argv[1], sections[i].name) == 0) {
            sections[i].run();
            return 0;
        }
        if (argc != 2) {
            (void)puts(sections[i].name);
        }
    }
    return argc == 2 ? 2 : 0;
}
