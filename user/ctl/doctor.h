/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * `scpolicyctl doctor`: what would keep a removal from being acted on. Each file of its own looks at one part of the
 * machine and reports findings; none trusts what it reads. What could not be looked at is a finding too: nothing is
 * called fine that nobody saw.
 */
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/tree.h"

enum severity {
	SEVERITY_OK,	  /* looked at, and as it should be */
	SEVERITY_NOTE,	  /* good to know; or it could not be looked at */
	SEVERITY_WARNING, /* removals are heard late, or not everywhere, or not provably acted on */
	SEVERITY_FAULT,	  /* removals are not acted on */
};

/* What every finding of its kind says. */
struct finding {
	const char *id; /* for programs: never changed */
	enum severity severity;
	const char *why;    /* what comes of it; NULL where `what` says it */
	const char *remedy; /* NULL: none is needed */
};

struct doctor {
	struct ctl *ctl;
	const char *
		root; /* the machine's files are below it; "": this machine, and what runs on it counts too */
	int root_fd;
	struct json_object *findings;
	unsigned faults, warnings;
	struct json_object *status;   /* GetStatus; NULL: the daemon did not answer */
	struct json_object *sessions; /* ListSessions, ListReaders; NULL likewise */
	struct json_object *readers;
};

/* `where` is a file, with ":line" where there is one, "session ID", a reader; or NULL. */
void doctor_report(struct doctor *doctor, const struct finding *finding, const char *where, const char *what,
		   ...) _printf_(4, 5);

/* Returns the exit status: a fault is a number then, and no failure. */
int doctor_print_metrics(const struct doctor *doctor);

/* It could not be looked at: `error` is a negative errno. */
void doctor_unseen(struct doctor *doctor, const char *what, int error);

static inline bool doctor_is_live(const struct doctor *doctor)
{
	return !*doctor->root;
}

/*
 * A descriptor for what the absolute `path` is below the root, symbolic links followed there and nowhere else; or a
 * negative errno. A missing file is -ENOENT, never anything outside.
 */
int doctor_open(const struct doctor *doctor, const char *path, int flags);

/* The text of a regular file of at most DOCTOR_FILE_MAX bytes (else -EFBIG, -EBADMSG), to its first NUL. */
#define DOCTOR_FILE_MAX (4 * 1024 * 1024)
int doctor_read(const struct doctor *doctor, const char *path, char **ret);
/* -EILSEQ for one that has a NUL in it, and so is no text. */
int doctor_read_text(const struct doctor *doctor, const char *path, char **ret);

/* Names in a folder, sorted, without those that begin with a dot; at most DOCTOR_NAMES_MAX. */
#define DOCTOR_NAMES_MAX 4096
struct names {
	char **names;
	size_t count;
};
int doctor_list(const struct doctor *doctor, const char *folder, struct names *ret);
void names_clear(struct names *names);
#define _cleanup_names_ _cleanup_(names_clear)

/*
 * Whether a pattern of Reader= or reader= matches a reader that the daemon knows, or that a login record names. True
 * where there is none.
 */
bool doctor_reader_seen(const struct doctor *doctor, const char *pattern);

/* Of the machine below --root=, or this one. 0, or a negative errno with `root` set; doctor_stop() frees either way. */
int doctor_start(struct doctor *doctor, struct ctl *ctl);
void doctor_stop(struct doctor *doctor);

/* The parts of the machine. */
bool doctor_has_module(const struct doctor *doctor, const char *path); /* of PAM: as a line names it */
void doctor_service(struct doctor *doctor); /* also asks the daemon, for those that come after it */
void doctor_install(struct doctor *doctor);
void doctor_selinux(struct doctor *doctor);
void doctor_config(struct doctor *doctor);
void doctor_pam(struct doctor *doctor);
void doctor_pcsc(struct doctor *doctor);
void doctor_readers(struct doctor *doctor);
void doctor_records(struct doctor *doctor);
void doctor_sessions(struct doctor *doctor);
void doctor_desktop(struct doctor *doctor);
void doctor_old(struct doctor *doctor);
