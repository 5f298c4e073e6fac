/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The messages between the daemon and the loader, over a SOCK_SEQPACKET socket. One packet is one struct, of
 * exactly its size, with descriptors (SCM_RIGHTS). systemd listens on LOADER_SOCKET and starts the loader at
 * the first connection. The loader serves this one daemon, and ends when the daemon closes its end.
 */
#include <stdint.h>

#define LOADER_SOCKET "/run/scpolicyd-loader.socket"
#define LOADER_MAGIC  0x53434c31U /* "SCL1": changed with every change of these structs */
/* A packet carries no more descriptors: the parts of a probe. */
#define LOADER_FDS_MAX 4

enum loader_wish {
	/* With both maps that the programs shall use, or with none. New maps come first, then the links. */
	LOADER_PROBE = 1,
	LOADER_UEVENT, /* a socket that hears the kernel's uevents */
	LOADER_UDEV,   /* a socket that hears udevd */
};

struct loader_request {
	uint32_t magic;
	uint32_t wish; /* enum loader_wish */
};

struct loader_answer {
	uint32_t magic;
	int32_t result; /* a negative errno; else 0, or how the programs are attached (probe_load.h) */
};
