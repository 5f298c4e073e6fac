/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What the benchmark's tracer hands to its user part: one record of the ring buffer. */
#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

enum observed {
	OBSERVED_DISCONNECT = 1, /* usb_disconnect() was entered */
	OBSERVED_SLOTS, /* a reader's RDR_to_PC_NotifySlotChange was completed; `data[0]`: its slot bits */
	OBSERVED_CALL,	/* a D-Bus method call, or a signal, is about to be written */
};

/*
 * The start of a call: header and fields of LockSession to logind take some 160 bytes, and the session's id
 * follows them at once or in the next vector of the same write.
 */
#define CALL_HEADER_SIZE 256
#define CALL_BODY_SIZE	 64

struct observed_event {
	__u64 stamp; /* nanoseconds, CLOCK_MONOTONIC */
	__u32 type;  /* enum observed */
	__u32 pid;
	__u64 faults;	   /* CALL: page faults that the thread has had so far */
	__u16 bus, device; /* DISCONNECT, SLOTS */
	__u16 header_size, body_size;
	char comm[16];
	char data[CALL_HEADER_SIZE + CALL_BODY_SIZE]; /* the body, if any, from CALL_HEADER_SIZE */
};
