/* SPDX-License-Identifier: MIT */
/*
 * options.h - what an operator can set.
 *
 * One table (options.c) gives for each option its flag, its PARLEY_ variable, default,
 * limits, unit and help; --help, the README's table and the checks all come from it.
 * A flag wins over the variable, the variable over the default; of flags given twice the last
 * one counts.
 */
#ifndef PARLEY_CORE_OPTIONS_H
#define PARLEY_CORE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <parley/core/log.h>
#include <parley/util/cidr.h>

enum { OPTIONS_LISTEN_MAX = 16, OPTIONS_EXEMPT_MAX = 64, OPTIONS_OPERS_MAX = 32 };

/* Somebody who may become a server operator. */
struct options_oper {
    const char *name; /* [A-Za-z0-9._-]{1,32} */
    const char *hash; /* of the password; password_hash_is_valid() */
};

struct options {
    const char *listen[OPTIONS_LISTEN_MAX]; /* HOST:PORT, [V6]:PORT */
    bool listen_proxy[OPTIONS_LISTEN_MAX];  /* a PROXY protocol header comes first */
    bool listen_secure[OPTIONS_LISTEN_MAX]; /* what comes there was encrypted */
    size_t listen_count;
    const char *admin;     /* HOST:PORT, or "none" */
    bool admin_is_default; /* nobody asked for this address */
    bool ready_needs_redis;
    char *redis_url;            /* owned; secret; from redis_url_file if that was given */
    const char *redis_url_file; /* or "" */
    const char *redis_prefix;   /* [A-Za-z0-9_]{1,32} */
    const char *node_name;      /* [A-Za-z0-9._-]{1,63}; default: the host's name */
    const char *motd_file;      /* or "" */
    struct options_oper opers[OPTIONS_OPERS_MAX];
    size_t oper_count;
    enum log_level log_level;
    enum log_format log_format;
    uint64_t partitions;                    /* a power of two */
    uint64_t history;                       /* entries per room */
    uint64_t history_ttl_s;                 /* after the last member left */
    uint64_t max_sessions;                  /* 0: as many as descriptors allow */
    uint64_t max_sessions_per_address;      /* IPv4 address or IPv6 /64; 0: no limit */
    struct cidr exempt[OPTIONS_EXEMPT_MAX]; /* from that */
    size_t exempt_count;
    uint64_t proxy_seconds;    /* for a PROXY protocol header */
    uint64_t max_line_bytes;   /* 512..., with the line's end */
    uint64_t max_rooms;        /* rooms that one person may be in */
    uint64_t sendq_bytes;      /* per session */
    uint64_t sendq_soft_bytes; /* that may not wait for longer than ... */
    uint64_t sendq_soft_seconds;
    uint64_t flood_lines;      /* lines per second that a session may send on average */
    uint64_t flood_burst;      /* lines that it may send at once */
    uint64_t register_seconds; /* to give a name */
    uint64_t ping_seconds;     /* of silence, then an IRC client is sent a PING */
    uint64_t ping_timeout_seconds; /* it has that long to answer */
    uint64_t hold_bytes;           /* that wait for Redis, in all */
    uint64_t hold_seconds;         /* that one line may wait for Redis */
    uint64_t emf_seconds;          /* between two CloudWatch lines; 0: none */
    const char *emf_namespace;
    const char *emf_service;
    uint64_t drain_seconds; /* over which sessions are closed at SIGTERM */

    /* Private: copies that the members above point at, owned. */
    char *copies[OPTIONS_LISTEN_MAX + 2 * OPTIONS_OPERS_MAX + 1];
    size_t copy_count;
};

enum options_result {
    OPTIONS_OK,    /* run */
    OPTIONS_SHOWN, /* what was asked for (--help, --version) was printed to `out`: exit 0 */
    OPTIONS_REFUSED, /* one line was printed to `err`: exit 2 */
};

/*
 * Read argv and the environment. A secret in argv (--redis-url) is overwritten there, so that
 * the process title does not show it. An empty variable counts as not set. What `ret` points
 * at lives as long as argv and the environment; when the result is OPTIONS_OK it is to be
 * freed with options_done().
 */
enum options_result options_read(int argc, char **argv, FILE *out, FILE *err,
                                 struct options *ret) PARLEY_MUST_CHECK;
void options_done(struct options *o);
/*
 * Read --redis-url-file again. NULL when none was given, or with a line on `err` when it is
 * wrong; otherwise a copy of the URL: overwrite it before you free it.
 */
char *options_reread_url(const struct options *o, FILE *err);
/* The README's table, in Markdown. */
bool options_print_markdown(FILE *out, FILE *err);

#endif
