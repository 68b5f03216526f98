/* SPDX-License-Identifier: MIT */
#include "hub/draft.h"

struct draft draft_new(struct hub *hub, char type, struct token token)
{
    return (struct draft){.hub = hub, .type = type, .token = token};
}

void draft_add_field(struct draft *d, struct str_view field)
{
    PARLEY_ASSERT(d->field_count < ITEM_FIELDS_MAX);
    d->fields[d->field_count++] = field;
}

void draft_add_update(struct draft *d, enum book_op op, struct str_view field,
                      struct str_view value)
{
    PARLEY_ASSERT(d->update_count < HUB_UPDATES_MAX);
    d->hub->updates[d->update_count++] = (struct book_update){op, field, value};
}

void draft_add_texts(struct draft *d, const struct record *rec)
{
    for (size_t i = 0; i < PERSON_RECORD_TEXTS; i++) {
        draft_add_field(d, rec->texts[i]);
    }
}

void draft_add_member_set(struct draft *d, struct str_view id, const struct record *rec,
                          uint32_t stay)
{
    strbuf_clear(&d->hub->record);
    record_encode_member(&d->hub->record, rec, stay);
    draft_add_update(d, BOOK_MEMBER_SET, id, strbuf_view(&d->hub->record));
}

static struct publication finish(struct draft *d)
{
    strbuf_clear(&d->hub->item);
    item_encode(&d->hub->item, d->type, d->fields, d->field_count);
    /* All texts are bounded, so that an item never is too long. */
    PARLEY_ASSERT(!d->hub->item.failed);
    return (struct publication){
        .item = strbuf_view(&d->hub->item),
        .updates = d->hub->updates,
        .update_count = d->update_count,
        .token = d->token,
        .want_stored = d->want_stored,
    };
}

bool draft_publish(struct draft *d, struct room *r)
{
    struct publication p = finish(d);

    return backplane_ops(d->hub->bp)->publish(d->hub->bp, r->owner.log, &p);
}

bool draft_publish_to_node(struct draft *d, struct str_view to_id)
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

bool draft_publish_to_all(struct draft *d)
{
    struct backplane *bp = d->hub->bp;
    struct publication p = finish(d);

    return backplane_ops(bp)->publish_to(bp, SV(HUB_ALL_LOG), &p);
}

struct str_view draft_own_id(const struct hub_user *u, struct member_id_text *ret)
{
    return user_id(u, u->hub->generation, ret);
}
