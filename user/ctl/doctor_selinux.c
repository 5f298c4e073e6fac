/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SELinux: its mode, our policy module, and what it denied us. A machine without SELinux gets no finding. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "ctl/doctor.h"

#define ENFORCE	    "/sys/fs/selinux/enforce"
#define SETTINGS    "/etc/selinux/config"
#define AUDIT_LOG   "/var/log/audit/audit.log"
#define LOG_TAIL    (1024 * 1024)
#define RECENT_SEC  (24 * 60 * 60)
#define ENTRIES_MAX 2000 /* of the journal's, newest first */
#define AUDIT_AVC   "_AUDIT_TYPE=1400"

#define INSTALL_MODULE                                                                                       \
	"semodule -i /usr/share/selinux/packages/scpolicyd.pp && restorecon -R /usr /run/scpolicyd"

static const struct finding no_module = {
	"selinux-module-missing", SEVERITY_WARNING,
	"SELinux may keep login programs from writing login records, and the daemon from acting on a removal.",
	"Install scpolicyd's policy module (package scpolicyd-selinux): " INSTALL_MODULE};
static const struct finding denied = {
	"selinux-denied", SEVERITY_FAULT,
	"What SELinux denies to scpolicyd does not happen: a record, or the action on a removal.",
	"Install scpolicyd's policy module: " INSTALL_MODULE
	". If it is installed, restorecon may be all it needs; ausearch -m avc -ts recent shows the rest."};
static const struct finding would_deny = {"selinux-denied", SEVERITY_NOTE,
					  "SELinux is permissive; enforcing, it would deny this.",
					  "ausearch -m avc -ts recent shows all of it."};
static const struct finding good = {"selinux", SEVERITY_OK, NULL, NULL};

enum mode { MODE_OFF, MODE_PERMISSIVE, MODE_ENFORCING };

/* What stands behind "KEY=" at the beginning of a line, in a buffer of `size`. */
static bool setting_of(const char *text, const char *key, char *ret, size_t size)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		line += strlen(key);
		snprintf(ret, size, "%.*s", (int)strcspn(line, " \t\r\n#"), line);
		return true;
	}
	return false;
}

/* The kernel's word; of a machine that does not run, what its next boot is to do. */
static enum mode mode_of(const struct doctor *doctor, const char *settings)
{
	_cleanup_free_ char *enforce = NULL;
	char word[16];

	if (doctor_read(doctor, ENFORCE, &enforce) >= 0)
		return *enforce == '1' ? MODE_ENFORCING : MODE_PERMISSIVE;
	if (doctor_is_live(doctor) || !setting_of(settings, "SELINUX=", word, sizeof(word)))
		return MODE_OFF;
	return strcmp(word, "enforcing") == 0	 ? MODE_ENFORCING
	       : strcmp(word, "permissive") == 0 ? MODE_PERMISSIVE
						 : MODE_OFF;
}

/* Below the modules' directory is one for each priority. Returns a negative errno if it cannot be looked at. */
static int has_module(const struct doctor *doctor, const char *settings)
{
	_cleanup_names_ struct names priorities = {0};
	char type[64], path[192];
	int r;

	if (!setting_of(settings, "SELINUXTYPE=", type, sizeof(type)))
		return -ENOENT;
	snprintf(path, sizeof(path), "/var/lib/selinux/%s/active/modules", type);
	r = doctor_list(doctor, path, &priorities);
	if (r < 0)
		return r;
	for (size_t i = 0; i < priorities.count; i++) {
		_cleanup_close_ int fd = -1;

		snprintf(path, sizeof(path), "/var/lib/selinux/%s/active/modules/%.16s/scpolicyd", type,
			 priorities.names[i]);
		fd = doctor_open(doctor, path, O_PATH);
		if (fd >= 0)
			return true;
	}
	return false;
}

/* "type=AVC msg=audit(1700000000.123:45): avc:  denied …" */
static bool is_recent(const struct doctor *doctor, const char *line)
{
	const char *stamp = strstr(line, "audit(");

	return !doctor_is_live(doctor) ||
	       (stamp && atoll(stamp + strlen("audit(")) >= time(NULL) - RECENT_SEC);
}

static bool is_ours(const char *line)
{
	return strstr(line, "denied") && strstr(line, "scpolicyd");
}

/* The last denial in auditd's log; true if there is a log to look at. */
static bool denied_in_log(const struct doctor *doctor, char **ret)
{
	_cleanup_close_ int fd = doctor_open(doctor, AUDIT_LOG, O_RDONLY);
	_cleanup_free_ char *text = malloc(LOG_TAIL + 1);
	struct stat status;
	ssize_t n;
	char *rest;

	if (fd < 0 || !text || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return false;
	n = pread(fd, text, LOG_TAIL, status.st_size > LOG_TAIL ? status.st_size - LOG_TAIL : 0);
	if (n < 0)
		return false;
	text[n] = '\0';
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!is_ours(line) || !is_recent(doctor, line))
			continue;
		free(*ret);
		*ret = strdup(line);
	}
	return true;
}

DEFINE_CLEANUP(sd_journal *, sd_journal_close)

/* Without auditd, the journal has what the kernel audits. */
static void denied_in_journal(char **ret)
{
	_cleanup_(sd_journal_close_p) sd_journal *journal = NULL;
	uint64_t since = ((uint64_t)time(NULL) - RECENT_SEC) * 1000000, stamp;

	if (sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY) < 0 ||
	    sd_journal_add_match(journal, AUDIT_AVC, 0) < 0 || sd_journal_seek_tail(journal) < 0)
		return;
	for (int i = 0; i < ENTRIES_MAX && sd_journal_previous(journal) > 0; i++) {
		const void *data;
		size_t length;

		if (sd_journal_get_realtime_usec(journal, &stamp) < 0 || stamp < since)
			return;
		if (sd_journal_get_data(journal, "MESSAGE", &data, &length) < 0)
			continue;
		*ret = strndup(data, length);
		if (*ret && is_ours(*ret))
			return;
		free(*ret);
		*ret = NULL;
	}
}

static bool check_denials(struct doctor *doctor, enum mode mode)
{
	_cleanup_free_ char *line = NULL;
	const char *words;

	if (!denied_in_log(doctor, &line) && doctor_is_live(doctor))
		denied_in_journal(&line);
	if (!line)
		return true;
	words = strstr(line, "avc:");
	doctor_report(doctor, mode == MODE_ENFORCING ? &denied : &would_deny, NULL,
		      "SELinux denied something to scpolicyd: %s", words ? words : line);
	return false;
}

void doctor_selinux(struct doctor *doctor)
{
	_cleanup_free_ char *settings = NULL;
	enum mode mode;
	int module;

	if (doctor_read_text(doctor, SETTINGS, &settings) < 0)
		settings = strdup("");
	if (!settings)
		return;
	mode = mode_of(doctor, settings);
	if (mode == MODE_OFF)
		return;
	module = has_module(doctor, settings);
	if (module < 0)
		doctor_unseen(doctor, "SELinux's policy modules", module);
	else if (!module)
		doctor_report(doctor, &no_module, NULL,
			      "SELinux is %s, and scpolicyd's policy module is not installed",
			      mode == MODE_ENFORCING ? "enforcing" : "permissive");
	if (check_denials(doctor, mode) && module > 0)
		doctor_report(doctor, &good, NULL, "SELinux is %s, with scpolicyd's policy module",
			      mode == MODE_ENFORCING ? "enforcing" : "permissive");
}
