/* SPDX-License-Identifier: MIT */
/* What people say about themselves: away, real name, modes. */
#include <parley/hub/hub.h>

#include "hub/claims.h"
#include "hub/fanout.h"

/* It is so already: the user is told nevertheless. */
static enum hub_result tell_again(struct hub_user *u, enum hub_event_type type,
                                  struct str_view text)
{
    struct hub_event ev = hub_event_of(type, NULL, &u->person);
    struct who_text who;

    if (!u->is_registered) {
        return HUB_NOT_MEMBER;
    }
    if (u->is_closed || hub_user_is_busy(u)) {
        return HUB_TOO_MANY;
    }
    ev.who = person_who(&u->person, &who);
    ev.text = text;
    ev.origin = u;
    fanout_to_user(u, &ev);
    return HUB_OK;
}

enum hub_result hub_away(struct hub_user *u, struct str_view text)
{
    if (u->is_registered && text.len > AWAY_BYTES_MAX) {
        return HUB_TOO_LONG;
    }
    text = names_clean_text(text, AWAY_BYTES_MAX, &u->hub->text);
    return sv_equal(text, person_away(&u->person)) ? tell_again(u, EV_AWAY, text)
                                                   : claims_change(u, REQUEST_AWAY, text);
}

enum hub_result hub_setname(struct hub_user *u, struct str_view realname)
{
    if (realname.len > REALNAME_BYTES_MAX) {
        return HUB_TOO_LONG;
    }
    realname = names_clean_text(realname, REALNAME_BYTES_MAX, &u->hub->text);
    return sv_equal(realname, person_realname(&u->person))
               ? tell_again(u, EV_SETNAME, realname)
               : claims_change(u, REQUEST_SETNAME, realname);
}

enum hub_result hub_set_modes(struct hub_user *u, struct str_view modes)
{
    if (!person_modes_are_valid(modes)) {
        return HUB_BAD_PARAMETER;
    }
    if (!u->is_registered && u->request == NULL) {
        struct record rec = person_record(&u->person);

        rec.texts[PERSON_MODES] = modes;
        person_set_record(&u->person, &rec);
        user_note_modes(u);
        return HUB_OK;
    }
    return sv_equal(modes, person_modes(&u->person))
               ? tell_again(u, EV_USER_MODES, modes)
               : claims_change(u, REQUEST_USER_MODES, modes);
}
