/* SPDX-License-Identifier: MIT */
/*
 * ceiling - the least that a broadcasting server can do; what a relay is measured against.
 *
 *   ceiling PORT
 *
 * A client's first line names its room ("JOIN #room" or just "#room"), which is answered by
 * "JOINED #room". Each line after that goes to everybody in the room, its sender too. A line
 * lies once in memory, with a reference count; each connection that has something to write
 * gets one writev() at the end of a turn. No other protocol, no rules, no log, one thread.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 1024,
    READ_BYTES = 256 * 1024,
    LINES_MAX = 1024,  /* in one writev() */
    BUCKETS = 1 << 16, /* of rooms */
    QUEUE_MIN = 8,
    NAME_MAX_BYTES = 200,
};

struct line {
    uint32_t refs;
    uint32_t len;
    char bytes[];
};

struct room {
    struct room *next;
    struct conn **members;
    uint32_t count;
    uint32_t cap;
    char name[];
};

struct conn {
    int fd;
    bool is_dirty;
    bool wants_write;
    bool is_closing;
    struct room *room; /* NULL: not named yet */
    uint32_t place;    /* among the room's members */
    uint32_t offset;   /* written of the first line */
    struct line **queue;
    uint32_t head;
    uint32_t count;
    uint32_t cap; /* a power of two */
    uint32_t rest_len;
    char *rest; /* of a line that has not ended */
};

static int epoll;
static struct room *rooms[BUCKETS];
static struct conn **dirty;
static size_t dirty_count;
static size_t dirty_cap;
static char buffer[READ_BYTES];

static void *must(void *p)
{
    if (p == NULL) {
        abort();
    }
    return p;
}

static struct line *line_new(const char *bytes, size_t len)
{
    struct line *l = must(malloc(sizeof *l + len));

    l->refs = 1;
    l->len = (uint32_t)len;
    memcpy(l->bytes, bytes, len);
    return l;
}

static void line_unref(struct line *l)
{
    if (--l->refs == 0) {
        free(l);
    }
}

/* ---- rooms ---- */

static struct room *room_get(const char *name, size_t len)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (uint8_t)name[i]) * 16777619U;
    }
    struct room **at = &rooms[hash % BUCKETS];
    for (struct room *r = *at; r != NULL; r = r->next) {
        if (strlen(r->name) == len && memcmp(r->name, name, len) == 0) {
            return r;
        }
    }
    struct room *r = must(calloc(1, sizeof *r + len + 1));
    memcpy(r->name, name, len);
    r->next = *at;
    *at = r;
    return r;
}

static void room_add(struct room *r, struct conn *c)
{
    if (r->count == r->cap) {
        r->cap = r->cap == 0 ? 2 : r->cap * 2;
        r->members = must(realloc(r->members, r->cap * sizeof(struct conn *)));
    }
    c->place = r->count;
    c->room = r;
    r->members[r->count++] = c;
}

static void room_remove(struct conn *c)
{
    struct room *r = c->room;

    r->members[c->place] = r->members[--r->count];
    r->members[c->place]->place = c->place;
    c->room = NULL;
}

/* ---- writing ---- */

static void mark_dirty(struct conn *c)
{
    if (c->is_dirty) {
        return;
    }
    if (dirty_count == dirty_cap) {
        dirty_cap = dirty_cap == 0 ? EVENTS_MAX : dirty_cap * 2;
        dirty = must(realloc(dirty, dirty_cap * sizeof(struct conn *)));
    }
    c->is_dirty = true;
    dirty[dirty_count++] = c;
}

static void queue_grow(struct conn *c)
{
    uint32_t cap = c->cap == 0 ? QUEUE_MIN : c->cap * 2;
    struct line **queue = must(malloc(cap * sizeof(struct line *)));

    for (uint32_t i = 0; i < c->count; i++) {
        queue[i] = c->queue[(c->head + i) & (c->cap - 1)];
    }
    free(c->queue);
    c->queue = queue;
    c->cap = cap;
    c->head = 0;
}

static void push(struct conn *c, struct line *l)
{
    if (c->count == c->cap) {
        queue_grow(c);
    }
    l->refs++;
    c->queue[(c->head + c->count++) & (c->cap - 1)] = l;
    mark_dirty(c);
}

static void drop_written(struct conn *c, size_t written)
{
    written += c->offset;
    while (c->count > 0 && written >= c->queue[c->head]->len) {
        written -= c->queue[c->head]->len;
        line_unref(c->queue[c->head]);
        c->head = (c->head + 1) & (c->cap - 1);
        c->count--;
    }
    c->offset = (uint32_t)written;
}

static void want_write(struct conn *c, bool wants)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};

    if (c->wants_write != wants) {
        c->wants_write = wants;
        event.events |= wants ? (uint32_t)EPOLLOUT : 0;
        (void)epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    }
}

static void flush(struct conn *c)
{
    static struct iovec iov[LINES_MAX];
    uint32_t count = c->count < LINES_MAX ? c->count : LINES_MAX;
    uint32_t offset = c->offset;

    for (uint32_t i = 0; i < count; i++) {
        struct line *l = c->queue[(c->head + i) & (c->cap - 1)];
        iov[i] = (struct iovec){l->bytes + offset, l->len - offset};
        offset = 0;
    }
    ssize_t n = count == 0 ? 0 : writev(c->fd, iov, (int)count);
    if (n > 0) {
        drop_written(c, (size_t)n);
    }
    if (c->count == 0) { /* an idle connection keeps no queue */
        free(c->queue);
        c->queue = NULL;
        c->cap = 0;
        c->head = 0;
    }
    want_write(c, c->count > 0);
}

/* ---- reading ---- */

static void take_line(struct conn *c, const char *bytes, size_t len)
{
    if (c->room != NULL) {
        struct line *l = line_new(bytes, len);
        for (uint32_t i = 0; i < c->room->count; i++) {
            push(c->room->members[i], l);
        }
        line_unref(l);
        return;
    }
    char answer[NAME_MAX_BYTES + 16];
    size_t skip = len > 5 && memcmp(bytes, "JOIN ", 5) == 0 ? 5 : 0;
    size_t name_len = strcspn(bytes + skip, "\r\n");
    if (name_len > NAME_MAX_BYTES) {
        name_len = NAME_MAX_BYTES;
    }
    room_add(room_get(bytes + skip, name_len), c);
    int answer_len = snprintf(answer, sizeof answer, "JOINED %.*s\r\n", (int)name_len,
                              bytes + skip);
    struct line *l = line_new(answer, (size_t)answer_len);
    push(c, l);
    line_unref(l);
}

static void take_bytes(struct conn *c, size_t len)
{
    const char *at = buffer;
    const char *end = buffer + len;
    const char *stop = NULL;

    while (at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        take_line(c, at, (size_t)(stop + 1 - at));
        at = stop + 1;
    }
    c->rest_len = (uint32_t)(end - at);
    free(c->rest);
    c->rest = NULL;
    if (c->rest_len > 0) {
        c->rest = must(malloc(c->rest_len));
        memcpy(c->rest, at, c->rest_len);
    }
}

/* Lines that wait stay queued only while the connection lives. */
static void conn_close(struct conn *c)
{
    if (c->room != NULL) {
        room_remove(c);
    }
    (void)close(c->fd);
    while (c->count > 0) {
        drop_written(c, c->queue[c->head]->len - c->offset);
    }
    free(c->queue);
    free(c->rest);
    c->is_closing = true; /* freed at the end of the turn: it may be in the dirty list */
    mark_dirty(c);
}

static void on_readable(struct conn *c)
{
    if (c->rest_len > 0) {
        memcpy(buffer, c->rest, c->rest_len);
    }
    ssize_t n = read(c->fd, buffer + c->rest_len, READ_BYTES - 1 - c->rest_len);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        conn_close(c);
        return;
    }
    size_t len = c->rest_len + (size_t)n;
    buffer[len] = '\0';
    take_bytes(c, len);
}

/* ---- the loop ---- */

static void accept_all(int listener)
{
    int fd = -1;
    int on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = must(calloc(1, sizeof *c));
        struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};

        c->fd = fd;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event event = {.events = EPOLLIN};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4096) != 0) {
        perror("ceiling");
        exit(1);
    }
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    return fd;
}

static void end_turn(void)
{
    size_t count = dirty_count;

    for (size_t i = 0; i < count; i++) {
        struct conn *c = dirty[i];
        c->is_dirty = false;
        if (c->is_closing) {
            free(c);
        } else {
            flush(c);
        }
    }
    dirty_count = 0;
}

static void on_event(struct conn *c, uint32_t events)
{
    if (c->is_closing) {
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        mark_dirty(c);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        on_readable(c);
    }
}

int main(int argc, char **argv)
{
    static struct epoll_event events[EVENTS_MAX];
    struct rlimit limit;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: ceiling PORT\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                accept_all(listener);
            } else {
                on_event(events[i].data.ptr, events[i].events);
            }
        }
        end_turn();
    }
}
