/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What SSSD's configuration says of smart cards: [pam] of sssd.conf and of the files in conf.d, the last value of a key
 * in force. SSSD's own grammar (libini_config, without continued lines); see sssd.conf(5). No I/O.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/cleanup.h"

struct sssd_config {
	bool present;	/* there is a configuration */
	bool unread;	/* some of it could not be read: nothing is certain */
	bool cert_auth; /* pam_cert_auth */
	char *allowed;	/* pam_p11_allowed_services, or NULL */
};

/* What is wrong in a file, for a person; the line it is on. */
struct sssd_problem {
	const char *what; /* NULL: nothing */
	unsigned line;
};

/* Reads one file on top of those before it; cuts `text` up. 0 or -ENOMEM; the first problem to *ret. */
int sssd_config_add(struct sssd_config *config, char *text, struct sssd_problem *ret);
void sssd_config_clear(struct sssd_config *config);

/* Whether conf.d's file of this name counts. */
bool sssd_config_takes(const char *name);

/* Whether pam_sss asks for a card in this service. */
bool sssd_config_allows(const struct sssd_config *config, const char *service);
