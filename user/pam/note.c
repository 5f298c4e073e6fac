/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pam/note.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "lib/macro.h"
#include "lib/pam_message.h"

#define NOTE_NAME   "SCPOLICYD_NOTE"
#define MISSED_NAME "SCPOLICYD_MISSED"

static void free_data(_unused_ pam_handle_t *pamh, void *data, _unused_ int status)
{
	free(data);
}

/* A copy, or where there is no memory for it `otherwise`, which stays as long as the module. */
static bool data_keep(pam_handle_t *pamh, const char *name, const char *text, const char *otherwise)
{
	char *copy = strdup(text);

	if (copy && pam_set_data(pamh, name, copy, free_data) == PAM_SUCCESS)
		return true;
	free(copy);
	return pam_set_data(pamh, name, (void *)otherwise, NULL) == PAM_SUCCESS;
}

static const char *data_find(pam_handle_t *pamh, const char *name)
{
	const void *data = NULL;

	return pam_get_data(pamh, name, &data) == PAM_SUCCESS ? data : NULL;
}

static void data_forget(pam_handle_t *pamh, const char *name)
{
	if (data_find(pamh, name))
		pam_set_data(pamh, name, NULL, NULL);
}

void note_keep(pam_handle_t *pamh, const char *note)
{
	char variable[sizeof(NOTE_NAME) + NOTE_SIZE];

	snprintf(variable, sizeof(variable), "%s=%s", NOTE_NAME, note);
	if (!data_keep(pamh, NOTE_NAME, note, ""))
		pam_syslog(pamh, LOG_ERR, "cannot keep the note: out of memory");
	if (pam_putenv(pamh, variable) != PAM_SUCCESS)
		pam_syslog(pamh, LOG_ERR, "cannot put %s into the environment", NOTE_NAME);
}

void note_forget(pam_handle_t *pamh)
{
	data_forget(pamh, NOTE_NAME);
	data_forget(pamh, MISSED_NAME);
	if (pam_getenv(pamh, NOTE_NAME))
		pam_putenv(pamh, NOTE_NAME);
}

const char *note_find(pam_handle_t *pamh)
{
	const char *note = data_find(pamh, NOTE_NAME);

	return note ? note : pam_getenv(pamh, NOTE_NAME);
}

void note_miss(pam_handle_t *pamh, const char *reason)
{
	data_keep(pamh, MISSED_NAME, reason, "the card was not found");
}

const char *note_missed(pam_handle_t *pamh)
{
	return data_find(pamh, MISSED_NAME);
}
