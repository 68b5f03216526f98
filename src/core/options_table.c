/* SPDX-License-Identifier: MIT */
#include "core/option_row.h"

#include <stddef.h>

#include <parley/core/metrics.h>
#include <parley/core/options.h>
#include <parley/util/base.h>

#define AT(member) .offset = offsetof(struct options, member)

const struct option_row option_rows[] = {
    /* name, unit, type, flags, then by name */
    {"listen", "HOST:PORT", OPTION_LISTEN, .standard = "0.0.0.0:5050",
     .help = "Address on which clients are accepted; several may be given, the variable "
             "separates them by commas"},
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
    {"max-line-bytes", "BYTES", OPTION_NUMBER, AT(max_line_bytes), .standard = "4096",
     .min = 512, .max = 65536,
     .help = "Longest line that a client may send, with its end"},
    {"max-rooms", "N", OPTION_NUMBER, AT(max_rooms), .standard = "100", .min = 1,
     .max = 1000, .help = "Rooms that one person may be in"},
    {"sendq-bytes", "BYTES", OPTION_NUMBER, AT(sendq_bytes), .standard = "1048576",
     .min = 16384, .max = 1073741824,
     .help = "What may wait for one slow client before it is disconnected"},
    {"flood-lines", "N", OPTION_NUMBER, AT(flood_lines), .standard = "20", .max = 100000,
     .help = "Lines per second that one client may send on average; past that it is read "
             "more slowly; 0: no limit"},
    {"flood-burst", "N", OPTION_NUMBER, AT(flood_burst), .standard = "40", .min = 1,
     .max = 100000, .help = "Lines that one client may send at once before that"},
    {"register-seconds", "SECONDS", OPTION_NUMBER, AT(register_seconds), .standard = "60",
     .min = 1, .max = 3600, .help = "Time that a client has to give a name"},
    {"hold-bytes", "BYTES", OPTION_NUMBER, AT(hold_bytes), .standard = "16777216",
     .min = 65536, .max = 1073741824,
     .help = "What may wait on this node while Redis is away"},
    {"hold-seconds", "SECONDS", OPTION_NUMBER, AT(hold_seconds), .standard = "60",
     .min = 1, .max = 3600,
     .help = "How long a line may wait before its sender is told that it is lost"},
    {"drain-seconds", "SECONDS", OPTION_NUMBER, AT(drain_seconds), .standard = "90",
     .max = 3600, .help = "Time over which clients are disconnected after SIGTERM"},
    {"help", "", OPTION_SHOW, .show = options_show_help, .help = "Show this"},
    {"version", "", OPTION_SHOW, .show = options_show_version,
     .help = "Show the version"},
    {"print-options-markdown", "", OPTION_SHOW, OPTION_HIDDEN,
     .show = options_print_markdown},
    {"print-metrics-markdown", "", OPTION_SHOW, OPTION_HIDDEN,
     .show = metrics_print_markdown},
};

const size_t option_row_count = PARLEY_COUNT_OF(option_rows);
