/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The daemon's one thread runs before ordinary processes, so that it acts on a removal however busy the
 * machine is. Its memory is locked, so that nothing has to be read back first. The priority is bounded: long
 * work, and everything after a call, is done at ordinary priority.
 */
#include <systemd/sd-event.h>

/*
 * Takes the lowest realtime priority, and locks present and future memory. No process that is started later
 * inherits either. Needs RLIMIT_RTPRIO of 1 and room in RLIMIT_MEMLOCK, or the capabilities. 0, or a negative
 * errno: -EPERM where it may not; then the loop runs as it would have.
 */
int realtime_start(void);

/*
 * Back to ordinary priority until the loop has nothing left to do. Cheap when that is so already. Also safe
 * in a signal handler.
 */
void realtime_suspend(void);

/* sd_event_loop(), with the priority restored each time that the loop is about to wait. */
int realtime_loop(sd_event *event);
