/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/pam_message.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/record_fields.h"

#define REQUEST(kind, name, mandatory, member) FIELD_STRING(kind, name, mandatory, struct pam_request, member)

/* Which of several cards signed in, and the time limit to find out. */
/* clang-format off */
#define CARD_FIELDS                                                                                          \
	REQUEST(field_text, "TOKEN", false, record.token),                                                   \
	REQUEST(field_text, "ISSUER", false, issuer),                                                        \
	REQUEST(field_text, "SERIAL", false, serial),                                                        \
	REQUEST(field_path, "PKCS11_MODULE", false, module),                                                 \
	FIELD_NUMBER("TIMEOUT", true, struct pam_request, timeout_ms, TIMEOUT_MINIMUM, TIMEOUT_MAXIMUM),     \
	REQUEST(field_text, "READER_GLOB", false, reader_glob),                                              \
	REQUEST(field_text, "USB_TOKEN", false, usb_token),                                                  \
	REQUEST(field_path, "U2F_KEYS", false, u2f_keys),                                                    \
	REQUEST(field_text, "ORIGIN", false, origin)
/* clang-format on */

static const struct field look_fields[] = {
	REQUEST(field_text, "USER", false, record.user),
	CARD_FIELDS,
};

static const struct field record_fields[] = {
	REQUEST(field_session_id, "SESSION", true, record.session),
	FIELD_NUMBER("UID", true, struct pam_request, record.uid, 0, UID_MAXIMUM),
	REQUEST(field_text, "USER", true, record.user),
	REQUEST(field_text, "SERVICE", true, record.service),
	FIELD_NUMBER("LEADER", true, struct pam_request, record.leader, 1, PID_MAXIMUM),
	CARD_FIELDS,
	REQUEST(field_list, "NOTE", false, note),
};

static const struct field rebind_fields[] = {
	REQUEST(field_session_id, "SESSION", false, record.session),
	FIELD_NUMBER("UID", true, struct pam_request, record.uid, 0, UID_MAXIMUM),
	REQUEST(field_text, "USER", false, record.user),
	CARD_FIELDS,
	REQUEST(field_list, "NOTE", false, note),
};

static const struct field ask_fields[] = {
	FIELD_NUMBER("TIMEOUT", true, struct pam_request, timeout_ms, TIMEOUT_MINIMUM, TIMEOUT_MAXIMUM),
};

static const struct field prove_fields[] = {
	FIELD_NUMBER("UID", true, struct pam_request, record.uid, 0, UID_MAXIMUM),
	REQUEST(field_text, "CACHE", true, ticket_cache),
	FIELD_NUMBER("BEGAN", true, struct pam_request, began, 0, INT64_MAX),
	FIELD_NUMBER("TIMEOUT", true, struct pam_request, timeout_ms, TIMEOUT_MINIMUM, TIMEOUT_MAXIMUM),
};

static const struct {
	const char *name;
	const struct field *fields;
	size_t count;
} verbs[] = {
	[PAM_VERB_LOOK] = {"look", look_fields, ELEMENTS(look_fields)},
	[PAM_VERB_RECORD] = {"record", record_fields, ELEMENTS(record_fields)},
	[PAM_VERB_REBIND] = {"rebind", rebind_fields, ELEMENTS(rebind_fields)},
	[PAM_VERB_ASK] = {"ask", ask_fields, ELEMENTS(ask_fields)},
	[PAM_VERB_PROVE] = {"prove", prove_fields, ELEMENTS(prove_fields)},
};
ASSERT_ROWS(verbs, PAM_VERB_PROVE + 1);

const char *pam_verb_name(enum pam_verb verb)
{
	return verbs[verb].name;
}

ssize_t pam_request_format(enum pam_verb verb, const struct pam_request *request, char *buffer, size_t size,
			   struct record_error *ret_error)
{
	return fields_format(verbs[verb].fields, verbs[verb].count, '\n', request, buffer, size,
			     ret_error->text, sizeof(ret_error->text));
}

int pam_request_parse(enum pam_verb verb, const char *text, size_t size, struct pam_request *ret_request,
		      struct record_error *ret_error)
{
	struct pam_request request = {0};
	int r = fields_parse(verbs[verb].fields, verbs[verb].count, '\n', text, size, &request,
			     ret_error->text, sizeof(ret_error->text));

	if (r < 0)
		return r;
	*ret_request = request;
	return 0;
}

static const char *const result_names[] = {
	[PAM_RESULT_DONE] = "done",
	[PAM_RESULT_NOTHING] = "nothing",
	[PAM_RESULT_FAILED] = "failed",
};
ASSERT_ROWS(result_names, PAM_RESULT_FAILED + 1);

static bool parse_result(_unused_ const struct field *field, const char *value, void *to)
{
	for (size_t i = 0; i < ELEMENTS(result_names); i++)
		if (strcmp(value, result_names[i]) == 0) {
			*(enum pam_result *)to = (enum pam_result)i;
			return true;
		}
	return false;
}

static void format_result(_unused_ const struct field *field, const void *from, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s", result_names[*(const enum pam_result *)from]);
}

static const struct field_kind field_result = {
	.expected = "done, nothing or failed",
	.parse = parse_result,
	.format = format_result,
};

static const struct field reply_fields[] = {
	FIELD_OF(field_result, "RESULT", true, struct pam_reply, result, 7),
	FIELD_STRING(field_list, "NOTE", false, struct pam_reply, note),
	FIELD_STRING(field_text, "TEXT", false, struct pam_reply, text),
};

ssize_t pam_reply_format(const struct pam_reply *reply, char *buffer, size_t size,
			 struct record_error *ret_error)
{
	return fields_format(reply_fields, ELEMENTS(reply_fields), '\n', reply, buffer, size, ret_error->text,
			     sizeof(ret_error->text));
}

int pam_reply_parse(const char *text, size_t size, struct pam_reply *ret_reply,
		    struct record_error *ret_error)
{
	struct pam_reply reply = {0};
	int r = fields_parse(reply_fields, ELEMENTS(reply_fields), '\n', text, size, &reply, ret_error->text,
			     sizeof(ret_error->text));

	if (r < 0)
		return r;
	*ret_reply = reply;
	return 0;
}

static const struct field note_fields[] = {RECORD_CARD_FIELDS};

ssize_t pam_note_format(const struct login_record *record, char *buffer, size_t size,
			struct record_error *ret_error)
{
	return fields_format(note_fields, ELEMENTS(note_fields), '\t', record, buffer, size, ret_error->text,
			     sizeof(ret_error->text));
}

/* Takes the card's members from `card`, the rest stays. */
static void copy_card(struct login_record *record, const struct login_record *card)
{
	record->card = card->card;
	memcpy(record->usb_path, card->usb_path, sizeof(record->usb_path));
	memcpy(record->usb_id, card->usb_id, sizeof(record->usb_id));
	memcpy(record->usb_serial, card->usb_serial, sizeof(record->usb_serial));
	record->usb_token = card->usb_token;
	record->seen = card->seen;
}

int pam_note_parse(const char *note, struct login_record *record, struct record_error *ret_error)
{
	struct login_record card = {.card.card = CARD_PRESENT};
	int r = fields_parse(note_fields, ELEMENTS(note_fields), '\t', note, strlen(note), &card,
			     ret_error->text, sizeof(ret_error->text));

	if (r < 0)
		return r;
	copy_card(record, &card);
	return 0;
}
