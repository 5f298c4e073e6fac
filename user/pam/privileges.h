/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
#include <sys/types.h>

/*
 * The helper keeps uid 0, because the directory of records is root's and pcscd accepts root. It gives up
 * everything else: every capability, other programs, other processes, and all sockets but local ones. 0, or a
 * negative errno.
 */
int privileges_drop(void);

/*
 * After that, for a process in which a foreign library runs: it cannot create, write, rename or remove a
 * file, and cannot signal or touch another process. 0, or a negative errno.
 */
int privileges_make_reader(void);

/*
 * Instead, for a process that does something with the rights of this person: it has them and no more, not even the person's
 * groups, and runs no other program. 0, or a negative errno.
 */
int privileges_become(uid_t uid);
