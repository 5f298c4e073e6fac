/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The fields of a login record that describe the card: the middle of a record, and all of a note. Include
 * record.h first.
 */
#include "lib/fields.h"

#define RECORD_STRING(kind, name, mandatory, member)                                                         \
	FIELD_STRING(kind, name, mandatory, struct login_record, member)
#define RECORD_NUMBER(name, member, minimum, maximum)                                                        \
	FIELD_NUMBER(name, true, struct login_record, member, minimum, maximum)

/* clang-format off */
#define RECORD_CARD_FIELDS                                                                                   \
	RECORD_STRING(field_text, "READER", true, card.name),                                                \
	RECORD_NUMBER("SLOT", card.slot, 0, UINT8_MAX),                                                      \
	FIELD_OF(field_usb_address, "USB", false, struct login_record, card.usb, 7),                         \
	FIELD_OF(field_atr, "ATR", false, struct login_record, card.atr, 2 * ATR_SIZE),                      \
	RECORD_NUMBER("COUNTER", card.event_counter, 0, UINT16_MAX),                                         \
	RECORD_STRING(field_usb_path, "USB_PATH", false, usb_path),                                          \
	RECORD_STRING(field_usb_id, "USB_ID", false, usb_id),                                                \
	RECORD_STRING(field_text, "USB_SERIAL", false, usb_serial),                                          \
	FIELD_OF(field_stamp, "SEEN", false, struct login_record, seen, 19),                                 \
	FIELD_OF(field_usb_token, "KIND", false, struct login_record, usb_token, 4)
/* clang-format on */

/* -1 is no user (chown(2)); process ids end at PID_MAX_LIMIT (linux/threads.h). */
#define UID_MAXIMUM (UINT32_MAX - 1)
#define PID_MAXIMUM 4194304
