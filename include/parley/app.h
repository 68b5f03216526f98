/* SPDX-License-Identifier: MIT */
/*
 * app.h - the whole node: its parts built in order, run, and torn down in reverse.
 */
#ifndef PARLEY_APP_H
#define PARLEY_APP_H

#include <parley/core/options.h>

/* Run a node until it is told to stop. Returns the exit code: 0 after SIGTERM or SIGINT, 1
 * when it could not start (one line on standard error says why). */
int app_run(const struct options *options);

#endif
