/* SPDX-License-Identifier: MIT */
#include "link_rig.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/dns.h>
#include <hiredis/hiredis.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>
#include <parley/util/clock.h>
#include <parley/util/rng.h>

struct rig rig;

static void happened(enum rig_event event)
{
    enum rig_act act = rig.acts[event];

    rig.counts[event]++;
    if (act == RIG_DO_RESET || act == RIG_DO_RESET_AND_CLOSE) {
        link_reset(rig.link, "the test said so");
    }
    if (act == RIG_DO_CLOSE || act == RIG_DO_RESET_AND_CLOSE) {
        link_close(rig.link);
    }
}

static void on_ready(void *arg)
{
    ck_assert_ptr_eq(arg, &rig);
    ck_assert_int_eq(link_state(rig.link), LINK_READY);
    happened(RIG_READY);
}

static void on_down(void *arg, const char *why)
{
    ck_assert_ptr_eq(arg, &rig);
    ck_assert_int_eq(link_state(rig.link), LINK_DOWN);
    ck_assert_uint_gt(strlen(why), 0);
    (void)snprintf(rig.down, sizeof rig.down, "%s", why);
    happened(RIG_DOWN);
}

static void on_push(void *arg, const struct redisReply *push)
{
    ck_assert_ptr_eq(arg, &rig);
    happened(RIG_PUSH); /* whatever that does to the link, the push is still there */
    ck_assert_uint_eq((size_t)push->elements, 3);
    (void)snprintf(rig.push, sizeof rig.push, "%s %s", push->element[0]->str,
                   push->element[1]->str);
}

static void on_unusable(void *arg, const char *why)
{
    ck_assert_ptr_eq(arg, &rig);
    (void)snprintf(rig.unusable, sizeof rig.unusable, "%s", why);
    happened(RIG_UNUSABLE);
}

static void on_denied(void *arg)
{
    ck_assert_ptr_eq(arg, &rig);
    happened(RIG_DENIED);
    if (rig.next_password != NULL) {
        free(rig.url.password);
        rig.url.password = xstrdup(rig.next_password);
        rig.url.version++;
        rig.server.auth = NULL;
    }
}

static void on_reply(void *arg, uint64_t ctx, const struct redisReply *reply)
{
    ck_assert_ptr_eq(arg, rig.answered);
    ck_assert_uint_lt(ctx, RIG_REQUESTS);
    rig.answered[ctx]++;
    happened(reply == NULL ? RIG_LOST : RIG_REPLY); /* as in on_push() */
    if (reply != NULL && reply->str != NULL) {
        (void)snprintf(rig.reply, sizeof rig.reply, "%s", reply->str);
    }
}

static void on_tick(void *arg)
{
    (void)arg;
    timer_start(&rig.tick, 5);
}

void rig_setup(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    rng_init();
    memset(metric_values, 0, sizeof metric_values);
    rig = (struct rig){.loop = loop_new()};
    timer_init(&rig.tick, rig.loop, on_tick, NULL);
    timer_start(&rig.tick, 5);
    fake_redis_start(&rig.server, loop_base(rig.loop), 0);
    rig.host = "127.0.0.1";
}

void rig_teardown(void)
{
    if (rig.link != NULL) {
        link_close(rig.link);
    }
    loop_turn(rig.loop);
    ck_assert_int_eq(metric_values[METRIC_LINK_UP], 0);
    if (rig.dns != NULL) {
        evdns_base_free(rig.dns, 1);
    }
    fake_redis_stop(&rig.server);
    loop_turn(rig.loop);
    timer_done(&rig.tick);
    loop_free(rig.loop);
    redis_url_done(&rig.url);
}

void rig_start(enum link_role role)
{
    static const struct link_ops ops = {on_ready,    on_down,   on_push,
                                        on_unusable, on_denied, NULL};
    struct link_config config = {.url = &rig.url,
                                 .host = rig.host,
                                 .port = rig.server.port,
                                 .role = role,
                                 .client_name = "test",
                                 .library_name = "lib",
                                 .library_text = SV("#!lua name=lib\n")};

    rig.link = link_new(rig.loop, rig.dns, &config, &ops, &rig);
    link_start(rig.link);
}

void rig_start_ready(enum link_role role)
{
    rig_start(role);
    rig_wait(RIG_READY, 1);
}

void rig_wait(enum rig_event event, unsigned count)
{
    uint64_t end_ms = clock_monotonic_ms() + 20000;

    while (rig.counts[event] < count) {
        ck_assert_msg(clock_monotonic_ms() < end_ms, "waited in vain (%d, %u): %s",
                      (int)event, count, rig.down);
        loop_turn(rig.loop);
    }
}

void rig_turn_for_ms(uint64_t ms)
{
    uint64_t end_ms = clock_monotonic_ms() + ms;

    while (clock_monotonic_ms() < end_ms) {
        loop_turn(rig.loop);
    }
}

bool rig_send(const char *word, struct str_view arg, uint64_t timeout_ms, uint64_t index)
{
    struct command cmd;

    command_init(&cmd);
    command_add(&cmd, sv_of(word));
    if (arg.len > 0) {
        command_add(&cmd, arg);
    }
    bool sent = link_send(rig.link, &cmd, timeout_ms, on_reply, rig.answered, index);

    command_done(&cmd);
    return sent;
}

bool rig_send_raw(const char *answer)
{
    return rig_send("RAW", sv_of(answer), 0, 0);
}

void rig_load_library(void)
{
    ck_assert(link_load_library(rig.link, on_reply, rig.answered, 0));
}
