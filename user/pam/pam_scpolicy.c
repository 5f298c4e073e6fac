/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pam_scpolicy.so: records which card opened a session. It is a thin shell: it decides whether the sign-in
 * used the card, and what to return. The helper looks for the card and writes the record (pam_message.h). The
 * module never decides an authentication.
 * The auth line is placed so that only the card's path reaches it.
 */
#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "pam/note.h"
#include "pam/notice.h"
#include "pam/options.h"
#include "pam/run_helper.h"

#define OPENED_NAME  "SCPOLICYD_OPENED"
#define REACHED_NAME "SCPOLICYD_REACHED" /* the auth line was reached: somebody has authenticated */
/* Left by pam_pkcs11 and pam_sss after a card was used. */
#define TOKEN_NAME "PKCS11_LOGIN_TOKEN_NAME"
/* Left by pam_pkcs11: the certificate. */
#define ISSUER_NAME "PKCS11_LOGIN_CERT_ISSUER"
#define SERIAL_NAME "PKCS11_LOGIN_CERT_SERIAL"
/* Left by what fetched a Kerberos ticket: its cache. */
#define CACHE_NAME "KRB5CCNAME"

/* ---- what the sign-in left ------------------------------------------------------------------------------- */

/*
 * True between opening a session and the next authentication: setcred is then part of the sign-in, and no
 * unlock.
 */
static void set_opened(pam_handle_t *pamh, bool opened)
{
	pam_set_data(pamh, OPENED_NAME, opened ? (void *)"" : NULL, NULL);
}

static bool is_set(pam_handle_t *pamh, const char *name)
{
	const void *data = NULL;

	return pam_get_data(pamh, name, &data) == PAM_SUCCESS && data;
}

/* The caller controls the environment of a set-user-id program, so secure_getenv() does not look there. */
static const char *token_find(pam_handle_t *pamh)
{
	const char *token = pam_getenv(pamh, TOKEN_NAME);

	return token ? token : secure_getenv(TOKEN_NAME);
}

/* By all that is known here. With `always`, a sign-in by password may be recorded too. */
static bool card_was_used(pam_handle_t *pamh)
{
	return note_find(pamh) || token_find(pamh) || note_missed(pamh);
}

/* ---- requests ---------------------------------------------------------------------------------------------
 */

static const char *item(pam_handle_t *pamh, int which)
{
	const void *value = NULL;

	return pam_get_item(pamh, which, &value) == PAM_SUCCESS && value ? value : "";
}

static bool copy_whole(pam_handle_t *pamh, const char *what, const char *from, char *to, size_t size)
{
	if (strlen(from) >= size) {
		pam_syslog(pamh, LOG_ERR, "the %s is longer than %zu bytes", what, size - 1);
		return false;
	}
	memcpy(to, from, strlen(from) + 1);
	return true;
}

/*
 * What distinguishes the card from others in the machine. Only modules of this sign-in are believed about a
 * certificate: the program's own environment may come from the sign-in that opened its session, with another
 * card.
 */
static void fill_card(pam_handle_t *pamh, const struct options *options, struct pam_request *request)
{
	const char *token = token_find(pamh), *issuer = pam_getenv(pamh, ISSUER_NAME),
		   *serial = pam_getenv(pamh, SERIAL_NAME);

	/* A label is for people, and an issuer may be long: what does not fit is cut off. */
	log_safe(token ? token : "", request->record.token, sizeof(request->record.token));
	log_safe(issuer ? issuer : "", request->issuer, sizeof(request->issuer));
	log_safe(serial ? serial : "", request->serial, sizeof(request->serial));
	memcpy(request->module, options->pkcs11_module, sizeof(request->module));
	memcpy(request->u2f_keys, options->u2f_keys, sizeof(request->u2f_keys));
	memcpy(request->origin, options->origin, sizeof(request->origin));
	memcpy(request->usb_token, options->usb_token, sizeof(request->usb_token));
	memcpy(request->reader_glob, options->reader_glob, sizeof(request->reader_glob));
	request->timeout_ms = options->timeout_ms;
}

/* Who, where and with what: what record and rebind have in common. */
static bool fill_request(pam_handle_t *pamh, const struct options *options, const char *session,
			 struct pam_request *request)
{
	const char *user = item(pamh, PAM_USER), *note = note_find(pamh);
	const struct passwd *account = pam_modutil_getpwnam(pamh, user);
	struct login_record *record = &request->record;

	if (!account) {
		pam_syslog(pamh, LOG_ERR, "user %s is not known", user);
		return false;
	}
	record->uid = account->pw_uid;
	record->leader = getpid();
	fill_card(pamh, options, request);
	return copy_whole(pamh, "session id", session ? session : "", record->session,
			  sizeof(record->session)) &&
	       copy_whole(pamh, "user name", user, record->user, sizeof(record->user)) &&
	       copy_whole(pamh, "service name", item(pamh, PAM_SERVICE), record->service,
			  sizeof(record->service)) &&
	       copy_whole(pamh, "note", note ? note : "", request->note, sizeof(request->note));
}

/* Runs the helper and logs what it says. */
static enum pam_result ask(pam_handle_t *pamh, const struct options *options, enum pam_verb verb,
			   const struct pam_request *request, struct pam_reply *reply)
{
	static const int priorities[] = {
		[PAM_RESULT_DONE] = LOG_INFO,
		[PAM_RESULT_NOTHING] = LOG_NOTICE,
		[PAM_RESULT_FAILED] = LOG_ERR,
	};
	ASSERT_ROWS(priorities, PAM_RESULT_FAILED + 1);
	struct record_error error;

	*reply = (struct pam_reply){.result = PAM_RESULT_FAILED};
	if (helper_run(verb, request, options->timeout_ms, reply, &error) < 0)
		snprintf(reply->text, sizeof(reply->text), "%s", error.text);
	if (reply->text[0])
		pam_syslog(pamh, priorities[reply->result], "%s: %s", pam_verb_name(verb), reply->text);
	return reply->result;
}

_printf_(3, 4) static void debug_line(pam_handle_t *pamh, const struct options *options, const char *format,
				      ...)
{
	va_list arguments;

	if (!options->debug)
		return;
	va_start(arguments, format);
	pam_vsyslog(pamh, LOG_DEBUG, format, arguments);
	va_end(arguments);
}

/* ---- what the entry points do -----------------------------------------------------------------------------
 */

static void note_card(pam_handle_t *pamh, const struct options *options)
{
	struct pam_request request = {0};
	struct pam_reply reply;

	fill_card(pamh, options, &request);
	log_safe(item(pamh, PAM_USER), request.record.user, sizeof(request.record.user));
	switch (ask(pamh, options, PAM_VERB_LOOK, &request, &reply)) {
	case PAM_RESULT_DONE:
		note_keep(pamh, reply.note);
		break;
	case PAM_RESULT_NOTHING:
		note_miss(pamh, reply.text);
		break;
	case PAM_RESULT_FAILED:
		note_keep(pamh, "");
		break;
	}
}

/* sudo and su say who calls them: a user who becomes another user does not unlock that user's session. */
static bool is_unlock(pam_handle_t *pamh, int flags)
{
	const char *asker = item(pamh, PAM_RUSER);

	return (flags & (PAM_REINITIALIZE_CRED | PAM_REFRESH_CRED)) && !is_set(pamh, OPENED_NAME) &&
	       (asker[0] == '\0' || strcmp(asker, item(pamh, PAM_USER)) == 0);
}

static void bind_anew(pam_handle_t *pamh, const struct options *options)
{
	struct pam_request request = {0};
	struct pam_reply reply;

	if (fill_request(pamh, options, pam_getenv(pamh, "XDG_SESSION_ID"), &request))
		ask(pamh, options, PAM_VERB_REBIND, &request, &reply);
	note_forget(pamh);
}

/*
 * For a locker that runs as the person. Which card was used, the daemon does not believe such a process; but it may bind
 * the session to the only card like the recorded one. A locker may call setcred when it ends, whoever ended it: swaylock does.
 */
static void ask_daemon(pam_handle_t *pamh, const struct options *options)
{
	const struct passwd *account = pam_modutil_getpwnam(pamh, item(pamh, PAM_USER));
	struct pam_request request = {.timeout_ms = options->timeout_ms};
	struct pam_reply reply;

	if (is_set(pamh, REACHED_NAME) && account && account->pw_uid == geteuid())
		ask(pamh, options, PAM_VERB_ASK, &request, &reply);
}

/* The person and the administrator read the reason. */
static bool write_record(pam_handle_t *pamh, const struct options *options, const char *session,
			 struct pam_reply *reply)
{
	struct pam_request request = {0};
	const char *missed = note_missed(pamh);
	const char *reason = "its session, user or service cannot be recorded, see the log";

	if (options->malformed)
		reason = "the line of pam_scpolicy in the PAM configuration is faulty";
	else if (!options->always && !note_find(pamh) && !token_find(pamh)) {
		debug_line(pamh, options, "no card was used to sign in, session %s is not recorded", session);
		reason = missed ? missed : "";
	} else if (fill_request(pamh, options, session, &request))
		return ask(pamh, options, PAM_VERB_RECORD, &request, reply) == PAM_RESULT_DONE;
	snprintf(reply->text, sizeof(reply->text), "%s", reason);
	return false;
}

/* Nobody works unguarded without a notice. */
static int go_on_unrecorded(pam_handle_t *pamh, const struct options *options, const char *session,
			    const char *reason)
{
	if (card_was_used(pamh))
		notice_unrecorded(pamh, &(struct notice){.session = session,
							 .user = item(pamh, PAM_USER),
							 .reason = reason,
							 .silent = options->quiet});
	return PAM_IGNORE;
}

/*
 * su and sudo inside a session say who calls them and get no session of their own: there is nothing to watch.
 * But a sign-in by card that logind does not know would stay unwatched.
 */
static int open_without_id(pam_handle_t *pamh, const struct options *options)
{
	bool inside = item(pamh, PAM_RUSER)[0];

	debug_line(pamh, options, "pam_systemd has set no XDG_SESSION_ID, nothing to record");
	if (inside)
		return PAM_IGNORE;
	if (!options->require || !card_was_used(pamh))
		return go_on_unrecorded(pamh, options, "", "pam_systemd has opened no session");
	pam_syslog(
		pamh, LOG_ERR,
		"sign-in refused: pam_systemd has opened no session, so that no login record can be written, "
		"and the line says require");
	return PAM_SESSION_ERR;
}

static int open_session(pam_handle_t *pamh, const struct options *options)
{
	const char *session = pam_getenv(pamh, "XDG_SESSION_ID");
	struct pam_reply reply;

	if (!session)
		return open_without_id(pamh, options);
	set_opened(pamh, true);
	if (write_record(pamh, options, session, &reply))
		return PAM_SUCCESS;
	if (!options->require)
		return go_on_unrecorded(pamh, options, session, reply.text);
	pam_syslog(pamh, LOG_ERR, "session %s refused: no login record was written and the line says require",
		   session);
	return PAM_SESSION_ERR;
}

/* ---- the entry points -------------------------------------------------------------------------------------
 */

/*
 * No ticket of an earlier sign-in is older than this: libpam loads the module before it asks any, and what comes after a
 * call of ours is a new sign-in.
 */
static time_t idle_since;

__attribute__((constructor)) static void be_idle(void)
{
	idle_since = time(NULL);
}

static bool is_proven(pam_handle_t *pamh, const struct options *options)
{
	const struct passwd *account = pam_modutil_getpwnam(pamh, item(pamh, PAM_USER));
	const char *cache = pam_getenv(pamh, CACHE_NAME);
	struct pam_request request = {.began = idle_since, .timeout_ms = options->timeout_ms};
	struct pam_reply reply;

	if (!account || !cache) {
		debug_line(pamh, options,
			   "nothing has left " CACHE_NAME ": there is no proof that a card was used");
		return false;
	}
	request.record.uid = account->pw_uid;
	return copy_whole(pamh, "name of the ticket cache", cache, request.ticket_cache,
			  sizeof(request.ticket_cache)) &&
	       ask(pamh, options, PAM_VERB_PROVE, &request, &reply) == PAM_RESULT_DONE;
}

/* A line with `token` or proof= stands where a password gets too: there only that word, or that proof, counts. */
static bool on_card_path(pam_handle_t *pamh, const struct options *options)
{
	if (options->token && token_find(pamh))
		return true;
	return options->proof ? is_proven(pamh, options) : !options->token;
}

/* A screen locker that runs as the person can neither write records nor read them. */
static bool may_act(void)
{
	return geteuid() == 0;
}

PAM_EXTERN int pam_sm_authenticate(pam_handle_t *pamh, _unused_ int flags, int argc, const char **argv)
{
	struct options options = options_parse(pamh, argc, argv);

	/* Not the note of an earlier attempt on this handle. */
	note_forget(pamh);
	set_opened(pamh, false);
	pam_set_data(pamh, REACHED_NAME, "", NULL);
	if (may_act() && !options.malformed && on_card_path(pamh, &options))
		note_card(pamh, &options);
	be_idle();
	return PAM_IGNORE;
}

PAM_EXTERN int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct options options = options_parse(pamh, argc, argv);

	if (options.malformed || !is_unlock(pamh, flags))
		return PAM_IGNORE;
	if (!may_act())
		ask_daemon(pamh, &options);
	else if (note_find(pamh) || token_find(pamh))
		bind_anew(pamh, &options);
	return PAM_IGNORE;
}

PAM_EXTERN int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct options options = options_parse(pamh, argc, argv);
	int r;

	options.quiet |= (flags & PAM_SILENT) != 0;
	r = may_act() ? open_session(pamh, &options) : PAM_IGNORE;

	note_forget(pamh);
	return r;
}

/* The daemon removes the record when logind reports that the session has ended. */
PAM_EXTERN int pam_sm_close_session(_unused_ pam_handle_t *pamh, _unused_ int flags, _unused_ int argc,
				    _unused_ const char **argv)
{
	return PAM_SUCCESS;
}
