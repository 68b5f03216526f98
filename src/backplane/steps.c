/* SPDX-License-Identifier: MIT */
#include "backplane/steps.h"

#include <stdarg.h>
#include <stdio.h>

#include <hiredis/hiredis.h>

#include <parley/util/base.h>
#include <parley/util/str.h>

#include "backplane/reply.h"

/* Where a check writes its reason. */
struct why {
    const char *step;
    char *text;
};

struct step {
    const char *name;
    /* Fill in the command; false: the step is not needed. */
    bool (*send)(const struct handshake *h, struct command *cmd);
    /* Judge an answer that is not an error. */
    enum step_verdict (*check)(struct handshake *h, const struct redisReply *reply,
                               const struct why *why);
    bool optional; /* a server that forbids it (NOPERM) may do so */
};

static void PARLEY_PRINTF(2, 3) explain(const struct why *why, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why->text, HANDSHAKE_WHY_SIZE, fmt, args);
    va_end(args);
}

/* Add the words of `text`, which outlives the command. */
static void add_words(struct command *cmd, const char *text)
{
    struct str_view rest = sv_of(text);

    while (rest.len > 0) {
        command_add(cmd, sv_next_word(&rest));
    }
}

static enum step_verdict check_nothing(struct handshake *h,
                                       const struct redisReply *reply,
                                       const struct why *why)
{
    (void)h;
    (void)reply;
    (void)why;
    return STEP_DONE;
}

/* ---- AUTH, CLIENT SETNAME ---- */

static bool send_auth(const struct handshake *h, struct command *cmd)
{
    const struct redis_url *url = h->config->url;

    if (url->user == NULL && url->password == NULL) {
        return false;
    }
    command_add(cmd, SV("AUTH"));
    if (url->user != NULL) {
        command_add(cmd, sv_of(url->user));
    }
    command_add(cmd, sv_of(url->password));
    return true;
}

static bool send_client_name(const struct handshake *h, struct command *cmd)
{
    add_words(cmd, "CLIENT SETNAME");
    command_add(cmd, sv_of(h->config->client_name));
    return true;
}

/* ---- INFO: the version ---- */

struct version {
    const char *product;
    struct str_view field; /* of INFO */
    uint64_t major;
    uint64_t minor; /* the oldest that will do */
};

/* Valkey calls itself Redis 7.2.4 too, so it comes first. */
static const struct version versions[] = {
    {"Valkey", {"valkey_version", sizeof "valkey_version" - 1}, 7, 2},
    {"Redis", {"redis_version", sizeof "redis_version" - 1}, 7, 0},
};

/* Value of "field:value" among INFO's lines; empty when there is none. */
static struct str_view info_field(struct str_view info, struct str_view field)
{
    while (info.len > 0) {
        struct str_view line = sv_next_until(&info, '\n');
        struct str_view name = sv_next_until(&line, ':');

        if (sv_equal(name, field)) {
            size_t end = sv_find_char(line, '\r');

            return sv(line.ptr, end);
        }
    }
    return sv(NULL, 0);
}

/* Valkey renamed the field. */
static bool info_is_cluster(struct str_view info)
{
    return sv_equal(info_field(info, SV("redis_mode")), SV("cluster")) ||
           sv_equal(info_field(info, SV("server_mode")), SV("cluster"));
}

static bool is_recent(struct str_view text, const struct version *v)
{
    struct str_view rest = text;
    uint64_t major;
    uint64_t minor;

    if (!sv_to_u64(sv_next_until(&rest, '.'), UINT32_MAX, &major) ||
        !sv_to_u64(sv_next_until(&rest, '.'), UINT32_MAX, &minor)) {
        return false;
    }
    return major > v->major || (major == v->major && minor >= v->minor);
}

static bool send_info(const struct handshake *h, struct command *cmd)
{
    (void)h;
    add_words(cmd, "INFO server");
    return true;
}

static enum step_verdict check_info(struct handshake *h, const struct redisReply *reply,
                                    const struct why *why)
{
    h->is_cluster = info_is_cluster(reply_text(reply));
    for (size_t i = 0; i < PARLEY_COUNT_OF(versions); i++) {
        struct str_view found = info_field(reply_text(reply), versions[i].field);

        if (found.len == 0) {
            continue;
        }
        if (is_recent(found, &versions[i])) {
            return STEP_DONE;
        }
        explain(why, "%s %.*s is too old: Redis 7.0 or Valkey 7.2 or newer is needed",
                versions[i].product, reply_shown(found), found.ptr);
        return STEP_UNUSABLE;
    }
    explain(why, "the server does not tell its version: Redis 7.0 or Valkey 7.2 or newer "
                 "is needed");
    return STEP_UNUSABLE;
}

/* ---- ROLE: writes and subscriptions go to the primary only ---- */

static bool send_role(const struct handshake *h, struct command *cmd)
{
    if (h->config->role == LINK_SCOUT) {
        return false;
    }
    command_add(cmd, SV("ROLE"));
    return true;
}

static enum step_verdict check_role(struct handshake *h, const struct redisReply *reply,
                                    const struct why *why)
{
    struct str_view role = reply_text(reply_at(reply, 0));

    (void)h;
    if (sv_equal(role, SV("master"))) {
        return STEP_DONE;
    }
    explain(why, "the server is not a primary now (role %.*s)", reply_shown(role),
            role.len == 0 ? "" : role.ptr);
    return STEP_RETRY;
}

/* ---- INFO: the life of the data ---- */

/* A hash (FNV-1a) of a field of INFO; 0: it is not told. */
static uint64_t hash_field(const struct redisReply *info, struct str_view field)
{
    struct str_view value = info_field(reply_text(info), field);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < value.len; i++) {
        hash = (hash ^ (unsigned char)value.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return value.len == 0 ? 0 : hash;
}

static bool send_info_replication(const struct handshake *h, struct command *cmd)
{
    add_words(cmd, "INFO replication");
    return h->config->role == LINK_COMMANDS;
}

static enum step_verdict check_info_replication(struct handshake *h,
                                                const struct redisReply *reply,
                                                const struct why *why)
{
    (void)why;
    h->replid = hash_field(reply, SV("master_replid"));
    h->replid2 = hash_field(reply, SV("master_replid2"));
    return STEP_DONE;
}

/* ---- FUNCTION LIST, FUNCTION LOAD ---- */

static bool send_function_list(const struct handshake *h, struct command *cmd)
{
    if (h->config->role != LINK_COMMANDS) {
        return false;
    }
    add_words(cmd, "FUNCTION LIST WITHCODE LIBRARYNAME");
    command_add(cmd, sv_of(h->config->library_name));
    return true;
}

/* A library is told as a flat list of names and values. */
static struct str_view library_code(const struct redisReply *library)
{
    for (size_t i = 0; i + 1 < reply_count(library); i += 2) {
        if (sv_equal(reply_text(reply_at(library, i)), SV("library_code"))) {
            return reply_text(reply_at(library, i + 1));
        }
    }
    return sv(NULL, 0);
}

static enum step_verdict check_function_list(struct handshake *h,
                                             const struct redisReply *reply,
                                             const struct why *why)
{
    (void)why;
    h->must_load = !sv_equal(library_code(reply_at(reply, 0)), h->config->library_text);
    return STEP_DONE;
}

void handshake_load_command(const struct link_config *config, struct command *cmd)
{
    add_words(cmd, "FUNCTION LOAD REPLACE");
    command_add(cmd, config->library_text);
}

static bool send_function_load(const struct handshake *h, struct command *cmd)
{
    if (h->must_load) {
        handshake_load_command(h->config, cmd);
    }
    return h->must_load;
}

/* ---- the table and its driver ---- */

static const struct step steps[] = {
    {"AUTH", send_auth, check_nothing, false},
    {"CLIENT SETNAME", send_client_name, check_nothing, true},
    {"INFO", send_info, check_info, false},
    {"ROLE", send_role, check_role, false},
    {"INFO", send_info_replication, check_info_replication, false},
    {"FUNCTION LIST", send_function_list, check_function_list, false},
    {"FUNCTION LOAD", send_function_load, check_nothing, false},
};

/* Errors that pass by themselves; any other one needs somebody to change something. */
static const char *const passing_errors[] = {
    "LOADING ",
    "MASTERDOWN ",
    "BUSY ",
    "CLUSTERDOWN ",
    "READONLY ",
    "NOREPLICAS ",
    "OOM ",
    "MISCONF ",
    "TRYAGAIN ",
    "UNBLOCKED ",
    "UNAVAILABLE ",
    "FAILOVER ",
    "ERR max number of clients reached",
};

static enum step_verdict check_error(struct str_view error, const struct why *why)
{
    struct str_view text = sv(error.ptr, sv_find_char(error, '\r'));
    bool asked = sv_starts_with(text, SV("NOAUTH"));

    explain(why, "%s: %s%.*s", why->step, asked ? "Redis asks for a password: " : "",
            reply_shown(text), text.len == 0 ? "" : text.ptr);
    for (size_t i = 0; i < PARLEY_COUNT_OF(passing_errors); i++) {
        if (sv_starts_with(text, sv_of(passing_errors[i]))) {
            return STEP_RETRY;
        }
    }
    return sv_equal(sv_of(why->step), SV("AUTH")) || asked ? STEP_DENIED : STEP_UNUSABLE;
}

void handshake_init(struct handshake *h, const struct link_config *config)
{
    *h = (struct handshake){.config = config, .url_version = config->url->version};
}

bool handshake_next(struct handshake *h, struct command *cmd)
{
    for (; h->step < PARLEY_COUNT_OF(steps); h->step++) {
        command_clear(cmd);
        if (steps[h->step].send(h, cmd)) {
            return true;
        }
    }
    return false;
}

enum step_verdict handshake_check(struct handshake *h, const struct redisReply *reply,
                                  char ret_why[HANDSHAKE_WHY_SIZE])
{
    const struct step *step = &steps[h->step];
    struct why why = {step->name, ret_why};

    ret_why[0] = '\0';
    h->step++;
    if (reply->type != REDIS_REPLY_ERROR) {
        return step->check(h, reply, &why);
    }
    if (step->optional && sv_starts_with(reply_text(reply), SV("NOPERM "))) {
        return STEP_DONE;
    }
    return check_error(reply_text(reply), &why);
}
