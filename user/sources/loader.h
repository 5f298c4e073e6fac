/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The daemon's end of the loader, which has the capabilities for what only a start needs. */
#include "lib/loader_message.h"
#include "sources/probe_load.h"

/* A descriptor, to be closed by the caller; -ENOENT where there is no loader; or another negative errno. */
int loader_connect(void);

/* probe_load(), by the loader. */
int loader_load_probe(int loader, int parts[static PROBE_PARTS]);

/* A socket for uevents, of the host's network: LOADER_UEVENT or LOADER_UDEV. Or a negative errno. */
int loader_open_uevents(int loader, enum loader_wish wish);
