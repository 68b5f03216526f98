/* SPDX-License-Identifier: MIT */
/*
 * lookup.h - questions about names and rooms that no copy here can answer.
 */
#ifndef PARLEY_HUB_LOOKUP_H
#define PARLEY_HUB_LOOKUP_H

#include <parley/core/backplane.h>
#include <parley/hub/result.h>

struct hub;
struct hub_user;
struct request;

/* May the user ask something now? */
enum hub_result lookup_check_ready(const struct hub_user *u);
/* Who has the request's name? */
void lookup_begin(const struct request *r);

void lookup_on_name(struct hub *hub, struct token token, bool answered,
                    struct str_view owner, struct str_view record);
void lookup_on_rooms(struct hub *hub, struct token token, bool answered,
                     const struct listing *rooms, size_t count, bool last);

#endif
