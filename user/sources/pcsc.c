/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/pcsc.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/names.h"
#include "lib/worker_message.h"

/* How many wrong messages the worker may send before it is restarted. */
#define FAULTS_MAX 3
/* Where a reader may claim to be: an address as USB has it (2.0, 9.4.6). */
#define USB_BUS_MAX    255
#define USB_DEVICE_MAX 127
/* A worker that keeps ending is restarted after this time, doubled each time, up to the maximum. */
#define RESTART_FIRST_USEC (100 * 1000ULL)
#define RESTART_MOST_USEC  (10 * 1000 * 1000ULL)

struct pcsc_source {
	struct sink sink;
	sd_event *event;
	char *program;
	pid_t worker;  /* 0: none runs */
	uint64_t born; /* when it was started */
	int socket;
	sd_event_source *io, *restart;
	uint64_t restart_delay; /* microseconds */
	uint32_t request;	/* number of the last RECHECK */
	unsigned faults;
	bool up, reported;			     /* reported: whether it is up has been reported */
	char readers[READERS_MAX][READER_NAME_SIZE]; /* reported now; "" if free */
};

DEFINE_CLEANUP(struct pcsc_source *, pcsc_source_free)

static void worker_start(struct pcsc_source *source);

static void report_pcsc(struct pcsc_source *source, enum event_type type, uint64_t stamp,
			const struct reader_state *reader)
{
	struct event event = {.type = type, .source = SOURCE_PCSC, .stamp = stamp, .reader = reader};

	source->sink.send(source->sink.userdata, &event);
}

static void set_pcscd_up(struct pcsc_source *source, bool up, uint64_t stamp)
{
	if (source->reported && up == source->up)
		return;
	source->reported = true;
	source->up = up;
	memset(source->readers, 0, sizeof(source->readers));
	log_info(up ? "pcscd answers" : "pcscd does not answer");
	report_pcsc(source, up ? EVENT_PCSC_UP : EVENT_PCSC_DOWN, stamp, NULL);
}

/* ---- the worker's messages ------------------------------------------------------------------------------ */

static char *name_find(struct pcsc_source *source, const char *name)
{
	for (size_t i = 0; i < READERS_MAX; i++) {
		if (strcmp(source->readers[i], name) == 0)
			return source->readers[i];
	}
	return NULL;
}

static bool name_learn(struct pcsc_source *source, const char *name)
{
	char *slot = name_find(source, name);

	if (slot)
		return true;
	slot = name_find(source, "");
	if (!slot)
		return false;
	memcpy(slot, name, READER_NAME_SIZE);
	return true;
}

static bool reader_valid(const struct reader_state *reader)
{
	return reader_state_valid(reader) && reader->usb.bus <= USB_BUS_MAX &&
	       reader->usb.device <= USB_DEVICE_MAX;
}

/* A worker notices nothing before it was started, and nothing after it said so. */
static uint64_t stamp_bound(const struct pcsc_source *source, uint64_t stamp)
{
	uint64_t now = monotonic_now();

	return stamp > now ? now : stamp < source->born ? source->born : stamp;
}

/* NULL, or what is wrong with the message. */
static const char *take_message(struct pcsc_source *source, const struct worker_message *message)
{
	uint64_t stamp = stamp_bound(source, message->stamp);
	char *name;

	if (message->magic != WORKER_MAGIC)
		return "not a worker's message";
	switch ((enum worker_message_type)message->type) {
	case WORKER_PCSC_UP:
	case WORKER_PCSC_DOWN:
		set_pcscd_up(source, message->type == WORKER_PCSC_UP, stamp);
		return NULL;
	case WORKER_SYNCED:
		if (!source->up)
			return "a list without pcscd";
		source->restart_delay = RESTART_FIRST_USEC;
		report_pcsc(source, EVENT_PCSC_LISTED, stamp, NULL);
		return NULL;
	case WORKER_READER:
		if (!source->up || !reader_valid(&message->reader))
			return "an invalid reader";
		if (!name_learn(source, message->reader.name))
			return "too many readers";
		report_pcsc(source, EVENT_READER, stamp, &message->reader);
		return NULL;
	case WORKER_READER_GONE:
		if (!source->up || !reader_valid(&message->reader))
			return "an invalid reader";
		name = name_find(source, message->reader.name);
		if (!name)
			return "an unknown reader gone";
		memset(name, 0, READER_NAME_SIZE);
		report_pcsc(source, EVENT_READER_GONE, stamp, &message->reader);
		return NULL;
	}
	return "an unknown type of message";
}

/* ---- the worker's life ---------------------------------------------------------------------------------- */

static int on_restart(sd_event_source *timer _unused_, uint64_t usec _unused_, void *userdata)
{
	worker_start(userdata);
	return 0;
}

static void worker_stop(struct pcsc_source *source)
{
	source->io = sd_event_source_disable_unref(source->io);
	source->socket = close_fd(source->socket);
	if (source->worker > 0) {
		kill(source->worker, SIGKILL);
		waitpid(source->worker, NULL, 0);
	}
	source->worker = 0;
	source->faults = 0;
}

/* What it knew no longer holds: PC/SC counts as down until the next worker has looked. */
static void worker_restart(struct pcsc_source *source)
{
	int r;

	worker_stop(source);
	set_pcscd_up(source, false, monotonic_now());
	source->restart = sd_event_source_disable_unref(source->restart);
	r = sd_event_add_time_relative(source->event, &source->restart, CLOCK_MONOTONIC,
				       source->restart_delay, 0, on_restart, source);
	if (r < 0)
		log_error("cannot set a timer for the PC/SC worker: %s", strerror(-r));
	source->restart_delay *= 2;
	if (source->restart_delay > RESTART_MOST_USEC)
		source->restart_delay = RESTART_MOST_USEC;
}

static void fault(struct pcsc_source *source, const char *what)
{
	source->faults++;
	log_warning("PC/SC worker: %s; dropped (%u of %d)", what, source->faults, FAULTS_MAX);
	if (source->faults < FAULTS_MAX)
		return;
	log_error("PC/SC worker keeps sending nonsense: restarting it");
	worker_restart(source);
}

static int on_worker_readable(sd_event_source *io _unused_, int fd, uint32_t revents _unused_, void *userdata)
{
	struct pcsc_source *source = userdata;
	struct worker_message message;
	const char *wrong;
	ssize_t size;

	size = recv(fd, &message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size <= 0) {
		log_warning("PC/SC worker ended: restarting it");
		worker_restart(source);
		return 0;
	}
	if ((size_t)size != sizeof(message))
		wrong = "a message of the wrong size";
	else
		wrong = take_message(source, &message);
	if (wrong)
		fault(source, wrong);
	return 0;
}

/* What the worker may know: where pcscd is (libpcsclite 2 loads what another variable names), and what the
 * settings of the sanitizers of a test build are. */
static const char *const environment_kept[] = {"PCSCLITE_CSOCK_NAME=", "ASAN_OPTIONS=", "UBSAN_OPTIONS="};

static void environment_filter(char *kept[static ELEMENTS(environment_kept) + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < ELEMENTS(environment_kept); i++) {
		for (char **variable = environ; *variable; variable++) {
			if (strncmp(*variable, environment_kept[i], strlen(environment_kept[i])) != 0)
				continue;
			kept[count++] = *variable;
			break;
		}
	}
	kept[count] = NULL;
}

/* The worker gets its end of the socket as WORKER_FD, no signal blocked, and nothing else of ours. */
static int worker_spawn(const char *program, int socket, pid_t *ret)
{
	char *environment[ELEMENTS(environment_kept) + 1];
	char *arguments[] = {(char *)program, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int r;

	environment_filter(environment);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, socket, WORKER_FD);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	r = posix_spawn(&pid, program, &actions, &attributes, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (r != 0)
		return -r;
	*ret = pid;
	return 0;
}

static int worker_connect(struct pcsc_source *source)
{
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	source->born = monotonic_now();
	r = worker_spawn(source->program, theirs, &source->worker);
	if (r < 0)
		return r;
	r = sd_event_add_io(source->event, &source->io, ours, EPOLLIN, on_worker_readable, source);
	if (r < 0)
		return r;
	sd_event_source_set_description(source->io, "pcsc");
	sd_event_source_set_priority(source->io, PRIORITY_SOURCE);
	source->socket = steal_fd(&ours);
	return 0;
}

static void worker_start(struct pcsc_source *source)
{
	int r = worker_connect(source);

	if (r >= 0)
		return;
	log_error("cannot run the PC/SC worker %s: %s", source->program, strerror(-r));
	worker_restart(source);
}

int pcsc_source_new(sd_event *event, const char *program, struct sink sink, struct pcsc_source **ret)
{
	_cleanup_(pcsc_source_free_p) struct pcsc_source *source = NULL;

	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->sink = sink;
	source->socket = -1;
	source->restart_delay = RESTART_FIRST_USEC;
	source->event = sd_event_ref(event);
	source->program = strdup(program);
	if (!source->program)
		return -ENOMEM;
	worker_start(source);
	*ret = steal_pointer(source);
	return 0;
}

struct pcsc_source *pcsc_source_free(struct pcsc_source *source)
{
	if (!source)
		return NULL;
	worker_stop(source);
	sd_event_source_disable_unref(source->restart);
	sd_event_unref(source->event);
	free(source->program);
	free(source);
	return NULL;
}

void pcsc_source_recheck(struct pcsc_source *source, bool locate)
{
	struct worker_request request = {
		.magic = WORKER_MAGIC, .number = ++source->request, .locate = locate};

	if (source->socket < 0)
		return; /* the next worker looks at everything anyway */
	if (send(source->socket, &request, sizeof(request), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		worker_restart(source); /* it does not read: a new worker looks at everything */
}
