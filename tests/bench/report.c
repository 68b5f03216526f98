/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdio.h>

static double seconds(const struct moment *from, const struct moment *to)
{
    return (double)(to->at_ns - from->at_ns) / 1e9;
}

static double per(double count, double of)
{
    return of > 0 ? count / of : 0;
}

static void print_text(const char *name, const char *text)
{
    (void)printf("\"%s\": \"", name);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            (void)putchar('\\');
        }
        if ((unsigned char)*text >= ' ') {
            (void)putchar(*text);
        }
    }
    (void)printf("\",\n");
}

static void print_servers(const struct bench *b)
{
    (void)printf("\"servers\": [");
    for (size_t i = 0; i < b->config.server_count; i++) {
        const struct usage *from = &b->from.usage[i];
        const struct usage *to = &b->to.usage[i];
        const struct usage *before = &b->before.usage[i];
        const struct usage *settled = &b->settled.usage[i];

        (void)printf(
            "%s\n  {\"name\": \"%s\", \"user_s\": %.2f, \"system_s\": %.2f, "
            "\"connect_cpu_s\": %.2f, \"rss_before\": %llu, "
            "\"rss_settled\": %llu, \"rss_after\": %llu, \"rss_peak\": %llu}",
            i > 0 ? "," : "", b->config.servers[i].name, to->user_s - from->user_s,
            to->system_s - from->system_s,
            settled->user_s + settled->system_s - before->user_s - before->system_s,
            (unsigned long long)before->rss_bytes, (unsigned long long)settled->rss_bytes,
            (unsigned long long)to->rss_bytes, (unsigned long long)to->peak_bytes);
    }
    (void)printf("],\n");
}

static void print_latency(const struct hist *h)
{
    (void)printf("\"latency_us\": {\"p50\": %u, \"p90\": %u, \"p99\": %u, \"p999\": %u, "
                 "\"max\": %u, \"mean\": %.0f},\n",
                 hist_quantile(h, 0.5), hist_quantile(h, 0.9), hist_quantile(h, 0.99),
                 hist_quantile(h, 0.999), h->max, hist_mean(h));
}

static void print_faults(const struct faults *f)
{
    (void)printf("\"lost\": %llu, \"duplicated\": %llu, \"reordered\": %llu, "
                 "\"damaged\": %llu, \"strays\": %llu, \"disconnected\": %llu, "
                 "\"errors\": %llu\n",
                 (unsigned long long)f->lost, (unsigned long long)f->duplicated,
                 (unsigned long long)f->reordered, (unsigned long long)f->damaged,
                 (unsigned long long)f->strays, (unsigned long long)f->disconnected,
                 (unsigned long long)f->errors);
}

static double cpu_of(const struct moment *from, const struct moment *to, size_t server)
{
    const struct usage *a = &from->usage[server];
    const struct usage *b = &to->usage[server];

    return b->user_s + b->system_s - a->user_s - a->system_s;
}

static void print_rates(const struct bench *b)
{
    double measured_s = seconds(&b->from, &b->to);
    double deliveries = (double)(b->to.deliveries - b->from.deliveries);
    double cpu_s = 0;
    double own_s = b->to.own.user_s + b->to.own.system_s - b->from.own.user_s -
                   b->from.own.system_s;

    for (size_t i = 0; i < b->config.server_count; i++) {
        cpu_s += cpu_of(&b->from, &b->to, i);
    }
    (void)printf("\"measured_s\": %.3f, \"messages\": %llu, \"deliveries\": %.0f,\n",
                 measured_s, (unsigned long long)(b->to.sent - b->from.sent), deliveries);
    (void)printf("\"deliveries_per_s\": %.0f, \"cpu_s\": %.2f, "
                 "\"deliveries_per_cpu_s\": %.0f,\n",
                 per(deliveries, measured_s), cpu_s, per(deliveries, cpu_s));
    (void)printf("\"deliveries_per_read\": %.2f, \"line_bytes\": %.1f, "
                 "\"load_cpu\": %.3f, "
                 "\"total_cpu_s\": %.2f,\n",
                 per(deliveries, (double)(b->to.reads - b->from.reads)),
                 per((double)(b->to.delivery_bytes - b->from.delivery_bytes), deliveries),
                 per(own_s, measured_s), b->end.own.user_s + b->end.own.system_s);
}

void report_print(const struct bench *b)
{
    const struct config *c = &b->config;

    (void)printf("{\n");
    print_text("protocol", c->speech->name);
    print_text("failure", b->failure == NULL ? "" : b->failure);
    print_text("first_error", b->first_error);
    (void)printf("\"nodes\": %zu, \"rooms\": %llu, \"members\": %llu, \"senders\": %llu, "
                 "\"window\": %llu, \"rate\": %.0f, \"connections\": %zu,\n",
                 c->node_count, (unsigned long long)c->rooms,
                 (unsigned long long)c->members, (unsigned long long)c->senders,
                 (unsigned long long)c->window, c->rate, b->conn_count);
    if (b->failure == NULL) {
        (void)printf("\"joined_s\": %.3f, \"quiet_s\": %.3f, \"pings\": %llu,\n",
                     seconds(&b->before, &b->joined_m), seconds(&b->before, &b->settled),
                     (unsigned long long)b->pings);
        print_rates(b);
        print_servers(b);
        print_latency(&b->latency);
    }
    print_faults(&b->faults);
    (void)printf("}\n");
}
