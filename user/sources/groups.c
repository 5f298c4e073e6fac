/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sources/groups.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <utlist.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/record.h"

struct session_question {
	struct groups_source *source;
	char session[SESSION_ID_SIZE];
	char user[USER_NAME_SIZE];
	struct session_question *prev, *next;

	/* While it runs. */
	sd_event_source *child, *output, *limit;
	int fd;
	char *answer; /* GROUPS_BYTES_MAX bytes */
	size_t size;
	const char *failed; /* why it counts as failed, whatever the process says; NULL: it does not */
};

struct groups_source {
	sd_event *event;
	const char *program;
	groups_handler handler;
	void *userdata;
	sd_event_source *turn; /* starts what waits */
	struct session_question *waiting, *running;
	unsigned run;
};

DEFINE_CLEANUP(struct groups_source *, groups_source_free)

static struct session_question *session_question_free(struct session_question *question)
{
	if (!question)
		return NULL;
	sd_event_source_disable_unref(question->child); /* kills and reaps what still runs */
	sd_event_source_disable_unref(question->output);
	sd_event_source_disable_unref(question->limit);
	close_fd(question->fd);
	free(question->answer);
	free(question);
	return NULL;
}

DEFINE_CLEANUP(struct session_question *, session_question_free)

/* ---- the answer ----------------------------------------------------------------------------------------- */

static size_t count_names(const struct session_question *question)
{
	size_t count = 0;

	for (size_t i = 0; i < question->size; i++)
		count += question->answer[i] == '\0';
	return count;
}

/* NUL after each name, the last one included. */
static void deliver(const struct session_question *question)
{
	const struct groups_source *source = question->source;
	_cleanup_free_ const char **names = NULL;
	size_t count = question->failed ? 0 : count_names(question);
	const char *next = question->answer;

	if (count > 0)
		names = calloc(count, sizeof(*names));
	if (!names)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		names[i] = next;
		next += strlen(next) + 1;
	}
	source->handler(source->userdata, question->session, names, count);
}

static void log_failure(const struct session_question *question, const char *why)
{
	char user[USER_NAME_SIZE];

	log_warning("session %s: cannot find out the groups of user %s: %s", question->session,
		    log_safe(question->user, user, sizeof(user)), why);
}

/* Takes what is there to be read; true once there will be no more. */
static bool read_groups(struct session_question *question)
{
	ssize_t size;

	while (question->size < GROUPS_BYTES_MAX) {
		size = read(question->fd, question->answer + question->size,
			    GROUPS_BYTES_MAX - question->size);
		if (size == 0)
			return true;
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno != EAGAIN;
		question->size += (size_t)size;
	}
	question->failed = "its answer is too long";
	return true;
}

/* ---- the process ---------------------------------------------------------------------------------------- */

static void take_turns(struct groups_source *source)
{
	sd_event_source_set_enabled(source->turn, SD_EVENT_ONESHOT);
}

static void session_question_end(struct session_question *question)
{
	struct groups_source *source = question->source;
	_cleanup_(session_question_free_p) struct session_question *owned = question;

	DL_DELETE(source->running, owned);
	source->run--;
	take_turns(source);
	if (owned->failed)
		log_failure(owned, owned->failed);
	deliver(owned);
}

static void session_question_kill(struct session_question *question, const char *why)
{
	if (!question->failed)
		question->failed = why;
	sd_event_source_send_child_signal(question->child, SIGKILL, NULL, 0);
}

static int on_output(sd_event_source *output, int fd _unused_, uint32_t revents _unused_, void *userdata)
{
	struct session_question *question = userdata;

	if (!read_groups(question))
		return 0;
	sd_event_source_set_enabled(output, SD_EVENT_OFF);
	if (question->failed)
		session_question_kill(question, NULL);
	return 0;
}

static int on_limit(sd_event_source *limit _unused_, uint64_t usec _unused_, void *userdata)
{
	session_question_kill(userdata, "no answer within ten seconds");
	return 0;
}

/* id exits with 1 if the user is not known, but also if one group has no name. Then the other names count. */
static const char *why_failed(const struct session_question *question, const siginfo_t *info)
{
	if (question->failed)
		return question->failed;
	if (info->si_code != CLD_EXITED)
		return "it was killed";
	if (question->size == 0 || question->answer[question->size - 1] != '\0')
		return info->si_status == 0 ? "no answer" : "no such user, or no name service";
	return NULL;
}

static int on_id_exit(sd_event_source *child _unused_, const siginfo_t *info, void *userdata)
{
	struct session_question *question = userdata;

	read_groups(question);
	question->failed = why_failed(question, info);
	if (!question->failed && info->si_status != 0)
		log_failure(question, "not all of them have names");
	session_question_end(question);
	return 0;
}

/* Only the answer comes back: our own log line replaces id's messages. */
static int spawn_id(const char *program, const char *user, int output, pid_t *ret)
{
	char *arguments[] = {"id", "-zGn", "--", (char *)user, NULL};
	char *environment[] = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = posix_spawn(ret, program, &actions, &attributes, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -r;
}

static int child_add(struct session_question *question, pid_t pid)
{
	int r;

	r = sd_event_add_child(question->source->event, &question->child, pid, WEXITED, on_id_exit, question);
	if (r < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	sd_event_source_set_priority(question->child, PRIORITY_REST);
	return sd_event_source_set_child_process_own(question->child, true);
}

static int session_question_run(struct session_question *question)
{
	struct groups_source *source = question->source;
	_cleanup_close_ int output = -1;
	int ends[2], r;
	pid_t pid;

	question->answer = malloc(GROUPS_BYTES_MAX);
	if (!question->answer)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	question->fd = ends[0];
	output = ends[1];
	if (fcntl(question->fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	r = spawn_id(source->program, question->user, output, &pid);
	if (r < 0)
		return r;
	r = child_add(question, pid);
	if (r >= 0)
		r = sd_event_add_io(source->event, &question->output, question->fd, EPOLLIN, on_output,
				    question);
	if (r >= 0)
		r = sd_event_add_time_relative(source->event, &question->limit, CLOCK_MONOTONIC,
					       GROUPS_LIMIT_USEC, 0, on_limit, question);
	return r;
}

/* id takes these for numbers of users, should there be no user of that name. */
static bool is_number(const char *user)
{
	return *user == '+' || (*user && user[strspn(user, "0123456789")] == '\0');
}

static int on_turn(sd_event_source *turn _unused_, void *userdata)
{
	struct groups_source *source = userdata;
	struct session_question *question;
	int r;

	while (source->run < GROUPS_RUN_MAX && (question = source->waiting)) {
		DL_DELETE(source->waiting, question);
		DL_APPEND(source->running, question);
		source->run++;
		r = is_number(question->user) ? -EINVAL : session_question_run(question);
		if (r >= 0)
			continue;
		question->failed = strerror(-r);
		session_question_end(question);
	}
	return 0;
}

/* ---- asking --------------------------------------------------------------------------------------------- */

static struct session_question *session_question_find(struct session_question *list, const char *session)
{
	struct session_question *question;

	DL_FOREACH(list, question) {
		if (strcmp(question->session, session) == 0)
			break;
	}
	return question;
}

static void forget_waiting(struct groups_source *source, const char *session)
{
	struct session_question *question;

	while ((question = session_question_find(source->waiting, session))) {
		DL_DELETE(source->waiting, question);
		session_question_free(question);
	}
}

int groups_source_ask(struct groups_source *source, const char *session, const char *user)
{
	struct session_question *question;

	if (strlen(session) >= SESSION_ID_SIZE || strlen(user) >= USER_NAME_SIZE)
		return -EINVAL;
	question = calloc(1, sizeof(*question));
	if (!question)
		return -ENOMEM;
	question->source = source;
	question->fd = -1;
	strcpy(question->session, session);
	strcpy(question->user, user);
	forget_waiting(source, session);
	DL_APPEND(source->waiting, question);
	take_turns(source);
	return 0;
}

void groups_source_forget(struct groups_source *source, const char *session)
{
	struct session_question *question;

	forget_waiting(source, session);
	while ((question = session_question_find(source->running, session))) {
		DL_DELETE(source->running, question);
		source->run--;
		session_question_free(question);
		take_turns(source);
	}
}

/* ---- life ----------------------------------------------------------------------------------------------- */

int groups_source_new(sd_event *event, const char *program, groups_handler handler, void *userdata,
		      struct groups_source **ret)
{
	_cleanup_(groups_source_free_p) struct groups_source *source = NULL;
	int r;

	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->event = sd_event_ref(event);
	source->program = program;
	source->handler = handler;
	source->userdata = userdata;
	r = sd_event_add_defer(event, &source->turn, on_turn, source);
	if (r < 0)
		return r;
	*ret = steal_pointer(source);
	return 0;
}

static void session_questions_free(struct session_question *list)
{
	struct session_question *question, *next;

	DL_FOREACH_SAFE(list, question, next)
		session_question_free(question);
}

struct groups_source *groups_source_free(struct groups_source *source)
{
	if (!source)
		return NULL;
	session_questions_free(source->waiting);
	session_questions_free(source->running);
	sd_event_source_disable_unref(source->turn);
	sd_event_unref(source->event);
	free(source);
	return NULL;
}
