/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The messages between the PAM module and its helper. The module runs `scpolicyd-pam-helper VERB`, writes one
 * request to its standard input and reads one reply from its standard output: both are FIELD=value lines. They are
 * no arguments, because ps shows those to everyone. Only the reply counts, not the helper's exit status: the
 * program that loaded the module may ignore SIGCHLD or reap children that are not its own.
 *
 * look    finds the card that signed in, and its reader: the reply's NOTE=
 * record  writes the login record of SESSION=. With a NOTE=, it records the card that the note names, even if that
 *         was removed since: the daemon finds a card that was removed between sign-in and session, and acts
 * rebind  replaces the card in the record of SESSION=, or in all records of UID=
 * prove   says whether the KDC shows that the ticket in CACHE= came by a certificate, since BEGAN=: the reply is "done"
 * ask     has the daemon bind the session of the calling process again: for a locker that is not root
 */
#include "lib/record.h"

/* A message fits into a pipe that nobody reads yet (PIPE_BUF), so that writing it never blocks. */
#define PAM_MESSAGE_MAX 4096

/*
 * pam_pkcs11 cuts the issuer to 229 bytes (its variable has 255, the name included). A serial number has at
 * most 20 bytes (RFC 5280, 4.1.2.2), and perhaps a leading zero: 62 characters as pam_pkcs11 writes them,
 * "1A:2B".
 */
#define CERT_ISSUER_SIZE   256
#define CERT_SERIAL_SIZE   64
#define PKCS11_MODULE_SIZE 256

/* The ten fields that identify a card: about 550 bytes of values, 60 of names. */
#define NOTE_SIZE 1024

/* A token that is a USB device by itself: any security key, or "usb:VID:PID[:SERIAL]", four hexadecimal digits each. */
#define USB_TOKEN_SIZE 160
#define USB_TOKEN_FIDO "fido"
#define USB_TOKEN_USB  "usb:"

/* pam_u2f's authfile, and the origin that its credentials were made for. */
#define U2F_KEYS_SIZE	 256
#define FIDO_ORIGIN_SIZE 256

#define TICKET_CACHE_SIZE 256

/* Milliseconds that the line's timeout= may say. */
#define TIMEOUT_MINIMUM 100
#define TIMEOUT_MAXIMUM 60000

enum pam_verb {
	PAM_VERB_LOOK,
	PAM_VERB_RECORD,
	PAM_VERB_REBIND,
	PAM_VERB_ASK,
	PAM_VERB_PROVE,
};

struct pam_request {
	/* SESSION= UID= USER= SERVICE= LEADER= TOKEN=; rebind: no SERVICE= nor LEADER=; look: USER= TOKEN=; ask: TIMEOUT= alone; prove: UID= */
	struct login_record record;
	/* What tells the card that signed in from others: USER= and TOKEN= too. Empty: the stack did not
	 * tell. */
	char issuer[CERT_ISSUER_SIZE];	    /* ISSUER= of the certificate, as X509_NAME_oneline() writes it */
	char serial[CERT_SERIAL_SIZE];	    /* SERIAL= of the certificate, "1A:2B" */
	char module[PKCS11_MODULE_SIZE];    /* PKCS11_MODULE= to ask; empty: p11-kit's proxy */
	uint32_t timeout_ms;		    /* TIMEOUT= how long the module waits for the reply */
	char reader_glob[READER_NAME_SIZE]; /* READER_GLOB= fnmatch(3) pattern; empty: any reader */
	char usb_token[USB_TOKEN_SIZE];	    /* USB_TOKEN= as above; empty: a card in a reader */
	char u2f_keys
		[U2F_KEYS_SIZE]; /* U2F_KEYS= with several security keys, the file with the user's credentials; or empty */
	char origin[FIDO_ORIGIN_SIZE];	      /* ORIGIN= of these; empty: "pam://" and the host's name */
	char note[NOTE_SIZE];		      /* NOTE= from an earlier look, or empty: look now */
	char ticket_cache[TICKET_CACHE_SIZE]; /* CACHE= as KRB5CCNAME names it */
	int64_t began; /* BEGAN= when the sign-in did, or earlier: seconds since 1970 */
};

enum pam_result {
	PAM_RESULT_DONE,    /* a card was noted, a record written, or records bound again */
	PAM_RESULT_NOTHING, /* no card, several cards, or no record to bind again: TEXT= says which */
	PAM_RESULT_FAILED,  /* TEXT= says why */
};

struct pam_reply {
	enum pam_result result; /* RESULT=done|nothing|failed */
	char note[NOTE_SIZE];	/* NOTE= of a look that is done */
	char text[512];		/* TEXT= for the log, may be empty */
};

/* "look", "record", "rebind", "ask", "prove". */
const char *pam_verb_name(enum pam_verb verb);

/*
 * They return as fields_format() and fields_parse() do. A request is checked both when it is made and when it
 * is read.
 */
ssize_t pam_request_format(enum pam_verb verb, const struct pam_request *request, char *buffer, size_t size,
			   struct record_error *ret_error);
int pam_request_parse(enum pam_verb verb, const char *text, size_t size, struct pam_request *ret_request,
		      struct record_error *ret_error);
ssize_t pam_reply_format(const struct pam_reply *reply, char *buffer, size_t size,
			 struct record_error *ret_error);
int pam_reply_parse(const char *text, size_t size, struct pam_reply *ret_reply,
		    struct record_error *ret_error);

/*
 * A note is the record's fields from READER= to KIND=, each ended by a tab, so that it can be one
 * environment variable. It names a card; pam_note_parse() sets nothing else in the record.
 */
ssize_t pam_note_format(const struct login_record *record, char *buffer, size_t size,
			struct record_error *ret_error);
int pam_note_parse(const char *note, struct login_record *record, struct record_error *ret_error);
