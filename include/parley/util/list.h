/* SPDX-License-Identifier: MIT */
/*
 * list.h - doubly linked lists whose links lie in the objects.
 *
 * A list head and an unlinked link both point at themselves, so list_remove() may be called
 * twice and list_is_linked() needs no flag.
 */
#ifndef PARLEY_UTIL_LIST_H
#define PARLEY_UTIL_LIST_H

#include <stdbool.h>

#include <parley/util/base.h>

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_is_linked(const struct list *link)
{
    return link->next != link;
}

static inline void list_append(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Take the first link off, or NULL. */
static inline struct list *list_take(struct list *head)
{
    struct list *link = head->next;

    if (link == head) {
        return NULL;
    }
    /* The analyzer does not follow list_remove(): it takes two calls to give the same link.
     * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    list_remove(link);
    return link;
}

/* Move all of `from` behind `head`; `from` is empty afterwards. */
static inline void list_splice(struct list *head, struct list *from)
{
    if (list_is_empty(from)) {
        return;
    }
    from->next->prev = head->prev;
    head->prev->next = from->next;
    from->prev->next = head;
    head->prev = from->prev;
    list_init(from);
}

#define LIST_ENTRY(link, type, member) PARLEY_CONTAINER_OF(link, type, member)

/* The body may remove `it`, and nothing else, from the list. */
#define LIST_FOR_EACH(head, it)                                                          \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head);            \
         it = it##_next, it##_next = it->next)

#endif
