/* SPDX-License-Identifier: MIT */
/*
 * render.h - events as IRC lines, once for each form of them.
 *
 * Model: what a client sees of an event depends on a few of its capabilities: those are the
 * bits of a form. All clients of one form share one rendered line. Pure functions.
 * Sources: Modern IRC, IRCv3 server-time, message-ids, account-tag, extended-join,
 * away-notify.
 */
#ifndef PARLEY_PROTO_IRC_RENDER_H
#define PARLEY_PROTO_IRC_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/hub/event.h>
#include <parley/util/base.h>
#include <parley/util/strbuf.h>

enum irc_form {
    IRC_FORM_PLAIN_TIME =
        1, /* without the time tag, and so on: rich clients are many, so */
    IRC_FORM_PLAIN_ID = 2, /* that a form with all of it gets a low number */
    IRC_FORM_PLAIN_ACCOUNT = 4,
    IRC_FORM_EXTENDED = 8, /* JOIN with account and real name */
    IRC_FORM_COUNT = 16,
};

/* The form for a client with these capabilities, of whatever event. */
unsigned irc_render_form_of_caps(uint32_t caps);
/* The same of this one: forms that would not differ are one. */
unsigned irc_render_form(uint32_t caps, const struct hub_event *e);
/*
 * Append the event's line with its end; several for a text that is too long for one. False,
 * and nothing appended, for events that have none.
 */
bool irc_render_event(struct strbuf *out, const struct hub_event *e, unsigned form)
    PARLEY_MUST_CHECK;
/* Is it a text between CTCP's marks that says what somebody does? `ret_text`: what. */
bool irc_render_is_action(struct str_view text, struct str_view *ret_text)
    PARLEY_MUST_CHECK;

#endif
