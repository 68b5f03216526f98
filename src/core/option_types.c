/* SPDX-License-Identifier: MIT */
#include "core/option_row.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/core/log.h>
#include <parley/core/options.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/cidr.h>
#include <parley/util/password.h>
#include <parley/util/str.h>

enum { OPER_NAME_BYTES_MAX = 32 };

static void *member_of(const struct option_row *row, struct options *o)
{
    return (char *)o + row->offset;
}

static const char *keep(struct options *o, struct str_view value)
{
    char *copy = xstrndup(value.ptr, value.len);

    PARLEY_ASSERT(o->copy_count < PARLEY_COUNT_OF(o->copies));
    o->copies[o->copy_count++] = copy;
    return copy;
}

/* Only letters, digits and what stands in `extra`? */
static bool is_word(struct str_view text, const char *extra)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = ascii_lower(text.ptr[i]);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!plain && (c == '\0' || strchr(extra, c) == NULL)) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_ipv6(struct str_view text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (text.len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return inet_pton(AF_INET6, copy, &address) == 1;
}

/* HOST:PORT or [IPv6]:PORT. */
static bool is_listen(struct str_view text)
{
    uint64_t port = 0;
    bool bracketed = sv_starts_with(text, SV("["));
    struct str_view host;

    if (bracketed) {
        (void)sv_next_until(&text, '[');
        host = sv_next_until(&text, ']');
        if (!is_ipv6(host) || !sv_starts_with(text, SV(":"))) {
            return false;
        }
        (void)sv_next_until(&text, ':');
    } else {
        host = sv_next_until(&text, ':');
        if (!is_word(host, ".-_") || host.len > 253) {
            return false;
        }
    }
    return sv_to_u64(text, UINT16_MAX, &port);
}

/* "proxy" and "secure" belong to the address before them. */
static bool take_listen_word(struct str_view word, struct options *o)
{
    bool is_proxy = sv_equal(word, SV("proxy"));
    bool is_secure = sv_equal(word, SV("secure"));

    if (is_proxy) {
        o->listen_proxy[o->listen_count - 1] = true;
    } else if (is_secure) {
        o->listen_secure[o->listen_count - 1] = true;
    }
    return is_proxy || is_secure;
}

static bool take_listen(const struct option_row *row, struct str_view value,
                        struct options *o)
{
    (void)row;
    bool has_address = false;

    do {
        struct str_view one = sv_trim(sv_next_until(&value, ','));

        if (has_address && take_listen_word(one, o)) {
            continue;
        }
        has_address = true;
        if (o->listen_count == OPTIONS_LISTEN_MAX || !is_listen(one)) {
            return false;
        }
        o->listen[o->listen_count++] = keep(o, one);
    } while (value.len > 0);
    return true;
}

static void describe_listen(const struct option_row *row, FILE *out)
{
    (void)row;
    fprintf(
        out,
        "HOST:PORT or [IPv6]:PORT, then perhaps ,proxy and ,secure; at most %d of them",
        OPTIONS_LISTEN_MAX);
}

static bool take_admin(const struct option_row *row, struct str_view value,
                       struct options *o)
{
    if (!sv_equal(value, SV("none")) && !is_listen(value)) {
        return false;
    }
    *(const char **)member_of(row, o) = value.ptr;
    return true;
}

static void describe_admin(const struct option_row *row, FILE *out)
{
    (void)row;
    fputs("HOST:PORT, [IPv6]:PORT or none", out);
}

static bool take_cidrs(const struct option_row *row, struct str_view value,
                       struct options *o)
{
    (void)row;
    o->exempt_count = 0;
    if (sv_equal(value, SV("none"))) {
        return true;
    }
    do {
        struct str_view one = sv_trim(sv_next_until(&value, ','));

        if (o->exempt_count == OPTIONS_EXEMPT_MAX ||
            !cidr_parse(one, &o->exempt[o->exempt_count])) {
            return false;
        }
        o->exempt_count++;
    } while (value.len > 0);
    return true;
}

static void describe_cidrs(const struct option_row *row, FILE *out)
{
    (void)row;
    fprintf(
        out,
        "addresses or networks like 192.0.2.0/24, separated by commas, at most %d; or "
        "none",
        OPTIONS_EXEMPT_MAX);
}

/* The rest of the URL is looked at by who uses it (backplane/url.c). */
static bool is_redis_scheme(struct str_view text)
{
    return sv_equal(text, SV("redis:")) || sv_equal(text, SV("rediss:")) ||
           sv_equal(text, SV("redis-cluster:")) || sv_equal(text, SV("rediss-cluster:"));
}

static bool take_url(const struct option_row *row, struct str_view value,
                     struct options *o)
{
    (void)row;
    struct str_view host = value;
    struct str_view scheme = sv_next_until(&host, '/');

    if (host.len < 2 || !is_redis_scheme(scheme) || host.ptr[0] != '/') {
        return false;
    }
    if (o->redis_url != NULL) {
        explicit_bzero(o->redis_url, strlen(o->redis_url));
        free(o->redis_url);
    }
    o->redis_url = xstrndup(value.ptr, value.len);
    return true;
}

static void describe_url(const struct option_row *row, FILE *out)
{
    (void)row;
    fputs("redis://[USER:PASSWORD@]HOST[:PORT], of a cluster also "
          "redis-cluster://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]...; rediss:// and "
          "rediss-cluster:// with TLS",
          out);
}

/* Values that are kept as they are live in argv or in the environment: they end in a zero. */
static bool take_text(const struct option_row *row, struct str_view value,
                      struct options *o)
{
    *(const char **)member_of(row, o) = value.ptr;
    return true;
}

static bool take_name(const struct option_row *row, struct str_view value,
                      struct options *o)
{
    return value.len >= row->min && value.len <= row->max &&
           is_word(value, row->accepts) && take_text(row, value, o);
}

static void describe_name(const struct option_row *row, FILE *out)
{
    fprintf(out, "%" PRIu64 " to %" PRIu64 " of A-Z a-z 0-9", row->min, row->max);
    for (const char *c = row->accepts; *c != '\0'; c++) {
        fprintf(out, " %c", *c);
    }
}

static bool take_choice(const struct option_row *row, struct str_view value,
                        struct options *o)
{
    _Static_assert(sizeof(enum log_level) == sizeof(unsigned) &&
                       sizeof(enum log_format) == sizeof(unsigned),
                   "choices are stored as unsigned");
    struct str_view words = sv_of(row->accepts);

    for (unsigned i = 0; words.len > 0; i++) {
        if (sv_equal(sv_next_until(&words, '|'), value)) {
            memcpy(member_of(row, o), &i, sizeof i);
            return true;
        }
    }
    return false;
}

static void describe_choice(const struct option_row *row, FILE *out)
{
    struct str_view words = sv_of(row->accepts);
    const char *before = "";

    while (words.len > 0) {
        struct str_view word = sv_next_until(&words, '|');

        fprintf(out, "%s%.*s", before, SV_ARG(word));
        before = sv_find_char(words, '|') < words.len ? ", " : " or ";
    }
}

static bool take_switch(const struct option_row *row, struct str_view value,
                        struct options *o)
{
    bool is_on = sv_equal(value, SV("yes"));

    if (!is_on && !sv_equal(value, SV("no"))) {
        return false;
    }
    memcpy(member_of(row, o), &is_on, sizeof is_on);
    return true;
}

static void describe_switch(const struct option_row *row, FILE *out)
{
    (void)row;
    fputs("yes or no", out);
}

static bool take_number(const struct option_row *row, struct str_view value,
                        struct options *o)
{
    uint64_t number = 0;

    if (!sv_to_u64(value, row->max, &number) || number < row->min) {
        return false;
    }
    memcpy(member_of(row, o), &number, sizeof number);
    return true;
}

static void describe_number(const struct option_row *row, FILE *out)
{
    fprintf(out, "%" PRIu64 " to %" PRIu64, row->min, row->max);
}

static bool take_power(const struct option_row *row, struct str_view value,
                       struct options *o)
{
    uint64_t number = 0;

    return sv_to_u64(value, row->max, &number) && number > 0 &&
           (number & (number - 1)) == 0 && take_number(row, value, o);
}

/* ---- server operators ---- */

static bool take_oper(struct str_view one, struct options *o)
{
    struct str_view hash = one;
    struct str_view name = sv_next_until(&hash, ':');

    if (o->oper_count == OPTIONS_OPERS_MAX || name.len > OPER_NAME_BYTES_MAX ||
        !is_word(name, "._-") || !password_hash_is_valid(hash)) {
        return false;
    }
    for (size_t i = 0; i < o->oper_count; i++) {
        if (sv_equal(name, sv_of(o->opers[i].name))) {
            return false;
        }
    }
    o->opers[o->oper_count++] = (struct options_oper){keep(o, name), keep(o, hash)};
    return true;
}

static bool take_opers(const struct option_row *row, struct str_view value,
                       struct options *o)
{
    struct str_view one;

    (void)row;
    while ((one = sv_next_word(&value)).len > 0) {
        if (!take_oper(one, o)) {
            return false;
        }
    }
    return true;
}

static void describe_opers(const struct option_row *row, FILE *out)
{
    (void)row;
    fprintf(out,
            "a name of 1 to %d of [A-Za-z0-9._-], a colon and what --hash-password "
            "prints; each name once, at most %d",
            OPER_NAME_BYTES_MAX, OPTIONS_OPERS_MAX);
}

static void describe_power(const struct option_row *row, FILE *out)
{
    fputs("a power of two, ", out);
    describe_number(row, out);
}

const struct option_type_ops option_types[OPTION_TYPE_COUNT] = {
    [OPTION_LISTEN] = {take_listen, describe_listen},
    [OPTION_ADMIN] = {take_admin, describe_admin},
    [OPTION_CIDRS] = {take_cidrs, describe_cidrs},
    [OPTION_OPERS] = {take_opers, describe_opers},
    [OPTION_URL] = {take_url, describe_url},
    [OPTION_TEXT] = {take_text, NULL},
    [OPTION_NAME] = {take_name, describe_name},
    [OPTION_CHOICE] = {take_choice, describe_choice},
    [OPTION_SWITCH] = {take_switch, describe_switch},
    [OPTION_NUMBER] = {take_number, describe_number},
    [OPTION_POWER] = {take_power, describe_power},
    [OPTION_SHOW] = {NULL, NULL},
};
