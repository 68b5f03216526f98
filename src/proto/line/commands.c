/* SPDX-License-Identifier: MIT */
/* The table of commands; /help and the usage errors come from the same rows. */
#include "proto/line/commands.h"

#include <parley/core/item.h>

#include "proto/text.h"

static enum line_result command_help(struct line *l, const struct args *args);

/* ---- what several have in common ---- */

bool command_is_room(struct str_view word)
{
    return word.len > 0 && word.ptr[0] == '#';
}

const struct room *command_own_room(struct line *l, struct str_view name)
{
    const struct room *room = hub_room_find(l->app->hub, name);

    return room != NULL && hub_user_is_in(l->user, room) ? room : NULL;
}

static void refuse_not_operator(struct line *l, struct str_view room)
{
    struct strbuf *out = line_begin_refusal(l);

    strbuf_add(out, SV("You are not an operator of "));
    text_add_excerpt(out, room);
    strbuf_add_char(out, '.');
    line_send(l);
}

enum line_result command_answer(struct line *l, enum hub_result result, char kind,
                                struct str_view what)
{
    switch (result) {
    case HUB_OK:
        line_start_serial(l);
        break;
    case HUB_TOO_MANY:
        return LINE_WAIT;
    case HUB_NOT_MEMBER:
        line_refuse_not_in(l, what);
        break;
    case HUB_TOO_LONG:
        line_refuse_too_long(l, kind == ITEM_DIRECT ? (size_t)HUB_TEXT_BYTES_MAX
                                                    : (size_t)SHORT_TEXT_BYTES_MAX);
        break;
    case HUB_UNAVAILABLE:
        line_tell_unavailable(l, kind, what);
        break;
    case HUB_NOT_OPERATOR:
        refuse_not_operator(l, what);
        break;
    case HUB_BAD_NAME:
    case HUB_ALREADY:
    case HUB_EMPTY:
    case HUB_BANNED:
    case HUB_MODERATED:
    case HUB_NO_CTCP:
    case HUB_INVITE_ONLY:
    case HUB_BAD_KEY:
    case HUB_FULL:
    case HUB_NO_SUCH_MEMBER:
    case HUB_NO_SUCH_MODE:
    case HUB_BAD_PARAMETER:
    case HUB_LIST_FULL:
        break;
    }
    return LINE_DONE;
}

const struct room *command_room(struct line *l, struct str_view name)
{
    const struct room *room = name.len > 0 ? command_own_room(l, name) : line_room(l);

    if (room == NULL && name.len > 0) {
        line_refuse_not_in(l, name);
    } else if (room == NULL) {
        line_refuse_no_room(l);
    }
    return room;
}

/* ---- the session ---- */

static enum line_result command_ping(struct line *l, const struct args *args)
{
    struct strbuf *out = line_begin(l);

    strbuf_add(out, SV("* pong"));
    if (args->count > 0) {
        strbuf_add_char(out, ' ');
        strbuf_add(out, args->at[0]);
    }
    line_send(l);
    return LINE_DONE;
}

static enum line_result command_quit(struct line *l, const struct args *args)
{
    struct strbuf reason;

    strbuf_init(&reason, SHORT_TEXT_BYTES_MAX);
    strbuf_add(&reason, args->at[0]);
    session_close(l->session, CLOSE_QUIT, strbuf_cstr(&reason));
    strbuf_done(&reason);
    return LINE_DONE;
}

/* ---- the table ---- */

enum {
    SERIAL = 1,   /* waits for all before it */
    URGENT = 2,   /* but does not wait while the backplane is away */
    NAMELESS = 4, /* works without a name */
};

struct command {
    const char *name;
    const char *parameters; /* as /help shows them */
    const char *help;
    enum line_result (*run)(struct line *l, const struct args *args);
    struct args_shape shape;
    unsigned flags;
    size_t text_max_bytes; /* of the last argument; 0: the hub's limit */
};

/* Two lines a row. */
/* clang-format off */
static const struct command commands[] = {
    {"nick", "name", "take another name",
     command_nick, {1, 1, false}, SERIAL | NAMELESS, 0},
    {"join", "#room", "join a room and make it the current one",
     command_join, {1, 1, false}, SERIAL, 0},
    {"leave", "[#room] [reason]", "leave a room, without its name the current one",
     command_leave, {0, 1, true}, SERIAL, 0},
    {"room", "[#room]", "make a room you are in the current one; alone: list your rooms",
     command_room_switch, {0, 1, false}, 0, 0},
    {"rooms", "", "list the rooms of all nodes",
     command_rooms, {0, 0, false}, SERIAL, 0},
    {"msg", "nick text", "say something to one person",
     command_msg, {2, 2, true}, SERIAL, 0},
    {"me", "text", "say what you do",
     command_me, {1, 1, true}, 0, 0},
    {"who", "[#room|nick]", "who is in a room, or who somebody is",
     command_who, {0, 1, false}, SERIAL, 0},
    {"topic", "[text]", "show or set the current room's topic; - removes it",
     command_topic, {0, 1, true}, SERIAL, SHORT_TEXT_BYTES_MAX},
    {"history", "[count]", "the last messages of the current room (20; at most 100)",
     command_history, {0, 1, false}, SERIAL, 0},
    {"away", "[text]", "say that you are away; alone: you are back",
     command_away, {0, 1, true}, SERIAL, SHORT_TEXT_BYTES_MAX},
    {"ping", "[token]", "answered when everything before it has taken effect",
     command_ping, {0, 1, true}, SERIAL | URGENT | NAMELESS, SHORT_TEXT_BYTES_MAX},
    {"help", "", "list the commands",
     command_help, {0, 0, false}, NAMELESS, 0},
    {"quit", "[reason]", "say goodbye",
     command_quit, {0, 1, true}, SERIAL | NAMELESS, SHORT_TEXT_BYTES_MAX},
};
/* clang-format on */

/* "/msg nick text" */
static void add_usage(struct strbuf *out, const struct command *c)
{
    strbuf_add_fmt(out, "/%s%s%s", c->name, c->parameters[0] != '\0' ? " " : "",
                   c->parameters);
}

static enum line_result command_help(struct line *l, const struct args *args)
{
    (void)args;
    for (size_t i = 0; i < PARLEY_COUNT_OF(commands) && line_is_open(l); i++) {
        struct strbuf *out = line_begin(l);
        strbuf_add(out, SV("* "));
        add_usage(out, &commands[i]);
        strbuf_add_fmt(out, " - %s", commands[i].help);
        line_send(l);
    }
    strbuf_add(line_begin(l),
               SV("* Any other line is said in your current room. Begin it "
                  "with // to say a slash."));
    line_send(l);
    return LINE_DONE;
}

static const struct command *find_command(struct str_view name)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(commands); i++) {
        if (sv_equal_nocase(name, sv_of(commands[i].name))) {
            return &commands[i];
        }
    }
    return NULL;
}

static void refuse_usage(struct line *l, const struct command *c)
{
    struct strbuf *out = line_begin_refusal(l);

    strbuf_add(out, SV("Usage: "));
    add_usage(out, c);
    line_send(l);
}

void command_refuse_usage(struct line *l, const char *name)
{
    refuse_usage(l, find_command(sv_of(name)));
}

static void refuse_unknown(struct line *l, struct str_view name)
{
    struct strbuf *out = line_begin_refusal(l);

    strbuf_add(out, SV("There is no command /"));
    text_add_excerpt(out, name);
    strbuf_add(out, SV(". Type /help."));
    line_send(l);
}

static bool must_wait(const struct line *l, const struct command *c)
{
    if ((c->flags & URGENT) != 0 && !hub_is_available(l->app->hub)) {
        return false;
    }
    if (l->serial) {
        return true;
    }
    return (c->flags & SERIAL) != 0 && !hub_user_is_settled(l->user);
}

/* Is the last argument as short as its command wants it? */
static bool fits(const struct command *c, const struct args *args)
{
    return c->text_max_bytes == 0 || args->count == 0 ||
           args->at[args->count - 1].len <= c->text_max_bytes;
}

enum line_result line_run_command(struct line *l, const struct input *in)
{
    const struct command *c = find_command(in->command);
    struct args args = {0};

    if (c != NULL ? must_wait(l, c) : l->serial) {
        return LINE_WAIT;
    }
    if (c == NULL) {
        refuse_unknown(l, in->command);
    } else if (l->state != LINE_PRESENT && (c->flags & NAMELESS) == 0) {
        line_refuse(l, SV("You have no name yet. Type your name and press Enter."));
    } else if (!parse_args(in->text, &c->shape, &args)) {
        refuse_usage(l, c);
    } else if (!fits(c, &args)) {
        line_refuse_too_long(l, c->text_max_bytes);
    } else {
        return c->run(l, &args);
    }
    return LINE_DONE;
}

bool line_is_urgent(const struct input *in)
{
    const struct command *c = in->kind == INPUT_COMMAND ? find_command(in->command)
                                                        : NULL;

    return c != NULL && (c->flags & URGENT) != 0;
}
