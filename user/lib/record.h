/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The login record: which insertion of which card, in which reader, opened which session. The PAM module's
 * helper writes it, the daemon reads it. One file a session, /run/scpolicyd/sessions/<session id>, directory
 * 0700, file 0600, both root's. Text, one FIELD=value a line, every line ended by a newline, each field at
 * most once, the order free. Nothing is quoted: a value runs to the end of its line and may hold any byte but
 * NUL, newline and the other control characters.
 */
#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/card.h"
#include "lib/ids.h"

#define RECORD_DIR "/run/scpolicyd/sessions"
/*
 * Longest value of each field, its sum and the names: far below this. A larger file is refused without
 * reading it.
 */
#define RECORD_FILE_MAX 4096U

#define USER_NAME_SIZE	  257 /* LOGIN_NAME_MAX and a NUL */
#define SERVICE_NAME_SIZE 64  /* a file name in /etc/pam.d */

/* In which PC/SC the session's card is: that of this machine, or that of its client, and how it is reached. */
enum login_source {
	LOGIN_LOCAL,
	LOGIN_SSH,    /* a socket that ssh forwards */
	LOGIN_XRDP,   /* xrdp's card redirection */
	LOGIN_ATTACH, /* another socket that the session's person handed over */
	LOGIN_SOURCE_COUNT,
};

struct login_record {
	char session[SESSION_ID_SIZE];	  /* SESSION= */
	char boot_id[BOOT_ID_SIZE];	  /* BOOT_ID= of the boot it was written in */
	uid_t uid;			  /* UID= */
	char user[USER_NAME_SIZE];	  /* USER= */
	char service[SERVICE_NAME_SIZE];  /* SERVICE= the PAM service */
	pid_t leader;			  /* LEADER= the process that opened the session, logind's Leader */
	struct reader_state card;	  /* READER=, SLOT=, USB=bus:device, ATR=, COUNTER=; state PRESENT */
	char usb_path[USB_PATH_SIZE];	  /* USB_PATH= such as 1-4.1; empty when not on USB */
	char usb_id[10];		  /* USB_ID= such as 08e6:4433; may be empty */
	char usb_serial[USB_STRING_SIZE]; /* USB_SERIAL= may be empty */
	uint64_t seen;		      /* SEEN= when the card was found in; CLOCK_MONOTONIC ns; 0: not known */
	char token[TOKEN_LABEL_SIZE]; /* TOKEN= the label, if the sign-in stack left it; may be empty */
	char pcsc_socket[SOCKET_PATH_SIZE]; /* PCSC_SOCKET= */
	enum login_source source;	    /* SOURCE= */
	bool late; /* BOUND=late: to the first card that its client showed. It shows presence, and proves nothing */
	bool awaiting; /* AWAITING=1: no card is bound yet, so READER=, SLOT=, … are absent */
	/*
	 * KIND=usb: the token is a USB device by itself, such as a security key, and PC/SC says nothing of it. READER= is its
	 * name for people. Absent, or KIND=card: a card in a reader of PC/SC's.
	 */
	bool usb_token;
};

/* "local", "ssh", … as SOURCE= has it; NULL outside the enum. */
const char *login_source_name(enum login_source source);
/* False: no source has that name. */
bool login_source_find(const char *name, enum login_source *ret);

/* What is wrong with a record, for one log line: "line 4: field ATR= given twice". */
struct record_error {
	char text[160];
};

/* Parses `size` bytes. Returns 0, or -EBADMSG with ret_error filled and ret_record untouched. */
int record_parse(const char *text, size_t size, struct login_record *ret_record,
		 struct record_error *ret_error);

/*
 * Writes the text form and a NUL into `buffer`. Returns the length without the NUL, or -ENOBUFS, or -EINVAL
 * if the record could not be read back (an unset mandatory field, a control character).
 */
ssize_t record_format(const struct login_record *record, char *buffer, size_t size);

/*
 * Reads the record called `name` in the directory `dir_fd`. These are refused with -EBADMSG and ret_error: a
 * symlink or anything but a regular file with one link, an owner other than `owner`, a mode other than 0600,
 * a file larger than RECORD_FILE_MAX, text that does not parse, a SESSION= that is not `name`, a BOOT_ID=
 * that is not `boot_id`. Other negative errnos (-ENOENT …) come from the system with ret_error filled too.
 */
int record_read(int dir_fd, const char *name, uid_t owner, const char *boot_id,
		struct login_record *ret_record, struct record_error *ret_error);

/*
 * Writes the record into the directory `dir_fd` under its session's id, in one step (a hidden temporary file,
 * then rename), replacing an older one. 0, or a negative errno.
 */
int record_write(int dir_fd, const struct login_record *record);

/*
 * Makes RECORD_DIR (0700) and its parent (0755) as needed and opens it. Returns a file descriptor or a
 * negative errno; -EPERM if another user owns one of them or it has more permissions than these.
 */
int record_dir_open(void);
