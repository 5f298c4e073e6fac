/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Remote sessions that no card of this machine opened: their client's PC/SC is looked for (looks.h), and where a rule says that
 * they have to show a card they get a login record.
 */
struct daemon;

/* Listens for new sessions, and looks at those that are there. 0, or a negative errno. */
int newcomers_new(struct daemon *daemon);
void newcomers_free(struct daemon *daemon);

/* The rules were read again: looks at the sessions that are there. */
void newcomers_look(struct daemon *daemon);
