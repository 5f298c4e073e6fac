/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The daemon's end of the loader, which has the capabilities for what only a start needs. */
#include "lib/loader_message.h"
#include "sources/probe_load.h"

/* Connects at the first request. */
struct loader {
	int socket; /* -1: not connected yet; another negative errno: it cannot be reached (-ENOENT: there is none) */
};
#define LOADER_INIT ((struct loader){-1})

void loader_close(struct loader *loader);

/* probe_load(), by the loader; or by this process where there is none. */
int loader_load_probe(struct loader *loader, int parts[static PROBE_PARTS]);

/* A socket for uevents, of the host's network: LOADER_UEVENT or LOADER_UDEV. Or a negative errno. */
int loader_open_uevents(struct loader *loader, enum loader_wish wish);
