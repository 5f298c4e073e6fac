/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The eBPF probe: has the programs of bpf/removal.bpf.c run, and turns their records into events. */
#include <systemd/sd-event.h>

#include "policy/sink.h"
#include "sources/loader.h"
#include "sources/probe_keep.h"

struct probe;

/*
 * Takes over the programs, the buffer and the watch list that the last daemon left with systemd, or else
 * loads and attaches programs: fentry, or kprobes where the kernel has no fentry. Needs CAP_BPF, CAP_PERFMON
 * and CAP_SYS_ADMIN (for module BTF) during this call, no capability afterwards. The first call takes what
 * systemd passed to this process, so nothing may have forked before.
 * 0; or a negative errno when the kernel offers neither (-EOPNOTSUPP: ftrace is switched off), and the other
 * sources have to serve.
 */
int probe_new(sd_event *event, struct sink sink, struct kept *kept, struct loader *loader,
	      struct probe **ret);
struct probe *probe_free(struct probe *probe);

/* "fentry" or "kprobe". */
const char *probe_kind(const struct probe *probe);

/*
 * Reports what waited in a buffer that was taken over, with the kernel's stamps. Call it once the sink knows
 * whose readers these are. 0, or a negative errno.
 */
int probe_catch_up(struct probe *probe);

/* Whether removals of this device are reported. One store into memory shared with the kernel. */
void probe_watch(struct probe *probe, struct usb_address usb, bool watch);

/* Ends the watch on whatever only earlier daemons wanted to be watched. */
void probe_forget_others(struct probe *probe);
