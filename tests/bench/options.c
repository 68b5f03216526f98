/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_type { TAKES_NUMBER, TAKES_REAL, TAKES_TEXT, TAKES_NOTHING, TAKES_OTHER };

struct option {
    const char *name;
    const char *unit;
    enum option_type type;
    size_t offset; /* in struct config */
    void (*take)(struct config *c, const char *value);
    const char *help;
};

static void take_protocol(struct config *c, const char *value)
{
    c->speech = speech_find(value);
    if (c->speech == NULL) {
        bench_die("--protocol: line, irc, redis or raw");
    }
    c->echo = c->speech->echo;
}

static void take_node(struct config *c, const char *value)
{
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(value, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - value);
    struct sockaddr_in *to = &c->nodes[c->node_count];

    if (len == 0 || len >= sizeof host || c->node_count == BENCH_NODES_MAX) {
        bench_die("--node: an IPv4 address and a port, as in 127.0.0.1:5050");
    }
    memcpy(host, value, len);
    host[len] = '\0';
    to->sin_family = AF_INET;
    to->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &to->sin_addr) != 1 ||
        (ntohl(to->sin_addr.s_addr) >> 24) != 127) {
        bench_die("--node: only addresses of this machine, 127.x.x.x");
    }
    c->node_count++;
}

static void take_server(struct config *c, const char *value)
{
    const char *colon = strrchr(value, ':');
    struct watched *w = &c->servers[c->server_count];

    if (colon == NULL || c->server_count == BENCH_SERVERS_MAX) {
        bench_die("--server: a name and a process id, as in relay:1234");
    }
    w->name = strndup(value, (size_t)(colon - value));
    w->pid = (int)strtol(colon + 1, NULL, 10);
    c->server_count++;
}

static void take_cpu(struct config *c, const char *value)
{
    c->cpu = (int)strtol(value, NULL, 10);
}

#define AT(member) .offset = offsetof(struct config, member)

static const struct option options[] = {
    {"protocol", "NAME", TAKES_OTHER, .take = take_protocol,
     .help = "line (the default), irc, redis (SUBSCRIBE and PUBLISH), raw (the ceiling)"},
    {"node", "ADDRESS", TAKES_OTHER, .take = take_node,
     .help = "a server, 127.0.0.1:5050; connections go to each in turn"},
    {"server", "NAME:PID", TAKES_OTHER, .take = take_server,
     .help = "a process whose CPU time and memory are to be reported; repeatable"},
    {"rooms", "N", TAKES_NUMBER, AT(rooms), .help = "rooms (1)"},
    {"members", "N", TAKES_NUMBER, AT(members), .help = "connections in each (100)"},
    {"senders", "N", TAKES_NUMBER, AT(senders),
     .help = "of them, how many speak (1); 0: nobody, connections are only held"},
    {"window", "N", TAKES_NUMBER, AT(window),
     .help = "messages that a sender may have out (4)"},
    {"rate", "N", TAKES_REAL, AT(rate),
     .help = "messages per second in all, stamped when due; 0: as fast as windows allow"},
    {"text-bytes", "N", TAKES_NUMBER, AT(text_bytes), .help = "length of a text (100)"},
    {"at-once", "N", TAKES_NUMBER, AT(at_once),
     .help = "connections being made at a time (64); 0: all"},
    {"warm", "SECONDS", TAKES_REAL, AT(warm_s), .help = "before measuring (1)"},
    {"measure", "SECONDS", TAKES_REAL, AT(measure_s), .help = "measured (5)"},
    {"settle", "SECONDS", TAKES_REAL, AT(settle_s),
     .help = "silence after the last join before the load begins (0.3)"},
    {"drain", "SECONDS", TAKES_REAL, AT(drain_s),
     .help = "what has not come so long after the last message is lost (15)"},
    {"limit", "SECONDS", TAKES_REAL, AT(limit_s), .help = "the run fails then (120)"},
    {"ping", "SECONDS", TAKES_REAL, AT(ping_s),
     .help = "each connection pings so often (0: never)"},
    {"sources", "N", TAKES_NUMBER, AT(sources),
     .help = "connections for each source address 127.0.1.x (0: one address)"},
    {"head-bytes", "N", TAKES_NUMBER, AT(head_bytes),
     .help = "raw: bytes in front of a text (0: as many as in line)"},
    {"prefix", "TEXT", TAKES_TEXT, AT(prefix), .help = "of all names (b)"},
    {"caps", "LIST", TAKES_TEXT, AT(caps), .help = "irc: capabilities to request"},
    {"lobby", "", TAKES_NOTHING, AT(lobby), .help = "line: the one room is #lobby"},
    {"echo", "", TAKES_NOTHING, AT(echo),
     .help = "irc: senders get their own lines (with --caps echo-message)"},
    {"spin", "", TAKES_NOTHING, AT(spin), .help = "never sleep: steadier latencies"},
    {"cpu", "N", TAKES_OTHER, .take = take_cpu, .help = "run on this processor only"},
};

static _Noreturn void show_help(void)
{
    (void)printf("usage: parley-bench --node ADDRESS [OPTION VALUE]...\n"
                 "Loads chat servers on this machine; the result is JSON.\n\n");
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        (void)printf("  --%s %s\n        %s\n", options[i].name, options[i].unit,
                     options[i].help);
    }
    exit(0);
}

static const struct option *find_option(const char *word)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, options[i].name) == 0) {
            return &options[i];
        }
    }
    (void)fprintf(stderr, "parley-bench: no option %s; --help lists them\n", word);
    exit(2);
}

static void take_option(struct config *c, const struct option *o, const char *value)
{
    void *at = (char *)c + o->offset;

    switch (o->type) {
    case TAKES_NUMBER:
        *(uint64_t *)at = strtoull(value, NULL, 10);
        break;
    case TAKES_REAL:
        *(double *)at = strtod(value, NULL);
        break;
    case TAKES_TEXT:
        *(const char **)at = value;
        break;
    case TAKES_NOTHING:
        *(bool *)at = true;
        break;
    case TAKES_OTHER:
        o->take(c, value);
        break;
    }
}

static bool has_sane_crowd(const struct config *c)
{
    return c->rooms > 0 && c->members > 0 && c->senders <= c->members &&
           c->rooms * c->members <= 10000000;
}

static bool has_sane_texts(const struct config *c)
{
    return c->text_bytes >= STAMP_BYTES && c->text_bytes <= BENCH_TEXT_MAX &&
           c->head_bytes <= 500 && strlen(c->prefix) <= 8;
}

static void check(const struct config *c)
{
    bool is_heard = c->senders == 0 || c->members > 1 || c->echo;
    const struct {
        bool is_good;
        const char *complaint;
    } rules[] = {
        {c->node_count > 0, "--node is missing; --help lists the options"},
        {has_sane_crowd(c), "--rooms, --members, --senders: these make no sense"},
        {is_heard, "nobody would hear the senders: --members"},
        {has_sane_texts(c),
         "--text-bytes: 26 to 3000; --head-bytes: to 500; --prefix: 8"},
        {c->window > 0 && c->window <= BENCH_WINDOW_MAX, "--window: 1 to 1024"},
        {!c->lobby || c->rooms == 1, "--lobby is one room"},
    };

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!rules[i].is_good) {
            bench_die(rules[i].complaint);
        }
    }
}

void config_read(struct config *c, int argc, char **argv)
{
    *c = (struct config){
        .rooms = 1,
        .members = 100,
        .senders = 1,
        .window = 4,
        .text_bytes = 100,
        .at_once = 64,
        .warm_s = 1,
        .measure_s = 5,
        .settle_s = 0.3,
        .drain_s = 15,
        .limit_s = 120,
        .prefix = "b",
        .cpu = -1,
    };
    take_protocol(c, "line");
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            show_help();
        }
        const struct option *o = find_option(argv[i]);
        if (o->type != TAKES_NOTHING && ++i == argc) {
            bench_die("the last option lacks its value");
        }
        take_option(c, o, argv[i]);
    }
    check(c);
}
