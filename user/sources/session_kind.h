/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* What logind's properties of a session say about its kind. */
#include <systemd/sd-bus.h>

#include "policy/rules.h"

/* Longer than any value that counts: a longer one is cut, and then matches nothing known. */
#define PROPERTY_SIZE 64

/* What logind's properties say of a session. */
struct session_properties {
	uint32_t leader;
	int locked_hint, active, remote; /* int, as sd-bus reads a boolean */
	int refuses_lock;		 /* CanLock=no; logind has it from systemd 257 on */
	uint32_t vtnr;			 /* 0: not on a virtual terminal */
	char type[PROPERTY_SIZE], class[PROPERTY_SIZE], service[PROPERTY_SIZE], seat[PROPERTY_SIZE];
	char tty[PROPERTY_SIZE], display[PROPERTY_SIZE];
};

/*
 * Reads those of an a{sv} that count here; what is not among them stays as it was. 0 or more, or a negative
 * errno: then some may have been read.
 */
int session_properties_read(sd_bus_message *message, struct session_properties *properties);

/* enum session_kind bits. */
unsigned session_kind(const struct session_properties *properties);
