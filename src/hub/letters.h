/* SPDX-License-Identifier: MIT */
/*
 * letters.h - what one person sends another, wherever that one is: by the inbox of its node.
 *
 * Order: look the nick up -> publish to the inbox of the node that holds it -> told as sent
 * when it is stored there. If the person is gone by then, that node sends it back.
 */
#ifndef PARLEY_HUB_LETTERS_H
#define PARLEY_HUB_LETTERS_H

#include <parley/util/str.h>

#include "hub/message.h"
#include "hub/person_internal.h"
#include "hub/user_internal.h"

/* Is it a request for a letter? */
bool letters_is_request(const struct request *r);
/* Its nick belongs to member id `owner`: hand the letter over. */
void letters_send(struct request *r, struct str_view owner, const struct record *rec);
/* It is stored: the request has its effect. */
void letters_on_stored(struct request *r, struct item_place place);

#endif
