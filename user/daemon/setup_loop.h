/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The step of the daemon's start that makes its loop: signals, systemd's watchdog, and the timers of events and reloads. */

struct daemon;

/* Logs what failed. 0, or a negative errno. */
int setup_loop(struct daemon *daemon);
