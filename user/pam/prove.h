/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Whether the person's Kerberos ticket came by a certificate in this sign-in. The KDC seals in each ticket how and when its
 * owner was authenticated. A process with the person's rights gets a ticket for this machine from the person's cache
 * (prove_present.c); this process opens it with the machine's key (prove.c). So it is the KDC that says it, not
 * the person.
 */
#include <stddef.h>

#include "lib/pam_message.h"
#include "pam/find_text.h"

/*
 * 1: it did; 0: the KDC says something else, or nothing; or a negative errno. ret_text says which. The process has dropped
 * its privileges when this returns.
 */
int prove_pkinit(const struct pam_request *request, struct find_text *ret_text);

/* A ticket for a machine: one with the groups of a domain may have some tens of kilobytes. */
#define TICKET_MAX 65536

/*
 * Starts the person's process, which has `seconds`; what it writes to ret_fd is the ticket, or nothing. 0, or a negative errno.
 */
int prove_present(const struct pam_request *request, unsigned int seconds, int *ret_fd);
