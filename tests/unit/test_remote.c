/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions whose card is at their client, as a table: what is reported, and what must follow. Each line of `told` is an event
 * as user/policy/trace.h has it; `follows` lists the verdicts in order, "|" between them, without those that only prepare.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/macro.h"
#include "policy/player.h"
#include "policy/trace.h"
#include "policy/world.h"

#define R0   " name=R0 slot=0 usb=0:0 "
#define ATR  " atr=3B02AABB"
#define IN   "card=present counter=1" ATR "\n"
#define OUT  "card=empty counter=2 atr=\n"
#define LIST "pcsc remote-listed session=3\n"

/* Session 3 of a person on another machine; the local pcscd has a reader of the same name, and other people's card in it. */
#define LOCAL                                                                                                \
	"0ms pcsc pcsc-up\n0ms pcsc reader name=R0 slot=0 usb=0:0 " IN "0ms pcsc pcsc-listed\n"              \
	"0ms record record session=9 user=ben name=R0 slot=0 usb=0:0 " IN
#define RECORDED(settings)                                                                                   \
	"1s record record session=3 user=anna source=ssh awaiting=yes name= slot=0 usb=0:0 "                 \
	"card=unavailable counter=0 atr= " settings "\n"
#define REACHED	 "2s pcsc remote-up session=3\n"
#define CARD_IN	 "2s pcsc remote-reader session=3" R0 IN "2s " LIST
#define GOVERNED LOCAL RECORDED("") REACHED CARD_IN
#define WATCHED(settings)                                                                                    \
	LOCAL RECORDED(settings)                                                                             \
	REACHED CARD_IN "2s logind session-kind session=3 kind=remote,graphical\n"

#define LOCKED "act 3 lock|removal 3 card pcsc|action 3 lock"

struct row {
	const char *name, *told, *follows, *explained;
};

static const struct row rows[] = {
	/* ---- binding ---- */
	{"the first card that the client shows is bound", GOVERNED, "",
	 "card in: the reader reports it present; insertion 1 is bound; bound late: presence, not proof of the sign-in; "},
	{"no card yet", LOCAL RECORDED("") REACHED "2s " LIST, "",
	 "card unknown: its client has shown no card; "},
	{"it may show later",
	 LOCAL RECORDED("") REACHED "2s " LIST "900s pcsc remote-reader session=3" R0 IN "900s " LIST, "",
	 "card in: "},
	{"not with Bind=none", LOCAL RECORDED("bind=none") REACHED CARD_IN, "", "card unknown: "},
	{"two cards: nobody knows whose, and that is said once",
	 LOCAL RECORDED("") REACHED "2s pcsc remote-reader session=3" R0 IN
				    "2s pcsc remote-reader session=3 name=R1 slot=0 usb=0:0 " IN "2s " LIST
				    "3s " LIST,
	 "unguarded 3", "card unknown: "},
	{"… until one is left",
	 LOCAL RECORDED("") REACHED "2s pcsc remote-reader session=3" R0 IN
				    "2s pcsc remote-reader session=3 name=R1 slot=0 usb=0:0 " IN "2s " LIST
				    "3s pcsc remote-reader session=3 name=R1 slot=0 usb=0:0 " OUT "3s " LIST,
	 "unguarded 3", "card in: "},
	{"a record of a card that was bound by an earlier daemon",
	 LOCAL "1s record record session=3 user=anna source=ssh late=yes" R0 IN REACHED CARD_IN, "",
	 "card in: "},
	{"a record of a sign-in with a card here: its client is nobody's business",
	 LOCAL "2s pcsc remote-up session=9\n2s pcsc remote-reader session=9" R0 OUT
	       "2s pcsc remote-listed session=9\n",
	 "", NULL},

	/* ---- removals ---- */
	{"the card is removed at the client", GOVERNED "5s pcsc remote-reader session=3" R0 OUT "5s " LIST,
	 LOCKED, "card out: "},
	{"… and nothing follows before its list is complete",
	 GOVERNED "5s pcsc remote-reader session=3" R0 OUT, "", "card in: "},
	{"out and in again between two looks",
	 GOVERNED "5s pcsc remote-reader session=3" R0 "card=present counter=3" ATR "\n5s " LIST
		  "6s daemon time",
	 LOCKED "|restored 3", "card in: "},
	{"another card is in",
	 GOVERNED "5s pcsc remote-reader session=3" R0 "card=present counter=3 atr=3B99\n5s " LIST, LOCKED,
	 NULL},
	{"the reader could not be read for a moment: its count moved, and no card did",
	 GOVERNED "5s pcsc remote-reader session=3" R0 "card=unavailable counter=1\n5s " LIST
		  "6s pcsc remote-reader session=3" R0 "card=present counter=2" ATR "\n6s " LIST
		  "20s daemon time",
	 "", "card in: "},
	{"the reader is unplugged", GOVERNED "5s pcsc remote-reader-gone session=3 name=R0\n5s " LIST,
	 "act 3 lock|removal 3 reader pcsc|action 3 lock", NULL},
	{"the card is back: guarded again, and the next removal is acted on",
	 GOVERNED "5s pcsc remote-reader session=3" R0 OUT "5s " LIST "7s pcsc remote-reader session=3" R0
		  "card=present counter=3" ATR "\n7s " LIST "20s pcsc remote-reader session=3" R0
		  "card=empty counter=4\n20s " LIST,
	 LOCKED "|restored 3|act 3 lock|outcome 3 lock unverified|"
		"removal 3 card pcsc|action 3 lock",
	 NULL},
	{"Settle=: a loose plug",
	 WATCHED("settle=2s") "5s pcsc remote-reader session=3" R0 OUT "5s " LIST
			      "6s pcsc remote-reader session=3" R0 "card=present counter=3" ATR "\n6s " LIST,
	 "settled 3", "card in: "},
	{"logout waits for Confirm=, and looks again",
	 WATCHED("action=logout") "5s pcsc remote-reader session=3" R0 OUT "5s " LIST "5400ms daemon time",
	 "removal 3 card pcsc", NULL},
	{"… then it is done",
	 WATCHED("action=logout") "5s pcsc remote-reader session=3" R0 OUT "5s " LIST "5501ms daemon time",
	 "removal 3 card pcsc|act 3 terminate|action 3 logout", NULL},
	{"disconnect of an ssh session",
	 LOCAL RECORDED("action=disconnect") REACHED CARD_IN
	 "2s logind session-kind session=3 kind=remote,tty,ssh\n"
	 "5s pcsc remote-reader session=3" R0 OUT "5s " LIST "5501ms daemon time",
	 "removal 3 card pcsc|act 3 kill-leader|action 3 disconnect", NULL},

	/* ---- readers belong to a session ---- */
	{"the reader of the same name here is another's",
	 GOVERNED "5s pcsc reader name=R0 slot=0 usb=0:0 " OUT,
	 "act 9 lock|removal 9 card pcsc|action 9 lock", "card in: "},
	{"the reader of the same name at another's client",
	 GOVERNED "4s record record session=5 user=cleo source=xrdp late=yes" R0 IN
		  "4s pcsc remote-up session=5\n4s pcsc remote-reader session=5" R0 IN
		  "4s pcsc remote-listed session=5\n5s pcsc remote-reader session=5" R0 OUT
		  "5s pcsc remote-listed session=5\n",
	 "act 5 lock|removal 5 card pcsc|action 5 lock", "card in: "},
	{"pcscd here is away: that concerns nobody at a client",
	 WATCHED("pcsc-lost=lock") "5s pcsc pcsc-down\n20s daemon time", "", "card in: "},

	/* ---- the client leaves ---- */
	{"a client that leaves is not a removal, however long",
	 GOVERNED "5s pcsc remote-down session=3\n6s daemon time\n900s daemon time", "",
	 "card unknown: its client is away; "},
	{"a client that falls silent neither",
	 GOVERNED "5s pcsc remote-silent session=3\n6s daemon time\n900s daemon time", "", "card unknown: "},
	{"a rule without Cause= does not govern it",
	 WATCHED("action=logout then=logout") "5s pcsc remote-down session=3\n900s daemon time", "", NULL},
	{"a rule that names it does, once, after ClientGrace=",
	 WATCHED("client.action=lock client.client-grace=10s") "5s pcsc remote-down session=3\n14s daemon time\n"
							       "15s daemon time\n60s daemon time\n900s daemon time",
	 "act 3 lock|removal 3 client pcsc|action 3 lock|outcome 3 lock unverified", "card unknown: "},
	{"… unless it is back in time",
	 WATCHED("client.action=lock client.client-grace=10s") "5s pcsc remote-down session=3\n"
							       "14s pcsc remote-up session=3\n14s pcsc remote-reader session=3" R0 IN
							       "14s " LIST "900s daemon time",
	 "", "card in: "},
	{"… or heard again",
	 WATCHED("client.action=lock client.client-grace=10s") "5s pcsc remote-silent session=3\n"
							       "14s pcsc remote-heard session=3\n900s daemon time",
	 "", "card in: "},
	{"… or the session is locked: nobody sits there",
	 WATCHED("client.action=logout") "4s logind session-locked session=3\n5s pcsc remote-down session=3\n"
					 "60s daemon time",
	 "", NULL},
	{"stopped for good under a living session: acted on, once",
	 WATCHED("client.action=logout") "5s pcsc remote-silent session=3\n35s daemon time\n35600ms daemon time\n"
					 "36s daemon time",
	 "removal 3 client pcsc|act 3 terminate|action 3 logout", NULL},
	{"back with the same insertion: nothing happened",
	 GOVERNED
	 "5s pcsc remote-down session=3\n60s pcsc remote-up session=3\n60s pcsc remote-reader session=3" R0 IN
	 "60s " LIST "900s daemon time",
	 "", "card in: "},
	{"… and with another count, because its pcscd was started again",
	 GOVERNED
	 "5s pcsc remote-down session=3\n60s pcsc remote-up session=3\n60s pcsc remote-reader session=3" R0
	 "card=present counter=0" ATR "\n60s " LIST "900s daemon time",
	 "", "card in: "},
	{"back without the card: absent, once, after Grace=",
	 GOVERNED
	 "5s pcsc remote-down session=3\n60s pcsc remote-up session=3\n60s pcsc remote-reader session=3" R0
	 "card=empty counter=0\n60s " LIST "79s daemon time\n80s daemon time\n900s daemon time",
	 "act 3 lock|removal 3 absent startup|action 3 lock|outcome 3 lock unverified", "card out: "},
	{"… unless it shows within Grace=",
	 GOVERNED "5s pcsc remote-down session=3\n60s pcsc remote-up session=3\n60s " LIST
		  "70s pcsc remote-reader session=3" R0 IN "70s " LIST "900s daemon time",
	 "", "card in: "},
	{"the card is removed while its client is silent: told when it is heard",
	 GOVERNED "5s pcsc remote-silent session=3\n30s pcsc remote-reader session=3" R0 OUT "30s " LIST
		  "30s pcsc remote-heard session=3\n",
	 LOCKED, NULL},
	{"… out and in: the count shows it",
	 GOVERNED "5s pcsc remote-silent session=3\n30s pcsc remote-reader session=3" R0
		  "card=present counter=3" ATR "\n30s " LIST
		  "30s pcsc remote-heard session=3\n31s daemon time",
	 LOCKED "|restored 3", NULL},
	{"acted on for its client, which is back with the card: guarded again",
	 WATCHED("client.action=lock") "5s pcsc remote-down session=3\n35s daemon time\n60s pcsc remote-up session=3\n"
				       "60s pcsc remote-reader session=3" R0 IN "60s " LIST
				       "90s pcsc remote-reader session=3" R0 OUT "90s " LIST,
	 "act 3 lock|removal 3 client pcsc|action 3 lock|restored 3|act 3 lock|outcome 3 lock unverified|removal 3 card "
	 "pcsc|action 3 lock",
	 NULL},
	{"… without the card: absent, once",
	 WATCHED("client.action=lock") "5s pcsc remote-down session=3\n35s daemon time\n60s pcsc remote-up session=3\n"
				       "60s " LIST "80s daemon time\n900s daemon time",
	 "act 3 lock|removal 3 client pcsc|action 3 lock|act 3 lock|outcome 3 lock unverified|removal 3 absent startup|action "
	 "3 lock|outcome 3 lock unverified",
	 "card out: "},
	{"all readers gone at once: a client that shuts down",
	 GOVERNED
	 "3s pcsc remote-reader session=3 name=R1 slot=0 usb=0:0 card=empty counter=0\n3s " LIST
	 "5s pcsc remote-reader-gone session=3 name=R0\n5s pcsc remote-reader-gone session=3 name=R1\n5s " LIST
	 "5100ms pcsc remote-down session=3\n900s daemon time",
	 "", "card unknown: its client is away; "},
	{"… unless it goes on answering",
	 GOVERNED
	 "3s pcsc remote-reader session=3 name=R1 slot=0 usb=0:0 card=empty counter=0\n3s " LIST
	 "5s pcsc remote-reader-gone session=3 name=R0\n5s pcsc remote-reader-gone session=3 name=R1\n5s " LIST
	 "6s daemon time",
	 "act 3 lock|removal 3 reader pcsc|action 3 lock", NULL},

	/* ---- Windows' bugs, each of its own record ---- */
	{"Windows: the other user was disconnected",
	 GOVERNED
	 "4s record record session=5 user=cleo source=ssh late=yes" R0 IN
	 "4s pcsc remote-up session=5\n4s pcsc remote-reader session=5" R0 IN
	 "4s pcsc remote-listed session=5\n"
	 "6s pcsc remote-down session=5\n7s pcsc remote-up session=5\n7s pcsc remote-listed session=5\n"
	 "27s daemon time",
	 "act 5 lock|removal 5 absent startup|action 5 lock", "card in: "},
	{"Windows: a reconnection without the card looped",
	 GOVERNED
	 "5s pcsc remote-down session=3\n60s pcsc remote-up session=3\n60s " LIST "80s daemon time\n"
	 "90s pcsc remote-down session=3\n91s pcsc remote-up session=3\n91s " LIST "200s daemon time\n"
	 "210s pcsc remote-silent session=3\n211s pcsc remote-heard session=3\n212s " LIST "900s daemon time",
	 "act 3 lock|removal 3 absent startup|action 3 lock|outcome 3 lock unverified", "card out: "},
	{"Windows: removals after the first were missed",
	 GOVERNED "5s pcsc remote-reader session=3" R0 OUT "5s " LIST "10s daemon time\n"
		  "10s pcsc remote-reader session=3" R0 "card=present counter=3" ATR "\n10s " LIST
		  "11s pcsc remote-reader session=3" R0 "card=empty counter=4\n11s " LIST "20s daemon time\n"
		  "21s pcsc remote-reader session=3" R0 "card=present counter=5" ATR "\n21s " LIST
		  "22s pcsc remote-reader session=3" R0 "card=empty counter=6\n22s " LIST,
	 LOCKED "|outcome 3 lock unverified|restored 3|" LOCKED
		"|outcome 3 lock unverified|restored 3|" LOCKED,
	 NULL},
	{"Windows: nothing was heard after a reconnection",
	 GOVERNED
	 "5s pcsc remote-down session=3\n6s pcsc remote-up session=3\n6s pcsc remote-reader session=3" R0 IN
	 "6s " LIST "7s pcsc remote-reader session=3" R0 OUT "7s " LIST,
	 LOCKED, NULL},

	/* ---- no card in time ---- */
	{"CardWithin=, and no rule that names no-card",
	 LOCAL RECORDED("card-within=30s") REACHED "2s " LIST "900s daemon time", "", NULL},
	{"a rule that names no-card: once, counted from the record",
	 LOCAL RECORDED(
		 "no-card.action=logout no-card.card-within=30s") "30s daemon time\n31s daemon time\n"
								  "31600ms daemon time\n900s daemon time",
	 "removal 3 no-card pcsc|act 3 terminate|action 3 logout|outcome 3 logout failed", NULL},
	{"… unless a card showed in time",
	 LOCAL RECORDED("no-card.action=logout no-card.card-within=30s") REACHED CARD_IN "900s daemon time",
	 "", NULL},
	{"a card that shows too late binds only its person who has unlocked",
	 LOCAL RECORDED("no-card.action=lock no-card.card-within=30s") REACHED
	 "2s " LIST "31s daemon time\n"
	 "32s logind session-locked session=3\n40s pcsc remote-reader session=3" R0 IN "40s " LIST
	 "50s logind session-unlocked session=3\n60s pcsc remote-reader session=3" R0 OUT "60s " LIST,
	 "act 3 lock|removal 3 no-card pcsc|action 3 lock|outcome 3 lock verified|restored 3|" LOCKED, NULL},

	/* ---- unlocking, sleep, settings, a new daemon ---- */
	{"unlocked without the card: not guarded",
	 GOVERNED "5s pcsc remote-reader session=3" R0 OUT "5s " LIST "6s logind session-locked session=3\n"
		  "20s logind session-unlocked session=3\n",
	 LOCKED "|outcome 3 lock verified|unguarded 3", NULL},
	{"unlocked with the card in another reader",
	 GOVERNED
	 "5s pcsc remote-reader session=3" R0 OUT "5s " LIST "6s logind session-locked session=3\n"
	 "10s pcsc remote-reader session=3 name=R1 slot=0 usb=0:0 " IN "10s " LIST
	 "20s logind session-unlocked session=3\n25s pcsc remote-reader session=3 name=R1 slot=0 usb=0:0 " OUT
	 "25s " LIST,
	 LOCKED "|outcome 3 lock verified|restored 3|" LOCKED, NULL},
	{"the machine sleeps",
	 WATCHED("client.action=lock client.client-grace=1s") "5s logind sleep\n6s pcsc remote-down session=3\n"
							      "7s daemon time\n8s logind resume\n9s daemon time",
	 "act 3 lock|removal 3 client pcsc|action 3 lock", NULL},
	{"a new policy names the client",
	 GOVERNED "5s pcsc remote-down session=3\n100s daemon settings session=3 client.action=lock\n",
	 "act 3 lock|removal 3 client pcsc|action 3 lock", NULL},
	{"a new daemon finds the same connection, and the card out",
	 LOCAL "1s record record session=3 user=anna source=ssh late=yes" R0 IN
	       "2s pcsc remote-up session=3 known=yes\n2s pcsc remote-reader session=3" R0 OUT "2s " LIST,
	 LOCKED, NULL},
	{"… and the card out and in again",
	 LOCAL "1s record record session=3 user=anna source=ssh late=yes" R0 IN
	       "2s pcsc remote-up session=3 known=yes\n2s pcsc remote-reader session=3" R0
	       "card=present counter=3" ATR "\n2s " LIST "3s daemon time",
	 LOCKED "|restored 3", NULL},
	{"… whose predecessor has acted: nothing is done again",
	 LOCAL "1s record record session=3 user=anna source=ssh late=yes away=yes" R0 IN
	       "2s pcsc remote-up session=3 known=yes\n2s pcsc remote-reader session=3" R0 OUT "2s " LIST
	       "100s daemon time",
	 "", "card out: "},
	{"… and reports the connection twice",
	 GOVERNED "5s pcsc remote-up session=3 known=yes\n5s pcsc remote-reader session=3" R0 IN "5s " LIST
		  "6s pcsc remote-reader session=3" R0 "card=present counter=3" ATR "\n6s " LIST,
	 LOCKED, NULL},
	{"a record of a card here takes the session over, and back",
	 GOVERNED "5s record record session=3 user=anna name=R0 slot=0 usb=0:0 " IN
		  "6s pcsc remote-reader session=3" R0 OUT "6s " LIST
		  "7s record record session=3 user=anna source=xrdp late=yes" R0 IN
		  "8s pcsc reader name=R0 slot=0 usb=0:0 " OUT,
	 "act 9 lock|removal 9 card pcsc|action 9 lock", NULL},
	{"its reader cannot be read, time and again",
	 GOVERNED "5s pcsc remote-reader session=3" R0 "card=unavailable counter=1\n5s " LIST
		  "6s pcsc remote-reader session=3" R0 "card=unavailable counter=1\n6s " LIST
		  "8s daemon time\n9s pcsc remote-reader session=3" R0 "card=present counter=2" ATR
		  "\n9s " LIST,
	 "", "card in: "},
	{"a reader leaves that its client never named",
	 GOVERNED "5s pcsc remote-reader-gone session=3 name=R7\n5s " LIST, "", "card in: "},
	{"its reader leaves, and it is heard before the list is complete",
	 GOVERNED "5s pcsc remote-silent session=3\n6s pcsc remote-reader-gone session=3 name=R0\n"
		  "6s pcsc remote-heard session=3\n7s " LIST,
	 "act 3 lock|removal 3 reader pcsc|action 3 lock", NULL},
	{"the count ran backwards: another insertion",
	 GOVERNED "5s pcsc remote-reader session=3" R0 "card=present counter=0" ATR "\n5s " LIST, LOCKED,
	 NULL},
	{"back while the machine sleeps: guarded again when it is awake",
	 GOVERNED "5s pcsc remote-reader session=3" R0 OUT "5s " LIST
		  "6s logind sleep\n7s pcsc remote-reader session=3" R0 "card=present counter=3" ATR
		  "\n7s " LIST "8s logind resume\n",
	 LOCKED "|restored 3", "card in: "},
	{"acted on for its client, which was silent, and the card was out: a removal of its own",
	 WATCHED("client.action=lock client.client-grace=10s") "5s pcsc remote-silent session=3\n15s daemon time\n"
							       "30s pcsc remote-reader session=3" R0
							       "card=present counter=3" ATR "\n30s " LIST
							       "30s pcsc remote-heard session=3\n31s daemon time",
	 "act 3 lock|removal 3 client pcsc|action 3 lock|act 3 lock|outcome 3 lock unverified|removal 3 card pcsc|"
	 "action 3 lock|restored 3",
	 NULL},
	{"… and was not",
	 WATCHED("client.action=lock client.client-grace=10s") "5s pcsc remote-silent session=3\n15s daemon time\n"
							       "30s pcsc remote-heard session=3\n",
	 "act 3 lock|removal 3 client pcsc|action 3 lock|restored 3", "card in: "},
	{"a client that is silent, and then leaves: away since it was silent",
	 WATCHED("client.action=lock client.client-grace=10s") "5s pcsc remote-silent session=3\n"
							       "10s pcsc remote-down session=3\n11s pcsc remote-heard session=3\n14999ms daemon time\n15s daemon time",
	 "act 3 lock|removal 3 client pcsc|action 3 lock", NULL},
	{"… and a record is written meanwhile",
	 WATCHED("client.action=lock client.client-grace=10s") "5s pcsc remote-down session=3\n"
							       "9s record record session=3 user=anna source=ssh late=yes client.action=lock client.client-grace=10s" R0 IN
							       "14999ms daemon time\n15s daemon time",
	 "act 3 lock|removal 3 client pcsc|action 3 lock", NULL},
	{"another connection, and the one before has not ended",
	 GOVERNED "5s pcsc remote-up session=3\n5s pcsc remote-reader session=3" R0
		  "card=present counter=0" ATR "\n5s " LIST,
	 "", "card in: "},
	{"acted on, the new connection's list is read while the machine sleeps: guarded again when it is awake",
	 WATCHED("client.action=lock client.client-grace=1s") "5s pcsc remote-down session=3\n6s daemon time\n"
							      "7s logind sleep\n8s pcsc remote-up session=3\n8s pcsc remote-reader session=3" R0 IN
							      "8s " LIST "9s logind resume\n",
	 "act 3 lock|removal 3 client pcsc|action 3 lock|restored 3", "card in: "},
	{"a rule that only starts a unit for an absent client",
	 WATCHED("client.unit=note@.service client.client-grace=1s") "5s pcsc remote-down session=3\n6s daemon time",
	 "removal 3 client pcsc|unit 3 note@.service", NULL},
	{"… that has a second stage only",
	 WATCHED("client.then=logout client.after=5s client.client-grace=1s") "5s pcsc remote-down session=3\n"
									      "6s daemon time\n11s daemon time\n11500ms daemon time",
	 "removal 3 client pcsc|countdown 3 logout 5000ms|act 3 terminate|action 3 logout", NULL},
	{"a rule that names no-card, and asks for nothing",
	 LOCAL RECORDED("no-card.action=none no-card.card-within=30s") "40s daemon time", "",
	 "card unknown: "},
	{"a rule that names no-card, without a time", LOCAL RECORDED("no-card.action=lock") "40s daemon time",
	 "", "card unknown: "},
	{"Settle=: more than a loose plug; after it the card guards the session again",
	 WATCHED("settle=2s") "5s pcsc remote-reader session=3" R0 OUT "5s " LIST
			      "6s pcsc remote-reader session=3" R0 "card=present counter=5" ATR "\n6s " LIST
			      "7s daemon time\n7001ms daemon time",
	 LOCKED "|restored 3", "card in: "},
	{"Settle=: its client comes anew meanwhile, with the card",
	 WATCHED("settle=5s") "5s pcsc remote-reader session=3" R0 OUT "5s " LIST
			      "6s pcsc remote-down session=3\n7s pcsc remote-up session=3\n7s pcsc remote-reader session=3" R0
			      "card=present counter=0" ATR "\n7s " LIST,
	 "settled 3", "card in: "},
	{"logout waits for Confirm=: that the card is back does not end it",
	 WATCHED("action=logout confirm=5s") "5s pcsc remote-reader session=3" R0 OUT "5s " LIST
					     "6s pcsc remote-reader session=3" R0 "card=present counter=3" ATR
					     "\n6s " LIST "10s daemon time",
	 "removal 3 card pcsc|restored 3|act 3 terminate|action 3 logout", NULL},
	{"… nor of a session without a locker",
	 WATCHED("action=logout confirm=5s") "4s logind session-kind session=3 kind=remote,tty,ssh\n"
					     "5s pcsc remote-reader session=3" R0 OUT "5s " LIST
					     "6s pcsc remote-reader session=3" R0 "card=present counter=3" ATR
					     "\n6s " LIST "10s daemon time",
	 "removal 3 card pcsc|restored 3|act 3 terminate|action 3 logout", NULL},
	{"… whose second stage it ends",
	 WATCHED("then=logout after=20s") "4s logind session-kind session=3 kind=remote,tty,ssh\n"
					  "5s pcsc remote-reader session=3" R0 OUT "5s " LIST
					  "6s pcsc remote-reader session=3" R0 "card=present counter=3" ATR
					  "\n6s " LIST "60s daemon time",
	 "act 3 lock|removal 3 card pcsc|cannot-lock 3|countdown 3 logout 20000ms|restored 3|cancelled 3 logout",
	 NULL},
	{"unlocked twice while its client is away: not guarded, told once",
	 GOVERNED "5s pcsc remote-reader session=3" R0 OUT "5s " LIST "6s logind session-locked session=3\n"
		  "7s pcsc remote-down session=3\n20s logind session-unlocked session=3\n"
		  "21s logind session-locked session=3\n30s logind session-unlocked session=3\n",
	 LOCKED "|outcome 3 lock verified|unguarded 3", NULL},
	{"acted on for want of a card: that is said",
	 LOCAL RECORDED("no-card.action=lock no-card.card-within=30s") "31s daemon time",
	 "act 3 lock|removal 3 no-card pcsc|action 3 lock",
	 "card unknown: its client has shown no card; its client was not reached yet; acted on 14 min ago, because no card had shown; "},
	{"settings of causes that differ in one key each",
	 LOCAL RECORDED("bind=none reader.bind=first absent.grace=5s pcsc-lost.card-within=9s")
		 REACHED CARD_IN,
	 "", "card unknown: "},
	{"the session ends", GOVERNED "5s logind session-ended session=3\n6s pcsc remote-down session=3", "",
	 NULL},
};

struct heard {
	char text[4096];
};

static bool only_prepares(enum verdict_type type)
{
	return type == VERDICT_ARM || type == VERDICT_DISARM || type == VERDICT_WATCH ||
	       type == VERDICT_UNWATCH || type == VERDICT_RECHECK || type == VERDICT_REREAD ||
	       type == VERDICT_LOCATE || type == VERDICT_BOUND || type == VERDICT_DEALT ||
	       type == VERDICT_RECHECKED;
}

static void note(void *userdata, const struct verdict *verdict)
{
	struct heard *heard = userdata;
	char line[TRACE_LINE_MAX];

	if (only_prepares(verdict->type))
		return;
	if (heard->text[0])
		strcat(heard->text, "|");
	strcat(heard->text, trace_format_verdict(verdict, line));
}

static void tell(struct player *player, const char *lines)
{
	char copy[8192], again[TRACE_LINE_MAX], third[TRACE_LINE_MAX], *rest = NULL;

	assert_true(strlen(lines) < sizeof(copy));
	strcpy(copy, lines);
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct trace_event event, written;
		struct trace_error error = {0};
		const char *broken = "";

		if (trace_parse(line, &event, &error) < 0)
			fail_msg("%s: %s", line, error.text);
		/* What lines say, lines say again: the core gets what was written. */
		trace_format(&event.event, again);
		assert_int_equal(trace_parse(again, &written, &error), 0);
		assert_string_equal(trace_format(&written.event, third), again);
		if (player_event(player, &written.event, &broken) < 0)
			fail_msg("%s: %s", line, broken);
	}
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct heard heard = {""};
	struct explanation explanation;
	struct player *player = NULL;

	assert_int_equal(player_new(note, &heard, &player), 0);
	tell(player, row->told);
	if (row->explained) {
		assert_true(world_explain(player_world(player), "3", 901 * NSEC_PER_SEC, &explanation));
		if (strncmp(explanation.text, row->explained, strlen(row->explained)) != 0)
			fail_msg("explained: %s", explanation.text);
	}
	player_free(player);
	assert_string_equal(heard.text, row->follows);
}

static void test_views(void **state _unused_)
{
	struct heard heard = {""};
	struct player *player = NULL;
	struct simulation simulation;
	struct session_view session;
	struct reader_view reader;
	const struct world *world;

	assert_int_equal(player_new(note, &heard, &player), 0);
	tell(player, WATCHED("client.action=logout"));
	world = player_world(player);
	assert_true(world_session(world, "3", &session));
	assert_string_equal(session.reader, "R0");
	assert_true(session.login->late);
	assert_false(session.login->awaiting);
	assert_true(world_remote_reader(world, "3", 0, &reader));
	assert_string_equal(reader.state->name, "R0");
	assert_false(world_remote_reader(world, "3", 1, &reader));
	assert_false(world_remote_reader(world, "9", 0, &reader));
	assert_false(world_remote_reader(world, "5", 0, &reader));
	assert_true(world_simulate(world, "3", CAUSE_CLIENT, &simulation));
	assert_int_equal(simulation.action, ACTION_LOGOUT);
	assert_true(simulation.after_agreement);
	assert_true(world_simulate(world, "3", CAUSE_NO_CARD, &simulation));
	assert_int_equal(simulation.action, ACTION_NONE);
	assert_true(world_simulate(world, "9", CAUSE_CLIENT, &simulation));
	assert_int_equal(simulation.action, ACTION_NONE);
	tell(player, "5s pcsc remote-down session=3");
	assert_true(world_session(world, "3", &session));
	assert_null(session.reader);
	assert_false(world_remote_reader(world, "3", 0, &reader));
	player_free(player);
}

/* [Policy] has CardWithin=, and no rule names no-card: a recording leaves such settings out, so this is no row. */
static void test_time_without_rule(void **state _unused_)
{
	struct heard heard = {""};
	struct player *player = NULL;
	struct trace_event event;
	struct trace_error error;
	const char *broken = "";

	assert_int_equal(player_new(note, &heard, &player), 0);
	assert_int_equal(
		trace_parse(
			"1s record record session=3 user=anna source=ssh awaiting=yes name= slot=0 usb=0:0 "
			"no-card.action=none no-card.card-within=30s",
			&event, &error),
		0);
	assert_int_equal(player_event(player, &event.event, &broken), 0);
	tell(player, "40s daemon time");
	player_free(player);
	assert_string_equal(heard.text, "");
}

/* A client that names more readers than PC/SC can have: the first ones count. */
static void test_many_readers(void **state _unused_)
{
	struct heard heard = {""};
	struct player *player = NULL;

	assert_int_equal(player_new(note, &heard, &player), 0);
	tell(player, GOVERNED);
	for (unsigned i = 1; i <= 20; i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "3s pcsc remote-reader session=3 name=Q%u slot=0 usb=0:0 card=empty counter=0", i);
		tell(player, line);
	}
	tell(player, "3s " LIST "5s pcsc remote-reader session=3" R0 OUT "5s " LIST);
	player_free(player);
	assert_string_equal(heard.text, LOCKED);
}

int main(void)
{
	struct CMUnitTest tests[ELEMENTS(rows) + 3] = {cmocka_unit_test(test_time_without_rule),
						       cmocka_unit_test(test_views),
						       cmocka_unit_test(test_many_readers)};

	for (size_t i = 0; i < ELEMENTS(rows); i++)
		tests[3 + i] = (struct CMUnitTest){
			.name = rows[i].name, .test_func = test_row, .initial_state = (void *)&rows[i]};
	return cmocka_run_group_tests_name("remote", tests, NULL, NULL);
}
