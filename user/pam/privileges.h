/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The helper keeps uid 0, for the folder of records is root's and pcscd lets root in, and gives up the rest:
 * every capability, other programs, other processes, sockets but local ones. 0, or a negative errno.
 */
int privileges_drop(void);

/*
 * After that, for a process in which a foreign library runs: no file is opened to be written to, made,
 * renamed or removed, no other process is signalled or touched. 0, or a negative errno.
 */
int privileges_make_reader(void);
