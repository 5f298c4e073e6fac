/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* One file of the domain's group policy, and the folder of a policy that it stands in. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/gpt_tmpl.h"

enum gpo_keeper {
	GPO_GIVEN, /* a file that somebody named */
	GPO_SSSD,
	GPO_SAMBA,
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
	struct gpo_file *files; /* adsys's in its order, SSSD's and Samba's by path */
	size_t count;
	size_t winner; /* GPO_NO_WINNER: none of them sets the option */
	bool disagree; /* SSSD's and Samba's files say different things, and which was linked first is not known */
	uint64_t stamp; /* changes when a file is added, removed or written again */
};
#define GPO_NO_WINNER SIZE_MAX

/* How large a file may be, and whose beside root's. */
struct gpo_limits {
	off_t size;
	const uid_t *owner; /* NULL: anybody's */
};

/* All of it, malloc()ed. 0, a negative errno, or enum gpo_wrong. */
int gpo_read_file(const char *path, const struct gpo_limits *limits, char **ret_bytes, size_t *ret_size);

/* Adds the template in a policy's folder. A policy without one says nothing. 0, or a negative errno. */
int gpo_add_policy(struct gpo *gpo, const char *folder, enum gpo_keeper keeper, uid_t owner);

/* The stamp becomes another one. */
void gpo_stamp_add(struct gpo *gpo, const void *bytes, size_t size);

/* Nobody put it there, and that is no fault. */
bool gpo_is_missing(int error);

const char *gpo_wrong_text(enum gpo_wrong wrong);

/* Reads one file, of whosever it is. -ENOMEM, or 0: what is wrong with the file is in it. */
int gpo_add_file(struct gpo *gpo, const char *path);

/* "PATH:LINE: why" of a file with an error. Returns `buffer`. */
const char *gpo_error_text(const struct gpo_file *file, char *buffer, size_t size);
