/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/trail_queue.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <utlist.h>

#include "lib/cleanup.h"
#include "lib/loop.h"

/* An entry with all that it borrowed. */
struct queued_entry {
	struct trail_entry entry;
	struct login_record login;
	char *text[TRAIL_TEXT_COUNT];
	struct queued_entry *prev, *next;
};

struct trail_queue {
	trail_publish publish;
	void *userdata;
	sd_event_source *timer; /* on while something waits */
	struct queued_entry *first;
};

DEFINE_CLEANUP(struct trail_queue *, trail_queue_free)

static struct queued_entry *queued_entry_free(struct queued_entry *waiting)
{
	if (!waiting)
		return NULL;
	for (size_t i = 0; i < TRAIL_TEXT_COUNT; i++)
		free(waiting->text[i]);
	free(waiting);
	return NULL;
}

DEFINE_CLEANUP(struct queued_entry *, queued_entry_free)

/* NULL: there is no memory. */
static struct queued_entry *queued_entry_new(const struct trail_entry *entry)
{
	_cleanup_(queued_entry_free_p) struct queued_entry *waiting = calloc(1, sizeof(*waiting));

	if (!waiting)
		return NULL;
	waiting->entry = *entry;
	for (size_t i = 0; i < TRAIL_TEXT_COUNT; i++) {
		if (!entry->text[i])
			continue;
		waiting->entry.text[i] = waiting->text[i] = strdup(entry->text[i]);
		if (!waiting->text[i])
			return NULL;
	}
	if (entry->login) {
		waiting->login = *entry->login;
		waiting->entry.login = &waiting->login;
	}
	return steal_pointer(waiting);
}

static void publish_all(struct trail_queue *queue)
{
	struct queued_entry *waiting;

	sd_event_source_set_enabled(queue->timer, SD_EVENT_OFF);
	while ((waiting = queue->first)) {
		DL_DELETE(queue->first, waiting);
		queue->publish(queue->userdata, &waiting->entry);
		queued_entry_free(waiting);
	}
}

static int on_trail_rested(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	publish_all(userdata);
	return 0;
}

int trail_queue_new(sd_event *event, trail_publish publish, void *userdata, struct trail_queue **ret)
{
	_cleanup_(trail_queue_free_p) struct trail_queue *queue = calloc(1, sizeof(*queue));
	int r;

	if (!queue)
		return -ENOMEM;
	queue->publish = publish;
	queue->userdata = userdata;
	r = sd_event_add_time(event, &queue->timer, CLOCK_MONOTONIC, 0, 1, on_trail_rested, queue);
	if (r >= 0)
		r = sd_event_source_set_enabled(queue->timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	*ret = steal_pointer(queue);
	return 0;
}

struct trail_queue *trail_queue_free(struct trail_queue *queue)
{
	if (!queue)
		return NULL;
	publish_all(queue);
	sd_event_source_disable_unref(queue->timer);
	free(queue);
	return NULL;
}

/* Whether there is something to wait for; the timer is then on. */
static bool has_to_wait(struct trail_queue *queue, uint64_t sent)
{
	if (queue->first)
		return true;
	if (!sent || monotonic_now() >= sent + TRAIL_REST)
		return false;
	return sd_event_source_set_time(queue->timer, (sent + TRAIL_REST) / NSEC_PER_USEC) >= 0 &&
	       sd_event_source_set_enabled(queue->timer, SD_EVENT_ONESHOT) >= 0;
}

void trail_queue_add(struct trail_queue *queue, const struct trail_entry *entry, uint64_t sent)
{
	struct queued_entry *waiting = has_to_wait(queue, sent) ? queued_entry_new(entry) : NULL;

	if (waiting) {
		DL_APPEND(queue->first, waiting);
		return;
	}
	publish_all(queue);
	queue->publish(queue->userdata, entry);
}
