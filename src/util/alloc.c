/* SPDX-License-Identifier: MIT */
#include <parley/util/alloc.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Up to here malloc takes what was freed just now from a list of its thread. glibc's calloc looks
 * there since 2.41 only. */
enum { AT_HAND_BYTES_MAX = 1024 };

_Noreturn static void die_without_memory(size_t size)
{
    fprintf(stderr, "parleyd: out of memory (%zu bytes wanted)\n", size);
    abort();
}

/* malloc(0) may give NULL, which is no failure: ask for one byte then. */
static size_t at_least_one(size_t size)
{
    return size == 0 ? 1 : size;
}

void *xmalloc(size_t size)
{
    void *ptr = malloc(at_least_one(size));

    if (ptr == NULL) {
        die_without_memory(size);
    }
    return ptr;
}

void *xcalloc(size_t count, size_t size)
{
    size_t bytes = 0;

    if (!__builtin_mul_overflow(count, size, &bytes) && bytes <= AT_HAND_BYTES_MAX) {
        return memset(xmalloc(bytes), 0, bytes);
    }
    void *ptr = calloc(count, size);

    if (ptr == NULL) {
        die_without_memory(size);
    }
    return ptr;
}

void *xreallocarray(void *ptr, size_t count, size_t size)
{
    void *grown = reallocarray(ptr, at_least_one(count), at_least_one(size));

    if (grown == NULL) {
        die_without_memory(size);
    }
    return grown;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

char *xstrndup(const char *bytes, size_t len)
{
    if (len == SIZE_MAX) {
        die_without_memory(len);
    }
    char *copy = xmalloc(len + 1);

    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    copy[len] = '\0';
    return copy;
}

void *try_malloc(size_t size)
{
    return malloc(at_least_one(size));
}

void *xmap(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);

    if (pages == MAP_FAILED) {
        die_without_memory(size);
    }
    return pages;
}

void xunmap(void *pages, size_t size)
{
    (void)munmap(pages, size);
}
