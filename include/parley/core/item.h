/* SPDX-License-Identifier: MIT */
/*
 * item.h - what a log consists of.
 *
 * Model: a room is a log of entries. An entry is what one node published to one room in one
 * batch: a header and one or more items. An item is one thing that happened (somebody spoke,
 * joined, left): a type letter and a few fields of text.
 *
 *   entry  := "1 " node " " seq " " count " " item*
 *   item   := length " " type field*        length counts the bytes behind its blank
 *   field  := length ":" bytes
 *
 * Lengths are decimal, so that a person can read a log with redis-cli and any byte may stand
 * in a field. A reader ignores fields it does not know and takes missing ones as empty, and
 * skips items of unknown type: nodes of two versions share a log during an upgrade.
 * Nothing here trusts its input.
 */
#ifndef PARLEY_CORE_ITEM_H
#define PARLEY_CORE_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/util/base.h>
#include <parley/util/str.h>
#include <parley/util/strbuf.h>

enum {
    ITEM_FIELDS_MAX = 16,
    ITEM_BYTES_MAX = 16 * 1024, /* of one item */
    ENTRY_ITEMS_MAX = 128,
    ENTRY_BYTES_MAX = 64 * 1024,
    NODE_ID_MAX = 24, /* bytes of a node's id, [a-z0-9] */
};

/*
 * Types and their fields, in order. "id" is a member id: <node>/<number>. "who" is
 * nick!user@host. "version" counts the changes of a person (nick, away): of two the higher is
 * the newer, whatever logs they came by. "modes" are those of a person. "stay" tells
 * memberships of one person in a room apart. Items with an id of their node's own carry it
 * whole, so that an item can be read alone.
 */
enum item_type {
    ITEM_MESSAGE = 'M',   /* id who account text tags status: of IRC, both mostly empty */
    ITEM_ACTION = 'A',    /* the same */
    ITEM_NOTICE = 'O',    /* the same */
    ITEM_TAGMSG = 'G',    /* the same, without text */
    ITEM_JOIN = 'J',      /* id nick user host account realname away modes version stay */
    ITEM_LEAVE = 'L',     /* id who reason */
    ITEM_QUIT = 'Q',      /* id who reason */
    ITEM_NODE_GONE = 'X', /* node: all its members left */
    ITEM_NICK = 'N',      /* id version who newnick */
    ITEM_TOPIC = 'T',     /* id who topic */
    ITEM_KICK = 'K',      /* id byid who reason nick: the member id is thrown out */
    ITEM_MODE = 'D',   /* id who changes since: lines, see hub/modes.h; without id and who
                             the room's own doing as it begins, at that time */
    ITEM_STATE = 'S',  /* (none): what a lost room's state was goes into the books */
    ITEM_PERSON = 'P', /* id version nick user host account realname away modes */
    ITEM_RESTORE =
        'R', /* id nick user host account realname away modes version oldid stay
                            flags: a member that its node registers again */
    ITEM_DIRECT =
        'U', /* id who account text toid kind(M|A|O|G) tonick tags modes: in a node's
                        inbox */
    ITEM_INVITE =
        'I',         /* id who account toid room tonick: in a node's inbox; and in the log
                            of the room, for its operators */
    ITEM_KILL = 'Z', /* id who toid reason tonick: in a node's inbox */
    ITEM_WALLOPS = 'W', /* id who text: in the inbox of all nodes */
    ITEM_BOUNCE = 'B',  /* toid nick: the person of that direct message is gone */
    ITEM_LOST = 'F',    /* lines: so many are gone for good; 0: nobody can tell */
};

struct item {
    char type;
    size_t field_count;
    struct str_view fields[ITEM_FIELDS_MAX]; /* borrowed from what was decoded */
};

/* Field `index`, or the empty view. */
struct str_view item_field(const struct item *it, size_t index);
/* Append the item to `out` (whose failure sticks). */
void item_encode(struct strbuf *out, char type, const struct str_view *fields,
                 size_t count);

enum item_next {
    ITEM_NEXT_OK,
    ITEM_NEXT_END,
    ITEM_NEXT_BAD, /* malformed: the rest is not to be read */
};
/* Cut one item off `rest`. */
enum item_next item_decode(struct str_view *rest, struct item *ret_item)
    PARLEY_MUST_CHECK;

/* The id that Redis gave an entry: strictly growing within a log. */
struct entry_id {
    uint64_t ms; /* the log's time, milliseconds since 1970 */
    uint64_t seq;
};

int entry_id_compare(struct entry_id a, struct entry_id b);
/* "ms-seq". */
bool entry_id_parse(struct str_view text, struct entry_id *ret_id) PARLEY_MUST_CHECK;
void entry_id_add(struct strbuf *out, struct entry_id id);
enum { ENTRY_PLACE_SIZE = 33 };
/* The id as text that sorts as ids do: 32 hexadecimal digits, terminated. */
void entry_id_place(struct entry_id id, char ret_place[ENTRY_PLACE_SIZE]);

struct entry {
    struct entry_id id;
    struct str_view node; /* who wrote it; "-" for a reaper */
    uint64_t seq;   /* the writer's batch number in the room's partition; 0 for "-" */
    uint64_t count; /* items */
    struct str_view items;
};

/* Is it one of the types of what somebody said? */
bool item_is_line(char type);
/* How many of an entry's items are that, malformed ones left out. */
size_t items_count_lines(struct str_view items);
/* Read the header of an entry; `ret->id` is left alone. */
bool entry_decode(struct str_view text, struct entry *ret) PARLEY_MUST_CHECK;
enum { ENTRY_HEADER_MAX = 2 + NODE_ID_MAX + 1 + 2 * (20 + 1) };
/* Write a header of at most ENTRY_HEADER_MAX bytes; returns how many. */
size_t entry_write_header(char *to, struct str_view node, uint64_t seq, uint64_t count);
void entry_encode_header(struct strbuf *out, struct str_view node, uint64_t seq,
                         uint64_t count);

#endif
