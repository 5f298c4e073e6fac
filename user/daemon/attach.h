/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* A person hands over the connection of their own session to their client's PC/SC. */
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "policy/sink.h"

/* Takes the call of a process of `session`, whose user is `uid`, and answers it, perhaps later. */
int attach_call(void *userdata, sd_bus_message *call, const char *session, uid_t uid);

/* NULL: the descriptor is a connection to a service on this machine; else what it is instead. */
const char *attach_wrong_with_socket(int fd);

/* Whether the core has a record of a card at that session's client. `userdata` is the daemon. */
bool attach_known(void *userdata, const char *session);
