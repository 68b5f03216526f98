/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The fields of /proc/PID/stat behind the name, which may hold anything: user and system
 * time are the 14th and the 15th of all, in clock ticks. */
static void read_stat(int pid, struct usage *u)
{
    char path[64];
    char text[1024];
    unsigned long long user = 0;
    unsigned long long system = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    const char *rest = strrchr(text, ')');
    if (rest != NULL &&
        sscanf(rest + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user,
               &system) == 2) {
        double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
        u->user_s = (double)user * tick_s;
        u->system_s = (double)system * tick_s;
    }
}

static void read_status(int pid, struct usage *u)
{
    char path[64];
    char line[256];

    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            u->rss_bytes = strtoull(line + 6, NULL, 10) * 1024;
        } else if (strncmp(line, "VmHWM:", 6) == 0) {
            u->peak_bytes = strtoull(line + 6, NULL, 10) * 1024;
        }
    }
    (void)fclose(file);
}

struct usage usage_of(int pid)
{
    struct usage u = {0};

    read_stat(pid, &u);
    read_status(pid, &u);
    return u;
}
