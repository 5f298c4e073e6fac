/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "interrupt.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "channel.h"
#include "cleanup.h"

/* Long enough for pcscd to answer one SCardCancel(), short enough to go unnoticed when one had no effect. */
#define CANCEL_AGAIN_MS 20

struct interrupt {
	pthread_mutex_t lock;
	SCARDCONTEXT context;
	struct errand errand;
	int wake_fd; /* eventfd: an errand was noted by another thread than the listener */
};

static bool errand_is_set(const struct errand *errand)
{
	return errand->recheck || errand->addresses;
}

static void interrupt_note_recheck(struct interrupt *interrupt, uint32_t number)
{
	pthread_mutex_lock(&interrupt->lock);
	interrupt->errand.recheck = true;
	interrupt->errand.number = number;
	pthread_mutex_unlock(&interrupt->lock);
}

void interrupt_note_addresses(struct interrupt *interrupt)
{
	pthread_mutex_lock(&interrupt->lock);
	interrupt->errand.addresses = true;
	pthread_mutex_unlock(&interrupt->lock);
	eventfd_write(interrupt->wake_fd, 1);
}

void interrupt_set_context(struct interrupt *interrupt, SCARDCONTEXT context)
{
	pthread_mutex_lock(&interrupt->lock);
	interrupt->context = context;
	pthread_mutex_unlock(&interrupt->lock);
}

bool interrupt_take(struct interrupt *interrupt, struct errand *ret)
{
	bool set;

	pthread_mutex_lock(&interrupt->lock);
	set = errand_is_set(&interrupt->errand);
	if (set)
		*ret = interrupt->errand;
	interrupt->errand = (struct errand){0};
	pthread_mutex_unlock(&interrupt->lock);
	return set;
}

/* Cancels if something waits to be taken. How long to sleep before the next try, for poll(2). */
static int interrupt_cancel(struct interrupt *interrupt)
{
	SCARDCONTEXT context;
	bool set;

	pthread_mutex_lock(&interrupt->lock);
	context = interrupt->context;
	set = errand_is_set(&interrupt->errand);
	pthread_mutex_unlock(&interrupt->lock);
	/* Without a context the main thread looks by itself once it has one, before it waits. */
	if (!set || !context)
		return -1;
	SCardCancel(context);
	return CANCEL_AGAIN_MS;
}

static void *interrupt_listen(void *data)
{
	struct interrupt *interrupt = data;
	struct pollfd fds[] = {{.fd = WORKER_FD, .events = POLLIN},
			       {.fd = interrupt->wake_fd, .events = POLLIN}};
	eventfd_t count;
	uint32_t number;

	for (;;) {
		if (poll(fds, ELEMENTS(fds), interrupt_cancel(interrupt)) <= 0)
			continue;
		if (fds[0].revents && channel_receive(&number))
			interrupt_note_recheck(interrupt, number);
		if (fds[1].revents)
			eventfd_read(interrupt->wake_fd, &count);
	}
	return NULL;
}

int interrupt_new(struct interrupt **ret)
{
	_cleanup_free_ struct interrupt *interrupt = calloc(1, sizeof(*interrupt));
	pthread_t thread;
	int r;

	if (!interrupt)
		return -ENOMEM;
	pthread_mutex_init(&interrupt->lock, NULL);
	interrupt->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (interrupt->wake_fd < 0)
		return -errno;
	r = pthread_create(&thread, NULL, interrupt_listen, interrupt);
	if (r) {
		close_fd(interrupt->wake_fd);
		return -r;
	}
	*ret = steal_pointer(interrupt);
	return 0;
}
