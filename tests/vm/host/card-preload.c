/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into QEMU: the thread that answers for the emulated card looks for a command every now and then.
 *
 * It waits for commands on a condition without looking first whether one has come already (QEMU's
 * hw/usb/ccid-card-emulated.c, handle_apdu_thread; 7.2 and today's). One that comes while the thread is not yet
 * waiting, as happens on a busy host, is never answered, and pcscd waits for that answer for ever. A wait for a
 * condition may return at any time (POSIX, pthread_cond_wait), and this thread looks for commands whenever it does.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define LOOK_NSEC   20000000L
#define SECOND_NSEC 1000000000L

/* QEMU names its threads, with -name debug-threads=on, before they run. */
static int is_card(void)
{
	static _Thread_local int known; /* 1: it is, -1: it is not */
	char name[16] = "";

	if (!known) {
		prctl(PR_GET_NAME, name);
		known = strcmp(name, "ccid/apdu") == 0 ? 1 : -1;
	}
	return known > 0;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	static int (*next)(pthread_cond_t *, pthread_mutex_t *);
	struct timespec end;
	int r;

	if (!is_card()) {
		if (!next)
			next = dlvsym(RTLD_NEXT, "pthread_cond_wait",
				      "GLIBC_2.3.2"); /* older ones take another condition */
		if (!next)			      /* not on x86 */
			next = dlsym(RTLD_NEXT, "pthread_cond_wait");
		return next(condition, mutex);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += LOOK_NSEC;
	if (end.tv_nsec >= SECOND_NSEC) {
		end.tv_nsec -= SECOND_NSEC;
		end.tv_sec++;
	}
	r = pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &end);
	return r == ETIMEDOUT ? 0 : r;
}
