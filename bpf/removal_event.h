/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the probe reports to the daemon: one record of the ring buffer. The only struct that crosses from
 * kernel to user space, so: fixed widths, no padding, no pointers.
 */
#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

/*
 * The form of both. The next daemon takes over buffer and memory only if they have the form that it was built
 * for: raise this with every change to a struct below.
 */
#define REMOVAL_FORM "1"

/*
 * The watch list is one byte for each possible device, indexed by removal_watch_index(). A host has at most
 * 64 buses (USB_MAXBUS, drivers/usb/core/hcd.c), and a bus device numbers 1 to 127 (USB 2.0, 9.4.6).
 */
#define REMOVAL_BUSES	64
#define REMOVAL_DEVICES 128

/* CCID 1.1, 6.3.1: two bits a slot. 8 bytes make 32 slots; PC/SC names at most 16 readers before 2.5.0. */
#define REMOVAL_SLOT_BYTES 8

enum removal_event_type {
	REMOVAL_DISCONNECT = 1, /* usb_disconnect() was entered for the device */
	REMOVAL_SLOT_CHANGE,	/* the reader sent RDR_to_PC_NotifySlotChange */
};

struct removal_event {
	__u64 stamp; /* nanoseconds, CLOCK_MONOTONIC */
	__u16 bus;
	__u16 device;
	__u8 type;     /* enum removal_event_type */
	__u8 endpoint; /* SLOT_CHANGE: number of the interrupt endpoint, to tell two CCID interfaces apart */
	__u8 slot_bytes; /* SLOT_CHANGE: bytes of `slots` that the reader sent */
	__u8 reserved;
	__u8 slots[REMOVAL_SLOT_BYTES]; /* bit 2n: a card is in slot n; bit 2n+1: that changed */
};

/* Mapped into the daemon: it edits the watch list and reads the counts without a system call. */
struct removal_memory {
	__u8 watched[REMOVAL_BUSES * REMOVAL_DEVICES];
	__u64 dropped;	/* records that found no room in the buffer */
	__u64 reported; /* the daemon's: how many of these it has reported */
	__u64 readers;	/* the daemon's: how many of them began to read what waited, and did not finish */
};

static inline __attribute__((always_inline)) __u32 removal_watch_index(__u32 bus, __u32 device)
{
	return (bus % REMOVAL_BUSES) * REMOVAL_DEVICES + device % REMOVAL_DEVICES;
}
