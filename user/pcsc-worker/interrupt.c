/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pcsc-worker/interrupt.h"

#include <pthread.h>
#include <time.h>

#include "lib/cleanup.h"
#include "pcsc-worker/channel.h"

/*
 * Long enough for pcscd to answer one SCardCancel(), short enough that nobody notices when one had no effect.
 */
#define CANCEL_AGAIN_NS 20000000

struct interrupt {
	pthread_mutex_t lock;
	pthread_cond_t noted; /* the errand, or the context, is new */
	SCARDCONTEXT context;
	struct errand errand;
};

static bool errand_is_set(const struct errand *errand)
{
	return errand->recheck || errand->addresses;
}

static void interrupt_note_recheck(struct interrupt *interrupt, const struct worker_request *request)
{
	pthread_mutex_lock(&interrupt->lock);
	interrupt->errand.recheck = true;
	interrupt->errand.locate |= request->locate != 0;
	interrupt->errand.number = request->number;
	pthread_cond_signal(&interrupt->noted);
	pthread_mutex_unlock(&interrupt->lock);
}

void interrupt_note_addresses(struct interrupt *interrupt)
{
	pthread_mutex_lock(&interrupt->lock);
	interrupt->errand.addresses = true;
	pthread_cond_signal(&interrupt->noted);
	pthread_mutex_unlock(&interrupt->lock);
}

void interrupt_set_context(struct interrupt *interrupt, SCARDCONTEXT context)
{
	pthread_mutex_lock(&interrupt->lock);
	interrupt->context = context;
	pthread_cond_signal(&interrupt->noted);
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

/*
 * The daemon's requests, and its end: they never wait for a call into PC/SC, because a pcscd that hangs must
 * not hide it.
 */
static void *interrupt_listen(void *data)
{
	struct interrupt *interrupt = data;
	struct worker_request request;

	for (;;)
		if (channel_receive(&request))
			interrupt_note_recheck(interrupt, &request);
	return NULL;
}

static void *interrupt_cancel(void *data)
{
	const struct timespec again = {.tv_nsec = CANCEL_AGAIN_NS};
	struct interrupt *interrupt = data;
	SCARDCONTEXT context;

	pthread_mutex_lock(&interrupt->lock);
	for (;;) {
		context = interrupt->context;
		if (!context || !errand_is_set(&interrupt->errand)) {
			pthread_cond_wait(&interrupt->noted, &interrupt->lock);
			continue;
		}
		pthread_mutex_unlock(&interrupt->lock);
		SCardCancel(context);
		nanosleep(&again, NULL);
		pthread_mutex_lock(&interrupt->lock);
	}
	return NULL;
}

int interrupt_new(struct interrupt **ret)
{
	struct interrupt *interrupt = calloc(1, sizeof(*interrupt));
	pthread_t thread;
	int r;

	/* Not freed on a failure: the first thread may use it, and the process ends. */
	if (!interrupt)
		return -ENOMEM;
	pthread_mutex_init(&interrupt->lock, NULL);
	pthread_cond_init(&interrupt->noted, NULL);
	r = pthread_create(&thread, NULL, interrupt_cancel, interrupt);
	if (r == 0)
		r = pthread_create(&thread, NULL, interrupt_listen, interrupt);
	*ret = interrupt;
	return -r;
}
