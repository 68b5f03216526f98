/* SPDX-License-Identifier: MIT */
/*
 * steps.h - what a new connection goes through before it is of use: a table of steps.
 *
 * A step is a command and a judgement of its answer. The link sends the command that
 * handshake_next() gives, hands the answer to handshake_check(), and so on until
 * handshake_next() has none left or a check says that it is over.
 */
#ifndef PARLEY_BACKPLANE_STEPS_H
#define PARLEY_BACKPLANE_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backplane/command.h"
#include "backplane/link.h"

enum { HANDSHAKE_WHY_SIZE = 256 };

struct handshake {
    const struct link_config *config; /* borrowed */
    size_t step;                      /* the next row of the table */
    bool is_cluster;                  /* the server is one of a cluster */
    bool must_load;                   /* the function library is missing or another */
    uint64_t replid;                  /* see struct server_life */
    uint64_t replid2;
    unsigned url_version; /* of the URL when it began */
};

enum step_verdict {
    STEP_DONE,     /* on to the next one */
    STEP_RETRY,    /* not now (loading, a replica): connect again later */
    STEP_DENIED,   /* as STEP_UNUSABLE: not with this user and password */
    STEP_UNUSABLE, /* the server can never serve us as it is set up */
};

void handshake_init(struct handshake *h, const struct link_config *config);
/* Make `cmd` the next step's command; false when all steps are done. */
bool handshake_next(struct handshake *h, struct command *cmd);
/* Judge the answer to it. Unless STEP_DONE, `ret_why` is one line for people. */
enum step_verdict handshake_check(struct handshake *h, const struct redisReply *reply,
                                  char ret_why[HANDSHAKE_WHY_SIZE]);
/* FUNCTION LOAD REPLACE of the config's library. */
void handshake_load_command(const struct link_config *config, struct command *cmd);

#endif
