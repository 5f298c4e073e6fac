/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/find_token.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/names.h"
#include "pam/certificate.h"
#include "pam/clock.h"
#include "pam/inherited.h"
#include "pam/privileges.h"
#include "pam/token.h"

/* Where the reader of one card writes its answer; the descriptors above are its own. */
#define ANSWER_FD 3

/* ---- the process that reads one card ----------------------------------------------------------------------
 */

/* It has no connection to the sign-in program, and ends when the helper is ended. */
static int set_apart(pid_t helper, int answer_fd)
{
	static const struct rlimit none = {0};
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	/* Not before: `null` may be that descriptor. */
	if (dup2(answer_fd, ANSWER_FD) < 0 || close_range(ANSWER_FD + 1, ~0U, 0) < 0)
		return -errno;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	inherited_allow_memory();
	/* The helper may have ended before that request. */
	return getppid() == helper ? 0 : -ESRCH;
}

static void read_card(const struct pam_request *request, const struct reader_state *cards, size_t count,
		      size_t index, pid_t helper, int answer_fd)
{
	struct token_answer answer = {0};
	CK_FUNCTION_LIST *module = NULL;
	int r = set_apart(helper, answer_fd);

	if (r < 0)
		_exit(1);
	opensc_hide_twins(cards, count, index);
	r = privileges_make_reader();
	if (r < 0)
		snprintf(answer.why, sizeof(answer.why), "cannot drop privileges: %s", strerror(-r));
	else
		module = token_module_start(request->module, &answer);
	if (module)
		token_read(module, request, cards[index].name, &answer);
	if (write(ANSWER_FD, &answer, sizeof(answer)) != sizeof(answer))
		_exit(1);
	if (module)
		token_module_end(module);
	_exit(0);
}

/* ---- asking -----------------------------------------------------------------------------------------------
 */

struct asked {
	pid_t pid;
	int fd;
};

static int start_asking(const struct pam_request *request, const struct reader_state *cards, size_t count,
			size_t index, struct asked *ret_asked)
{
	pid_t helper = getpid();
	int fds[2], r = 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	ret_asked->pid = fork();
	if (ret_asked->pid == 0)
		read_card(request, cards, count, index, helper, fds[1]);
	if (ret_asked->pid < 0)
		r = -errno;
	close_fd(fds[1]);
	ret_asked->fd = r == 0 ? fds[0] : close_fd(fds[0]);
	return r;
}

static bool answer_is_there(int fd, int64_t deadline)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN};
	int64_t left = deadline - clock_ms();

	return poll(&entry, 1, left > 0 ? (int)left : 0) > 0;
}

/* Check what the library's process wrote: it may have been taken over. Its bool may be any byte. */
static bool read_flag(const bool *flag)
{
	unsigned char byte;

	memcpy(&byte, flag, sizeof(byte));
	return byte == 1;
}

static void read_answer(int fd, int64_t deadline, struct token_answer *answer)
{
	struct token_answer raw;

	*answer = (struct token_answer){0};
	if (fd < 0) {
		snprintf(answer->why, sizeof(answer->why), "no process could be started for it");
		return;
	}
	if (!answer_is_there(fd, deadline)) {
		snprintf(answer->why, sizeof(answer->why), "no answer in time (timeout= may say more)");
		return;
	}
	if (read(fd, &raw, sizeof(raw)) != (ssize_t)sizeof(raw)) {
		snprintf(answer->why, sizeof(answer->why), "the PKCS#11 module crashed");
		return;
	}
	raw.why[sizeof(raw.why) - 1] = '\0';
	log_safe(raw.why, answer->why, sizeof(answer->why));
	answer->read = read_flag(&raw.read);
	answer->label = read_flag(&raw.label);
	answer->certificate = read_flag(&raw.certificate);
	answer->user = read_flag(&raw.user);
}

/* A process that ends by itself releases the card; it has until the deadline. */
static void end_asking(struct asked *asked, int64_t deadline)
{
	_cleanup_close_ int pidfd = -1;

	if (asked->fd < 0)
		return;
	close_fd(asked->fd);
	pidfd = pidfd_open(asked->pid, 0);
	if (pidfd < 0 || !answer_is_there(pidfd, deadline))
		kill(asked->pid, SIGKILL);
	waitpid(asked->pid, NULL, 0);
}

int tokens_ask(const struct pam_request *request, const struct reader_state *cards, size_t count,
	       unsigned int timeout_ms, struct token_answer *ret_answers, struct find_text *ret_text)
{
	struct asked asked[READERS_MAX];
	int64_t deadline = clock_ms() + timeout_ms;
	int r = request->module[0] ? token_module_check(request->module) : 0;

	if (r < 0) {
		find_tell(ret_text, "pkcs11_module=%s: %s", request->module,
			  r == -EPERM ? "others than root can write to it or to a directory above it"
				      : strerror(-r));
		return r;
	}
	for (size_t i = 0; i < count; i++) {
		r = start_asking(request, cards, count, i, &asked[i]);
		if (r < 0)
			asked[i] = (struct asked){.pid = -1, .fd = -1};
	}
	for (size_t i = 0; i < count; i++)
		read_answer(asked[i].fd, deadline, &ret_answers[i]);
	for (size_t i = 0; i < count; i++)
		end_asking(&asked[i], deadline);
	return 0;
}

/* ---- choosing ---------------------------------------------------------------------------------------------
 */

/* What identifies a card, the strongest first; `given` says whether the sign-in left it. */
enum mark {
	MARK_CERTIFICATE,
	MARK_LABEL,
	MARK_USER,
};

static const char *const mark_names[] = {
	[MARK_CERTIFICATE] = "the certificate that signed in",
	[MARK_LABEL] = "the token label of the sign-in",
	[MARK_USER] = "the user's name",
};
ASSERT_ROWS(mark_names, MARK_USER + 1);

static bool has_mark(const struct token_answer *answer, enum mark mark)
{
	const bool marks[] = {
		[MARK_CERTIFICATE] = answer->certificate,
		[MARK_LABEL] = answer->label,
		[MARK_USER] = answer->user,
	};

	return answer->read && marks[mark];
}

/* One bit a card. */
static uint64_t cards_with(const struct token_answer *answers, size_t count, enum mark mark)
{
	uint64_t found = 0;

	for (size_t i = 0; i < count; i++)
		if (has_mark(&answers[i], mark))
			found |= UINT64_C(1) << i;
	return found;
}

static bool is_single(uint64_t cards)
{
	return cards != 0 && (cards & (cards - 1)) == 0;
}

static const char *first_unread(const struct reader_state *cards, const struct token_answer *answers,
				size_t count, const char **ret_why)
{
	for (size_t i = 0; i < count; i++)
		if (!answers[i].read) {
			*ret_why = answers[i].why;
			return cards[i].name;
		}
	return NULL;
}

int token_choose(const struct pam_request *request, const struct reader_state *cards,
		 const struct token_answer *answers, size_t count, struct find_text *ret_text)
{
	enum mark mark = request->serial[0]	    ? MARK_CERTIFICATE
			 : request->record.token[0] ? MARK_LABEL
						    : MARK_USER;
	/* If its issuer could be compared, a certificate belongs to one card, whatever the others have. */
	bool is_proof = mark == MARK_CERTIFICATE && issuer_is_comparable(request->issuer);
	uint64_t found = cards_with(answers, count, mark), narrower;
	const char *why, *unread = first_unread(cards, answers, count, &why);

	/* Copies of one certificate, or tokens that all have one label: the next mark may tell them apart. */
	for (int next = mark + 1; found && !is_single(found) && next <= MARK_USER; next++) {
		narrower = found & cards_with(answers, count, (enum mark)next);
		found = narrower ? narrower : found;
	}
	if (unread && !(is_proof && is_single(found)))
		find_tell(ret_text, "PKCS#11 cannot read the card in %s: %s", unread, why);
	else if (found == 0)
		find_tell(ret_text, "PKCS#11 finds %s on none of them", mark_names[mark]);
	else if (!is_single(found))
		find_tell(ret_text, "PKCS#11 finds %s on more than one of them", mark_names[mark]);
	else
		return __builtin_ctzll(found);
	return -ENOENT;
}
