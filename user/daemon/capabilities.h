/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What the daemon may do once the probe runs; user/data/scpolicyd.service.in explains what it starts with. */

/*
 * Drops every capability but CAP_DAC_OVERRIDE, which opens a user's terminal and xrdp's socket. The probe is loaded, and
 * the child that writes to the kernel's audit log has CAP_AUDIT_WRITE of its own. A program that is started from here on
 * gets CAP_SYS_CHROOT alone, with which the PC/SC worker locks itself in. What fails is logged.
 */
void capabilities_drop(void);
