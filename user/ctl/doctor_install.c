/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to be installed, and the configuration as the daemon would read it. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "ctl/doctor.h"

#define RULES_NAME "70-scpolicyd.rules"
#define PAM_MODULE "pam_scpolicy.so"

static const struct finding no_program = {"program-missing", SEVERITY_FAULT,
					  "Nobody does this program's part of the work.",
					  "Install scpolicyd again."};
static const struct finding not_here = {"program-missing", SEVERITY_FAULT, "Nothing acts on a removal.",
					"Install scpolicyd."};
static const struct finding no_rules = {
	"udev-rules-missing", SEVERITY_FAULT,
	"Nothing marks readers, so plugging in a reader does not start the daemon.",
	"Install scpolicyd's " RULES_NAME ", then: udevadm control --reload && udevadm trigger"};
static const struct finding masked_rules = {"udev-rules-missing", SEVERITY_FAULT,
					    "This file replaces the one that marks readers, and is empty.",
					    "Remove it, then: udevadm control --reload && udevadm trigger"};
static const struct finding installed = {"installation", SEVERITY_OK, NULL, NULL};
static const struct finding config_error = {
	"config", SEVERITY_FAULT, "The daemon does not start with it; a running daemon keeps its policy.",
	"Correct it, then: scpolicyctl reload"};
static const struct finding config_old = {"config-not-in-force", SEVERITY_FAULT,
					  "The last reload was refused: the policy from before is in force.",
					  "scpolicyctl reload, once the files are right."};
static const struct finding action_none = {"action-none", SEVERITY_FAULT,
					   "A removal is noted in the journal, and nothing else happens.",
					   "Set Action=lock in /etc/scpolicyd.conf, and: scpolicyctl reload"};
static const struct finding action_none_rules = {
	"action-none", SEVERITY_WARNING,
	"Where no rule matches, a removal is noted in the journal, and nothing else happens.",
	"If that is not meant: Action=lock in [Policy] of /etc/scpolicyd.conf, and scpolicyctl reload"};
static const struct finding action_none_gpo = {
	"action-none", SEVERITY_FAULT, "A removal is noted in the journal, and nothing else happens.",
	"If that is not meant: set another value in the group policy, or Source=local in /etc/scpolicyd.conf"};
static const struct finding reader_unseen = {
	"reader-unmatched", SEVERITY_NOTE,
	"The rule does nothing for a card in any of the readers that were seen.",
	"scpolicyctl readers shows the names. A name as it is shown there, in double quotes, matches itself."};
static const struct finding config_good = {"config", SEVERITY_OK, NULL, NULL};
static const struct finding gpo_passed_over = {
	"gpo-passed-over", SEVERITY_WARNING, "Its setting is not in force.",
	"Correct the group policy; scpolicyctl gpo shows what each file says."};
static const struct finding gpo_silent = {
	"gpo-silent", SEVERITY_WARNING, "Action= of scpolicyd.conf is in force, not a setting of the domain.",
	"Set \"Interactive logon: Smart card removal behavior\" in a policy of the domain that is linked to this machine; SSSD "
	"fetches it at the next sign-in with access_provider=ad and ad_gpo_access_control=enforcing or permissive."};
static const struct finding gpo_good = {"gpo", SEVERITY_OK, NULL, NULL};

/* ---- files ---------------------------------------------------------------------------------------------- */

static bool may_be_run(const struct doctor *doctor, const char *program)
{
	_cleanup_close_ int fd = doctor_open(doctor, program, O_PATH);
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_mode & S_IXUSR;
}

static const char *const programs[] = {SBINDIR "/scpolicyd", LIBEXECDIR "/scpolicyd-loader",
				       LIBEXECDIR "/scpolicyd-pcsc-worker",
				       LIBEXECDIR "/scpolicyd-pam-helper"};

/* Where its unit is, the program must be, too: nothing else guards sessions whose card is at their client. */
static const struct {
	const char *unit, *program;
} remote_programs[] = {{"scpolicyd-remote.service", LIBEXECDIR "/scpolicyd-remote"},
		       {"scpolicyd-connect@.service", LIBEXECDIR "/scpolicyd-connect"}};

static bool is_here(const struct doctor *doctor)
{
	bool here = doctor_has_module(doctor, PAM_MODULE);

	for (size_t i = 0; i < ELEMENTS(programs); i++)
		here |= may_be_run(doctor, programs[i]);
	return here;
}

static bool check_program(struct doctor *doctor, const char *program)
{
	if (may_be_run(doctor, program))
		return true;
	doctor_report(doctor, &no_program, program, "a program of scpolicyd is missing, or may not be run");
	return false;
}

static bool has_unit(const struct doctor *doctor, const char *unit)
{
	static const char *const folders[] = {"/etc/systemd/system", "/usr/lib/systemd/system",
					      "/lib/systemd/system"};

	for (size_t i = 0; i < ELEMENTS(folders); i++) {
		_cleanup_close_ int fd = -1;
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", folders[i], unit);
		fd = doctor_open(doctor, path, O_PATH);
		if (fd >= 0)
			return true;
	}
	return false;
}

static bool check_parts(struct doctor *doctor)
{
	bool module = doctor_has_module(doctor, PAM_MODULE), all = module;

	for (size_t i = 0; i < ELEMENTS(programs); i++)
		all &= check_program(doctor, programs[i]);
	for (size_t i = 0; i < ELEMENTS(remote_programs); i++)
		if (has_unit(doctor, remote_programs[i].unit))
			all &= check_program(doctor, remote_programs[i].program);
	if (!module)
		doctor_report(doctor, &no_program, PAM_MODULE, "scpolicyd's PAM module is missing");
	return all;
}

/*
 * The first of these directories that has the file decides. An empty file, or a link to nothing, switches it
 * off.
 */
static bool check_rules(struct doctor *doctor)
{
	static const char *const folders[] = {"/etc/udev/rules.d/", "/run/udev/rules.d/",
					      "/usr/local/lib/udev/rules.d/", "/usr/lib/udev/rules.d/",
					      "/lib/udev/rules.d/"};

	for (size_t i = 0; i < ELEMENTS(folders); i++) {
		_cleanup_free_ char *path = NULL, *text = NULL;
		_cleanup_close_ int fd = -1;
		int r;

		if (asprintf(&path, "%s%s", folders[i], RULES_NAME) < 0) {
			path = NULL;
			return true;
		}
		fd = doctor_open(doctor, path, O_PATH | O_NOFOLLOW);
		if (fd < 0)
			continue;
		r = doctor_read(doctor, path, &text);
		if (r >= 0 && strstr(text, "scpolicyd"))
			return true;
		doctor_report(doctor, &masked_rules, path, "the udev rules are turned off");
		return false;
	}
	doctor_report(doctor, &no_rules, RULES_NAME, "the udev rules are not installed");
	return false;
}

void doctor_install(struct doctor *doctor)
{
	bool parts;

	if (!is_here(doctor)) {
		doctor_report(doctor, &not_here, NULL, "scpolicyd is not installed here");
		return;
	}
	parts = check_parts(doctor);
	if (check_rules(doctor) && parts)
		doctor_report(doctor, &installed, NULL, "programs, PAM module and udev rules are installed");
}

/* ---- configuration -------------------------------------------------------------------------------------- */

/* The path as the machine itself sees it. */
static const char *below_root(const struct doctor *doctor, const char *path)
{
	size_t length = strlen(doctor->root);

	return strncmp(path, doctor->root, length) == 0 ? path + length : path;
}

/* "/etc/scpolicyd.conf:7: key …": separates the place from the words. */
static void report_config(struct doctor *doctor, const struct finding *finding, const char *error)
{
	const char *place = below_root(doctor, error), *words = strstr(place, ": ");
	_cleanup_free_ char *where = words ? strndup(place, (size_t)(words - place)) : NULL;

	doctor_report(doctor, finding, where, "the configuration is refused: %s", words ? words + 2 : place);
}

static void check_action(struct doctor *doctor, const struct config *config)
{
	struct rules *rules = config->rules;
	struct origin origin = rules_origin(rules, rules_policy(rules), SETTING_ACTION);
	_cleanup_free_ char *where = NULL;

	if (rules_policy(rules)->action != ACTION_NONE || rules_policy(rules)->then != ACTION_NONE) {
		doctor_report(doctor, &config_good, NULL,
			      rules_next_file(rules, NULL)
				      ? "the configuration is good; Action=%s"
				      : "there is no configuration file; Action=%s by default",
			      action_name(rules_policy(rules)->action));
		return;
	}
	if (asprintf(&where, "%s:%u", below_root(doctor, origin.file), origin.line) < 0)
		where = NULL;
	doctor_report(doctor,
		      config->from_gpo	       ? &action_none_gpo
		      : rules_count(rules) > 0 ? &action_none_rules
					       : &action_none,
		      where, "the policy does nothing: Action=none");
}

static void check_gpo(struct doctor *doctor, const struct config *config)
{
	struct settings *policy = rules_policy(config->rules);
	struct origin origin = rules_origin(config->rules, policy, SETTING_ACTION);
	_cleanup_free_ char *where = NULL;

	if (!*rules_from_gpo(config->rules))
		return;
	if (config->passed_over.text[0])
		doctor_report(doctor, &gpo_passed_over, NULL, "a group policy is skipped: %s",
			      below_root(doctor, config->passed_over.text));
	if (!config->from_gpo) {
		if (!config->gpo_stamp)
			return;
		doctor_report(doctor, &gpo_silent, NULL,
			      "Source=gpo, and no group policy here sets ScRemoveOption");
		return;
	}
	if (asprintf(&where, "%s:%u", below_root(doctor, origin.file), origin.line) < 0)
		where = NULL;
	doctor_report(doctor, &gpo_good, where, "Action=%s comes from the group policy",
		      action_name(policy->action));
}

static void check_readers(struct doctor *doctor, const struct config *config)
{
	for (const struct rule *rule = rules_next(config->rules, NULL); rule;
	     rule = rules_next(config->rules, rule)) {
		const char *end = rule->reader.globs + rule->reader.size;

		for (const char *glob = rule->reader.globs; glob < end; glob += strlen(glob) + 1) {
			_cleanup_free_ char *where = NULL;

			if (doctor_reader_seen(doctor, glob))
				continue;
			if (asprintf(&where, "%s:%u", below_root(doctor, rule->file), rule->line) < 0)
				where = NULL;
			doctor_report(doctor, &reader_unseen, where,
				      "[Rule %s]: Reader=\"%s\" matches no reader that was seen", rule->name,
				      glob);
		}
	}
}

void doctor_config(struct doctor *doctor)
{
	const char *in_force = tree_string(doctor->status, "config_error");
	struct config_error error;
	struct config config;

	if (config_read(doctor->root, &config, &error) < 0) {
		report_config(doctor, &config_error, error.text);
		return;
	}
	check_action(doctor, &config);
	check_gpo(doctor, &config);
	check_readers(doctor, &config);
	config_free(&config);
	if (*in_force)
		report_config(doctor, &config_old, in_force);
}
