/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* The words of recordings, which trace_write.c and trace_verdict.c write and trace_read.c reads. */
#include "policy/trace.h"

enum trace_value {
	VALUE_TEXT,	/* char[limit], with its NUL */
	VALUE_HEX,	/* a uint8_t that counts, then at most `limit` bytes */
	VALUE_BYTE,	/* uint8_t, at most `limit` */
	VALUE_COUNTER,	/* uint16_t */
	VALUE_PROCESS,	/* pid_t */
	VALUE_TIME,	/* uint64_t, nanoseconds */
	VALUE_USB,	/* struct usb_address */
	VALUE_CARD,	/* enum card_state */
	VALUE_KIND,	/* unsigned: enum session_kind bits */
	VALUE_YES,	/* bool: yes, no */
	VALUE_ACTION,	/* enum action */
	VALUE_FALLBACK, /* enum fallback */
	VALUE_LOCK,	/* bool: lock, ignore */
	VALUE_BIND,	/* bool: first, none */
	VALUE_SOURCE,	/* enum login_source */
};

struct trace_key {
	const char *name;
	enum trace_value type;
	bool optional; /* not written when it is empty, zero or no; of a setting: when it is the default */
	size_t limit;  /* TEXT, HEX, BYTE */
	size_t offset; /* in struct trace_event; not used for a setting */
};

/* In the order in which they are written. */
enum trace_key_id {
	KEY_NOW,
	KEY_SESSION,
	KEY_USER,
	KEY_NAME,
	KEY_SLOT,
	KEY_USB,
	KEY_ENDPOINT,
	KEY_SLOTS,
	KEY_CARD,
	KEY_COUNTER,
	KEY_ATR,
	KEY_PATH,
	KEY_ID,
	KEY_SEEN,
	KEY_LEADER,
	KEY_KIND,
	KEY_AWAY,
	KEY_USB_TOKEN,
	KEY_SOURCE,
	KEY_LATE,
	KEY_AWAITING,
	KEY_KNOWN,
	KEY_COUNT,
};
extern const struct trace_key trace_keys[KEY_COUNT];

/* The settings' keys: those of enum setting, and the name of the rule. */
enum { TRACE_RULE = SETTING_COUNT, TRACE_SETTING_COUNT };
extern const struct trace_key trace_settings[TRACE_SETTING_COUNT];

/* Where the settings have the value of key `index`. */
void *trace_setting_field(struct settings *settings, unsigned index);
const void *trace_setting_value(const struct settings *settings, unsigned index);

/* What an event's line has. */
struct trace_line {
	const char *name;
	unsigned keys;	 /* bit n: enum trace_key_id n is written */
	unsigned needed; /* … and the event makes no sense without it */
	bool settings;	 /* the settings' keys follow */
};
#define TRACE_EVENT_TYPES (EVENT_TIME + 1)
extern const struct trace_line trace_lines[TRACE_EVENT_TYPES];

#define TRACE_CARD_STATES (CARD_PRESENT + 1)
extern const char *const trace_card_names[TRACE_CARD_STATES];

/* Reads the value of `key` into `field`; may change the text. False: it is no such value. */
bool trace_read_value(const struct trace_key *key, char *text, void *field);
/* "1500ms", in nanoseconds. */
bool trace_read_nsec(const char *text, uint64_t *ret);
