/* SPDX-License-Identifier: MIT */
#include "hub/message.h"

#include <parley/util/utf8.h>

#include "hub/fanout.h"
#include "hub/names.h"

/* Fields of a message. */
enum {
    FIELD_ID,
    FIELD_WHO,
    FIELD_ACCOUNT,
    FIELD_TEXT,
    FIELD_TAGS,
    FIELD_STATUS,
    FIELDS_MIN = FIELD_TAGS,
};

bool message_is_kept(const struct item *it)
{
    return it->type == ITEM_LOST ||
           (item_is_line(it->type) && item_field(it, FIELD_STATUS).len == 0);
}

bool message_tags_are_valid(struct str_view tags)
{
    return tags.len <= HUB_TAGS_BYTES_MAX && names_allow_text(tags) &&
           sv_find_char(tags, ' ') == tags.len;
}

enum hub_result message_check_speech(const struct hub_speech *speech)
{
    bool is_tagmsg = speech->kind == ITEM_TAGMSG;

    if (!is_tagmsg && !item_is_line(speech->kind)) {
        return HUB_BAD_NAME;
    }
    if ((is_tagmsg ? speech->tags : speech->text).len == 0) {
        return HUB_EMPTY;
    }
    if (speech->text.len > HUB_TEXT_BYTES_MAX || speech->tags.len > HUB_TAGS_BYTES_MAX) {
        return HUB_TOO_LONG;
    }
    bool is_sound = message_tags_are_valid(speech->tags) && utf8_is_valid(speech->tags) &&
                    (!is_tagmsg || speech->text.len == 0);

    return is_sound ? HUB_OK : HUB_BAD_PARAMETER;
}

unsigned message_readers(char status)
{
    if (status == '@') {
        return MEMBER_OPERATOR;
    }
    return status == '+' ? MEMBER_OPERATOR | MEMBER_VOICE : 0;
}

/* False: malformed. */
static bool read_extras(const struct item *it, struct hub_event *ev)
{
    struct str_view status = item_field(it, FIELD_STATUS);

    ev->tags = item_field(it, FIELD_TAGS);
    ev->status = status.len > 0 ? status.ptr[0] : '\0';
    return message_tags_are_valid(ev->tags) &&
           (status.len == 0 || (status.len == 1 && message_readers(ev->status) != 0));
}

bool message_to_event(const struct item *it, struct item_place place,
                      struct hub_event *ret)
{
    bool is_tagmsg = it->type == ITEM_TAGMSG;

    if ((!is_tagmsg && !item_is_line(it->type)) || it->field_count < FIELDS_MIN) {
        return false;
    }
    struct str_view who = it->fields[FIELD_WHO];
    struct str_view account = it->fields[FIELD_ACCOUNT];
    struct str_view text = it->fields[FIELD_TEXT];

    if (who.len > WHO_BYTES_MAX || account.len > ACCOUNT_BYTES_MAX ||
        text.len > HUB_TEXT_BYTES_MAX) {
        return false;
    }
    if (!names_allow_text(who) || !names_allow_text(account) || !names_allow_text(text)) {
        return false;
    }
    *ret = (struct hub_event){
        .type = is_tagmsg ? EV_TAGMSG : EV_MESSAGE,
        .kind = it->type,
        .who = who,
        .account = account,
        .text = text,
        .id = place.id,
        .index = place.index,
        .time_ms = place.id.ms,
    };
    return read_extras(it, ret);
}

bool message_to_loss(const struct item *it, struct item_place place,
                     struct hub_event *ret)
{
    uint64_t lines = 0;

    if (it->type != ITEM_LOST || !sv_to_u64(item_field(it, 0), UINT32_MAX, &lines)) {
        return false;
    }
    *ret = (struct hub_event){
        .type = EV_LOST,
        .kind = ITEM_LOST,
        .count = lines,
        .id = place.id,
        .index = place.index,
        .time_ms = place.id.ms,
    };
    return true;
}

void message_show(struct str_view item, struct item_place place, const struct room *r,
                  struct hub_user *u)
{
    struct hub_event ev;
    struct item it;

    if (item_decode(&item, &it) == ITEM_NEXT_OK &&
        (message_to_event(&it, place, &ev) || message_to_loss(&it, place, &ev))) {
        ev.type = EV_RECENT;
        ev.room = r;
        fanout_to_user(u, &ev);
    }
}
