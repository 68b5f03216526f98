/* SPDX-License-Identifier: MIT */
#include "core/option_row.h"

#include <stddef.h>

#include <parley/core/metrics.h>
#include <parley/core/options.h>
#include <parley/util/base.h>

#define AT(member) .offset = offsetof(struct options, member)

static bool show_metrics(FILE *out, FILE *err)
{
    (void)err;
    metrics_print_markdown(out);
    return true;
}

const struct option_row option_rows[] = {
    /* name, unit, type, flags, then by name */
    {"listen", "HOST:PORT", OPTION_LISTEN, .standard = "0.0.0.0:5050",
     .help =
         "Address on which clients are accepted; several may be given, the variable "
         "separates them by commas. Behind it may stand ,proxy (each connection begins "
         "with a PROXY protocol header) and ,secure (it was encrypted up to the load "
         "balancer)"},
    {"admin", "HOST:PORT", OPTION_ADMIN, AT(admin), .standard = "127.0.0.1:8080",
     .help =
         "Address of the admin port: /healthz, /readyz, /metrics, /status. If this is "
         "in use and was not asked for, the node runs without"},
    {"ready-needs-redis", "WORD", OPTION_SWITCH, AT(ready_needs_redis), .standard = "no",
     .help = "Whether /readyz fails while Redis is away; an orchestrator may replace all "
             "nodes then, and with them the clients that only wait"},
    {"redis-url", "URL", OPTION_URL, OPTION_SECRET, AT(redis_url),
     .standard = "redis://127.0.0.1:6379",
     .help = "Where Redis is; a password in it is seen in no log and no process title"},
    {"redis-url-file", "FILE", OPTION_TEXT, AT(redis_url_file), .standard = "",
     .help = "File whose first line is the URL of Redis, instead of --redis-url"},
    {"redis-prefix", "NAME", OPTION_NAME, AT(redis_prefix), .standard = "parley",
     .min = 1, .max = 32, .accepts = "_",
     .help =
         "What the names of all keys in Redis begin with; relays with different prefixes "
         "share a Redis unheard by each other"},
    {"node-name", "NAME", OPTION_NAME, AT(node_name), .min = 1, .max = 63,
     .accepts = "._-", .help = "Name of this node in logs"},
    {"motd-file", "FILE", OPTION_TEXT, AT(motd_file), .standard = "",
     .help = "File with the message of the day"},
    {"oper", "NAME:HASH", OPTION_OPERS, OPTION_SECRET, .standard = "",
     .help = "Who may become a server operator over IRC; several may be given, the "
             "variable separates them by blanks"},
    {"log-level", "LEVEL", OPTION_CHOICE, AT(log_level), .standard = "info",
     .accepts = "error|warn|info|debug", .help = "Least important events to log"},
    {"log-format", "FORMAT", OPTION_CHOICE, AT(log_format), .standard = "text",
     .accepts = "text|json", .help = "How log lines are written"},
    {"partitions", "N", OPTION_POWER, AT(partitions), .standard = "64", .min = 1,
     .max = 1024,
     .help =
         "Parts into which rooms and names are divided in Redis; every node must say the "
         "same, and it cannot be changed while Redis keeps the data"},
    {"history", "N", OPTION_NUMBER, AT(history), .standard = "1000", .max = 100000,
     .help = "Entries that each room's log keeps"},
    {"history-ttl", "SECONDS", OPTION_NUMBER, AT(history_ttl_s), .standard = "604800",
     .min = 60, .max = 31536000,
     .help = "How long a room's history is kept after its last member left"},
    {"max-sessions", "N", OPTION_NUMBER, AT(max_sessions), .standard = "0",
     .max = 10000000,
     .help = "Clients that may be connected at once; 0: as many as descriptors allow"},
    {"max-sessions-per-address", "N", OPTION_NUMBER, AT(max_sessions_per_address),
     .standard = "100", .max = 10000000,
     .help = "Clients that one IPv4 address or IPv6 /64 network may have connected to "
             "this node; 0: no limit"},
    {"exempt", "NETWORKS", OPTION_CIDRS,
     .standard = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7",
     .help = "Networks for which that limit does not hold; as it stands those that are "
             "not of the internet, because a load balancer has an address there"},
    {"proxy-seconds", "SECONDS", OPTION_NUMBER, AT(proxy_seconds), .standard = "5",
     .min = 1, .max = 300,
     .help = "Time that a connection to a ,proxy listener has for its header"},
    {"max-line-bytes", "BYTES", OPTION_NUMBER, AT(max_line_bytes), .standard = "4096",
     .min = 512, .max = 65536,
     .help = "Longest line that a client may send, with its end"},
    {"max-rooms", "N", OPTION_NUMBER, AT(max_rooms), .standard = "100", .min = 1,
     .max = 1000, .help = "Rooms that one person may be in"},
    {"sendq-bytes", "BYTES", OPTION_NUMBER, AT(sendq_bytes), .standard = "1048576",
     .min = 16384, .max = 1073741824,
     .help = "What may wait for one slow client before it is disconnected"},
    {"sendq-soft-bytes", "BYTES", OPTION_NUMBER, AT(sendq_soft_bytes),
     .standard = "262144", .max = 1073741824,
     .help = "What may wait for one slow client for a while; 0: no limit but "
             "--sendq-bytes"},
    {"sendq-soft-seconds", "SECONDS", OPTION_NUMBER, AT(sendq_soft_seconds),
     .standard = "60", .min = 1, .max = 3600,
     .help = "How long more than that may wait before the client is disconnected"},
    {"flood-lines", "N", OPTION_NUMBER, AT(flood_lines), .standard = "20", .max = 100000,
     .help = "Lines per second that one client may send on average; past that it is read "
             "more slowly; 0: no limit"},
    {"flood-burst", "N", OPTION_NUMBER, AT(flood_burst), .standard = "40", .min = 1,
     .max = 100000, .help = "Lines that one client may send at once before that"},
    {"register-seconds", "SECONDS", OPTION_NUMBER, AT(register_seconds), .standard = "60",
     .min = 1, .max = 3600, .help = "Time that a client has to give a name"},
    {"ping-seconds", "SECONDS", OPTION_NUMBER, AT(ping_seconds), .standard = "90",
     .min = 1, .max = 3600,
     .help =
         "Silence after which an IRC client is sent a PING; other clients are watched "
         "by TCP keepalives"},
    {"ping-timeout-seconds", "SECONDS", OPTION_NUMBER, AT(ping_timeout_seconds),
     .standard = "60", .min = 1, .max = 3600,
     .help = "Time that it has to answer before it is disconnected"},
    {"hold-bytes", "BYTES", OPTION_NUMBER, AT(hold_bytes), .standard = "16777216",
     .min = 65536, .max = 1073741824,
     .help = "What may wait on this node while Redis is away"},
    {"hold-seconds", "SECONDS", OPTION_NUMBER, AT(hold_seconds), .standard = "60",
     .min = 1, .max = 3600,
     .help = "How long a line may wait before its sender is told that it is lost"},
    {"drain-seconds", "SECONDS", OPTION_NUMBER, AT(drain_seconds), .standard = "90",
     .max = 3600, .help = "Time over which clients are disconnected after SIGTERM"},
    {"emf", "SECONDS", OPTION_NUMBER, AT(emf_seconds), .standard = "0", .max = 3600,
     .help = "How often the log gets a line of metrics in CloudWatch's embedded format; "
             "0: never"},
    {"emf-namespace", "NAME", OPTION_NAME, AT(emf_namespace), .standard = "Parley",
     .min = 1, .max = 255, .accepts = "._-/#:", .help = "Namespace of these metrics"},
    {"emf-service", "NAME", OPTION_NAME, AT(emf_service), .standard = "parley", .min = 1,
     .max = 255, .accepts = "._-/#:",
     .help = "Value of their only dimension, Service; the same for all nodes"},
    {"hash-password", "", OPTION_SHOW, .show = options_show_hash,
     .help = "Read a password from standard input and print its hash for --oper"},
    {"help", "", OPTION_SHOW, .show = options_show_help, .help = "Show this"},
    {"version", "", OPTION_SHOW, .show = options_show_version,
     .help = "Show the version"},
    {"print-options-markdown", "", OPTION_SHOW, OPTION_HIDDEN,
     .show = options_print_markdown},
    {"print-metrics-markdown", "", OPTION_SHOW, OPTION_HIDDEN, .show = show_metrics},
};

const size_t option_row_count = PARLEY_COUNT_OF(option_rows);
