/* SPDX-License-Identifier: MIT */
/*
 * socket_options.h - of a connection to Redis.
 */
#ifndef PARLEY_BACKPLANE_SOCKET_OPTIONS_H
#define PARLEY_BACKPLANE_SOCKET_OPTIONS_H

/* Small requests leave at once; a peer whose machine vanished is noticed even when idle. */
void socket_options_set(int fd);

#endif
