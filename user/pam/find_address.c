/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/find_address.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/names.h"
#include "lib/pcsc_reader.h"

/* Whatever RLIMIT_STACK says. libpcsclite keeps its messages on the stack: some kilobytes. */
#define STACK_SIZE (256U * 1024)

/* The thread owns it too, as long as the process lives: a thread that does not answer in time keeps it. */
struct look_up {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool answered;
	char reader[READER_NAME_SIZE];
	struct usb_address usb;
};

static void *look_up_thread(void *data)
{
	struct look_up *look_up = data;
	struct usb_address usb = {0};
	SCARDCONTEXT context;

	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS) {
		pcsc_reader_usb(context, look_up->reader, &usb);
		SCardReleaseContext(context);
	}
	pthread_mutex_lock(&look_up->lock);
	look_up->usb = usb;
	look_up->answered = true;
	pthread_cond_signal(&look_up->done);
	pthread_mutex_unlock(&look_up->lock);
	return NULL;
}

static bool start_look_up(struct look_up *look_up)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool started;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	started = pthread_create(&thread, &attributes, look_up_thread, look_up) == 0;
	pthread_attr_destroy(&attributes);
	return started;
}

static struct look_up *look_up_new(const char *reader)
{
	struct look_up *look_up = calloc(1, sizeof(*look_up));
	pthread_condattr_t monotonic;

	if (!look_up)
		return NULL;
	memcpy(look_up->reader, reader, strnlen(reader, READER_NAME_SIZE - 1));
	pthread_mutex_init(&look_up->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&look_up->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return look_up;
}

static struct timespec time_in(unsigned int ms)
{
	struct timespec moment;

	clock_gettime(CLOCK_MONOTONIC, &moment);
	moment.tv_sec += ms / 1000;
	moment.tv_nsec += (long)(ms % 1000) * 1000000;
	moment.tv_sec += moment.tv_nsec / 1000000000;
	moment.tv_nsec %= 1000000000;
	return moment;
}

struct usb_address find_address(const char *reader, unsigned int limit_ms)
{
	struct timespec deadline = time_in(limit_ms);
	struct look_up *look_up = look_up_new(reader);
	struct usb_address usb = {0};

	if (!look_up)
		return usb;
	if (!start_look_up(look_up)) {
		free(look_up);
		return usb;
	}
	pthread_mutex_lock(&look_up->lock);
	while (!look_up->answered)
		if (pthread_cond_timedwait(&look_up->done, &look_up->lock, &deadline) != 0)
			break;
	usb = look_up->usb;
	pthread_mutex_unlock(&look_up->lock);
	return usb;
}
