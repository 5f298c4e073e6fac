/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What the kernel keeps of the probe, and how it gets there. */
#include <stdint.h>

/* As long as somebody holds all of these descriptors, the probe listens. */
enum probe_part {
	PROBE_EVENTS,	  /* the ring buffer, a map */
	PROBE_MEMORY,	  /* struct removal_memory, a map */
	PROBE_DISCONNECT, /* the link that attaches the program for usb_disconnect() … */
	PROBE_COMPLETED,  /* … and for async_completed() */
	PROBE_PARTS,
};

/* How programs are attached: "fentry", "kprobe". The better one first. */
#define PROBE_KINDS 2
extern const char *const probe_kind_names[PROBE_KINDS];

/* The object with the programs, as a number: another build has another one. */
uint64_t probe_build(void);

/*
 * Loads and attaches the programs, by fentry or else by kprobes. If `parts` has both maps, the programs use
 * these; otherwise they get new ones. -1 stands for no descriptor. The links are the caller's, and so are new
 * maps. Closing them is what ends the probe. Needs CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN (for module BTF).
 * Returns the kind; or a negative errno, and `parts` is untouched.
 */
int probe_load(int parts[static PROBE_PARTS]);
