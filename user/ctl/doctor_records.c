/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Login records that are of no use, and sessions that a card opened and that have no record. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/doctor.h"
#include "lib/record.h"

#define SESSIONS      "/run/systemd/sessions"
#define BOOT_ID	      "/proc/sys/kernel/random/boot_id"
#define PROCESSES_MAX 64 /* of a session; its login shell or desktop is among the first */

static const struct finding bad_folder = {
	"record-folder", SEVERITY_FAULT,
	"Anybody who can write there decides which session is locked, so the daemon and the PAM module refuse "
	"this directory.",
	"rm -r " RECORD_DIR "; the next sign-in creates it again. Find out who changed it."};
static const struct finding bad_record = {
	"record-refused", SEVERITY_FAULT, "The daemon refuses the record: the session is not governed by it.",
	"Delete it if its session is over; otherwise the person has to sign in again. See journalctl -u "
	"scpolicyd -b."};
static const struct finding stale = {
	"record-stale", SEVERITY_WARNING,
	"Its session is over. The daemon deletes records with their sessions, but has not deleted this one.",
	"Restart the daemon (systemctl restart scpolicyd), or delete the file."};
static const struct finding missing = {
	"record-missing", SEVERITY_FAULT,
	"A smart card opened the session, but it has no record: a removal does nothing to it.",
	"See the findings about PAM and, in the journal, what pam_scpolicy said at the sign-in; then sign in "
	"again."};
static const struct finding good = {"records", SEVERITY_OK, NULL, NULL};

/* That of the system that runs below the root; -ENOENT if none runs there. */
static int read_boot_id(const struct doctor *doctor, char boot_id[static BOOT_ID_SIZE])
{
	_cleanup_free_ char *text = NULL;
	size_t used = 0;
	int r = doctor_read(doctor, BOOT_ID, &text);

	for (const char *c = text; r >= 0 && *c && *c != '\n' && used + 1 < BOOT_ID_SIZE; c++)
		if (*c != '-')
			boot_id[used++] = *c;
	boot_id[used] = '\0';
	return r;
}

static bool session_is_there(const struct doctor *doctor, const char *session)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (asprintf(&path, SESSIONS "/%s", session) < 0) {
		path = NULL;
		return true;
	}
	fd = doctor_open(doctor, path, O_PATH);
	return fd != -ENOENT;
}

/* True for one that governs its session. */
static bool check_record(struct doctor *doctor, int folder, const char *name, const char *boot_id)
{
	struct login_record record;
	struct record_error error;
	_cleanup_free_ char *path = NULL;
	int r = record_read(folder, name, 0, boot_id, &record, &error);

	if (asprintf(&path, RECORD_DIR "/%s", name) < 0)
		path = NULL;
	if (r == -ENOENT)
		return false; /* gone meanwhile, with its session */
	if (r < 0)
		doctor_report(doctor, &bad_record, path, "a login record is of no use: %s", error.text);
	else if (!session_is_there(doctor, name))
		doctor_report(doctor, &stale, path, "a login record of %s outlives its session", record.user);
	else
		return true;
	return false;
}

static bool check_folder(struct doctor *doctor, int folder)
{
	struct stat status;

	if (fstat(folder, &status) == 0 && status.st_uid == 0 && (status.st_mode & 07777) == 0700)
		return true;
	doctor_report(doctor, &bad_folder, RECORD_DIR,
		      "the directory of login records does not belong to root alone (mode 0700)");
	return false;
}

static void check_records(struct doctor *doctor, int folder, const char *boot_id)
{
	_cleanup_names_ struct names names = {0};
	size_t count = 0;

	if (!check_folder(doctor, folder) || doctor_list(doctor, RECORD_DIR, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++)
		count += check_record(doctor, folder, names.names[i], boot_id);
	doctor_report(doctor, &good, NULL, "%zu login record%s in use", count, count == 1 ? "" : "s");
}

/* ---- sessions without one ------------------------------------------------------------------------------- */

/*
 * PKCS11_LOGIN_TOKEN_NAME in a process's environment: pam_pkcs11 or pam_sss opened its session with a card.
 */
static bool was_card(const struct doctor *doctor, const char *process)
{
	static const char variable[] = "PKCS11_LOGIN_TOKEN_NAME=";
	_cleanup_free_ char *path = NULL, *buffer = calloc(1, DOCTOR_FILE_MAX + 1);
	_cleanup_close_ int fd = -1;
	ssize_t size;

	if (asprintf(&path, "/proc/%s/environ", process) < 0)
		path = NULL;
	fd = path && buffer ? doctor_open(doctor, path, O_RDONLY) : -1;
	size = fd < 0 ? -1 : read(fd, buffer, DOCTOR_FILE_MAX);
	for (const char *at = buffer; size > 0;) {
		const char *next = memchr(at, '\0', (size_t)(buffer + size - at));

		if (strncmp(at, variable, sizeof(variable) - 1) == 0)
			return true;
		if (!next || next + 1 >= buffer + size)
			return false;
		at = next + 1;
	}
	return false;
}

/* The value of KEY= in logind's file of a session. */
static const char *logind_value(const char *text, const char *key, char *buffer, size_t size)
{
	size_t length = strlen(key);

	buffer[0] = '\0';
	for (; text; text = strchr(text, '\n'), text += text != NULL)
		if (strncmp(text, key, length) == 0) {
			snprintf(buffer, size, "%.*s", (int)strcspn(text + length, "\n"), text + length);
			break;
		}
	return buffer;
}

static void check_unrecorded(struct doctor *doctor, int folder, const char *session)
{
	_cleanup_free_ char *path = NULL, *group = NULL, *text = NULL, *processes = NULL;
	char uid[16], user[USER_NAME_SIZE], where[SESSION_ID_SIZE + 16], *left;
	struct stat status;

	if (!session_id_valid(session) || fstatat(folder, session, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	if (asprintf(&path, SESSIONS "/%s", session) < 0) {
		path = NULL;
		return;
	}
	if (doctor_read(doctor, path, &text) < 0)
		return;
	logind_value(text, "UID=", uid, sizeof(uid));
	logind_value(text, "USER=", user, sizeof(user));
	if (asprintf(&group, "/sys/fs/cgroup/user.slice/user-%s.slice/session-%s.scope/cgroup.procs", uid,
		     session) < 0) {
		group = NULL;
		return;
	}
	if (doctor_read(doctor, group, &processes) < 0)
		return;
	left = processes;
	for (int i = 0; i < PROCESSES_MAX && left; i++) {
		const char *process = strsep(&left, "\n");

		if (!*process || !was_card(doctor, process))
			continue;
		snprintf(where, sizeof(where), "session %s", session);
		doctor_report(doctor, &missing, where,
			      "session %s of %s has no login record, though a card opened it", session, user);
		return;
	}
}

static void check_sessions(struct doctor *doctor, int folder)
{
	_cleanup_names_ struct names names = {0};

	if (doctor_list(doctor, SESSIONS, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++)
		check_unrecorded(doctor, folder, names.names[i]);
}

void doctor_records(struct doctor *doctor)
{
	char boot_id[BOOT_ID_SIZE];
	_cleanup_close_ int folder = doctor_open(doctor, RECORD_DIR, O_RDONLY | O_DIRECTORY);

	if (folder == -ENOENT && !doctor_is_live(doctor))
		return;
	if (folder < 0) {
		doctor_unseen(doctor, RECORD_DIR, folder);
		return;
	}
	if (read_boot_id(doctor, boot_id) < 0)
		return;
	check_records(doctor, folder, boot_id);
	check_sessions(doctor, folder);
}
