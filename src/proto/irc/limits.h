/* SPDX-License-Identifier: MIT */
/*
 * limits.h - the lengths that 005 tells IRC clients.
 *
 * A line without its tags has 512 bytes with its end (RFC 1459, section 2.3). The source of a
 * person takes at most 93 of them (":" nick 32 "!" user 18 "@" host 40), so that a topic fits
 * behind ":source TOPIC #room :" whoever sets it wherever: what is told here is kept whole.
 */
#ifndef PARLEY_PROTO_IRC_LIMITS_H
#define PARLEY_PROTO_IRC_LIMITS_H

enum {
    IRC_LINE_BYTES_MAX = 512, /* without tags, with its end */
    IRC_USER_BYTES_MAX = 18,  /* with the "~" */
    IRC_HOST_BYTES_MAX = 40, /* an address; an IPv6 one that begins with ":" gets a "0" */
    IRC_TOPIC_BYTES_MAX = 340,
    IRC_REASON_BYTES_MAX = 340, /* of PART and QUIT */
    IRC_KICK_BYTES_MAX = 300,
    IRC_KILL_BYTES_MAX = 300, /* also fits behind QUIT with who did it */
    IRC_AWAY_BYTES_MAX = 390,
    IRC_TARGETS_MAX = 4,  /* of PRIVMSG, NOTICE, TAGMSG, KICK */
    IRC_USERHOST_MAX = 5, /* nicks of USERHOST, USERIP (RFC 2812, 4.8) */
    IRC_WHO_MAX = 2000,   /* people in one answer of WHO; 416 ends a longer one */
};

#define IRC_NETWORK "Parley"
/* All nodes are one server: which of them somebody is on makes no difference. */
#define IRC_SERVER_NAME "irc.parley"

#endif
