/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
#define __VMLINUX_H__ /* tells libbpf's headers that kernel names are in use, such as pt_regs.di */
/*
 * The few kernel types that the probe reads, each with only the members it reads. With
 * preserve_access_index the compiler records names, not offsets, and libbpf fills in the running kernel's
 * layout when it loads the object (CO-RE): one binary for every kernel.
 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define true  1
#define false 0

/* include/uapi/linux/bpf.h */
enum {
	BPF_MAP_TYPE_RINGBUF = 27,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* include/linux/usb.h */
struct usb_bus {
	int busnum;
};

/* include/linux/usb.h */
struct usb_device {
	int devnum;
	struct usb_bus *bus;
};

/* include/linux/usb.h */
struct urb {
	struct usb_device *dev;
	unsigned int pipe;
	int status;
	void *transfer_buffer;
	__u32 actual_length;
};

/* arch/x86/include/asm/ptrace.h; for the kprobe fallback */
struct pt_regs {
	unsigned long di;
};

/* arch/arm64/include/uapi/asm/ptrace.h; for the kprobe fallback */
struct user_pt_regs {
	__u64 regs[31];
};

#pragma clang attribute pop
