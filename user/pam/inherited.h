/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What a program passes on to those that it starts. None of it may cost a record: pam_limits(8) sets limits
 * and priority inside login, sshd and gdm before the session line runs, and users who run su choose their
 * own.
 */

/*
 * The helper's own limits, signals and priority; no descriptor but the standard ones. Before privileges are dropped.
 * What cannot be set stays as it is: few sign-ins need it.
 */
void inherited_replace(void);

/* A PKCS#11 module may want more address space than the helper. */
void inherited_allow_memory(void);
