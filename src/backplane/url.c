/* SPDX-License-Identifier: MIT */
#include "backplane/url.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

enum { REDIS_PORT = 6379, HOST_BYTES_MAX = 253 };

static const char host_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789.-_";
static const char ipv6_bytes[] = "0123456789abcdefABCDEF:.";

/* Index of the last `c`, or text.len. */
static size_t find_last(struct str_view text, char c)
{
    for (size_t i = text.len; i > 0; i--) {
        if (text.ptr[i - 1] == c) {
            return i - 1;
        }
    }
    return text.len;
}

/* Not empty, of bytes of the set only. */
static bool consists_of(struct str_view text, const char *set)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr(set, text.ptr[i]) == NULL) {
            return false;
        }
    }
    return text.len > 0;
}

/* Value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
    c = ascii_lower(c);
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A terminated copy with %xx resolved; NULL when that is malformed or gives a zero byte. */
static char *percent_decode(struct str_view text)
{
    char *out = xmalloc(text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : -1;

            c = (char)(high < 0 || low < 0 ? 0 : high << 4 | low);
            i += 2;
        }
        if (c == '\0') {
            free(out);
            return NULL;
        }
        out[len++] = c;
    }
    out[len] = '\0';
    return out;
}

/* "user:password", "user", ":password". Each function here returns NULL or what is wrong. */
static const char *parse_credentials(struct str_view text, struct redis_url *url)
{
    struct str_view password = text;
    struct str_view user = sv_next_until(&password, ':');

    if (user.len > 0) {
        url->user = percent_decode(user);
    }
    if (password.len > 0) {
        url->password = percent_decode(password);
    }
    if ((user.len > 0 && url->user == NULL) ||
        (password.len > 0 && url->password == NULL)) {
        return "user and password must be percent-encoded (% followed by two digits)";
    }
    return NULL;
}

static const char *parse_port(struct str_view text, struct redis_endpoint *seed)
{
    uint64_t port;

    if (!sv_to_u64(text, UINT16_MAX, &port) || port == 0) {
        return "the port must be a number from 1 to 65535";
    }
    seed->port = (uint16_t)port;
    return NULL;
}

/* "host", "host:port", "[address]", "[address]:port". */
static const char *parse_host(struct str_view text, struct redis_endpoint *seed)
{
    bool bracketed = sv_starts_with(text, SV("["));
    size_t end = bracketed ? sv_find_char(text, ']') : sv_find_char(text, ':');

    if (bracketed && end == text.len) {
        return "an IPv6 address must end with ]";
    }
    struct str_view host = bracketed ? sv(text.ptr + 1, end - 1) : sv(text.ptr, end);
    struct str_view rest = bracketed ? sv(text.ptr + end + 1, text.len - end - 1)
                                     : sv(text.ptr + end, text.len - end);

    if (!consists_of(host, bracketed ? ipv6_bytes : host_bytes)) {
        return host.len == 0 ? "the host is missing"
                             : "the host has a byte that no host has";
    }
    if (host.len > HOST_BYTES_MAX) {
        return "the host is too long";
    }
    seed->host = xstrndup(host.ptr, host.len);
    seed->port = REDIS_PORT;
    if (rest.len == 0) {
        return NULL;
    }
    if (rest.ptr[0] != ':') {
        return "only a port may follow the host";
    }
    return parse_port(sv(rest.ptr + 1, rest.len - 1), seed);
}

/* One host, or of a cluster several with commas between them. */
static const char *parse_hosts(struct str_view text, struct redis_url *url)
{
    const char *error = NULL;
    size_t count = 1;

    for (size_t i = 0; url->cluster && i < text.len; i++) {
        count += text.ptr[i] == ',';
    }
    if (count > REDIS_SEEDS_MAX) {
        return "too many hosts";
    }
    url->seeds = xcalloc(count, sizeof *url->seeds);
    url->seed_count = count;
    for (size_t i = 0; i < count && error == NULL; i++) {
        error = parse_host(url->cluster ? sv_next_until(&text, ',') : text,
                           &url->seeds[i]);
    }
    return error;
}

/* What stands behind the scheme. */
static const char *parse_rest(struct str_view rest, struct redis_url *url)
{
    if (sv_find_char(rest, '?') < rest.len || sv_find_char(rest, '#') < rest.len) {
        return "? and # must be percent-encoded; there are no parameters";
    }
    size_t slash = sv_find_char(rest, '/');
    struct str_view path = sv(rest.ptr + slash, rest.len - slash);
    struct str_view authority = sv(rest.ptr, slash);

    if (sv_find_char(path, '@') < path.len) {
        return "a / in user or password must be percent-encoded as %2F";
    }
    if (path.len > 1 && !sv_equal(path, SV("/0"))) {
        return "only database 0 can be used";
    }
    size_t at = find_last(authority, '@');

    if (at < authority.len) {
        const char *error = parse_credentials(sv(authority.ptr, at), url);

        if (error != NULL) {
            return error;
        }
        authority = sv(authority.ptr + at + 1, authority.len - at - 1);
    }
    return parse_hosts(authority, url);
}

static const struct scheme {
    struct str_view text;
    bool tls;
    bool cluster;
} schemes[] = {
    {{"redis://", sizeof "redis://" - 1}, false, false},
    {{"rediss://", sizeof "rediss://" - 1}, true, false},
    {{"redis-cluster://", sizeof "redis-cluster://" - 1}, false, true},
    {{"rediss-cluster://", sizeof "rediss-cluster://" - 1}, true, true},
};

bool redis_url_parse(struct str_view text, struct redis_url *ret_url,
                     const char **ret_error)
{
    struct redis_url url = {0};
    const char *error = "it must begin with redis:// or rediss://, for a cluster with "
                        "redis-cluster:// or rediss-cluster://";

    for (size_t i = 0; i < PARLEY_COUNT_OF(schemes); i++) {
        const struct scheme *s = &schemes[i];

        if (sv_starts_with(text, s->text)) {
            url.tls = s->tls;
            url.cluster = s->cluster;
            error = parse_rest(sv(text.ptr + s->text.len, text.len - s->text.len), &url);
            break;
        }
    }
    if (error != NULL) {
        redis_url_done(&url);
        *ret_error = error;
        return false;
    }
    *ret_url = url;
    return true;
}

bool redis_url_same_place(const struct redis_url *a, const struct redis_url *b)
{
    bool same = a->tls == b->tls && a->cluster == b->cluster &&
                a->seed_count == b->seed_count;

    for (size_t i = 0; same && i < a->seed_count; i++) {
        same = a->seeds[i].port == b->seeds[i].port &&
               strcmp(a->seeds[i].host, b->seeds[i].host) == 0;
    }
    return same;
}

void redis_url_done(struct redis_url *url)
{
    if (url->password != NULL) {
        explicit_bzero(url->password, strlen(url->password));
    }
    for (size_t i = 0; i < url->seed_count; i++) {
        free(url->seeds[i].host);
    }
    free(url->seeds);
    free(url->user);
    free(url->password);
    *url = (struct redis_url){0};
}
