/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What is said when a card signed in and nothing guards the session: once to its person, once to the administrator. */
#include <stdbool.h>

#include <security/pam_modules.h>

struct notice {
	const char *session; /* "": pam_systemd(8) opened none */
	const char *user;
	const char *reason;
	bool silent; /* the person sees nothing */
};

/* Waits for nobody: a journal that does not read misses it. pam_syslog() has the reason, too. */
__attribute__((visibility("hidden"))) void notice_unrecorded(pam_handle_t *pamh, const struct notice *notice);
