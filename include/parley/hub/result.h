/* SPDX-License-Identifier: MIT */
/*
 * result.h - how the hub answers a request, or why it refuses one.
 */
#ifndef PARLEY_HUB_RESULT_H
#define PARLEY_HUB_RESULT_H

enum hub_result {
    HUB_OK,          /* done, or under way */
    HUB_BAD_NAME,    /* not a valid nick or room name */
    HUB_NOT_MEMBER,  /* you are not in that room (or have no name yet) */
    HUB_ALREADY,     /* you are in that room, or that is your name, or it is so already */
    HUB_TOO_MANY,    /* rooms, or lines under way, or you are busy */
    HUB_TOO_LONG,    /* the text */
    HUB_EMPTY,       /* no text, or nothing to be done */
    HUB_UNAVAILABLE, /* the backplane is away and the bounds on held items are reached */
    /* What a room's modes refuse. */
    HUB_BANNED,      /* +b, and no +e: from coming in, from speaking */
    HUB_INVITE_ONLY, /* +i */
    HUB_BAD_KEY,     /* +k */
    HUB_FULL,        /* +l */
    HUB_MODERATED,   /* +m: only operators and those with voice speak */
    HUB_NO_CTCP,     /* +C */
    HUB_NOT_OPERATOR,
    /* What is wrong with a change of modes, a kick, an invitation. */
    HUB_NO_SUCH_MEMBER, /* nobody of that nick is in the room */
    HUB_NO_SUCH_MODE,
    HUB_BAD_PARAMETER, /* not a mask, a key, a limit */
    HUB_LIST_FULL,
};

#endif
