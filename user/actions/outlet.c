/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/outlet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "lib/cleanup.h"
#include "lib/loop.h"

/* Messages that wait stand one behind the other, each after its size; the first may be written in part. */
struct outlet {
	sd_event *event; /* borrowed */
	outlet_writer write;
	outlet_reporter report;
	void *userdata;
	sd_event_source *writable; /* on while something waits; NULL: nothing to wait for */
	uint64_t lost, reported;
	size_t used;
	char waiting[OUTLET_SIZE];
};

DEFINE_CLEANUP(struct outlet *, outlet_free)

/* Takes `size` bytes off the front. */
static void drop_front(struct outlet *outlet, size_t size)
{
	outlet->used -= size;
	memmove(outlet->waiting, outlet->waiting + size, outlet->used);
}

/* The first message is written to `size`: what is left of it stays in front. */
static void shorten_first(struct outlet *outlet, uint32_t size)
{
	uint32_t left;

	memcpy(&left, outlet->waiting, sizeof(left));
	left -= size;
	drop_front(outlet, size);
	memcpy(outlet->waiting, &left, sizeof(left));
}

/* Writes what waits, as far as it goes. True: nothing waits any more. */
static bool flush(struct outlet *outlet)
{
	size_t done = 0;

	while (done < outlet->used) {
		uint32_t size;
		ptrdiff_t written;

		memcpy(&size, outlet->waiting + done, sizeof(size));
		written = outlet->write(outlet->userdata, outlet->waiting + done + sizeof(size), size);
		if (written == -EAGAIN || (written >= 0 && (size_t)written < size)) {
			drop_front(outlet, done);
			if (written > 0)
				shorten_first(outlet, (uint32_t)written);
			return false;
		}
		if (written < 0)
			outlet->lost++;
		done += sizeof(size) + size;
	}
	outlet->used = 0;
	return true;
}

static void set_waiting(struct outlet *outlet, bool waiting)
{
	if (outlet->writable)
		sd_event_source_set_enabled(outlet->writable, waiting ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_writable(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_,
		       void *userdata)
{
	struct outlet *outlet = userdata;
	uint64_t lost = outlet->lost - outlet->reported;

	if (!flush(outlet))
		return 0;
	set_waiting(outlet, false);
	outlet->reported = outlet->lost;
	if (lost)
		outlet->report(outlet->userdata, lost);
	return 0;
}

int outlet_new(sd_event *event, outlet_writer write, outlet_reporter report, void *userdata,
	       struct outlet **ret)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));

	if (!outlet)
		return -ENOMEM;
	outlet->event = event;
	outlet->write = write;
	outlet->report = report;
	outlet->userdata = userdata;
	*ret = outlet;
	return 0;
}

struct outlet *outlet_free(struct outlet *outlet)
{
	if (!outlet)
		return NULL;
	flush(outlet);
	sd_event_source_disable_unref(outlet->writable);
	free(outlet);
	return NULL;
}

void outlet_watch(struct outlet *outlet, int fd)
{
	outlet->writable = sd_event_source_disable_unref(outlet->writable);
	if (fd < 0 ||
	    sd_event_add_io(outlet->event, &outlet->writable, fd, EPOLLOUT, on_writable, outlet) < 0)
		return;
	/* What is reported never goes before what is acted on. */
	sd_event_source_set_priority(outlet->writable, PRIORITY_REST);
	set_waiting(outlet, outlet->used > 0);
}

/* Keeps the message for later, or drops it: what came first is what the others follow from. */
static void keep_rest(struct outlet *outlet, const char *bytes, size_t size)
{
	uint32_t length = (uint32_t)size;

	if (size + sizeof(length) > sizeof(outlet->waiting) - outlet->used) {
		outlet->lost++;
		return;
	}
	memcpy(outlet->waiting + outlet->used, &length, sizeof(length));
	memcpy(outlet->waiting + outlet->used + sizeof(length), bytes, size);
	outlet->used += sizeof(length) + size;
	set_waiting(outlet, true);
}

void outlet_send(struct outlet *outlet, const char *bytes, size_t size)
{
	ptrdiff_t written = -EAGAIN;

	if (!outlet->used || !outlet->writable)
		written = flush(outlet) ? outlet->write(outlet->userdata, bytes, size) : -EAGAIN;
	if (written == -EAGAIN)
		keep_rest(outlet, bytes, size);
	else if (written < 0)
		outlet->lost++;
	else if ((size_t)written < size)
		keep_rest(outlet, bytes + written, size - (size_t)written);
}

uint64_t outlet_lost(const struct outlet *outlet)
{
	return outlet ? outlet->lost : 0;
}
