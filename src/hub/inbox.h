/* SPDX-License-Identifier: MIT */
/*
 * inbox.h - the log by which other nodes reach this one: direct messages and their bounces.
 *
 * There is one for each id that the node had in the last minute, and one that all nodes share. What was written before this
 * node followed it is not for us.
 */
#ifndef PARLEY_HUB_INBOX_H
#define PARLEY_HUB_INBOX_H

#include <parley/core/backplane.h>

struct hub;
struct inbox;

/* Follow the inbox of the node's present id; former ones are closed after a while. */
void inbox_open(struct hub *hub);
/* Follow the inbox that all nodes share. */
void inbox_open_all(struct hub *hub);
void inbox_close_all(struct hub *hub);
void inbox_on_snapshot(struct inbox *inbox, const struct snapshot *snap);
void inbox_on_entry(struct inbox *inbox, const struct entry *entry);

#endif
