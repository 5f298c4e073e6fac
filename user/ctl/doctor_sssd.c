/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSSD's configuration as SSSD reads it: sssd.conf, then conf.d's files in name order on top. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/doctor_pam.h"

#define FOLDER "/etc/sssd/conf.d"

static const struct finding wrong = {
	"sssd-config", SEVERITY_WARNING,
	"Whether pam_sss takes cards, and in which services, may not be what the file seems to say.",
	"Correct the file; sssctl config-check looks at all of them."};

static void take(struct doctor *doctor, struct sssd_config *config, const char *path)
{
	_cleanup_free_ char *text = NULL, *where = NULL;
	struct sssd_problem problem = {0};
	int r = doctor_read_text(doctor, path, &text);

	if (r == -ENOENT)
		return;
	if (r >= 0)
		r = sssd_config_add(config, text, &problem);
	if (r < 0) {
		config->unread = true;
		doctor_unseen(doctor, path, r);
		return;
	}
	if (!problem.what)
		return;
	if (asprintf(&where, "%s:%u", path, problem.line) < 0)
		where = NULL;
	doctor_report(doctor, &wrong, where, "SSSD's configuration: %s", problem.what);
}

void doctor_sssd(struct doctor *doctor, struct sssd_config *ret)
{
	_cleanup_names_ struct names names = {0};
	int r = doctor_list(doctor, FOLDER, &names);

	take(doctor, ret, "/etc/sssd/sssd.conf");
	if (r < 0 && r != -ENOENT && r != -ENOTDIR) {
		ret->unread = true;
		doctor_unseen(doctor, FOLDER, r);
	}
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_free_ char *path = NULL;

		if (!sssd_config_takes(names.names[i]))
			continue;
		if (asprintf(&path, FOLDER "/%s", names.names[i]) < 0)
			path = NULL;
		else
			take(doctor, ret, path);
	}
}
