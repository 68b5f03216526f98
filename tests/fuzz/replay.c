/* SPDX-License-Identifier: MIT */
/*
 * replay.c - a fuzz target without libFuzzer: replay CORPUS runs every file of the folder,
 * then mutations of them. Input number n depends on the seed and n alone.
 *
 * PARLEY_TEST_SEED=S the same inputs again; PARLEY_FUZZ_MS=T how long mutations are tried
 * (1,500 ms). A child does the work, so that the parent can tell what it died of: the seed,
 * the number, and the input in a file NAME.crash in the current folder.
 * The last line is in the form of Check's, so that the scripts count it.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/clock.h>

#include "fuzz.h"

enum { INPUT_MAX = 64 * 1024, FILES_MAX = 1000, CHANGES_MAX = 8, DEFAULT_MS = 1500 };

struct input {
    uint8_t bytes[INPUT_MAX];
    size_t len;
};

struct corpus {
    struct input *files[FILES_MAX]; /* owned */
    size_t count;
};

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static size_t below(uint64_t *state, size_t bound)
{
    return bound == 0 ? 0 : (size_t)(next_random(state) % bound);
}

/* ---- the corpus ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static struct input *read_file(const char *folder, const char *name)
{
    struct input *in = xcalloc(1, sizeof *in);
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");

    PARLEY_ASSERT(file != NULL);
    in->len = fread(in->bytes, 1, sizeof in->bytes, file);
    (void)fclose(file);
    return in;
}

static void read_corpus(const char *folder, struct corpus *corpus)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_visible, by_name);

    for (int i = 0; i < count; i++) {
        if (corpus->count < FILES_MAX) {
            corpus->files[corpus->count++] = read_file(folder, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
}

/* ---- mutations ---- */

static void put_byte(struct input *in, uint64_t *chance)
{
    static const char often[] = "0123456789 :-\r\n\0\xff";
    size_t at = below(chance, in->len);

    if (in->len > 0) {
        in->bytes[at] = (uint8_t)often[below(chance, sizeof often - 1)];
    }
}

static void flip_bit(struct input *in, uint64_t *chance)
{
    size_t at = below(chance, in->len);

    if (in->len > 0) {
        in->bytes[at] ^= (uint8_t)(1 << below(chance, 8));
    }
}

static void cut(struct input *in, uint64_t *chance)
{
    size_t at = below(chance, in->len);
    size_t len = 1 + below(chance, (in->len - at) < 16 ? in->len - at : 16);

    len = len > in->len - at ? in->len - at : len;
    memmove(in->bytes + at, in->bytes + at + len, in->len - at - len);
    in->len -= len;
}

/* Put `len` bytes in at `at`, as far as there is room. */
static void insert(struct input *in, size_t at, const uint8_t *bytes, size_t len)
{
    len = len > INPUT_MAX - in->len ? INPUT_MAX - in->len : len;
    memmove(in->bytes + at + len, in->bytes + at, in->len - at);
    memcpy(in->bytes + at, bytes, len);
    in->len += len;
}

static void repeat(struct input *in, uint64_t *chance)
{
    uint8_t part[64];
    size_t from = below(chance, in->len);
    size_t len = below(chance, sizeof part);

    len = len > in->len - from ? in->len - from : len;
    memcpy(part, in->bytes + from, len);
    insert(in, below(chance, in->len + 1), part, len);
}

static void put_number(struct input *in, uint64_t *chance)
{
    static const char *const numbers[] = {"0",
                                          "-1",
                                          "1",
                                          "127",
                                          "65536",
                                          "2147483648",
                                          "4294967296",
                                          "18446744073709551615",
                                          "18446744073709551616",
                                          "99999999999999999999999999"};
    const char *text = numbers[below(chance, PARLEY_COUNT_OF(numbers))];

    insert(in, below(chance, in->len + 1), (const uint8_t *)text, strlen(text));
}

static void mutate(struct input *in, uint64_t *chance)
{
    static void (*const ways[])(struct input *, uint64_t *) = {put_byte, flip_bit, cut,
                                                               repeat, put_number};

    for (size_t i = 1 + below(chance, CHANGES_MAX); i > 0; i--) {
        ways[below(chance, PARLEY_COUNT_OF(ways))](in, chance);
    }
}

/* Input `n`: first the files as they are, then a beginning of one, an end of another and
 * changes. */
static void make_input(const struct corpus *corpus, uint64_t seed, uint64_t n,
                       struct input *ret)
{
    uint64_t chance = seed ^ (n * UINT64_C(0xd1342543de82ef95));

    ret->len = 0;
    if (n < corpus->count) {
        insert(ret, 0, corpus->files[n]->bytes, corpus->files[n]->len);
        return;
    }
    const struct input *a = corpus->files[below(&chance, corpus->count)];
    const struct input *b = corpus->files[below(&chance, corpus->count)];

    if (below(&chance, 4) > 0) {
        insert(ret, 0, a->bytes, a->len);
    } else {
        size_t from = below(&chance, b->len);

        insert(ret, 0, a->bytes, below(&chance, a->len + 1));
        insert(ret, ret->len, b->bytes + from, b->len - from);
    }
    mutate(ret, &chance);
}

/* ---- the run ---- */

static void run(const struct corpus *corpus, uint64_t seed, volatile uint64_t *number)
{
    const char *ms = getenv("PARLEY_FUZZ_MS");
    uint64_t end_ms = clock_monotonic_ms() +
                      (ms != NULL ? strtoull(ms, NULL, 10) : DEFAULT_MS);
    struct input *in = xcalloc(1, sizeof *in);

    for (uint64_t n = 0; n < corpus->count || clock_monotonic_ms() < end_ms; n++) {
        *number = n;
        make_input(corpus, seed, n, in);

        /* Of just its size, so that a byte read too far is noticed. */
        uint8_t *copy = xmalloc(in->len == 0 ? 1 : in->len);

        memcpy(copy, in->bytes, in->len);
        (void)FUZZ_TARGET(copy, in->len);
        free(copy);
    }
    free(in);
}

static void tell_death(const char *name, const struct corpus *corpus, uint64_t seed,
                       uint64_t number)
{
    char path[256];
    struct input *in = xcalloc(1, sizeof *in);

    make_input(corpus, seed, number, in);
    (void)snprintf(path, sizeof path, "%s.crash", name);
    FILE *file = fopen(path, "wb");

    if (file != NULL) {
        (void)fwrite(in->bytes, 1, in->len, file);
        (void)fclose(file);
    }
    printf("input %" PRIu64 " of seed %" PRIu64 " ended it; the input is in %s\n", number,
           seed, path);
    free(in);
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("PARLEY_TEST_SEED");
    uint64_t seed = wanted != NULL ? strtoull(wanted, NULL, 10) : clock_wall_ms();
    struct corpus corpus = {.count = 0};
    const char *name = strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1
                                                     : argv[0];
    volatile uint64_t *number = mmap(NULL, sizeof *number, PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;

    PARLEY_ASSERT(argc == 2 && number != MAP_FAILED);
    read_corpus(argv[1], &corpus);
    PARLEY_ASSERT(corpus.count > 0);
    pid_t child = fork();

    if (child == 0) {
        run(&corpus, seed, number);
        exit(EXIT_SUCCESS); /* not _exit(): leaks are looked for */
    }
    PARLEY_ASSERT(child > 0 && waitpid(child, &status, 0) == child);
    if (status != 0) {
        tell_death(name, &corpus, seed, *number);
    }
    printf("%s: %zu files, %" PRIu64 " inputs, seed %" PRIu64 "\n", name, corpus.count,
           *number + 1, seed);
    printf("%d%%: Checks: 1, Failures: 0, Errors: %d\n", status == 0 ? 100 : 0,
           status != 0);
    for (size_t i = 0; i < corpus.count; i++) {
        free(corpus.files[i]);
    }
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
