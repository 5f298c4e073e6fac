/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/trace_keys.h"

#include "lib/macro.h"

#define PLACE(member) .offset = offsetof(struct trace_event, member)

const struct trace_key trace_keys[KEY_COUNT] = {
	[KEY_NOW] = {"now", VALUE_TIME, .optional = true, PLACE(event.now)},
	[KEY_SESSION] = {"session", VALUE_TEXT, .limit = SESSION_ID_SIZE, PLACE(session)},
	[KEY_USER] = {"user", VALUE_TEXT, .limit = USER_NAME_SIZE, PLACE(login.user)},
	[KEY_NAME] = {"name", VALUE_TEXT, .limit = READER_NAME_SIZE, PLACE(reader.name)},
	[KEY_SLOT] = {"slot", VALUE_BYTE, .limit = 31, PLACE(reader.slot)},
	[KEY_USB] = {"usb", VALUE_USB, PLACE(reader.usb)},
	[KEY_ENDPOINT] = {"endpoint", VALUE_BYTE, .optional = true, .limit = UINT8_MAX, PLACE(endpoint)},
	[KEY_SLOTS] = {"slots", VALUE_HEX, .limit = 8, PLACE(slots)},
	[KEY_CARD] = {"card", VALUE_CARD, PLACE(reader.card)},
	[KEY_COUNTER] = {"counter", VALUE_COUNTER, PLACE(reader.event_counter)},
	[KEY_ATR] = {"atr", VALUE_HEX, .limit = ATR_SIZE, PLACE(reader.atr)},
	[KEY_PATH] = {"path", VALUE_TEXT, .optional = true, .limit = USB_PATH_SIZE, PLACE(path)},
	[KEY_ID] = {"id", VALUE_TEXT, .optional = true, .limit = sizeof(((struct trace_event *)NULL)->id),
		    PLACE(id)},
	[KEY_SEEN] = {"seen", VALUE_TIME, .optional = true, PLACE(login.seen)},
	[KEY_LEADER] = {"leader", VALUE_PROCESS, .optional = true, PLACE(login.leader)},
	[KEY_KIND] = {"kind", VALUE_KIND, PLACE(kind)},
	[KEY_AWAY] = {"away", VALUE_YES, .optional = true, PLACE(away)},
	[KEY_USB_TOKEN] = {"usb-token", VALUE_YES, .optional = true, PLACE(login.usb_token)},
	[KEY_SOURCE] = {"source", VALUE_SOURCE, .optional = true, PLACE(login.source)},
	[KEY_LATE] = {"late", VALUE_YES, .optional = true, PLACE(login.late)},
	[KEY_AWAITING] = {"awaiting", VALUE_YES, .optional = true, PLACE(login.awaiting)},
	[KEY_KNOWN] = {"known", VALUE_YES, .optional = true, PLACE(known)},
};

enum lines { ALWAYS, MAY_MISS };

#define SETTING_KEY(number, member, where, sessions, lines, key, word, type, ...)                            \
	[SETTING_##number] = {word, VALUE_##type, .optional = (lines) == MAY_MISS,                           \
			      .limit = sizeof(((struct settings *)NULL)->member)},

const struct trace_key trace_settings[TRACE_SETTING_COUNT] = {
	[TRACE_RULE] = {"rule", VALUE_TEXT, .optional = true, .limit = RULE_NAME_SIZE},
	EVERY_SETTING(SETTING_KEY)};

void *trace_setting_field(struct settings *settings, unsigned index)
{
	return index == TRACE_RULE ? settings->rule : setting_field(settings, (enum setting)index);
}

const void *trace_setting_value(const struct settings *settings, unsigned index)
{
	return index == TRACE_RULE ? settings->rule : setting_value(settings, (enum setting)index);
}

#define NOW	    (1U << KEY_NOW)
#define SESSION	    (1U << KEY_SESSION)
#define USB	    (1U << KEY_USB)
#define NAME	    (1U << KEY_NAME)
#define PLACE_KEYS  (1U << KEY_PATH | 1U << KEY_ID)
#define READER_KEYS (NAME | USB | 1U << KEY_SLOT | 1U << KEY_CARD | 1U << KEY_COUNTER | 1U << KEY_ATR)

const struct trace_line trace_lines[TRACE_EVENT_TYPES] = {
	[EVENT_DEVICE_ADD] = {"device-add", NOW | USB | PLACE_KEYS, USB},
	[EVENT_DEVICE_REMOVE] = {"device-remove", NOW | USB | PLACE_KEYS, USB},
	[EVENT_DEVICES_LISTED] = {"devices-listed", NOW},
	[EVENT_SLOT_CHANGE] = {"slot-change", NOW | USB | 1U << KEY_ENDPOINT | 1U << KEY_SLOTS, USB},
	[EVENT_PCSC_UP] = {"pcsc-up", NOW},
	[EVENT_PCSC_DOWN] = {"pcsc-down", NOW},
	[EVENT_READER] = {"reader", NOW | READER_KEYS, NAME},
	[EVENT_READER_GONE] = {"reader-gone", NOW | READER_KEYS, NAME},
	[EVENT_PCSC_LISTED] = {"pcsc-listed", NOW},
	[EVENT_RECORD] = {"record",
			  NOW | SESSION | 1U << KEY_USER | READER_KEYS | PLACE_KEYS | 1U << KEY_SEEN |
				  1U << KEY_LEADER | 1U << KEY_AWAY | 1U << KEY_USB_TOKEN | 1U << KEY_SOURCE |
				  1U << KEY_LATE | 1U << KEY_AWAITING,
			  SESSION, .settings = true},
	[EVENT_SETTINGS] = {"settings", NOW | SESSION, SESSION, .settings = true},
	[EVENT_SESSION_KIND] = {"session-kind", NOW | SESSION | 1U << KEY_KIND, SESSION},
	[EVENT_PROBE] = {"probe", NOW},
	[EVENT_SLEEP] = {"sleep", NOW},
	[EVENT_RESUME] = {"resume", NOW},
	[EVENT_SESSION_ENDED] = {"session-ended", NOW | SESSION, SESSION},
	[EVENT_SESSION_LOCKED] = {"session-locked", NOW | SESSION, SESSION},
	[EVENT_SESSION_UNLOCKED] = {"session-unlocked", NOW | SESSION, SESSION},
	[EVENT_SESSION_REBIND] = {"session-rebind", NOW | SESSION, SESSION},
	[EVENT_ACTION_DONE] = {"action-done", NOW | SESSION, SESSION},
	[EVENT_ACTION_FAILED] = {"action-failed", NOW | SESSION, SESSION},
	[EVENT_REMOTE_UP] = {"remote-up", NOW | SESSION | 1U << KEY_KNOWN, SESSION},
	[EVENT_REMOTE_DOWN] = {"remote-down", NOW | SESSION, SESSION},
	[EVENT_REMOTE_SILENT] = {"remote-silent", NOW | SESSION, SESSION},
	[EVENT_REMOTE_HEARD] = {"remote-heard", NOW | SESSION, SESSION},
	[EVENT_REMOTE_READER] = {"remote-reader", NOW | SESSION | READER_KEYS, SESSION | NAME},
	[EVENT_REMOTE_READER_GONE] = {"remote-reader-gone", NOW | SESSION | NAME, SESSION | NAME},
	[EVENT_REMOTE_LISTED] = {"remote-listed", NOW | SESSION, SESSION},
	[EVENT_LOST] = {"lost", NOW},
	[EVENT_TIME] = {"time", NOW},
};

const char *const trace_card_names[TRACE_CARD_STATES] = {
	[CARD_UNAVAILABLE] = "unavailable",
	[CARD_EMPTY] = "empty",
	[CARD_PRESENT] = "present",
};
