/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * scpolicyd.conf: the vendor's file, or the administrator's in its place, then the drop-ins in name order on
 * top. Reading is strict: the first thing that is not understood ends it.
 *
 * A key of [Policy] in a later file takes the place of an earlier one. A [Rule NAME] that an earlier file
 * has too replaces that rule whole, where it stands; a new one comes after all earlier ones.
 */
#include <stdbool.h>

#include "config/config_file.h"

struct config {
	struct rules *rules; /* owned, complete */
	bool from_gpo;	     /* Source=gpo, and the domain says what [Policy]'s Action= is */
	/* Source=gpo: the first of the domain's files that could not be used, and why; "": none. */
	struct config_error passed_over;
	uint64_t gpo_stamp; /* struct gpo's; 0: they could not be looked at */
	/* What [Policy] says without it. */
	enum action local_action;
	struct origin local_origin;
};

/*
 * Reads the layers below `root` ("" for the real ones). 0; -EBADMSG for any error in the files, other
 * negative errnos for files that cannot be read; both with ret_error filled and ret_config untouched. It is
 * no error if no file exists: the defaults lock.
 */
int config_read(const char *root, struct config *ret_config, struct config_error *ret_error);

/* Frees what it holds and empties it. Whoever holds a governance from its rules resolves that again first. */
void config_free(struct config *config);

/*
 * With Source=gpo, reads the domain's files once more. Returns 1 if Action= of [Policy] was changed in place;
 * every session has to be resolved again. Returns 0 if nothing changed. Negative: the policy stays, and
 * another look is due, because the files may be about to be replaced. passed_over says why they cannot be
 * read; -EAGAIN means that they no longer set the option, which only the `last_look` believes.
 */
int config_refresh(struct config *config, bool last_look);

/*
 * With Source=gpo, where the domain's files could not be looked at: what they said in `old` stays. 0, or -ENOMEM with
 * `config` unchanged.
 */
int config_keep_gpo(struct config *config, struct config *old);
