/* SPDX-License-Identifier: MIT */
/* Which log asks next: of which partition, whether its primary can be asked, and partitions that
 * move. */
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

/* Whether its primary may be asked; otherwise it is when it has rested. */
static bool has_rested(struct follower *f, const struct followed *p)
{
    uint64_t now_ms = loop_now_ms(f->redis->loop);

    if (p->rests_until_ms > now_ms && !timer_is_running(&f->retry)) {
        timer_start(&f->retry, p->rests_until_ms - now_ms);
    }
    return p->rests_until_ms <= now_ms;
}

/* Subscribe to a group of logs of one partition (one slot). */
static bool subscribe_group(struct follower *f, uint32_t partition)
{
    struct list *waiting = &f->partitions[partition].subscribe;
    struct list group;

    list_init(&group);
    command_clear(&f->command);
    command_add(&f->command, SV("SSUBSCRIBE"));
    for (size_t i = 0; i < FOLLOWER_GROUP && !list_is_empty(waiting); i++) {
        struct log_handle *log = LIST_ENTRY(list_take(waiting), struct log_handle, link);

        command_add(&f->command, log_key(log));
        list_append(&group, &log->link);
    }
    bool sent = topology_subscribe(f->redis->topology, partition, &f->command);

    list_splice(sent ? &f->asked : waiting, &group);
    return sent;
}

/* Send one request that waits in the partition; false: there is none, or not now. */
static bool pump_partition(void *arg, uint32_t partition)
{
    struct follower *f = arg;
    const struct topology *t = f->redis->topology;
    struct followed *p = &f->partitions[partition];
    bool reads = !list_is_empty(&p->read);

    if (!list_is_empty(&p->subscribe) && topology_can_subscribe(t, partition) &&
        has_rested(f, p) && subscribe_group(f, partition)) {
        return true;
    }
    if ((!reads && list_is_empty(&p->check)) || !f->redis->registered ||
        !topology_can_send(t, partition) || !has_rested(f, p) ||
        !turns_has_room(&f->turns, partition)) {
        return false;
    }
    return reads ? reading_start(f, LIST_ENTRY(p->read.next, struct log_handle, link))
                 : reading_check_heads(f, partition);
}

void follower_pump(void *arg)
{
    struct follower *f = arg;

    turns_go_round(&f->turns, pump_partition, f);
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
    follower_pump_soon(f);
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
    struct followed *p = &f->partitions[partition];

    p->moved = true;
    p->before = before;
    p->rests_until_ms = 0;
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
    follower_pump_soon(f);
}
