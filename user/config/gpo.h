/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Active Directory's group policy, as this machine has it: the security templates that SSSD, Samba's samba-gpupdate or adsys
 * have fetched, what they say about the removal of a smart card, and which of them counts.
 *
 * adsys keeps an ordered list of the machine's policies, the first of which wins
 * (/var/cache/adsys/policies/HOST/policies, YAML, "gpos:" with an "id:" each), and their directories below
 * /var/cache/adsys/sysvol/Policies. SSSD (/var/lib/sss/gpo_cache/DOMAIN/Policies) and Samba
 * (/var/cache/samba/gpo_cache/DOMAIN/POLICIES) keep directories alone, of policies that are linked no more as well: of those
 * that differ, the one that does most counts. If adsys has a list, theirs are not read.
 */
#include "config/gpo_file.h"
#include "policy/settings.h"

/*
 * Looks below `root` ("" for the real one). 0, also when there is none; -EBADMSG for a list of adsys's that cannot be
 * understood, other negative errnos, with ret_error filled. Frees with gpo_clear().
 */
int gpo_find(const char *root, struct gpo *ret, char *ret_error, size_t error_size);
void gpo_clear(struct gpo *gpo);

/* "sssd", "samba", "adsys"; "" for a file that was named. */
const char *gpo_keeper_name(enum gpo_keeper keeper);

/* What Windows does then; without the option, nothing. */
enum action gpo_action(enum sc_remove_option option);
