/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Whose end lets a connection go. ssh does not end at the logout while a connection through it is open, and with it the session
 * does not end. So the end of the session tells too late, and the shells that sshd has started have to tell.
 */
#include <stddef.h>
#include <sys/types.h>

/*
 * Fills in pidfds, the caller's, of processes of the session: its leader, if that is a process of `uid`, who is not root; else
 * those of `uid` that lead a session of their own (setsid(2)) below a process of the leader's. How many; 0: there is none
 * yet.
 */
size_t holders_find(pid_t leader, uid_t uid, int *ret_pidfds, size_t most);
