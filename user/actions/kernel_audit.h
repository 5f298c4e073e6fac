/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Writes the trail's removals, actions, outcomes and new configurations to the kernel audit log, where auditd
 * and others look.
 *
 * Writing to it may block, whatever flags the socket has: when the kernel's backlog is full, the sender
 * sleeps in the kernel for up to audit_backlog_wait_time, a minute by default (kernel/audit.c,
 * audit_receive()). So a child process writes, and it alone keeps CAP_AUDIT_WRITE; the daemon hands entries
 * over and never waits.
 */
#include <systemd/sd-event.h>

#include "actions/trail.h"

/* Far above what the fields' lengths add up to when every byte is encoded as two. */
#define KERNEL_AUDIT_TEXT 2048

struct kernel_audit_message {
	int type;		      /* AUDIT_USER_DEVICE, … */
	int success;		      /* 1, or 0 where it failed or is not proven */
	char text[KERNEL_AUDIT_TEXT]; /* key=value, what comes from outside encoded by libaudit */
};

/* False for an entry that is not for this log; `ret` is then untouched. */
bool kernel_audit_message(const struct trail_entry *entry, struct kernel_audit_message *ret);

struct kernel_audit;

/*
 * Starts the child. Needs CAP_AUDIT_WRITE during this call, no capability afterwards; SIGCHLD must be blocked.
 * 0, or a negative errno: no audit in this kernel (-EPROTONOSUPPORT, -EAFNOSUPPORT, -EINVAL), not permitted (-EPERM).
 */
int kernel_audit_new(sd_event *event, struct kernel_audit **ret);
struct kernel_audit *kernel_audit_free(struct kernel_audit *audit);

/* Takes NULL. Never blocks: an entry that finds the queue full is lost, and that is logged. */
void kernel_audit_write(struct kernel_audit *audit, const struct trail_entry *entry);

/*
 * Whether entries are taken: the kernel has audit, and has refused none. Whether it then keeps them is its own
 * switch (auditctl -s), which only CAP_AUDIT_CONTROL may read. Takes NULL.
 */
bool kernel_audit_is_on(const struct kernel_audit *audit);

/* How many entries were dropped, because the log did not keep up, since kernel_audit_new(). */
uint64_t kernel_audit_lost(const struct kernel_audit *audit);
