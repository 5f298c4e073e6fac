/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PAM module in the place of any other: it returns what the test has put into the table for its line ("id=N"), and
 * notes that it was asked. The test and libpam load the same file, so that they share the table.
 */
#include <stdlib.h>
#include <string.h>

#include <security/pam_modules.h>

#include "tests/unit/pam-stand-in.h"

struct stand_in stand_in;

static int answer(int argc, const char **argv)
{
	unsigned id = 0;

	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], "id=", 3) == 0)
			id = (unsigned)atoi(argv[i] + 3);
	if (id >= STAND_IN_LINES)
		return PAM_ABORT;
	if (stand_in.asked < STAND_IN_LOG)
		stand_in.log[stand_in.asked++] = id;
	return stand_in.returns[id];
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags;
	return answer(argc, argv);
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_SUCCESS;
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags;
	return answer(argc, argv);
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_SUCCESS;
}
