/* SPDX-License-Identifier: MIT */
#include "hub/person_internal.h"

#include <stdlib.h>
#include <string.h>

#include <parley/util/alloc.h>

#include "hub/hub_internal.h"

/* The type letter of a record; of no item in a log. */
#define RECORD_TYPE 'p'

static const uint16_t text_limits[PERSON_RECORD_TEXTS] = {
    [PERSON_NICK] = NICK_BYTES_MAX,         [PERSON_USER] = USER_BYTES_MAX,
    [PERSON_HOST] = HOST_BYTES_MAX,         [PERSON_ACCOUNT] = ACCOUNT_BYTES_MAX,
    [PERSON_REALNAME] = REALNAME_BYTES_MAX, [PERSON_AWAY] = AWAY_BYTES_MAX,
    [PERSON_MODES] = PERSON_MODES_MAX,
};

static size_t live_count;

/* ---- records ---- */

bool person_modes_are_valid(struct str_view modes)
{
    for (size_t i = 0; i < modes.len; i++) {
        char c = ascii_lower(modes.ptr[i]);

        if (c < 'a' || c > 'z') {
            return false;
        }
    }
    return modes.len <= PERSON_MODES_MAX;
}

void record_encode(struct strbuf *out, const struct record *rec)
{
    struct str_view fields[RECORD_FIELDS];
    struct number_text version;

    memcpy(fields, rec->texts, sizeof rec->texts);
    fields[RECORD_VERSION] = number_format(rec->version, &version);
    item_encode(out, RECORD_TYPE, fields, RECORD_FIELDS);
}

void record_encode_member(struct strbuf *out, const struct record *rec, uint32_t stay)
{
    struct str_view fields[RECORD_FIELDS + 1];
    struct number_text version;
    struct number_text number;

    memcpy(fields, rec->texts, sizeof rec->texts);
    fields[RECORD_VERSION] = number_format(rec->version, &version);
    fields[RECORD_FIELDS] = number_format(stay, &number);
    item_encode(out, RECORD_TYPE, fields, RECORD_FIELDS + 1);
}

uint32_t record_stay_of(struct str_view field)
{
    uint64_t stay = 0;

    return sv_to_u64(field, UINT32_MAX, &stay) ? (uint32_t)stay : 0;
}

bool record_from_item(const struct item *it, size_t first, struct record *ret)
{
    struct record rec = {.version = 0};
    struct str_view version = item_field(it, first + RECORD_VERSION);
    uint64_t number = 0;

    for (size_t i = 0; i < PERSON_RECORD_TEXTS; i++) {
        rec.texts[i] = item_field(it, first + i);
        if (rec.texts[i].len > text_limits[i] || !names_allow_text(rec.texts[i])) {
            return false;
        }
    }
    if (!hub_nick_is_valid(rec.texts[PERSON_NICK]) ||
        !person_modes_are_valid(rec.texts[PERSON_MODES])) {
        return false;
    }
    if (version.len > 0 && !sv_to_u64(version, UINT32_MAX, &number)) {
        return false;
    }
    rec.version = number;
    *ret = rec;
    return true;
}

bool record_decode(struct str_view text, struct record *ret)
{
    struct item it;

    return item_decode(&text, &it) == ITEM_NEXT_OK && it.type == RECORD_TYPE &&
           record_from_item(&it, 0, ret);
}

bool record_decode_member(struct str_view text, struct record *ret, uint32_t *ret_stay)
{
    struct item it;

    if (item_decode(&text, &it) != ITEM_NEXT_OK || it.type != RECORD_TYPE ||
        !record_from_item(&it, 0, ret)) {
        return false;
    }
    *ret_stay = record_stay_of(item_field(&it, RECORD_FIELDS));
    return true;
}

bool person_record_decode(struct str_view record, struct hub_event_person *ret)
{
    struct record rec;

    if (!record_decode(record, &rec)) {
        return false;
    }
    *ret = (struct hub_event_person){
        .nick = rec.texts[PERSON_NICK],
        .user = rec.texts[PERSON_USER],
        .host = rec.texts[PERSON_HOST],
        .account = rec.texts[PERSON_ACCOUNT],
        .realname = rec.texts[PERSON_REALNAME],
        .away = rec.texts[PERSON_AWAY],
        .modes = rec.texts[PERSON_MODES],
    };
    return true;
}

static void who_add(struct who_text *who, struct str_view text)
{
    PARLEY_ASSERT(text.len <= sizeof who->bytes - who->len);
    if (text.len > 0) {
        memcpy(who->bytes + who->len, text.ptr, text.len);
    }
    who->len += text.len;
}

static struct str_view make_who(struct str_view nick, struct str_view user,
                                struct str_view host, struct who_text *ret)
{
    ret->len = 0;
    who_add(ret, nick);
    who_add(ret, SV("!"));
    who_add(ret, user);
    who_add(ret, SV("@"));
    who_add(ret, host);
    return sv(ret->bytes, ret->len);
}

struct str_view record_who(const struct record *rec, struct who_text *ret)
{
    return make_who(rec->texts[PERSON_NICK], rec->texts[PERSON_USER],
                    rec->texts[PERSON_HOST], ret);
}

/* ---- persons ---- */

/* Replaces the texts; the views may show the old ones. */
static void set_texts(struct person *p, const struct str_view *texts)
{
    size_t total = 0;
    char *text = NULL;

    for (size_t i = 0; i < PERSON_TEXT_COUNT; i++) {
        total += texts[i].len;
    }
    PARLEY_ASSERT(total <= UINT16_MAX);
    text = xmalloc(total + 1);
    total = 0;
    for (size_t i = 0; i < PERSON_TEXT_COUNT; i++) {
        if (texts[i].len > 0) {
            memcpy(text + total, texts[i].ptr, texts[i].len);
        }
        total += texts[i].len;
        p->ends[i] = (uint16_t)total;
    }
    free(p->text);
    p->text = text;
}

void person_init(struct person *p, struct hub_user *user, struct str_view id)
{
    struct str_view texts[PERSON_TEXT_COUNT] = {[PERSON_ID] = id};

    *p = (struct person){.user = user};
    list_init(&p->memberships);
    set_texts(p, texts);
}

void person_done(struct person *p)
{
    PARLEY_ASSERT(list_is_empty(&p->memberships));
    free(p->text);
    p->text = NULL;
}

struct str_view person_text(const struct person *p, enum person_text which)
{
    size_t from = which == 0 ? 0 : p->ends[which - 1];

    return sv(p->text + from, p->ends[which] - from);
}

struct record person_record(const struct person *p)
{
    struct record rec = {.version = p->version};

    for (size_t i = 0; i < PERSON_RECORD_TEXTS; i++) {
        rec.texts[i] = person_text(p, (enum person_text)i);
    }
    return rec;
}

void person_set_record(struct person *p, const struct record *rec)
{
    struct str_view texts[PERSON_TEXT_COUNT];

    memcpy(texts, rec->texts, sizeof rec->texts);
    texts[PERSON_ID] = person_text(p, PERSON_ID);
    set_texts(p, texts);
    p->version = (uint32_t)rec->version;
}

struct str_view person_who(const struct person *p, struct who_text *ret)
{
    return make_who(person_nick(p), person_user(p), person_host(p), ret);
}

struct person *person_find(const struct hub *hub, struct str_view id)
{
    struct member_id parsed;

    if (!member_id_parse(id, &parsed)) {
        return NULL;
    }
    if (hub_owns_node(hub, parsed.node)) {
        struct hub_user *u = hub_user_find(hub, parsed.number);

        return u == NULL ? NULL : hub_user_own_person(u);
    }
    return map_find(&hub->persons, id);
}

struct person *person_new(struct hub *hub, struct str_view id, const struct record *rec)
{
    struct person *p = xmalloc(sizeof *p);

    person_init(p, NULL, id);
    person_set_record(p, rec);
    live_count++;
    bool added = map_add(&hub->persons, p);
    PARLEY_ASSERT(added);
    return p;
}

static void person_free(void *arg)
{
    struct person *p = arg;

    person_done(p);
    free(p);
    live_count--;
}

void person_release(struct hub *hub, struct person *p)
{
    if (p->user == NULL && list_is_empty(&p->memberships)) {
        const void *removed = map_remove(&hub->persons, person_key(p));

        PARLEY_ASSERT(removed == p);
        loop_bury(hub->loop, p, person_free);
    }
}

bool person_is_of_node(const struct person *p, struct str_view node)
{
    struct str_view id = person_text(p, PERSON_ID);

    return id.len > node.len && id.ptr[node.len] == '/' && sv_starts_with(id, node);
}

struct str_view person_key(const void *object)
{
    return person_text(object, PERSON_ID);
}

size_t person_live_count(void)
{
    return live_count;
}

struct str_view person_nick(const struct person *p)
{
    return person_text(p, PERSON_NICK);
}

struct str_view person_user(const struct person *p)
{
    return person_text(p, PERSON_USER);
}

struct str_view person_host(const struct person *p)
{
    return person_text(p, PERSON_HOST);
}

struct str_view person_account(const struct person *p)
{
    return person_text(p, PERSON_ACCOUNT);
}

struct str_view person_realname(const struct person *p)
{
    return person_text(p, PERSON_REALNAME);
}

struct str_view person_away(const struct person *p)
{
    return person_text(p, PERSON_AWAY);
}

struct str_view person_modes(const struct person *p)
{
    return person_text(p, PERSON_MODES);
}
