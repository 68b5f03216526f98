/* SPDX-License-Identifier: MIT */
#include "hub/message.h"

#include "hub/fanout.h"
#include "hub/names.h"

/* Fields of a message. */
enum { FIELD_ID, FIELD_WHO, FIELD_ACCOUNT, FIELD_TEXT, FIELDS_MIN };

bool message_is_kind(char type)
{
    return type == ITEM_MESSAGE || type == ITEM_ACTION || type == ITEM_NOTICE;
}

bool message_to_event(const struct item *it, struct item_place place,
                      struct hub_event *ret)
{
    if (!message_is_kind(it->type) || it->field_count < FIELDS_MIN) {
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
        .type = EV_MESSAGE,
        .kind = it->type,
        .who = who,
        .account = account,
        .text = text,
        .id = place.id,
        .index = place.index,
        .time_ms = place.id.ms,
    };
    return true;
}

void message_show(const struct kept_message *kept, const struct room *r,
                  struct hub_user *u)
{
    struct str_view rest = msg_view(kept->item);
    struct hub_event ev;
    struct item it;

    if (item_decode(&rest, &it) == ITEM_NEXT_OK &&
        message_to_event(&it, kept->place, &ev)) {
        ev.type = EV_RECENT;
        ev.room = r;
        fanout_to_user(u, &ev);
    }
}
