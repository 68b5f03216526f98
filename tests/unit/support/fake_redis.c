/* SPDX-License-Identifier: MIT */
#include "fake_redis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <hiredis/hiredis.h>
#include <openssl/ssl.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>

struct fake_client {
    struct list link;
    struct fake_redis *server;
    struct bufferevent *bev;
    redisReader *reader;
    struct evbuffer *slow; /* answers that leave byte by byte */
    struct event *drip;
    bool cut;
};

static void free_client(struct fake_client *c)
{
    list_remove(&c->link);
    redisReaderFree(c->reader);
    evbuffer_free(c->slow);
    event_free(c->drip);
    bufferevent_free(c->bev);
    free(c);
}

static void say(struct fake_client *c, const char *bytes, size_t len)
{
    static const struct timeval now = {0, 0};

    if (c->server->byte_by_byte) {
        (void)evbuffer_add(c->slow, bytes, len);
        (void)event_add(c->drip, &now);
    } else {
        (void)bufferevent_write(c->bev, bytes, len);
    }
}

/* The next byte goes when the one before has left. */
static void on_drip(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval now = {0, 0};
    struct fake_client *c = arg;
    char byte;

    (void)fd;
    (void)what;
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0 &&
        evbuffer_remove(c->slow, &byte, 1) == 1) {
        (void)bufferevent_write(c->bev, &byte, 1);
    }
    if (evbuffer_get_length(c->slow) > 0) {
        (void)event_add(c->drip, &now);
    }
}

static void say_text(struct fake_client *c, const char *text)
{
    say(c, text, strlen(text));
}

/* ---- answers ---- */

static void answer_raw(struct fake_client *c, const redisReply *command)
{
    say(c, command->element[1]->str, (size_t)command->element[1]->len);
}

static void answer_cut(struct fake_client *c, const redisReply *command)
{
    (void)command;
    c->cut = true;
}

static void answer_nothing(struct fake_client *c, const redisReply *command)
{
    (void)c;
    (void)command;
}

static void answer_subscribe(struct fake_client *c, const redisReply *command)
{
    for (size_t i = 1; i < (size_t)command->elements; i++) {
        char text[200];

        (void)snprintf(text, sizeof text,
                       "*3\r\n$10\r\nssubscribe\r\n$%zu\r\n%s\r\n:%zu\r\n",
                       strlen(command->element[i]->str), command->element[i]->str, i);
        say_text(c, text);
    }
}

/* As in subscriber mode. */
static void answer_ping(struct fake_client *c, const redisReply *command)
{
    (void)command;
    say_text(c, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
}

static void say_or(struct fake_client *c, const char *text, const char *usual)
{
    say_text(c, text != NULL ? text : usual);
}

static void answer_auth(struct fake_client *c, const redisReply *command)
{
    (void)command;
    say_or(c, c->server->auth, "+OK\r\n");
}

static void answer_client(struct fake_client *c, const redisReply *command)
{
    (void)command;
    say_text(c, "+OK\r\n");
}

static void answer_info(struct fake_client *c, const redisReply *command)
{
    const char *text = c->server->info;
    char head[32];

    (void)command;
    text = text != NULL ? text : "# Server\r\nredis_version:7.0.15\r\nos:Linux\r\n";
    (void)snprintf(head, sizeof head, "$%zu\r\n", strlen(text));
    say_text(c, head);
    say_text(c, text);
    say_text(c, "\r\n");
}

static void answer_role(struct fake_client *c, const redisReply *command)
{
    (void)command;
    say_or(c, c->server->role, "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
}

static void answer_function(struct fake_client *c, const redisReply *command)
{
    if (strcmp(command->element[1]->str, "LIST") == 0) {
        say_or(c, c->server->library, "*0\r\n");
    } else {
        say_or(c, c->server->load, "$3\r\nlib\r\n");
    }
}

static void answer_cluster(struct fake_client *c, const redisReply *command)
{
    (void)command;
    say_or(c, c->server->slots, "-ERR This instance has cluster support disabled\r\n");
}

static void answer_asking(struct fake_client *c, const redisReply *command)
{
    (void)command;
    say_text(c, "+OK\r\n");
}

static void answer_fcall(struct fake_client *c, const redisReply *command)
{
    (void)command;
    if (c->server->fcall != NULL) {
        say_text(c, c->server->fcall);
    }
}

static const struct {
    const char *word;
    bool heard; /* noted */
    void (*answer)(struct fake_client *c, const redisReply *command);
} answers[] = {
    {"AUTH", true, answer_auth},
    {"CLIENT", true, answer_client},
    {"INFO", true, answer_info},
    {"ROLE", true, answer_role},
    {"CLUSTER", true, answer_cluster},
    {"ASKING", true, answer_asking},
    {"FCALL", true, answer_fcall},
    {"FUNCTION", true, answer_function},
    {"RAW", false, answer_raw},
    {"MUTE", false, answer_nothing},
    {"CUT", false, answer_cut},
    {"PING", false, answer_ping},
    {"SSUBSCRIBE", false, answer_subscribe},
};

static void note_command(struct fake_redis *f, const redisReply *command)
{
    for (size_t i = 0; i < (size_t)command->elements; i++) {
        strbuf_add_char(&f->heard, i == 0 ? '|' : ' ');
        strbuf_add(&f->heard, sv_of(command->element[i]->str));
    }
}

static void take_command(struct fake_client *c, const redisReply *command)
{
    if (c->server->silent) {
        return;
    }
    for (size_t i = 0; i < PARLEY_COUNT_OF(answers); i++) {
        if (strcmp(command->element[0]->str, answers[i].word) == 0) {
            if (answers[i].heard) {
                note_command(c->server, command);
            }
            answers[i].answer(c, command);
            return;
        }
    }
    say_text(c, "-ERR unknown command\r\n");
}

/* ---- connections ---- */

static void on_readable(struct bufferevent *bev, void *arg)
{
    struct fake_client *c = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    size_t len = evbuffer_get_length(in);
    void *command = NULL;

    (void)redisReaderFeed(c->reader, (const char *)evbuffer_pullup(in, -1), len);
    (void)evbuffer_drain(in, len);
    while (!c->cut && redisReaderGetReply(c->reader, &command) == REDIS_OK &&
           command != NULL) {
        take_command(c, command);
        freeReplyObject(command);
    }
    if (c->cut) {
        free_client(c);
    }
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
        free_client(arg);
    }
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *address, int len, void *arg)
{
    struct fake_redis *f = arg;
    struct fake_client *c = xcalloc(1, sizeof *c);
    int on = 1;

    (void)listener;
    (void)address;
    (void)len;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    f->connections++;
    c->server = f;
    list_init(&c->link);
    list_append(&f->clients, &c->link);
    c->reader = redisReaderCreate();
    c->slow = evbuffer_new();
    c->drip = evtimer_new(f->base, on_drip, c);
    c->bev = f->tls == NULL ? bufferevent_socket_new(f->base, fd, BEV_OPT_CLOSE_ON_FREE)
                            : bufferevent_openssl_socket_new(f->base, fd, SSL_new(f->tls),
                                                             BUFFEREVENT_SSL_ACCEPTING,
                                                             BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(c->bev, on_readable, NULL, on_event, c);
    (void)bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

void fake_redis_start(struct fake_redis *f, struct event_base *base, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    void *any = &address;

    *f = (struct fake_redis){.base = base};
    list_init(&f->clients);
    strbuf_init(&f->heard, 1 << 20);
    f->listener = evconnlistener_new_bind(base, on_accept, f,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1,
                                          any, sizeof address);
    PARLEY_ASSERT(f->listener != NULL);
    PARLEY_ASSERT(getsockname(evconnlistener_get_fd(f->listener), any, &len) == 0);
    f->port = ntohs(address.sin_port);
}

void fake_redis_stop_listening(struct fake_redis *f)
{
    if (f->listener != NULL) {
        evconnlistener_free(f->listener);
        f->listener = NULL;
    }
}

void fake_redis_cut(struct fake_redis *f)
{
    LIST_FOR_EACH(&f->clients, it) {
        free_client(LIST_ENTRY(it, struct fake_client, link));
    }
}

void fake_redis_stop(struct fake_redis *f)
{
    fake_redis_stop_listening(f);
    fake_redis_cut(f);
    strbuf_done(&f->heard);
}

void fake_redis_say(struct fake_redis *f, const char *bytes, size_t len)
{
    LIST_FOR_EACH(&f->clients, it) {
        say(LIST_ENTRY(it, struct fake_client, link), bytes, len);
    }
}
