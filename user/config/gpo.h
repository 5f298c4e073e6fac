/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Active Directory's group policy, as this machine has it: the security templates that SSSD or adsys have fetched, what
 * they say of the removal of a smart card, and which of them counts.
 *
 * adsys keeps an ordered list of the machine's policies, the first of which wins
 * (/var/cache/adsys/policies/HOST/policies, YAML, "gpos:" with an "id:" each), and their folders below
 * /var/cache/adsys/sysvol/Policies. SSSD keeps folders alone, of policies that are linked no more as well
 * (/var/lib/sss/gpo_cache/DOMAIN/Policies): of those that differ, the one that does most counts. Where adsys has a
 * list, SSSD's are not looked at.
 */
#include <stdint.h>

#include "config/gpt_tmpl.h"
#include "policy/settings.h"

enum gpo_keeper {
	GPO_GIVEN, /* a file that somebody named */
	GPO_SSSD,
	GPO_ADSYS,
};

struct gpo_file {
	char *path; /* with the root before it; owned */
	enum gpo_keeper keeper;
	int error; /* 0; -EBADMSG: `template` says why; another negative errno, or positive: enum gpo_wrong */
	struct gpt_tmpl template;
};

/* What is wrong with a file that could be opened. */
enum gpo_wrong {
	GPO_NOT_REGULAR = 1,
	GPO_TOO_LARGE, /* GPT_TMPL_MAX, or 16 MiB for adsys's list */
	GPO_FOREIGN, /* owned by somebody who is neither root nor the cache's owner, or writable by others */
};

struct gpo {
	struct gpo_file *files; /* adsys's in its order, SSSD's by path */
	size_t count;
	size_t winner;	/* GPO_NO_WINNER: none of them sets the option */
	bool disagree;	/* SSSD's files say different things, and which was linked first is not known */
	uint64_t stamp; /* another one when a file came, went or was written anew */
};
#define GPO_NO_WINNER SIZE_MAX

/*
 * Looks below `root` ("" for the real one). 0, also when there is none; -EBADMSG for a list of adsys's that cannot be
 * understood, other negative errnos, with ret_error filled. Frees with gpo_clear().
 */
int gpo_find(const char *root, struct gpo *ret, char *ret_error, size_t error_size);
void gpo_clear(struct gpo *gpo);

/* Reads one file, of whosever it is. -ENOMEM, or 0: what is wrong with the file is in it. */
int gpo_add_file(struct gpo *gpo, const char *path);

/* "PATH:LINE: why" of a file with an error. Returns `buffer`. */
const char *gpo_error_text(const struct gpo_file *file, char *buffer, size_t size);

/* "sssd", "adsys"; "" for a file that was named. */
const char *gpo_keeper_name(enum gpo_keeper keeper);

/* What Windows does then; without the option, nothing. */
enum action gpo_action(enum sc_remove_option option);
