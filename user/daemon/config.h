/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * scpolicyd.conf: the vendor's file, or the administrator's in its place, then the drop-ins in name order on
 * top. Reading is strict: the first thing that is not understood ends it.
 */
#include "settings.h"

struct config {
	struct settings settings; /* [Policy] */
};

/* "/etc/scpolicyd.conf:7: key Action=: …": file, line and key of what was refused. */
struct config_error {
	char text[512];
};

/*
 * Reads the layers below `root` ("" for the real ones). 0; -EBADMSG for anything the files say wrong, other
 * negative errnos for what cannot be read; both with ret_error filled and ret_config untouched. That no
 * file exists is no error: the defaults lock.
 */
int config_read(const char *root, struct config *ret_config, struct config_error *ret_error);
