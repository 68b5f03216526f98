/* SPDX-License-Identifier: MIT */
#include "hub/publish.h"

#include <parley/core/backplane.h>
#include <parley/util/clock.h>

#include "hub/draft.h"
#include "hub/modes_publish.h"

bool publish_line(const struct member *m, const struct hub_speech *speech)
{
    struct hub_user *u = m->person->user;
    enum token_kind kind = speech->kind == ITEM_TAGMSG ? TOKEN_TAGS : TOKEN_SAY;
    struct draft d = draft_new(u->hub, speech->kind, line_token(m, kind));
    struct member_id_text id;
    struct who_text who;

    draft_add_field(&d, draft_own_id(u, &id));
    draft_add_field(&d, person_who(&u->person, &who));
    draft_add_field(&d, person_account(&u->person));
    draft_add_field(&d, speech->text);
    if (speech->tags.len > 0 || speech->status != '\0') {
        draft_add_field(&d, speech->tags);
        draft_add_field(&d, sv(&speech->status, speech->status != '\0' ? 1 : 0));
    }
    return draft_publish(&d, m->room);
}

/* The texts of a number and an id that an item shows. */
struct introduction {
    struct number_text version;
    struct number_text stay;
    struct member_id_text id;
};

/* id nick user host account realname away modes version: of a join, of one made again. */
static void add_introduction(struct draft *d, const struct hub_user *u,
                             struct introduction *texts, uint32_t stay)
{
    struct record rec = user_record(u);
    struct str_view id = draft_own_id(u, &texts->id);

    draft_add_field(d, id);
    draft_add_texts(d, &rec);
    draft_add_field(d, number_format(rec.version, &texts->version));
    draft_add_member_set(d, id, &rec, stay);
}

bool publish_join(const struct request *r)
{
    struct draft d = draft_new(r->user->hub, ITEM_JOIN, request_token(r));
    struct introduction texts;

    d.want_stored = true;
    add_introduction(&d, r->user, &texts, r->serial);
    draft_add_field(&d, number_format(r->serial, &texts.stay));
    draft_add_update(&d, BOOK_STATE_INIT, SV("name"), request_name(r));
    return draft_publish(&d, r->room);
}

/* The member whose id is the first field is one no more; NULL: it never was one here. */
static bool publish_end(struct draft *d, struct room *r, const struct member *m)
{
    struct arena texts;

    arena_init(&texts);
    draft_add_update(d, BOOK_MEMBER_DEL, d->fields[0], SV(""));
    if (m != NULL && m->flags != 0) {
        modes_add_member_books(d, &texts, m, d->fields[0], 0);
    }
    bool is_taken = draft_publish(d, r);
    arena_done(&texts);
    return is_taken;
}

bool publish_leave(const struct member *m, const struct request *r)
{
    struct hub_user *u = m->person->user;
    struct draft d = draft_new(u->hub, ITEM_LEAVE, request_token(r));
    struct member_id_text id;
    struct who_text who;

    d.want_stored = true;
    draft_add_field(&d, user_id(u, m->generation, &id));
    draft_add_field(&d, person_who(&u->person, &who));
    draft_add_field(&d, request_text(r));
    return publish_end(&d, m->room, m);
}

bool publish_quit(const struct member *m, struct str_view reason, struct token token)
{
    struct hub_user *u = m->person->user;
    struct draft d = draft_new(u->hub, ITEM_QUIT, token);
    struct member_id_text id;
    struct who_text who;

    draft_add_field(&d, user_id(u, m->generation, &id));
    draft_add_field(&d, person_who(&u->person, &who));
    draft_add_field(&d, reason);
    return publish_end(&d, m->room, m);
}

bool publish_kick(const struct member *m, const struct request *r)
{
    struct hub_user *u = r->user;
    struct draft d = draft_new(u->hub, ITEM_KICK, request_token(r));
    struct member_id_text id;
    struct member_id_text by;
    struct who_text who;

    d.want_stored = true;
    draft_add_field(&d, member_id_of(m, &id));
    draft_add_field(&d, draft_own_id(u, &by));
    draft_add_field(&d, person_who(&u->person, &who));
    draft_add_field(&d, request_text(r));
    draft_add_field(&d, person_nick(m->person));
    return publish_end(&d, m->room, m);
}

bool publish_ghost(struct room *r, char type, struct str_view id, struct str_view who)
{
    struct draft d = draft_new(r->owner.hub, type, (struct token){0, TOKEN_NONE, 0});

    draft_add_field(&d, id);
    draft_add_field(&d, who);
    draft_add_field(&d, SV(""));
    return publish_end(&d, r, NULL);
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
    draft_add_field(&d, draft_own_id(u, &id));
    draft_add_field(&d, person_who(&u->person, &who));
    draft_add_field(&d, topic);
    if (topic.len > 0) {
        by = format_topic_by(u->hub, d.fields[1], clock_wall_ms());
    }
    draft_add_update(&d, op, SV("topic"), topic);
    draft_add_update(&d, op, SV("topic_by"), by);
    return draft_publish(&d, r->room);
}

bool publish_change(const struct member *m, char type, const struct record *rec)
{
    struct hub_user *u = m->person->user;
    struct token token = {u->number, TOKEN_CHANGE, m->room->number};
    struct draft d = draft_new(u->hub, type, token);
    struct number_text version;
    struct member_id_text id;
    struct who_text who;

    draft_add_field(&d, draft_own_id(u, &id));
    draft_add_field(&d, number_format(rec->version, &version));
    if (type == ITEM_NICK) {
        draft_add_field(&d, person_who(&u->person, &who));
        draft_add_field(&d, rec->texts[PERSON_NICK]);
    } else {
        draft_add_texts(&d, rec);
    }
    draft_add_member_set(&d, d.fields[0], rec, m->stay);
    return draft_publish(&d, m->room);
}

/* What we know of a room whose books were lost; whoever comes first sets it. */
static void add_lost_state(struct draft *d, struct arena *texts,
                           struct number_text *since, const struct room *r)
{
    draft_add_update(d, BOOK_STATE_INIT, SV("name"),
                     modes_index_name(texts, r, (r->mode_flags & ROOM_SECRET) != 0));
    if (r->since_ms > 0) {
        draft_add_update(d, BOOK_STATE_INIT, SV("since"),
                         number_format(r->since_ms, since));
    }
    if (r->topic != NULL) {
        draft_add_update(d, BOOK_STATE_INIT, SV("topic"), room_topic(r));
        draft_add_update(d, BOOK_STATE_INIT, SV("topic_by"),
                         format_topic_by(d->hub, room_topic_by(r), r->topic_ms));
    }
}

bool publish_restore(const struct member *m)
{
    struct hub_user *u = m->person->user;
    struct token token = {u->number, TOKEN_REPAIR, m->room->number};
    struct draft d = draft_new(u->hub, ITEM_RESTORE, token);
    struct introduction texts;
    struct number_text since;
    struct member_id_text old_id;
    struct str_view old = user_id(u, m->generation, &old_id);
    struct arena arena;

    arena_init(&arena);
    add_introduction(&d, u, &texts, m->stay);
    draft_add_field(&d, old);
    draft_add_field(&d, number_format(m->stay, &texts.stay));
    draft_add_field(&d, modes_member_letters(m->flags));
    modes_add_member_books(&d, &arena, m, d.fields[0], m->flags);
    if (old.len > 0 && !sv_equal(old, d.fields[0])) {
        draft_add_update(&d, BOOK_MEMBER_DEL, old, SV(""));
        modes_add_member_books(&d, &arena, m, old, 0);
    }
    if (m->room->is_lost) {
        add_lost_state(&d, &arena, &since, m->room);
    }
    bool is_taken = draft_publish(&d, m->room);
    arena_done(&arena);
    return is_taken;
}

bool publish_direct(const struct request *r, struct str_view to_id,
                    struct str_view to_nick)
{
    struct hub_user *u = r->user;
    struct draft d = draft_new(u->hub, ITEM_DIRECT, request_token(r));
    struct member_id_text id;
    struct who_text who;

    d.want_stored = true;
    draft_add_field(&d, draft_own_id(u, &id));
    draft_add_field(&d, person_who(&u->person, &who));
    draft_add_field(&d, person_account(&u->person));
    draft_add_field(&d, request_text(r));
    draft_add_field(&d, to_id);
    draft_add_field(&d, sv(&r->item_kind, 1));
    draft_add_field(&d, to_nick);
    if (r->tags_len > 0 || person_modes(&u->person).len > 0) {
        draft_add_field(&d, request_tags(r));
        draft_add_field(&d, person_modes(&u->person));
    }
    return draft_publish_to_node(&d, to_id);
}

/* id who account toid room tonick */
static void add_invitation(struct draft *d, const struct request *r,
                           struct str_view to_id, struct member_id_text *id,
                           struct who_text *who)
{
    draft_add_field(d, draft_own_id(r->user, id));
    draft_add_field(d, person_who(&r->user->person, who));
    draft_add_field(d, person_account(&r->user->person));
    draft_add_field(d, to_id);
    draft_add_field(d, request_text(r));
    draft_add_field(d, request_name(r));
}

bool publish_invite(const struct request *r, struct str_view to_id)
{
    struct hub *hub = r->user->hub;
    struct room *room = hub_room_find(hub, request_text(r));
    struct draft letter = draft_new(hub, ITEM_INVITE, request_token(r));
    struct draft notice = draft_new(hub, ITEM_INVITE, (struct token){0, TOKEN_NONE, 0});
    struct member_id_text id;
    struct who_text who;
    bool is_told = false;

    letter.want_stored = true;
    add_invitation(&letter, r, to_id, &id, &who);
    if (!draft_publish_to_node(&letter, to_id)) {
        return false;
    }
    if (room != NULL && hub_user_is_in(r->user, room)) {
        add_invitation(&notice, r, to_id, &id, &who);
        is_told = draft_publish(&notice, room);
    }
    (void)is_told;
    return true;
}

bool publish_kill(const struct request *r, struct str_view to_id)
{
    struct hub_user *u = r->user;
    struct draft d = draft_new(u->hub, ITEM_KILL, request_token(r));
    struct member_id_text id;
    struct who_text who;

    d.want_stored = true;
    draft_add_field(&d, draft_own_id(u, &id));
    draft_add_field(&d, person_who(&u->person, &who));
    draft_add_field(&d, to_id);
    draft_add_field(&d, request_text(r));
    draft_add_field(&d, request_name(r));
    return draft_publish_to_node(&d, to_id);
}

bool publish_wallops(const struct hub_user *u, struct str_view text)
{
    struct draft d = draft_new(u->hub, ITEM_WALLOPS, (struct token){0, TOKEN_NONE, 0});
    struct member_id_text id;
    struct who_text who;

    draft_add_field(&d, draft_own_id(u, &id));
    draft_add_field(&d, person_who(&u->person, &who));
    draft_add_field(&d, text);
    return draft_publish_to_all(&d);
}

bool publish_bounce(struct hub *hub, struct str_view to_id, struct str_view nick)
{
    struct draft d = draft_new(hub, ITEM_BOUNCE, (struct token){0, TOKEN_NONE, 0});

    draft_add_field(&d, to_id);
    draft_add_field(&d, nick);
    return draft_publish_to_node(&d, to_id);
}
