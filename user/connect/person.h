/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The session's user, whom the connector becomes. */
#include <pwd.h>

/* Of the name service. NULL: it knows nobody of that number, or does not answer; errno says why. */
const struct passwd *person_find(uid_t uid);

/*
 * This process is the person's from then on: all ids and groups are theirs, no capability is left, no way back, and no file is
 * open but standard ones and `keep`. 0, or a negative errno: then nothing may be done any more.
 */
int person_become(const struct passwd *person, int keep);
