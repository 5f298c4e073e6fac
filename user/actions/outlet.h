/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A way out to somebody who may stop reading: the journal, standard error. Nothing here waits. What cannot be written at
 * once is kept, in order, in a buffer of fixed size; what no longer fits is dropped and counted. The loop writes the rest
 * when the other side reads again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/* Room for what waits. One message of the journal takes below 1 KiB, a line of standard error below 200 bytes. */
#define OUTLET_SIZE (256 * 1024)

/*
 * Writes without waiting. How much of `bytes` was written; -EAGAIN: nothing now, later perhaps; another negative errno: it
 * cannot be written at all, which is then up to this function to report.
 */
typedef ptrdiff_t (*outlet_writer)(void *userdata, const char *bytes, size_t size);
/* The other side has read all that was kept; `lost` messages were dropped since the last time. May call outlet_send(). */
typedef void (*outlet_reporter)(void *userdata, uint64_t lost);

struct outlet;

/* All of it allocated now. 0, or a negative errno. */
int outlet_new(sd_event *event, outlet_writer write, outlet_reporter report, void *userdata,
	       struct outlet **ret);
/* What is still kept is tried once more. */
struct outlet *outlet_free(struct outlet *outlet);

/*
 * Which descriptor to wait for when the other side does not read; borrowed until the next call, and -1 before it is closed.
 * One that cannot be waited for (a file) never makes anybody wait.
 */
void outlet_watch(struct outlet *outlet, int fd);

/* Writes one message, now or later, or drops it. */
void outlet_send(struct outlet *outlet, const char *bytes, size_t size);

/* How many messages were dropped since outlet_new(). */
uint64_t outlet_lost(const struct outlet *outlet);
