/* SPDX-License-Identifier: MIT */
/*
 * alloc.h - memory of our own sizes, and memory whose size a stranger chose.
 *
 * xmalloc and its kin are for sizes that the program decides: they abort when memory is out.
 * try_malloc is for sizes that a peer influences: check the limit first, then expect NULL.
 */
#ifndef PARLEY_UTIL_ALLOC_H
#define PARLEY_UTIL_ALLOC_H

#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* Grow or shrink an array of `count` items; aborts on overflow of the product. */
void *xreallocarray(void *ptr, size_t count, size_t size)
    __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
/* A zero-terminated copy of `len` bytes. */
char *xstrndup(const char *bytes, size_t len) __attribute__((malloc, returns_nonnull));
void *try_malloc(size_t size) __attribute__((malloc));
/* Pages apart from the heap, which xunmap() gives back to the kernel at once; cleared. */
void *xmap(size_t size) __attribute__((malloc, returns_nonnull));
void xunmap(void *pages, size_t size);

#endif
