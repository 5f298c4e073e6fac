/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pcsc-worker/address.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/pcsc_reader.h"

/*
 * This many readers may be held in transactions at once, and the address of one more is still found. It is
 * the number of readers of a pcscd before 2.5.0.
 */
#define FINDERS 16

enum question_state {
	QUESTION_FREE,
	QUESTION_ASKED,
	QUESTION_BUSY,	    /* a thread works on it */
	QUESTION_FORGOTTEN, /* a thread works on it, nobody wants the answer */
	QUESTION_ANSWERED,
};

struct question {
	enum question_state state;
	char name[READER_NAME_SIZE];
	struct address_answer answer;
};

struct address_finder {
	pthread_mutex_t lock;
	pthread_cond_t asked;
	pthread_cond_t answered;
	bool awaited; /* the main thread is in address_wait(): no need to interrupt it */
	struct interrupt *interrupt;
	struct question questions[READERS_MAX];
};

static struct question *question_find(struct address_finder *finder, enum question_state state,
				      const char *name)
{
	for (size_t i = 0; i < READERS_MAX; i++)
		if (finder->questions[i].state == state &&
		    (!name || strcmp(finder->questions[i].name, name) == 0))
			return &finder->questions[i];
	return NULL;
}

static struct address_answer address_find(const char *name)
{
	struct address_answer answer = {0};
	SCARDCONTEXT context;

	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
		return answer;
	answer.exclusive = pcsc_reader_usb(context, name, &answer.usb) == SCARD_E_SHARING_VIOLATION;
	SCardReleaseContext(context);
	return answer;
}

static void question_answer(struct address_finder *finder, struct question *question)
{
	char name[READER_NAME_SIZE];
	struct address_answer answer;

	question->state = QUESTION_BUSY;
	memcpy(name, question->name, sizeof(name));
	pthread_mutex_unlock(&finder->lock);
	answer = address_find(name);
	pthread_mutex_lock(&finder->lock);
	question->answer = answer;
	question->state = question->state == QUESTION_BUSY ? QUESTION_ANSWERED : QUESTION_FREE;
	pthread_cond_broadcast(&finder->answered);
}

static void *address_thread(void *data)
{
	struct address_finder *finder = data;
	struct question *question;

	pthread_mutex_lock(&finder->lock);
	for (;;) {
		question = question_find(finder, QUESTION_ASKED, NULL);
		if (!question) {
			pthread_cond_wait(&finder->asked, &finder->lock);
			continue;
		}
		question_answer(finder, question);
		if (question->state == QUESTION_ANSWERED && !finder->awaited)
			interrupt_note_addresses(finder->interrupt);
	}
	return NULL;
}

void address_ask(struct address_finder *finder, const char *name)
{
	struct question *question;

	pthread_mutex_lock(&finder->lock);
	/* An answer that nobody has taken yet is older than what is asked for. */
	question = question_find(finder, QUESTION_ANSWERED, name);
	if (!question)
		question = question_find(finder, QUESTION_FREE, NULL);
	if (question && !question_find(finder, QUESTION_ASKED, name) &&
	    !question_find(finder, QUESTION_BUSY, name)) {
		*question = (struct question){.state = QUESTION_ASKED};
		strncpy(question->name, name, sizeof(question->name) - 1);
		pthread_cond_signal(&finder->asked);
	}
	pthread_mutex_unlock(&finder->lock);
}

void address_wait(struct address_finder *finder, unsigned int timeout_ms)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += (long)timeout_ms * 1000000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	pthread_mutex_lock(&finder->lock);
	finder->awaited = true;
	while (question_find(finder, QUESTION_ASKED, NULL) || question_find(finder, QUESTION_BUSY, NULL))
		if (pthread_cond_timedwait(&finder->answered, &finder->lock, &end))
			break;
	finder->awaited = false;
	pthread_mutex_unlock(&finder->lock);
}

bool address_take(struct address_finder *finder, char ret_name[static READER_NAME_SIZE],
		  struct address_answer *ret_answer)
{
	struct question *question;

	pthread_mutex_lock(&finder->lock);
	question = question_find(finder, QUESTION_ANSWERED, NULL);
	if (question) {
		memcpy(ret_name, question->name, READER_NAME_SIZE);
		*ret_answer = question->answer;
		question->state = QUESTION_FREE;
	}
	pthread_mutex_unlock(&finder->lock);
	return question != NULL;
}

void address_forget(struct address_finder *finder, const char *name)
{
	struct question *question;

	pthread_mutex_lock(&finder->lock);
	for (size_t i = 0; i < READERS_MAX; i++) {
		question = &finder->questions[i];
		if (strcmp(question->name, name) != 0)
			continue;
		if (question->state == QUESTION_BUSY)
			question->state = QUESTION_FORGOTTEN;
		else if (question->state != QUESTION_FORGOTTEN)
			question->state = QUESTION_FREE;
	}
	pthread_mutex_unlock(&finder->lock);
}

static int threads_start(struct address_finder *finder)
{
	pthread_t thread;
	int r = 0;

	for (int i = 0; r == 0 && i < FINDERS; i++)
		r = pthread_create(&thread, NULL, address_thread, finder);
	return -r;
}

int address_finder_new(struct interrupt *interrupt, struct address_finder **ret)
{
	struct address_finder *finder = calloc(1, sizeof(*finder));
	pthread_condattr_t monotonic;

	/* Not freed on a failure: a thread may have it, and the process ends. */
	if (!finder)
		return -ENOMEM;
	finder->interrupt = interrupt;
	pthread_mutex_init(&finder->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&finder->answered, &monotonic);
	pthread_cond_init(&finder->asked, NULL);
	pthread_condattr_destroy(&monotonic);
	*ret = finder;
	return threads_start(finder);
}
