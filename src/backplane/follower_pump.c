/* SPDX-License-Identifier: MIT */
/* Which log asks next: queues, primaries that cannot be asked, and partitions that move. */
#include "backplane/follower_internal.h"
#include "backplane/link.h"
#include "backplane/shard.h"
#include "backplane/topology.h"

void follower_pump_soon(struct follower *f)
{
    loop_task_queue(f->redis->loop, LOOP_PUBLISH, &f->pump);
}

void follower_rest(struct follower *f, uint32_t partition)
{
    f->partitions[partition].rests_until_ms = loop_now_ms(f->redis->loop) +
                                              FOLLOWER_REST_MS;
    follower_pump_soon(f);
}

/* Whether the log's primary can be asked now what its state asks for. */
static bool may_ask(struct follower *f, const struct log_handle *log)
{
    const struct topology *t = f->redis->topology;
    uint64_t now_ms = loop_now_ms(f->redis->loop);
    uint64_t until_ms = f->partitions[log->partition].rests_until_ms;

    if (until_ms > now_ms) {
        if (!timer_is_running(&f->retry)) {
            timer_start(&f->retry, until_ms - now_ms);
        }
        return false;
    }
    return log->state == LOG_SUBSCRIBE ? topology_can_subscribe(t, log->partition)
                                       : topology_can_send(t, log->partition);
}

/* The first one of a queue that can be asked for; those in front of it are parked, so that
 * one primary does not keep the others waiting. */
static struct log_handle *next_log(struct follower *f, struct list *queue)
{
    while (!list_is_empty(queue)) {
        struct log_handle *log = LIST_ENTRY(queue->next, struct log_handle, link);

        if (may_ask(f, log)) {
            return log;
        }
        list_remove(&log->link);
        list_append(&f->parked, &log->link);
    }
    return NULL;
}

static void unpark(struct follower *f)
{
    LIST_FOR_EACH(&f->parked, it) {
        struct log_handle *log = LIST_ENTRY(it, struct log_handle, link);

        list_remove(it);
        list_append(follower_queue(f, log->state), it);
    }
    follower_pump_soon(f);
}

void follower_on_rested(void *arg)
{
    unpark(arg);
}

/* Subscribe to a group of logs of one partition (one slot). */
static bool subscribe_group(struct follower *f, const struct log_handle *first)
{
    uint32_t partition = first->partition;
    struct list group;
    size_t count = 0;

    list_init(&group);
    command_clear(&f->command);
    command_add(&f->command, SV("SSUBSCRIBE"));
    LIST_FOR_EACH(&f->subscribe, it) {
        struct log_handle *log = LIST_ENTRY(it, struct log_handle, link);

        if (log->partition == partition && count < FOLLOWER_GROUP) {
            command_add(&f->command, log_key(log));
            list_remove(&log->link);
            list_append(&group, &log->link);
            count++;
        }
    }
    bool sent = topology_subscribe(f->redis->topology, partition, &f->command);

    list_splice(sent ? &f->asked : &f->subscribe, &group);
    return sent;
}

void follower_pump(void *arg)
{
    struct follower *f = arg;
    struct log_handle *log;

    while ((log = next_log(f, &f->subscribe)) != NULL && subscribe_group(f, log)) {}
    if (!f->redis->registered) {
        return;
    }
    while (f->requests < FOLLOWER_READS_MAX && (log = next_log(f, &f->read)) != NULL) {
        if (!reading_start(f, log)) {
            return;
        }
    }
    while (f->requests < FOLLOWER_READS_MAX && next_log(f, &f->check) != NULL) {
        if (!reading_check_heads(f)) {
            return;
        }
    }
}

/* ---- primaries come and go ---- */

void follower_on_other_server(struct follower *f, uint32_t partition)
{
    f->partitions[partition].other_server = true;
    f->partitions[partition].newest_ms = 0;
    f->has_other_server = true;
}

static void doubt(struct log_handle *log)
{
    log->doubtful = true;
    if (log->state == LOG_LIVE || log->state == LOG_CHECK || log->state == LOG_READ) {
        log_set_state(log, LOG_RESCAN);
    }
}

/* What is older than a minute no failover takes away: logs that were quiet are not read anew. */
static void doubt_logs(struct follower *f)
{
    size_t cursor = 0;

    for (struct log_handle *log; (log = map_next(&f->by_channel, &cursor)) != NULL;) {
        struct followed *part = &f->partitions[log->partition];

        part->newest_ms = log->last.ms > part->newest_ms ? log->last.ms : part->newest_ms;
    }
    cursor = 0;
    for (struct log_handle *log; (log = map_next(&f->by_channel, &cursor)) != NULL;) {
        const struct followed *part = &f->partitions[log->partition];

        if (part->other_server && log->has_copy &&
            part->newest_ms - log->last.ms <= FOLLOWER_SEEN_MS) {
            doubt(log);
        }
    }
}

void follower_on_ready(struct follower *f)
{
    if (f->has_other_server) {
        f->has_other_server = false;
        doubt_logs(f);
    }
    for (uint32_t i = 0; i < f->redis->partitions.count; i++) {
        f->partitions[i].rests_until_ms = 0;
        f->partitions[i].other_server = false;
    }
    unpark(f);
}

void follower_on_subscriptions_down(struct follower *f, const struct shard *s)
{
    size_t cursor = 0;

    for (struct log_handle *log; (log = map_next(&f->by_channel, &cursor)) != NULL;) {
        if (topology_shard(f->redis->topology, log->partition) == s) {
            log_set_state(log, LOG_SUBSCRIBE);
        }
    }
}

void follower_on_subscriptions_refused(struct follower *f, const struct shard *s)
{
    LIST_FOR_EACH(&f->asked, it) {
        struct log_handle *log = LIST_ENTRY(it, struct log_handle, link);

        if (topology_shard(f->redis->topology, log->partition) == s) {
            log_set_state(log, LOG_SUBSCRIBE);
            follower_rest(f, log->partition);
        }
    }
}

void follower_on_partition_moved(struct follower *f, uint32_t partition,
                                 struct shard *before)
{
    f->partitions[partition] = (struct followed){.moved = true, .before = before};
}

/* A primary that has nothing of ours any more is left by and by anyway. */
static void leave(struct follower *f, const struct log_handle *log, struct shard *before)
{
    if (before != NULL && before->partitions > 0) {
        command_clear(&f->command);
        command_add(&f->command, SV("SUNSUBSCRIBE"));
        command_add(&f->command, log_key(log));
        (void)link_send_subscription(before->subscriptions, &f->command);
    }
}

void follower_on_map(struct follower *f)
{
    size_t cursor = 0;

    for (struct log_handle *log; (log = map_next(&f->by_channel, &cursor)) != NULL;) {
        if (f->partitions[log->partition].moved) {
            leave(f, log, f->partitions[log->partition].before);
            log_set_state(log, LOG_SUBSCRIBE);
        }
    }
    for (uint32_t i = 0; i < f->redis->partitions.count; i++) {
        f->partitions[i].moved = false;
        f->partitions[i].before = NULL;
    }
    unpark(f);
}
