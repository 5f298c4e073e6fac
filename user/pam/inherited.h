/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What a program leaves to those that it starts, and none of which may cost a record: pam_limits(8) sets limits and
 * priority inside login, sshd and gdm before the session line is reached, and who runs su chooses his own.
 */

/*
 * The helper's own limits, signals and priority; no descriptor but the standard ones. Before privileges are dropped.
 * What cannot be set stays as it is: few sign-ins need it.
 */
void inherited_replace(void);

/* A PKCS#11 module may want more address space than the helper. */
void inherited_allow_memory(void);
