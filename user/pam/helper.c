/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scpolicyd-pam-helper VERB: what the PAM module must not do inside gdm, sshd or login. See pam_message.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/names.h"
#include "lib/pam_message.h"
#include "pam/ask.h"
#include "pam/clock.h"
#include "pam/find_card.h"
#include "pam/find_usb.h"
#include "pam/inherited.h"
#include "pam/privileges.h"
#include "pam/prove.h"

DEFINE_CLEANUP(DIR *, closedir)

_printf_(3, 4) static void answer(struct pam_reply *reply, enum pam_result result, const char *format, ...)
{
	char raw[sizeof(reply->text)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(raw, sizeof(raw), format, arguments);
	va_end(arguments);
	reply->result = result;
	log_safe(raw, reply->text, sizeof(reply->text));
}

/* ---- time ------------------------------------------------------------------------------------------------- */

/* What is out of memory, descriptors or room now may have them in a moment. */
#define AGAIN_USEC 20000

/* More than a reader's address takes on a busy machine; who waits longer, waits for another program. */
#define ADDRESS_MS_MAX 250

/*
 * Of the module's time limit the tokens of several cards have three quarters, a reader's address an eighth; the last
 * eighth is left to start in, and to say in words that the rest was not enough.
 */
static int64_t last_moment(const struct pam_request *request)
{
	return clock_ms() + request->timeout_ms / 8 * 7;
}

static struct find_times times_until(int64_t deadline, const struct pam_request *request)
{
	unsigned int address = request->timeout_ms / 8;
	int64_t tokens = deadline - clock_ms() - address;

	return (struct find_times){
		.tokens_ms = tokens > 0 ? (unsigned int)tokens : 0,
		.address_ms = address < ADDRESS_MS_MAX ? address : ADDRESS_MS_MAX,
	};
}

/* True, after a moment: what failed with `r` may do so no more. */
static bool try_again(int r, int64_t deadline)
{
	static const int passing[] = {-ENOMEM, -ENOSPC, -EDQUOT, -EMFILE, -ENFILE, -EAGAIN, -EINTR};

	for (size_t i = 0; i < ELEMENTS(passing); i++)
		if (r == passing[i] && clock_ms() < deadline)
			return usleep(AGAIN_USEC) == 0;
	return false;
}

/* "the card in READER", "the token NAME": for the log. */
static const char *what(const struct login_record *record)
{
	return record->usb_token ? "the token" : "the card in";
}

/* ---- what the verbs do ------------------------------------------------------------------------------------ */

/* Looks for the card and fills its members of `record`. False if the reply says why not. */
static bool look(const struct pam_request *request, struct login_record *record, int64_t deadline,
		 struct pam_reply *reply)
{
	struct find_text text = {""};
	struct find_times times;
	int r;

	do {
		times = times_until(deadline, request);
		r = request->usb_token[0] ? usb_token_find("", request, times.tokens_ms, record, &text)
					  : card_find(request, &times, record, &text);
	} while (try_again(r, deadline));
	/* What this process cannot load, another may: without an answer, the module runs one. */
	if (r == -ELIBACC)
		exit(EXIT_FAILURE);
	/* After the look: what the reader reported before is in PC/SC's count, or will be. */
	record->seen = clock_ns();
	if (r <= 0)
		answer(reply, r < 0 ? PAM_RESULT_FAILED : PAM_RESULT_NOTHING, "%s", text.text);
	return r > 0;
}

/*
 * The card of the note, as it was then, or else the card that is there now. A note that does not parse is not
 * ours: somebody else put it into the environment, and that must not cost the record.
 */
static bool choose_card(const struct pam_request *request, struct login_record *record, int64_t deadline,
			struct pam_reply *reply)
{
	struct record_error error;

	if (request->note[0] && pam_note_parse(request->note, record, &error) == 0)
		return true;
	return look(request, record, deadline, reply);
}

static void set_socket(struct login_record *record)
{
	const char *socket = secure_getenv("PCSCLITE_CSOCK_NAME");

	snprintf(record->pcsc_socket, sizeof(record->pcsc_socket), "%s", socket ? socket : PCSCD_SOCKET);
}

static void do_look(struct pam_request *request, int64_t deadline, struct pam_reply *reply)
{
	struct record_error error;

	if (!look(request, &request->record, deadline, reply))
		return;
	if (pam_note_format(&request->record, reply->note, sizeof(reply->note), &error) < 0)
		answer(reply, PAM_RESULT_FAILED, "cannot note %s %s: %s", what(&request->record),
		       request->record.card.name, error.text);
	else
		answer(reply, PAM_RESULT_DONE, "noted %s %s", what(&request->record),
		       request->record.card.name);
}

/*
 * Session ids are not used twice in one boot. If somebody else's record has our id, the id that we were given
 * is not that of the session being opened.
 */
static bool taken_by_another(int dir_fd, const struct login_record *record, struct pam_reply *reply)
{
	struct login_record other;
	struct record_error error;

	if (record_read(dir_fd, record->session, geteuid(), record->boot_id, &other, &error) < 0 ||
	    (other.leader == record->leader && other.uid == record->uid))
		return false;
	answer(reply, PAM_RESULT_FAILED, "session %s was recorded already, for uid %ju and process %jd",
	       record->session, (uintmax_t)other.uid, (intmax_t)other.leader);
	return true;
}

static int record_once(struct login_record *record, struct pam_reply *reply)
{
	_cleanup_close_ int dir_fd = record_dir_open();
	int r = dir_fd < 0 ? dir_fd : boot_id_read(record->boot_id);

	if (r < 0) {
		answer(reply, PAM_RESULT_FAILED, "cannot open %s: %s", RECORD_DIR, strerror(-r));
		return r;
	}
	if (taken_by_another(dir_fd, record, reply))
		return -EEXIST;
	r = record_write(dir_fd, record);
	if (r < 0)
		answer(reply, PAM_RESULT_FAILED, "cannot write the record of session %s: %s", record->session,
		       strerror(-r));
	return r;
}

static void do_record(struct pam_request *request, int64_t deadline, struct pam_reply *reply)
{
	struct login_record *record = &request->record;
	int r;

	if (!choose_card(request, record, deadline, reply))
		return;
	set_socket(record);
	do
		r = record_once(record, reply);
	while (try_again(r, deadline));
	if (r == 0)
		answer(reply, PAM_RESULT_DONE, "session %s of %s is bound to %s %s", record->session,
		       record->user, what(record), record->card.name);
}

/* Which records a rebind concerns, and what it found. */
struct rebind {
	const struct login_record *wanted; /* session (or empty), boot id, uid, and the new card */
	unsigned int bound;
	unsigned int failed;
	int error; /* of the last that failed */
};

static void rebind_one(struct rebind *rebind, int dir_fd, const char *name)
{
	const struct login_record *wanted = rebind->wanted;
	struct login_record record, old;
	struct record_error error;
	int r;

	if (wanted->session[0] && strcmp(wanted->session, name) != 0)
		return;
	/* Leave alone a record that the daemon refuses too. */
	if (record_read(dir_fd, name, geteuid(), wanted->boot_id, &old, &error) < 0 || old.uid != wanted->uid)
		return;
	record = *wanted;
	memcpy(record.session, old.session, sizeof(record.session));
	memcpy(record.user, old.user, sizeof(record.user));
	memcpy(record.service, old.service, sizeof(record.service));
	record.leader = old.leader;
	r = record_write(dir_fd, &record);
	if (r == 0) {
		rebind->bound++;
		return;
	}
	rebind->failed++;
	rebind->error = r;
}

static int rebind_records(struct rebind *rebind, int dir_fd)
{
	_cleanup_(closedir_p) DIR *dir = NULL;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		close_fd(fd);
		return -errno;
	}
	/* rename() may show an entry twice: binding it twice does no harm. */
	for (struct dirent *entry; (entry = readdir(dir));)
		if (session_id_valid(entry->d_name))
			rebind_one(rebind, dir_fd, entry->d_name);
	return 0;
}

static void reply_rebind(struct pam_reply *reply, const struct rebind *rebind, int r)
{
	const char *reader = rebind->wanted->card.name, *thing = what(rebind->wanted);

	if (r < 0)
		answer(reply, PAM_RESULT_FAILED, "cannot read %s: %s", RECORD_DIR, strerror(-r));
	else if (rebind->failed)
		answer(reply, PAM_RESULT_FAILED, "cannot bind %u session(s) to %s %s", rebind->failed, thing,
		       reader);
	else if (rebind->bound)
		answer(reply, PAM_RESULT_DONE, "%u session(s) bound again, to %s %s", rebind->bound, thing,
		       reader);
	else
		answer(reply, PAM_RESULT_NOTHING, "no session to bind to %s %s", thing, reader);
}

/* Those that are bound already are bound once more when it has to be tried again. */
static int rebind_all(struct rebind *rebind, int dir_fd, int64_t deadline)
{
	int r;

	do {
		rebind->bound = rebind->failed = 0;
		rebind->error = 0;
		r = rebind_records(rebind, dir_fd);
	} while (try_again(r < 0 ? r : rebind->error, deadline));
	return r;
}

static void do_rebind(struct pam_request *request, int64_t deadline, struct pam_reply *reply)
{
	_cleanup_close_ int dir_fd = record_dir_open();
	struct rebind rebind = {.wanted = &request->record};
	int r = dir_fd < 0 ? dir_fd : boot_id_read(request->record.boot_id);

	if (r == 0 && !choose_card(request, &request->record, deadline, reply))
		return;
	set_socket(&request->record);
	if (r == 0)
		r = rebind_all(&rebind, dir_fd, deadline);
	reply_rebind(reply, &rebind, r);
}

static void do_ask(struct pam_request *request, int64_t deadline, struct pam_reply *reply)
{
	int64_t left = deadline - clock_ms();
	char text[ASK_TEXT_SIZE];
	int r = ask_rebind(left > 0 ? (unsigned int)left : 0, text);

	(void)request;
	if (r < 0)
		answer(reply, PAM_RESULT_FAILED, "%s", text);
	else if (r == 0)
		answer(reply, PAM_RESULT_NOTHING, "%s", text);
	else
		answer(reply, PAM_RESULT_DONE, "the session is guarded");
}

static void do_prove(struct pam_request *request, _unused_ int64_t deadline, struct pam_reply *reply)
{
	struct find_text text = {""};
	int r = prove_pkinit(request, &text);

	answer(reply,
	       r < 0	? PAM_RESULT_FAILED
	       : r == 0 ? PAM_RESULT_NOTHING
			: PAM_RESULT_DONE,
	       "%s", text.text);
}

static void (*const verbs[])(struct pam_request *request, int64_t deadline, struct pam_reply *reply) = {
	[PAM_VERB_LOOK] = do_look, [PAM_VERB_RECORD] = do_record, [PAM_VERB_REBIND] = do_rebind,
	[PAM_VERB_ASK] = do_ask,   [PAM_VERB_PROVE] = do_prove,
};
ASSERT_ROWS(verbs, PAM_VERB_PROVE + 1);

/* One byte more than a request may have, to notice a longer one. */
static int read_request(enum pam_verb verb, struct pam_request *ret_request, struct pam_reply *reply)
{
	char text[PAM_MESSAGE_MAX + 1];
	struct record_error error;
	size_t size = fread(text, 1, sizeof(text), stdin);
	int r;

	if (ferror(stdin) || size > PAM_MESSAGE_MAX) {
		answer(reply, PAM_RESULT_FAILED, "the request cannot be read or is longer than %d bytes",
		       PAM_MESSAGE_MAX);
		return -EBADMSG;
	}
	r = pam_request_parse(verb, text, size, ret_request, &error);
	if (r < 0)
		answer(reply, PAM_RESULT_FAILED, "the request is malformed: %s", error.text);
	return r;
}

static void serve(enum pam_verb verb, struct pam_reply *reply)
{
	struct pam_request request;
	/*
	 * Who asks the daemon does so with the rights of the locker: the bus tells the daemon whose those are. A proof takes
	 * another process first, with the rights of the person.
	 */
	int r = verb == PAM_VERB_ASK || verb == PAM_VERB_PROVE ? 0 : privileges_drop();

	if (r < 0)
		answer(reply, PAM_RESULT_FAILED, "cannot drop privileges: %s", strerror(-r));
	else if (read_request(verb, &request, reply) == 0)
		verbs[verb](&request, last_moment(&request), reply);
}

int main(int argc, char **argv)
{
	struct pam_reply reply = {.result = PAM_RESULT_FAILED};
	char text[PAM_MESSAGE_MAX];
	struct record_error error;
	size_t verb = 0;

	while (argc == 2 && verb < ELEMENTS(verbs) &&
	       strcmp(argv[1], pam_verb_name((enum pam_verb)verb)) != 0)
		verb++;
	if (argc != 2 || verb == ELEMENTS(verbs)) {
		fputs("usage: scpolicyd-pam-helper look|record|rebind|ask|prove (run by pam_scpolicy.so)\n",
		      stderr);
		return 2;
	}
	inherited_replace();
	serve((enum pam_verb)verb, &reply);
	if (pam_reply_format(&reply, text, sizeof(text), &error) < 0 || fputs(text, stdout) == EOF ||
	    fflush(stdout) == EOF)
		_exit(1);
	/* Not exit(): a thread that waits for a reader's address may be inside libpcsclite. */
	_exit(reply.result == PAM_RESULT_FAILED);
}
