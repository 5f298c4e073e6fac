/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* One stack, both ways: libpam and the doctor's walk ask the same lines and come to the same end. */
#include "ctl/pam_cards.h"
#include "tests/unit/pam_set.h"

/* Since it was set to zero: answers of libpam; stacks of which every way was tried. */
extern struct pam_trial_counts {
	unsigned long compared, exhausted;
} pam_trial_counts;

/* Stacks with more ways than this have a tenth of so many tried. */
extern unsigned long pam_trial_ways;

/* Fails the test where they differ. */
void pam_trial_service(const struct pam_set *set, const char *service, enum pam_type type,
		       const struct sssd_config *sssd);
