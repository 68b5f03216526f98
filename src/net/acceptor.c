/* SPDX-License-Identifier: MIT */
#include <parley/net/acceptor.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include <parley/core/log.h>
#include <parley/core/loop.h>
#include <parley/core/metrics.h>
#include <parley/net/addr.h>
#include <parley/util/alloc.h>
#include <parley/util/base.h>
#include <parley/util/str.h>

enum {
    BACKLOG = 4096, /* a storm of reconnecting clients; the kernel caps it (somaxconn) */
    ACCEPTS_PER_TURN = 256,
    PAUSE_MS = 500,
    KEEPALIVE_IDLE_S =
        60, /* below the 350 s after which a Network Load Balancer forgets */
    KEEPALIVE_INTERVAL_S = 15,
    KEEPALIVE_PROBES = 4,
};

struct listener {
    struct acceptor *acceptor; /* borrowed */
    struct event *event;       /* owned */
    struct addr addr;
    unsigned flags; /* enum listen_flags */
    int fd;
};

struct acceptor {
    struct loop *loop;              /* borrowed */
    const struct acceptor_ops *ops; /* borrowed */
    void *arg;                      /* borrowed */
    struct listener **listeners;    /* owned, each too */
    size_t count;
    struct deadline pause;
    bool is_short; /* of descriptors: from the first pause until the backlog is empty */
};

/* ---- accepting ---- */

static void pause_accepting(struct acceptor *a, const char *why)
{
    for (size_t i = 0; i < a->count; i++) {
        (void)event_del(a->listeners[i]->event);
    }
    deadline_set(a->loop, &a->pause, PAUSE_MS);
    if (!a->is_short) {
        a->is_short = true;
        metric_add(METRIC_ACCEPT_PAUSED, 1);
        log_error("accept_paused", "reason=\"%s\"", why);
    }
}

static void on_pause_over(void *deadline)
{
    struct acceptor *a = PARLEY_CONTAINER_OF(deadline, struct acceptor, pause);

    for (size_t i = 0; i < a->count; i++) {
        if (event_add(a->listeners[i]->event, NULL) != 0) {
            pause_accepting(a, strerror(errno));
            return;
        }
    }
}

static void on_backlog_empty(struct acceptor *a)
{
    if (a->is_short) {
        a->is_short = false;
        log_info("accept_resumed", "listeners=%zu", a->count);
    }
}

/* False: enough for this turn. */
static bool accept_one(struct listener *l)
{
    struct acceptor *a = l->acceptor;
    struct sockaddr_storage from = {0};
    socklen_t from_len = sizeof from;

    if (a->ops->has_room != NULL && !a->ops->has_room(a->arg)) {
        pause_accepting(a, "nearly out of descriptors");
        return false;
    }
    int fd = accept4(l->fd, (struct sockaddr *)&from, &from_len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        struct addr peer = addr_from_sockaddr((const struct sockaddr *)&from);
        a->ops->on_accept(a->arg, fd, &peer, l->flags);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        on_backlog_empty(a);
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        pause_accepting(a, strerror(errno));
        return false;
    default:
        /* An error of that one connection, which is gone (accept(2), "Error handling"). */
        return true;
    }
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;

    (void)fd;
    (void)what;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN && l->fd >= 0; i++) {
        if (!accept_one(l)) {
            return;
        }
    }
}

/* ---- listening ---- */

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* Linux hands NODELAY and the keep-alive settings on to the accepted sockets. */
static bool set_options(int fd, int family)
{
    return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
           (family != AF_INET6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
           set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
           set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

/* A listening socket, or -1 with errno. */
static int open_socket(const struct addrinfo *ai)
{
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(ai->ai_family, type, 0);

    if (fd < 0) {
        return -1;
    }
    if (set_options(fd, ai->ai_family) && bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
        listen(fd, BACKLOG) == 0) {
        return fd;
    }
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static void add_listener(struct acceptor *a, int fd, unsigned flags)
{
    struct listener *l = xcalloc(1, sizeof *l);
    struct sockaddr_storage bound = {0};
    socklen_t bound_len = sizeof bound;
    char text[ADDR_PEER_SIZE];

    l->acceptor = a;
    l->fd = fd;
    l->flags = flags;
    PARLEY_ASSERT(getsockname(fd, (struct sockaddr *)&bound, &bound_len) == 0);
    l->addr = addr_from_sockaddr((const struct sockaddr *)&bound);
    l->event = event_new(loop_base(a->loop), fd, EV_READ | EV_PERSIST, on_acceptable, l);
    PARLEY_ASSERT(l->event != NULL && event_add(l->event, NULL) == 0);
    a->listeners = xreallocarray(a->listeners, a->count + 1, sizeof(struct listener *));
    a->listeners[a->count++] = l;
    addr_format_peer(&l->addr, text);
    log_info(a->ops->event, "address=%s%s%s", text,
             (flags & LISTEN_PROXY) != 0 ? " proxy=yes" : "",
             (flags & LISTEN_SECURE) != 0 ? " secure=yes" : "");
}

/*
 * Listen on every address of the list. A family or an address that this machine lacks is
 * passed over as long as another one works ("localhost" where there is no IPv6). Returns how
 * many work, or 0 with errno when one that should does not.
 */
static size_t open_all(struct acceptor *a, const struct addrinfo *list, unsigned flags)
{
    size_t opened = 0;
    int error = EADDRNOTAVAIL;

    for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        int fd = open_socket(ai);
        if (fd >= 0) {
            add_listener(a, fd, flags);
            opened++;
            continue;
        }
        error = errno;
        if (error != EAFNOSUPPORT && error != EADDRNOTAVAIL) {
            opened = 0;
            break;
        }
    }
    errno = error;
    return opened;
}

bool acceptor_listen(struct acceptor *a, const char *address, unsigned flags,
                     char ret_error[ACCEPTOR_ERROR_SIZE])
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    struct str_view host;
    uint16_t port;

    if (!addr_split(sv_of(address), &host, &port)) {
        (void)snprintf(ret_error, ACCEPTOR_ERROR_SIZE,
                       "\"%.100s\" is not HOST:PORT or [IPV6]:PORT", address);
        return false;
    }
    char *name = host.len > 0 ? xstrndup(host.ptr, host.len) : NULL;
    char service[sizeof "65535"];
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    int failure = getaddrinfo(name, service, &hints, &list);
    free(name);
    if (failure != 0) {
        (void)snprintf(ret_error, ACCEPTOR_ERROR_SIZE, "cannot resolve \"%.100s\": %s",
                       address, gai_strerror(failure));
        return false;
    }
    bool is_open = open_all(a, list, flags) > 0;
    if (!is_open) {
        (void)snprintf(ret_error, ACCEPTOR_ERROR_SIZE, "cannot listen on \"%.100s\": %s",
                       address, strerror(errno));
    }
    freeaddrinfo(list);
    return is_open;
}

/* ---- life ---- */

struct acceptor *acceptor_new(struct loop *loop, const struct acceptor_ops *ops,
                              void *arg)
{
    struct acceptor *a = xcalloc(1, sizeof *a);

    a->loop = loop;
    a->ops = ops;
    a->arg = arg;
    deadline_init(&a->pause, on_pause_over);
    return a;
}

void acceptor_stop(struct acceptor *a)
{
    deadline_clear(&a->pause);
    for (size_t i = 0; i < a->count; i++) {
        struct listener *l = a->listeners[i];
        if (l->fd >= 0) {
            (void)event_del(l->event);
            (void)close(l->fd);
            l->fd = -1;
        }
    }
}

void acceptor_free(struct acceptor *a)
{
    if (a == NULL) {
        return;
    }
    acceptor_stop(a);
    for (size_t i = 0; i < a->count; i++) {
        event_free(a->listeners[i]->event);
        free(a->listeners[i]);
    }
    free(a->listeners);
    free(a);
}

uint16_t acceptor_port(const struct acceptor *a, size_t index)
{
    return index < a->count ? a->listeners[index]->addr.port : 0;
}
