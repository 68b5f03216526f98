/* SPDX-License-Identifier: MIT */
#include "hub/publish.h"

#include <string.h>

#include <parley/core/backplane.h>
#include <parley/util/clock.h>

enum { UPDATES_MAX = 5 };

/* An item to be written and its updates, as they are put together. */
struct draft {
    struct hub *hub;
    char type;
    bool want_stored;
    size_t field_count;
    size_t update_count;
    struct token token;
    struct str_view fields[ITEM_FIELDS_MAX];
    struct book_update updates[UPDATES_MAX];
};

static struct draft draft_new(struct hub *hub, char type, struct token token)
{
    return (struct draft){.hub = hub, .type = type, .token = token};
}

static void add_field(struct draft *d, struct str_view field)
{
    PARLEY_ASSERT(d->field_count < ITEM_FIELDS_MAX);
    d->fields[d->field_count++] = field;
}

static void add_update(struct draft *d, enum book_op op, struct str_view field,
                       struct str_view value)
{
    PARLEY_ASSERT(d->update_count < UPDATES_MAX);
    d->updates[d->update_count++] = (struct book_update){op, field, value};
}

/* The fields of a record, without its version. */
static void add_texts(struct draft *d, const struct record *rec)
{
    for (size_t i = 0; i < PERSON_RECORD_TEXTS; i++) {
        add_field(d, rec->texts[i]);
    }
}

/* What a snapshot is to tell of this member; uses hub->record. */
static void add_member_set(struct draft *d, struct str_view id, const struct record *rec)
{
    strbuf_clear(&d->hub->record);
    record_encode(&d->hub->record, rec);
    add_update(d, BOOK_MEMBER_SET, id, strbuf_view(&d->hub->record));
}

static struct publication finish(struct draft *d)
{
    strbuf_clear(&d->hub->item);
    item_encode(&d->hub->item, d->type, d->fields, d->field_count);
    /* All texts are bounded, so that an item never is too long. */
    PARLEY_ASSERT(!d->hub->item.failed);
    return (struct publication){
        .item = strbuf_view(&d->hub->item),
        .updates = d->updates,
        .update_count = d->update_count,
        .token = d->token,
        .want_stored = d->want_stored,
    };
}

static bool publish(struct room *r, struct draft *d)
{
    struct publication p = finish(d);

    return backplane_ops(d->hub->bp)->publish(d->hub->bp, r->owner.log, &p);
}

static struct str_view own_id(const struct hub_user *u, struct member_id_text *ret)
{
    return user_id(u, u->hub->generation, ret);
}

bool publish_line(const struct member *m, char kind, struct str_view text)
{
    struct hub_user *u = m->person->user;
    struct token token = {u->number, TOKEN_SAY, m->room->number};
    struct draft d = draft_new(u->hub, kind, token);
    struct member_id_text id;
    struct who_text who;

    add_field(&d, own_id(u, &id));
    add_field(&d, person_who(&u->person, &who));
    add_field(&d, person_account(&u->person));
    add_field(&d, text);
    return publish(m->room, &d);
}

/* id nick user host account realname away flags version: of a join, of one made again. */
static void add_introduction(struct draft *d, struct str_view id,
                             const struct record *rec, struct number_text *version)
{
    add_field(d, id);
    add_texts(d, rec);
    add_field(d, SV(""));
    add_field(d, number_format(rec->version, version));
    add_member_set(d, id, rec);
}

bool publish_join(const struct request *r)
{
    struct hub_user *u = r->user;
    struct draft d = draft_new(u->hub, ITEM_JOIN, request_token(r));
    struct record rec = user_record(u);
    struct number_text version;
    struct member_id_text id;

    d.want_stored = true;
    add_introduction(&d, own_id(u, &id), &rec, &version);
    add_update(&d, BOOK_STATE_INIT, SV("name"), request_name(r));
    return publish(r->room, &d);
}

bool publish_leave(const struct member *m, const struct request *r)
{
    struct hub_user *u = m->person->user;
    struct draft d = draft_new(u->hub, ITEM_LEAVE, request_token(r));
    struct member_id_text id;
    struct who_text who;

    d.want_stored = true;
    add_field(&d, user_id(u, m->generation, &id));
    add_field(&d, person_who(&u->person, &who));
    add_field(&d, request_text(r));
    add_update(&d, BOOK_MEMBER_DEL, d.fields[0], SV(""));
    return publish(m->room, &d);
}

bool publish_quit(struct room *r, struct str_view id, struct str_view who,
                  struct str_view reason, struct token token)
{
    struct draft d = draft_new(r->owner.hub, ITEM_QUIT, token);

    add_field(&d, id);
    add_field(&d, who);
    add_field(&d, reason);
    add_update(&d, BOOK_MEMBER_DEL, id, SV(""));
    return publish(r, &d);
}

/* "who ms" */
static struct str_view format_topic_by(struct hub *hub, struct str_view who, uint64_t ms)
{
    strbuf_clear(&hub->text);
    strbuf_add(&hub->text, who);
    strbuf_add_char(&hub->text, ' ');
    strbuf_add_u64(&hub->text, ms);
    return strbuf_view(&hub->text);
}

bool publish_topic(const struct request *r)
{
    struct hub_user *u = r->user;
    struct draft d = draft_new(u->hub, ITEM_TOPIC, request_token(r));
    struct str_view topic = request_text(r);
    enum book_op op = topic.len > 0 ? BOOK_STATE_SET : BOOK_STATE_DEL;
    struct str_view by = SV("");
    struct member_id_text id;
    struct who_text who;

    d.want_stored = true;
    add_field(&d, own_id(u, &id));
    add_field(&d, person_who(&u->person, &who));
    add_field(&d, topic);
    if (topic.len > 0) {
        by = format_topic_by(u->hub, d.fields[1], clock_wall_ms());
    }
    add_update(&d, op, SV("topic"), topic);
    add_update(&d, op, SV("topic_by"), by);
    return publish(r->room, &d);
}

bool publish_change(const struct member *m, char type, const struct record *rec)
{
    struct hub_user *u = m->person->user;
    struct token token = {u->number, TOKEN_CHANGE, m->room->number};
    struct draft d = draft_new(u->hub, type, token);
    struct number_text version;
    struct member_id_text id;
    struct who_text who;

    add_field(&d, own_id(u, &id));
    add_field(&d, number_format(rec->version, &version));
    if (type == ITEM_NICK) {
        add_field(&d, person_who(&u->person, &who));
        add_field(&d, rec->texts[PERSON_NICK]);
    } else {
        add_texts(&d, rec);
    }
    add_member_set(&d, d.fields[0], rec);
    return publish(m->room, &d);
}

/* What we know of a room whose books were lost; whoever comes first sets it. */
static void add_lost_state(struct draft *d, const struct room *r)
{
    add_update(d, BOOK_STATE_INIT, SV("name"), room_name(r));
    if (r->topic != NULL) {
        add_update(d, BOOK_STATE_INIT, SV("topic"), room_topic(r));
        add_update(d, BOOK_STATE_INIT, SV("topic_by"),
                   format_topic_by(d->hub, room_topic_by(r), r->topic_ms));
    }
}

bool publish_restore(const struct member *m)
{
    struct hub_user *u = m->person->user;
    struct token token = {u->number, TOKEN_REPAIR, m->room->number};
    struct draft d = draft_new(u->hub, ITEM_RESTORE, token);
    struct record rec = user_record(u);
    struct number_text version;
    struct member_id_text id;
    struct member_id_text old_id;
    struct str_view old = user_id(u, m->generation, &old_id);

    add_introduction(&d, own_id(u, &id), &rec, &version);
    add_field(&d, old);
    if (old.len > 0 && !sv_equal(old, d.fields[0])) {
        add_update(&d, BOOK_MEMBER_DEL, old, SV(""));
    }
    if (m->room->is_lost) {
        add_lost_state(&d, m->room);
    }
    return publish(m->room, &d);
}

static bool publish_to_node(struct draft *d, struct str_view to_id)
{
    struct backplane *bp = d->hub->bp;
    struct publication p = finish(d);
    struct strbuf inbox;
    struct member_id to;
    bool taken = false;

    strbuf_init(&inbox, ITEM_BYTES_MAX);
    if (member_id_parse(to_id, &to)) {
        backplane_ops(bp)->inbox_name(bp, to.node, &inbox);
        taken = backplane_ops(bp)->publish_to(bp, strbuf_view(&inbox), &p);
    }
    strbuf_done(&inbox);
    return taken;
}

bool publish_direct(const struct request *r, struct str_view to_id,
                    struct str_view to_nick)
{
    struct hub_user *u = r->user;
    struct draft d = draft_new(u->hub, ITEM_DIRECT, request_token(r));
    struct member_id_text id;
    struct who_text who;

    d.want_stored = true;
    add_field(&d, own_id(u, &id));
    add_field(&d, person_who(&u->person, &who));
    add_field(&d, person_account(&u->person));
    add_field(&d, request_text(r));
    add_field(&d, to_id);
    add_field(&d, sv(&r->item_kind, 1));
    add_field(&d, to_nick);
    return publish_to_node(&d, to_id);
}

bool publish_bounce(struct hub *hub, struct str_view to_id, struct str_view nick)
{
    struct draft d = draft_new(hub, ITEM_BOUNCE, (struct token){0, TOKEN_NONE, 0});

    add_field(&d, to_id);
    add_field(&d, nick);
    return publish_to_node(&d, to_id);
}
