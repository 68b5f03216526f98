/* SPDX-License-Identifier: MIT */
/*
 * What the kernel knows of this process. Read when somebody asks, not all the time.
 */
#include <parley/core/metrics.h>

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <parley/util/str.h>

static int64_t us_of(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

static void read_cpu(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        metric_set(METRIC_CPU, us_of(usage.ru_utime) + us_of(usage.ru_stime));
    }
}

static void read_memory(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char text[128];

    if (file == NULL) {
        return;
    }
    /* proc(5): total, resident, ... in pages. */
    if (fgets(text, sizeof text, file) != NULL) {
        struct str_view rest = sv_of(text);
        uint64_t pages;

        (void)sv_next_word(&rest);
        if (sv_to_u64(sv_next_word(&rest), INT64_MAX >> 20, &pages)) {
            metric_set(METRIC_RESIDENT, (int64_t)pages * sysconf(_SC_PAGESIZE));
        }
    }
    (void)fclose(file);
}

/* Linux 6.2 and newer tell the number as the folder's size; older ones make us count. */
static void read_descriptors(void)
{
    struct rlimit limit;
    struct stat folder;
    int64_t count = 0;

    if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) {
        count = folder.st_size;
    } else {
        DIR *fds = opendir("/proc/self/fd");

        while (fds != NULL && readdir(fds) != NULL) {
            count++;
        }
        if (fds != NULL) {
            (void)closedir(fds);
            count -= 3; /* ".", ".." and the folder itself */
        }
    }
    metric_set(METRIC_OPEN_FDS, count);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        metric_set(METRIC_MAX_FDS, (int64_t)limit.rlim_cur);
    }
}

void metrics_refresh(void)
{
    read_cpu();
    read_memory();
    read_descriptors();
}
