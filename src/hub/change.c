/* SPDX-License-Identifier: MIT */
#include "hub/change.h"

#include "hub/access.h"
#include "hub/fanout.h"
#include "hub/former.h"
#include "hub/monitor.h"
#include "hub/user_internal.h"

/* The event in which somebody does `type`, at the place of `at`. */
static struct hub_event event_at(const struct hub_event *at, enum hub_event_type type,
                                 const struct person *p)
{
    return (struct hub_event){
        .type = type,
        .person = p,
        .id = at->id,
        .index = at->index,
        .time_ms = at->time_ms,
        .origin = p->user,
    };
}

static void tell_nick(struct hub *hub, const struct person *p, struct str_view old_nick,
                      struct str_view old_who, const struct hub_event *at)
{
    struct hub_event ev = event_at(at, EV_NICK, p);

    ev.who = old_who;
    ev.old_nick = old_nick;
    monitor_note(hub, old_nick);
    ev.text = person_nick(p);
    ev.account = person_account(p);
    fanout_to_readers(hub, p, &ev);
}

/* The person, as it is called now, has another text. */
static void tell_text(struct hub *hub, const struct person *p, enum hub_event_type type,
                      struct str_view text, const struct hub_event *at)
{
    struct hub_event ev = event_at(at, type, p);
    struct who_text who;

    ev.who = person_who(p, &who);
    ev.text = text;
    ev.account = person_account(p);
    if (type != EV_USER_MODES) {
        fanout_to_readers(hub, p, &ev);
    } else if (p->user != NULL) {
        user_note_modes(p->user);
        fanout_to_user(p->user, &ev);
    }
}

void change_apply(struct hub *hub, struct person *p, const struct record *rec,
                  const struct hub_event *at)
{
    struct who_text who;
    struct str_view old_who = person_who(p, &who);
    /* The nick stands at the beginning of who, which outlives the change. */
    struct str_view old_nick = sv(old_who.ptr, person_nick(p).len);

    if (rec->version <= p->version) {
        return;
    }
    struct record before = person_record(p);
    bool is_renamed = !sv_equal(old_nick, rec->texts[PERSON_NICK]);
    bool is_away_new = !sv_equal(person_away(p), rec->texts[PERSON_AWAY]);
    bool is_name_new = !sv_equal(person_realname(p), rec->texts[PERSON_REALNAME]);
    bool are_modes_new = !sv_equal(person_modes(p), rec->texts[PERSON_MODES]);

    if (!sv_equal_nocase(old_nick, rec->texts[PERSON_NICK])) {
        former_add(hub, &before);
    }
    person_set_record(p, rec);
    LIST_FOR_EACH(&p->memberships, it) {
        room_renew_names(LIST_ENTRY(it, struct member, of_person)->room);
    }
    monitor_on_change(hub, p);
    if (is_renamed) {
        access_forget_bans(p);
        tell_nick(hub, p, old_nick, old_who, at);
    }
    if (is_away_new) {
        tell_text(hub, p, EV_AWAY, person_away(p), at);
    }
    if (is_name_new) {
        tell_text(hub, p, EV_SETNAME, person_realname(p), at);
    }
    if (are_modes_new) {
        tell_text(hub, p, EV_USER_MODES, person_modes(p), at);
    }
}

void change_quit(struct hub *hub, struct person *p, struct str_view reason,
                 const struct hub_event *at)
{
    struct hub_event ev = event_at(at, EV_QUIT, p);
    struct who_text who;

    if (p->is_gone) {
        return;
    }
    p->is_gone = true;
    if (p->user == NULL) {
        struct record rec = person_record(p);
        former_add(hub, &rec);
    }
    monitor_note(hub, person_nick(p));
    ev.who = person_who(p, &who);
    ev.text = reason;
    ev.account = person_account(p);
    fanout_to_readers(hub, p, &ev);
}
