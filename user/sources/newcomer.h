/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* Sessions that no card of this machine opened: what logind says of one, as far as a login record of it needs that. */
#include <systemd/sd-bus.h>

#include "lib/record.h"

struct newcomer {
	char session[SESSION_ID_SIZE];
	char user[USER_NAME_SIZE];
	char service[SERVICE_NAME_SIZE];
	char class[32];	  /* "user", "greeter", … */
	char display[32]; /* ":10"; may be empty */
	uint32_t uid, leader;
	bool remote; /* logind says so */
};

/* Not a greeter's, or a service's. */
bool newcomer_is_persons(const struct newcomer *newcomer);

/* How its client's card service is reached: by xrdp, through ssh, or by a program that is not known. */
enum login_source newcomer_source(const struct newcomer *newcomer);

/* The answer; NULL: logind does not know the session, or says nothing of it. */
typedef void (*newcomer_taker)(void *userdata, const struct newcomer *newcomer);

/* Asks; `take` is called once, unless this fails, or the bus ends first. `release` is called for userdata in any case. */
int newcomer_ask(sd_bus *bus, const char *session, newcomer_taker take, void (*release)(void *),
		 void *userdata);

/* A login record of it that waits for its card. 0; -EEXIST: it has one; or another negative errno. */
int newcomer_record(const struct newcomer *newcomer, enum login_source source);
