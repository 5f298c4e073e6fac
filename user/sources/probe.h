/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The eBPF probe: loads bpf/removal.bpf.c and turns its records into events. */
#include <systemd/sd-event.h>

#include "policy/sink.h"

struct probe;

/*
 * Loads and attaches the probe: fentry, or kprobes where the kernel has no fentry. Needs CAP_BPF, CAP_PERFMON
 * and CAP_SYS_ADMIN (for module BTF) during this call, no capability afterwards. 0; or a negative errno if
 * the kernel offers neither (-EOPNOTSUPP: ftrace is switched off). Then the other sources have to serve.
 */
int probe_new(sd_event *event, struct sink sink, struct probe **ret);
struct probe *probe_free(struct probe *probe);

/* "fentry" or "kprobe". */
const char *probe_kind(const struct probe *probe);

/* Whether removals of this device are reported. One store into memory shared with the kernel. */
void probe_watch(struct probe *probe, struct usb_address usb, bool watch);
