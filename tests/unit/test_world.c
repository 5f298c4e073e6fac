/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core, as a table: what is reported, and what must follow. Each case starts with the card in, the session
 * recorded and unlocked; each line of `told` is an event as user/policy/trace.h has it; `follows` lists the
 * verdicts in order, "|" between them, without those that only prepare (arm, watch, reread …).
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
#include "policy/trace.h"
#include "policy/world.h"

#define CARD "name=R0 slot=0 usb=1:5 "
#define ATR  " atr=3B02AABB"
/* The probe listens, and the session is governed by what follows. */
#define SET "1ms daemon probe\n2ms record settings session=3 "
/* Its person unlocks with another token. */
#define RECORD_KEY                                                                                                         \
	"1ms daemon probe\n5ms record record session=3 user=card name=Key slot=0 usb=1:6 card=present counter=0 path=1-2 " \
	"id=08e6:4433 usb-token=yes"
#define PLUG_KEY(device)                                                                                     \
	"5ms uevent device-add usb=1:" device " path=1-" device                                              \
	" id=1050:0407\n5ms record record session=3 "                                                        \
	"user=card name=Key" device " slot=0 usb=1:" device " card=present counter=0 path=1-" device         \
	" id=1050:0407 usb-token=yes keep=yes\n"
/* … whose product says of itself what it is, and no more: two of them have one name. */
#define PLUG_TWIN(device)                                                                                    \
	"5ms uevent device-add usb=1:" device " path=1-" device                                              \
	" id=1050:0407\n5ms record record session=3 "                                                        \
	"user=card name=Key slot=0 usb=1:" device " card=present counter=0 path=1-" device                   \
	" id=1050:0407 usb-token=yes keep=yes\n"
/* Its person unlocks with a card. */
#define RECORD_CARD(reader, counter)                                                                         \
	"record record session=3 user=card " reader "card=present counter=" counter ATR " keep=yes\n"
#define RECORD_KEY_11 "uevent device-add usb=1:11 path=1-11 id=1050:0407\n" PLUG_KEY("11")
#define R0	      "name=R0 slot=0 "
#define R5	      "name=R5 slot=0 "
/* Nobody says where its reader is. */
#define R5_RECORDED                                                                                          \
	"5ms pcsc reader " R5 "card=present counter=3" ATR "\n6ms record record session=5 user=e " R5        \
	"card=present counter=3" ATR "\n3s daemon time\n"
#define NEW(number) "name=New%200" number "%2000 slot=0 card=empty counter=0\n"
#define PROVABLE    "1ms logind session-locked session=3\n1ms logind session-unlocked session=3\n"

static const char start[] =
	"0ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n"
	"0ms startup device-add usb=1:6 path=1-2 id=08e6:4433\n"
	"0ms startup devices-listed\n"
	"0ms pcsc pcsc-up\n"
	"0ms pcsc reader " CARD "card=present counter=1" ATR "\n"
	"0ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=1" ATR "\n"
	"0ms pcsc pcsc-listed\n"
	"1ms record record session=3 user=card " CARD "card=present counter=1" ATR " path=1-1 id=08e6:4433\n";

struct row {
	const char *name, *told, *follows;
};

static const struct row rows[] = {
	/* ---- the reader goes ---- */
	{"usb_disconnect of the reader: act now", "10ms probe device-remove usb=1:5",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"the hub above it was pulled: its own record is an unrelated device's",
	 "10ms probe device-remove usb=1:2\n10ms probe device-remove usb=1:5",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"no probe: the kernel's uevent serves", "10ms uevent device-remove usb=1:5",
	 "act 3 lock|removal 3 reader uevent|action 3 lock"},
	{"no probe, no uevent: udevd serves", "10ms udev device-remove usb=1:5",
	 "act 3 lock|removal 3 reader udev|action 3 lock"},
	{"one removal, one case: later signals annotate it, each source once",
	 "10ms probe device-remove usb=1:5\n15ms uevent device-remove usb=1:5\n30ms uevent device-remove usb=1:5\n"
	 "220ms udev device-remove usb=1:5\n450ms pcsc reader " CARD "card=unavailable counter=1\n"
	 "451ms pcsc reader-gone name=R0",
	 "act 3 lock|removal 3 reader probe|action 3 lock|heard 3 reader uevent|heard 3 reader udev"},
	{"card-out then disconnect, as an unplugged reader may say",
	 "10ms probe slot-change usb=1:5 slots=02\n"
	 "12ms probe device-remove usb=1:5",
	 "act 3 lock|removal 3 card probe|action 3 lock|heard 3 reader probe"},

	/* ---- the card goes ---- */
	{"slot change, card out: lock at once", "10ms probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 card probe|action 3 lock"},
	{"… and PC/SC agrees: annotated",
	 "10ms probe slot-change usb=1:5 slots=02\n"
	 "15ms pcsc reader " CARD "card=empty counter=2\n600ms daemon time",
	 "act 3 lock|removal 3 card probe|action 3 lock|heard 3 card pcsc"},
	{"… PC/SC still has it, unmoved, after Confirm=: contradicted, guarded again",
	 "10ms probe slot-change usb=1:5 slots=02\n12ms pcsc reader " CARD "card=present counter=1" ATR
	 "\n511ms daemon time\n900ms probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 card probe|action 3 lock|contradicted 3 card probe|"
	 "act 3 lock|outcome 3 lock unverified|removal 3 card probe|action 3 lock"},
	{"… out and in before pcscd looked: it was out; guarded again, not contradicted",
	 "10ms probe slot-change usb=1:5 slots=02\n30ms probe slot-change usb=1:5 slots=03\n"
	 "31ms pcsc reader " CARD "card=present counter=1" ATR "\n511ms daemon time",
	 "act 3 lock|removal 3 card probe|action 3 lock|restored 3"},
	{"slot change, card in: not a removal", "10ms probe slot-change usb=1:5 slots=03", ""},
	{"slot change of a slot that did not change", "10ms probe slot-change usb=1:5 slots=00", ""},
	{"slot change of another slot of this reader", "10ms probe slot-change usb=1:5 slots=08", ""},
	{"no probe: PC/SC says empty", "10ms pcsc reader " CARD "card=empty counter=2",
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"no probe: the counter moved, a card is in again",
	 "10ms pcsc reader " CARD "card=present counter=3" ATR,
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"no probe: another card sits there", "10ms pcsc reader " CARD "card=present counter=1 atr=3B03",
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},

	{"back at its address, then pcscd is away: udevd's late report of the stay before is no report of that",
	 "2ms record settings session=3 action=lock pcsc-lost=lock\n10ms uevent device-remove usb=1:5\n"
	 "450ms pcsc reader-gone name=R0\n600ms uevent device-add usb=1:5 path=1-1 id=08e6:4433\n"
	 "700ms pcsc reader " CARD "card=present counter=0" ATR
	 "\n1000ms pcsc pcsc-down\n6100ms daemon time\n"
	 "7000ms udev device-remove usb=1:5",
	 "act 3 lock|removal 3 reader uevent|action 3 lock|restored 3|act 3 lock|outcome 3 lock unverified|"
	 "removal 3 pcsc-lost pcsc|action 3 lock"},
	{"back at its address twice: each stay is another",
	 "10ms uevent device-remove usb=1:5\n450ms pcsc reader-gone name=R0\n"
	 "600ms uevent device-add usb=1:5 path=1-1 id=08e6:4433\n700ms pcsc reader " CARD
	 "card=present counter=0" ATR
	 "\n2000ms uevent device-remove usb=1:5\n2450ms pcsc reader-gone name=R0\n"
	 "2600ms uevent device-add usb=1:5 path=1-1 id=08e6:4433\n2700ms pcsc reader " CARD
	 "card=present counter=0" ATR,
	 "act 3 lock|removal 3 reader uevent|action 3 lock|restored 3|act 3 lock|outcome 3 lock unverified|"
	 "removal 3 reader uevent|action 3 lock|restored 3"},
	{"back at its address without its card, and gone again: notices are of these stays",
	 "1ms daemon probe\n10ms uevent device-remove usb=1:5\n450ms pcsc reader-gone name=R0\n"
	 "600ms uevent device-add usb=1:5 path=1-1 id=08e6:4433\n650ms probe slot-change usb=1:5 slots=02\n"
	 "700ms uevent device-remove usb=1:5\n710ms probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 reader uevent|action 3 lock"},

	/* ---- nothing went ---- */
	{"another reader is pulled", "10ms probe device-remove usb=1:6\n450ms pcsc reader-gone name=R1", ""},
	{"another reader's card is pulled",
	 "10ms probe slot-change usb=1:6 slots=02\n15ms pcsc reader name=R1 slot=0 usb=1:6 card=empty counter=2",
	 ""},
	{"an unknown device is pulled",
	 "10ms probe device-remove usb=9:9\n10ms probe slot-change usb=9:9 slots=02", ""},
	{"communication error: the reader cannot be read, its device is there, then it works again (counter + 1)",
	 "10ms pcsc reader " CARD "card=unavailable counter=1\n200ms pcsc reader " CARD
	 "card=present counter=2" ATR "\n3000ms daemon time",
	 "comm-error 3"},
	{"communication error that stays: still no removal, reported once",
	 "10ms pcsc reader " CARD "card=unavailable counter=1\n2100ms daemon time\n"
	 "2200ms pcsc reader " CARD "card=unavailable counter=1\n9000ms daemon time",
	 "comm-error 3"},
	{"… and the card is pulled meanwhile",
	 "10ms pcsc reader " CARD "card=unavailable counter=1\n"
	 "200ms pcsc reader " CARD "card=empty counter=2",
	 "comm-error 3|act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"PC/SC lost the reader, its device is gone: removed",
	 "10ms pcsc reader " CARD "card=unavailable counter=1\n20ms uevent device-remove usb=1:5",
	 "comm-error 3|act 3 lock|removal 3 reader uevent|action 3 lock"},
	{"PC/SC lost the reader, its device stays: no removal",
	 "10ms pcsc reader-gone name=R0\n2011ms daemon time", "comm-error 3"},
	{"pcscd goes and comes back, the card in: no removal",
	 "10ms pcsc pcsc-down\n3000ms pcsc pcsc-up\n3001ms pcsc pcsc-listed\n4000ms pcsc reader " CARD
	 "card=present counter=0" ATR "\n9000ms daemon time",
	 ""},
	{"pcscd comes back and the card is out: removal, once it had its time",
	 "10ms pcsc pcsc-down\n3000ms pcsc pcsc-up\n3001ms pcsc reader " CARD "card=empty counter=0\n"
	 "3001ms pcsc pcsc-listed\n5002ms daemon time",
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"pcscd comes back and another card is in",
	 "10ms pcsc pcsc-down\n3000ms pcsc pcsc-up\n3001ms pcsc reader " CARD
	 "card=present counter=0 atr=3B03\n"
	 "3001ms pcsc pcsc-listed",
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"a notice that has no place for the slot, and one that has place for more",
	 "10ms probe slot-change usb=1:5 slots=\n11ms probe slot-change usb=1:5 slots=0200000000000000",
	 "act 3 lock|removal 3 card probe|action 3 lock"},
	{"a device whose port and model are reported later",
	 "10ms uevent device-add usb=1:9\n11ms udev device-add usb=1:9 path=1-9 id=08e6:4433\n"
	 "12ms uevent device-add usb=1:9",
	 ""},
	{"a device that is known comes again, without its model", "10ms uevent device-add usb=1:5 path=1-1",
	 ""},
	{"a record ahead of PC/SC, whose count stays behind",
	 "1ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=5" ATR
	 "\n2ms record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=9" ATR
	 " path=1-2\n2002ms daemon time",
	 "act 4 lock|removal 4 card pcsc|action 4 lock"},
	{"unlocked without the card, while another reader has one that says nothing of itself",
	 "10ms pcsc reader " CARD "card=empty counter=2\n"
	 "11ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=3\n"
	 "1s logind session-locked session=3\n5s logind session-unlocked session=3",
	 "act 3 lock|removal 3 card pcsc|action 3 lock|outcome 3 lock verified|unguarded 3"},
	{"the locker asks: bound to the only card like its own, wherever that is; the next removal locks",
	 "10ms pcsc reader " CARD "card=empty counter=2\n"
	 "11ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=3" ATR "\n"
	 "4s daemon time\n5s daemon session-rebind session=3\n6s pcsc reader name=R1 slot=0 usb=1:6 card=empty counter=4",
	 "act 3 lock|removal 3 card pcsc|action 3 lock|outcome 3 lock unverified|restored 3|"
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"the locker asks, and no reader has the card: unguarded, reported once; a card in its place guards again",
	 "5ms pcsc reader name=R1 slot=0 usb=1:6 card=empty counter=2\n"
	 "10ms pcsc reader " CARD "card=empty counter=2\n4s daemon time\n5s daemon session-rebind session=3\n"
	 "6s daemon session-rebind session=3\n7s pcsc reader " CARD "card=present counter=3" ATR,
	 "act 3 lock|removal 3 card pcsc|action 3 lock|outcome 3 lock unverified|unguarded 3|restored 3"},
	{"the locker asks in a session that is guarded", "10ms daemon session-rebind session=3", ""},
	{"the locker asks, and another person's session has the card that is in",
	 "5ms record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=1" ATR " path=1-2\n"
	 "6ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=1" ATR "\n"
	 "10ms pcsc reader " CARD "card=empty counter=2\n4s daemon time\n5s daemon session-rebind session=3",
	 "act 3 lock|removal 3 card pcsc|action 3 lock|outcome 3 lock unverified|unguarded 3"},
	{"unlocked without the card, while another session of the same person has one like it",
	 "5ms record record session=4 user=card name=R1 slot=0 usb=1:6 card=present counter=1" ATR
	 " path=1-2\n"
	 "10ms pcsc reader " CARD "card=empty counter=2\n"
	 "1s logind session-locked session=3\n5s logind session-unlocked session=3",
	 "act 3 lock|removal 3 card pcsc|action 3 lock|outcome 3 lock verified|restored 3"},
	{"disconnect, ssh: a hint that vanishes at once says nothing of its end",
	 SET
	 "action=disconnect\n3ms logind session-kind session=3 kind=remote,tty,ssh\n10ms probe device-remove usb=1:5\n"
	 "20ms logind session-locked session=3\n30ms logind session-unlocked session=3",
	 "act 3 kill-leader|removal 3 reader probe|action 3 disconnect"},
	{"unlocked, and never locked", "10ms logind session-unlocked session=3", ""},
	{"Settle= for ever",
	 SET "settle=18446744073709551615ns\n10ms probe device-remove usb=1:5\n9s daemon time", ""},
	{"Then= at once",
	 SET "then=logout after=0s\n10ms probe device-remove usb=1:5\n"
	     "30ms logind session-locked session=3\n30ms daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock verified|act 3 terminate|action 3 logout"},
	{"a console whose own locker shows the lock: physlock is no proof",
	 PROVABLE
	 "3ms logind session-kind session=3 kind=local,tty,console\n10ms probe device-remove usb=1:5\n"
	 "11ms logind action-done session=3",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"a device that says of itself nothing but its address comes",
	 "10ms uevent device-add usb=1:9\n11ms pcsc reader name=R9 slot=0 usb=1:8 card=empty counter=0\n"
	 "12ms uevent device-add usb=1:8",
	 ""},
	{"the session ended before the removal",
	 "5ms logind session-ended session=3\n10ms probe device-remove usb=1:5", ""},

	/* ---- found by looking ---- */
	{"messages were lost: everything is reported again, the card is out",
	 "10ms probe lost\n11ms startup device-add usb=1:5 path=1-1\n11ms startup devices-listed\n"
	 "12ms pcsc reader " CARD "card=empty counter=2\n12ms pcsc pcsc-listed",
	 "recheck|act 3 lock|removal 3 absent startup|action 3 lock|rechecked"},
	{"messages were lost: the device is gone",
	 "10ms uevent lost\n11ms startup device-add usb=1:6 path=1-2\n11ms startup devices-listed",
	 "recheck|act 3 lock|removal 3 absent startup|action 3 lock"},
	{"messages were lost, the removal was not read yet, and the device is back: listed once more",
	 "10ms uevent lost\n11ms startup device-add usb=1:5 path=1-1\n11ms startup device-add usb=1:6 path=1-2\n"
	 "11ms startup devices-listed\n12ms pcsc reader " CARD "card=present counter=1" ATR
	 "\n12ms pcsc pcsc-listed\n"
	 "20ms uevent device-remove usb=1:5\n5020ms daemon time\n5021ms startup device-add usb=1:5 path=1-1\n"
	 "5021ms startup device-add usb=1:6 path=1-2\n5021ms startup devices-listed\n8s pcsc reader " CARD
	 "card=present counter=0" ATR "\n8s pcsc pcsc-listed",
	 "recheck|rechecked|act 3 lock|removal 3 reader uevent|action 3 lock|outcome 3 lock unverified|recheck|"
	 "restored 3|rechecked"},
	{"messages were lost, nothing happened",
	 "10ms uevent lost\n11ms startup device-add usb=1:5 path=1-1\n11ms startup device-add usb=1:6 path=1-2\n"
	 "11ms startup devices-listed\n12ms pcsc reader " CARD "card=present counter=1" ATR
	 "\n12ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=1" ATR "\n12ms pcsc pcsc-listed",
	 "recheck|rechecked"},
	{"another device sits at the reader's address",
	 "10ms uevent lost\n11ms startup device-add usb=1:5 path=1-3 id=0001:0002\n11ms startup devices-listed",
	 "recheck|act 3 lock|removal 3 absent startup|action 3 lock"},
	{"a record newer than what PC/SC reported here: asked again, not a removal",
	 "10ms pcsc reader name=R1 slot=0 usb=1:6 card=empty counter=2\n"
	 "11ms record record session=4 name=R1 slot=0 usb=1:6 counter=3" ATR
	 "\n12ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=3" ATR "\n3s daemon time",
	 ""},
	{"… and when it stays out: removal",
	 "10ms pcsc reader name=R1 slot=0 usb=1:6 card=empty counter=2\n"
	 "11ms record record session=4 name=R1 slot=0 usb=1:6 counter=3" ATR "\n2011ms daemon time",
	 "act 4 lock|removal 4 card pcsc|action 4 lock"},
	{"a record whose card is out already",
	 "10ms pcsc reader name=R1 slot=0 usb=1:6 card=empty counter=2\n"
	 "11ms record record session=4 name=R1 slot=0 usb=1:6 counter=1" ATR,
	 "act 4 lock|removal 4 absent startup|action 4 lock"},
	{"a report of before the sign-in, of another card with as small a count: asked again, it is the recorded one",
	 "5ms uevent device-add usb=1:9 path=1-9 id=08e6:4433\n"
	 "10ms record record session=9 user=e name=R9 slot=0 usb=1:9 card=present counter=1" ATR
	 " path=1-9 seen=10ms\n9ms pcsc reader now=20ms name=R9 slot=0 usb=1:9 card=present counter=1 atr=3B02AACC\n"
	 "30ms pcsc reader name=R9 slot=0 usb=1:9 card=present counter=1" ATR "\n3s daemon time",
	 ""},
	{"… and it is another one",
	 "5ms uevent device-add usb=1:9 path=1-9 id=08e6:4433\n"
	 "10ms record record session=9 user=e name=R9 slot=0 usb=1:9 card=present counter=1" ATR
	 " path=1-9 seen=10ms\n9ms pcsc reader now=20ms name=R9 slot=0 usb=1:9 card=present counter=1 atr=3B02AACC\n"
	 "30ms pcsc reader name=R9 slot=0 usb=1:9 card=present counter=1 atr=3B02AACC",
	 "act 9 lock|removal 9 card pcsc|action 9 lock"},
	{"a reader that is guessed to be where the record says, a product that nobody knows: another one there takes nothing back",
	 "4ms uevent device-add usb=1:9 path=1-9\n5ms pcsc reader name=R9 slot=0 card=present counter=1" ATR
	 "\n6ms record record session=9 user=e name=R9 slot=0 usb=1:9 card=present counter=1" ATR
	 " path=1-9\n7ms pcsc reader name=R8 slot=0 usb=1:9 card=empty counter=0\n"
	 "8ms pcsc reader name=R9 slot=0 card=empty counter=2",
	 "act 9 lock|removal 9 card pcsc|action 9 lock"},
	{"… nor does another slot of the same reader",
	 "4ms uevent device-add usb=1:9 path=1-9 id=08e6:4434\n4ms uevent device-add usb=1:10 path=1-10 id=08e6:4434\n"
	 "5ms pcsc reader name=Q%2001%2001 slot=1 card=present counter=1" ATR
	 "\n6ms record record session=9 user=e name=Q%2001%2001 slot=1 usb=1:9 card=present counter=1" ATR
	 " path=1-9\n7ms pcsc reader name=Q%2001%2000 slot=0 usb=1:9 card=empty counter=0\n"
	 "8ms pcsc reader name=Q%2001%2001 slot=1 card=empty counter=2",
	 "act 9 lock|removal 9 card pcsc|action 9 lock"},
	{"a record whose reader is gone already",
	 "11ms record record session=5 name=R0 slot=0 usb=1:7 counter=1" ATR,
	 "act 5 lock|removal 5 absent startup|action 5 lock"},

	/* ---- what a count and an ATR show ---- */
	{"a count that runs back, after a reader that cannot be read showed none: it was plugged in again",
	 R5_RECORDED "3100ms pcsc reader " R5 "card=unavailable counter=0\n3200ms pcsc reader " R5
		     "card=present counter=1" ATR,
	 "act 5 lock|removal 5 card pcsc|action 5 lock"},
	{"a card whose ATR is not known for a while, at the same count, is no other card",
	 R5_RECORDED "3100ms pcsc reader " R5 "card=present counter=3\n3200ms pcsc reader " R5
		     "card=present counter=3" ATR,
	 ""},
	{"another ATR at the same count: another reader has the name",
	 R5_RECORDED "3100ms pcsc reader " R5 "card=present counter=3 atr=3B02AACC",
	 "act 5 lock|removal 5 card pcsc|action 5 lock"},
	{"the card is out and in before PC/SC names the reader that was recorded",
	 "1ms daemon probe\n5ms uevent device-add usb=1:9 path=1-9 id=08e6:4433\n"
	 "6ms record record session=9 user=e name=R9 slot=0 usb=1:9 card=present counter=1" ATR " path=1-9\n"
	 "10ms probe slot-change usb=1:9 slots=02\n20ms pcsc reader name=R9 slot=0 usb=1:9 card=present counter=3" ATR,
	 "act 9 lock|removal 9 card probe|action 9 lock|heard 9 card pcsc|restored 9"},
	{"unlocked without its card, and the reader that had one like it cannot be read: nobody knows",
	 "10ms uevent device-remove usb=1:5\n30ms logind session-locked session=3\n"
	 "40ms pcsc reader name=R1 slot=0 usb=1:6 card=unavailable counter=1\n2s logind session-unlocked session=3",
	 "act 3 lock|removal 3 reader uevent|action 3 lock|outcome 3 lock verified|unguarded 3"},
	{"a record, without an address, of a card that is out by the recorded count: nobody guards it",
	 "1ms pcsc reader " R5 "card=empty counter=3\n30ms record record session=5 user=e " R5
	 "card=present counter=3" ATR " seen=500us\n3s daemon time",
	 "act 5 lock|removal 5 card pcsc|action 5 lock"},
	{"records that do not say whose they are, or which process's, are of one sign-in",
	 "2ms record record session=4 name=R1 slot=0 usb=1:6 card=present counter=1" ATR
	 "\n3ms record record session=4 user=x leader=7 name=R1 slot=0 usb=1:6 card=present counter=1" ATR
	 "\n4ms record record session=4 user=x name=R1 slot=0 usb=1:6 card=present counter=1" ATR,
	 ""},
	{"after sleep and a loss, another device in the port has its reader already: the card there is its own",
	 "10ms logind sleep\n20ms logind resume\n21ms uevent lost\n"
	 "22ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=1" ATR
	 "\n23ms uevent device-add usb=1:9 path=1-1 id=08e6:4433",
	 "recheck|recheck"},
	{"recorded after its reader's device had left, by its name: not bound to that device",
	 "10ms uevent device-remove usb=1:5\n12ms record record session=5 user=e name=R0 slot=0 card=present counter=1" ATR,
	 "act 3 lock|removal 3 reader uevent|action 3 lock"},
	{"… and PC/SC has spoken of the reader since: nor then",
	 "10ms uevent device-remove usb=1:5\n11ms pcsc reader " CARD "card=present counter=1" ATR
	 "\n12ms record record session=5 user=e name=R0 slot=0 card=present counter=1" ATR " seen=5ms",
	 "act 3 lock|removal 3 reader uevent|action 3 lock"},
	{"… and it counts another insertion: nor then",
	 "10ms uevent device-remove usb=1:5\n12ms record record session=5 user=e name=R0 slot=0 card=present counter=2" ATR
	 " seen=5ms",
	 "act 3 lock|removal 3 reader uevent|action 3 lock"},
	{"PC/SC names one of two interfaces, and another reader like it where a device was: that one may be on its way",
	 "5ms uevent device-add usb=1:8 path=1-8 id=076b:5321\n6ms pcsc reader name=M%2001%2000 slot=0 usb=1:8 card=empty counter=0\n"
	 "7ms uevent device-remove usb=1:8\n8ms uevent device-add usb=1:9 path=1-9 id=076b:5321\n"
	 "9ms pcsc reader name=M%2000%2000 slot=0 usb=1:9 card=present counter=1" ATR
	 "\n9ms pcsc reader " CARD "card=present counter=1" ATR
	 "\n9ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=1" ATR "\n10ms pcsc pcsc-listed\n"
	 "11ms record record session=7 user=e name=M%2002%2000 slot=0 usb=1:9 card=present counter=1" ATR
	 " path=1-9\n"
	 "12ms record record session=8 user=f name=M%2003%2000 slot=0 usb=1:9 card=present counter=1" ATR
	 " path=1-9\n"
	 "3s daemon time",
	 "comm-error 7|comm-error 8"},
	{"the id is given to another sign-in, by a record of the device that has left: bound to it as any record is",
	 "10ms uevent device-remove usb=1:5\n20ms udev device-remove usb=1:5\n25ms pcsc reader-gone name=R0\n"
	 "10s record record session=3 user=other name=R0 slot=0 usb=1:5 card=present counter=1" ATR
	 " path=1-1\n"
	 "11s uevent device-add usb=1:5 path=1-1 id=08e6:4433\n12s pcsc reader " CARD
	 "card=present counter=0" ATR "\n13s uevent device-remove usb=1:5",
	 "act 3 lock|removal 3 reader uevent|action 3 lock|heard 3 reader udev|recheck|"
	 "act 3 lock|removal 3 reader uevent|action 3 lock"},

	/* ---- and after ---- */
	{"LockedHint shows: verified",
	 "10ms probe device-remove usb=1:5\n30ms logind session-locked session=3",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock verified"},
	{"locked before, and unlocked by its person after the removal: not locked again",
	 "2ms logind session-locked session=3\n10ms probe device-remove usb=1:5\n"
	 "1100ms logind session-unlocked session=3\n3010ms daemon time\n9s daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock verified|restored 3"},
	{"locked just before the removal, and the hint vanishes within a second of its coming: the locker ended",
	 "2ms logind session-locked session=3\n10ms probe device-remove usb=1:5\n"
	 "500ms logind session-unlocked session=3\n3010ms daemon time\n3040ms logind session-locked session=3\n9s daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|act 3 lock|action 3 lock|outcome 3 lock verified"},
	{"… and the card is back: who unlocks is its person",
	 "2ms logind session-locked session=3\n10ms pcsc reader " CARD "card=empty counter=2\n"
	 "100ms pcsc reader " CARD "card=present counter=3" ATR
	 "\n500ms logind session-unlocked session=3\n9s daemon time",
	 "act 3 lock|removal 3 card pcsc|action 3 lock|restored 3|outcome 3 lock verified"},
	{"found missing, and locked already: a hint that vanishes at once is no person's",
	 "2ms logind session-locked session=3\n10ms startup devices-listed\n80ms logind session-unlocked session=3\n"
	 "3010ms daemon time\n6010ms daemon time",
	 "act 3 lock|removal 3 absent startup|action 3 lock|act 3 lock|action 3 lock|outcome 3 lock failed"},
	{"it does not, and never did: unverified", "10ms probe device-remove usb=1:5\n3010ms daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock unverified"},
	{"it does not, though it did before: failed",
	 "2ms logind session-locked session=3\n3ms logind session-unlocked session=3\n"
	 "10ms probe device-remove usb=1:5\n3010ms daemon time\n6010ms daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|act 3 lock|action 3 lock|outcome 3 lock failed"},
	{"logind refuses, or loses the call: once more, no third time",
	 "10ms probe device-remove usb=1:5\n11ms logind action-failed session=3\n12ms logind action-failed session=3",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock failed|act 3 lock|action 3 lock|"
	 "outcome 3 lock failed"},
	{"… and then WhenLockFails=logout, once",
	 SET "when-lock-fails=logout\n10ms probe device-remove usb=1:5\n11ms logind action-failed session=3\n"
	     "12ms logind action-failed session=3\n13ms logind action-failed session=3\n600ms daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock failed|act 3 lock|action 3 lock|"
	 "outcome 3 lock failed|act 3 terminate|action 3 logout|outcome 3 logout failed"},
	{"the card comes back, is pulled again: locked again",
	 "10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD "card=empty counter=2\n"
	 "900ms probe slot-change usb=1:5 slots=03\n905ms pcsc reader " CARD "card=present counter=3" ATR
	 "\n2000ms probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 card probe|action 3 lock|heard 3 card pcsc|restored 3|"
	 "act 3 lock|outcome 3 lock unverified|removal 3 card probe|action 3 lock"},
	{"… before its lock showed: the first outcome is reported too",
	 "10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD "card=empty counter=2\n"
	 "905ms pcsc reader " CARD "card=present counter=3" ATR "\n2000ms probe device-remove usb=1:5\n"
	 "5000ms daemon time",
	 "act 3 lock|removal 3 card probe|action 3 lock|heard 3 card pcsc|restored 3|act 3 lock|"
	 "outcome 3 lock unverified|removal 3 reader probe|action 3 lock|outcome 3 lock unverified"},
	{"another card is put in: nothing is guarded by it",
	 "10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD "card=empty counter=2\n"
	 "905ms pcsc reader " CARD
	 "card=present counter=3 atr=3B03\n2000ms probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 card probe|action 3 lock|heard 3 card pcsc"},
	{"the reader comes back at its port with a new address, its card is pulled",
	 "10ms probe device-remove usb=1:5\n450ms pcsc reader-gone name=R0\n"
	 "900ms uevent device-add usb=1:9 path=1-1 id=08e6:4433\n"
	 "1500ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR
	 "\n3000ms probe slot-change usb=1:9 slots=02",
	 "act 3 lock|removal 3 reader probe|action 3 lock|restored 3|act 3 lock|outcome 3 lock unverified|"
	 "removal 3 card probe|action 3 lock"},
	{"a stale PC/SC answer after the disconnect restores nothing",
	 "10ms probe device-remove usb=1:5\n11ms pcsc reader " CARD "card=present counter=1" ATR
	 "\n12ms startup device-add usb=1:5 path=1-1\n13ms pcsc reader " CARD "card=present counter=1" ATR,
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"Action=none: reported, nothing done",
	 "5ms record record session=3 " CARD "card=present counter=1" ATR
	 " action=none\n10ms probe device-remove usb=1:5",
	 "removal 3 reader probe"},
	{"two sessions of one card: both act before anything is reported",
	 "5ms record record session=4 " CARD "card=present counter=1" ATR
	 "\n10ms probe device-remove usb=1:5",
	 "act 3 lock|act 4 lock|removal 3 reader probe|action 3 lock|removal 4 reader probe|action 4 lock"},

	/* ---- actions that lose work ---- */
	{"logout: the device is gone, act now", SET "action=logout\n10ms probe device-remove usb=1:5",
	 "act 3 terminate|removal 3 reader probe|action 3 logout"},
	{"logout: card out, PC/SC agrees: act then",
	 SET "action=logout\n10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD
	     "card=empty counter=2\n"
	     "600ms daemon time",
	 "removal 3 card probe|act 3 terminate|heard 3 card pcsc|action 3 logout"},
	{"logout: card out, PC/SC silent past Confirm=: act then",
	 SET "action=logout\n10ms probe slot-change usb=1:5 slots=02\n509ms daemon time\n510ms daemon time",
	 "removal 3 card probe|act 3 terminate|action 3 logout"},
	{"logout: card out, pcscd away, and one reader after the other is plugged in: put off for a while, no longer",
	 SET
	 "action=logout\n10ms probe slot-change usb=1:5 slots=02\n20ms pcsc pcsc-down\n30ms pcsc pcsc-up\n"
	 "40ms pcsc reader " NEW(
		 "0") "45ms pcsc pcsc-listed\n510ms daemon time\n"
		      "1500ms pcsc reader " NEW(
			      "1") "2045ms daemon time\n"
				   "3500ms pcsc reader " NEW(
					   "2") "4045ms daemon time\n"
						"5500ms pcsc reader " NEW(
							"3") "6045ms daemon time\n"
							     "7500ms pcsc reader " NEW(
								     "4") "8045ms daemon time\n"
									  "9500ms pcsc reader " NEW(
										  "5") "10045ms daemon time\n"
										       "11500ms pcsc reader " NEW(
											       "6") "12045ms daemon time\n"
												    "12s daemon time",
	 "removal 3 card probe|heard 3 reader pcsc|act 3 terminate|action 3 logout"},
	{"logout: card out, PC/SC still has it: contradicted, nothing is lost, guarded again",
	 SET "action=logout\n10ms probe slot-change usb=1:5 slots=02\n12ms pcsc reader " CARD
	     "card=present counter=1" ATR
	     "\n510ms daemon time\n9s daemon time\n10s probe device-remove usb=1:5",
	 "removal 3 card probe|contradicted 3 card probe|cancelled 3 logout|"
	 "act 3 terminate|removal 3 reader probe|action 3 logout"},
	{"logout: card out, then in, before pcscd looked: it was out",
	 SET
	 "action=logout\n10ms probe slot-change usb=1:5 slots=02\n20ms probe slot-change usb=1:5 slots=03\n"
	 "21ms pcsc reader " CARD "card=present counter=1" ATR "\n510ms daemon time",
	 "removal 3 card probe|restored 3|act 3 terminate|action 3 logout"},
	{"logout: card out, then the device: proof",
	 SET "action=logout\n10ms probe slot-change usb=1:5 slots=02\n12ms probe device-remove usb=1:5",
	 "removal 3 card probe|act 3 terminate|heard 3 reader probe|action 3 logout"},
	{"logout: PC/SC alone, though a probe listens: wait for the second word, then act",
	 SET "action=logout\n10ms pcsc reader " CARD
	     "card=empty counter=2\n509ms daemon time\n510ms daemon time",
	 "removal 3 card pcsc|act 3 terminate|action 3 logout"},
	{"logout: a reader that cannot be read is no second word",
	 SET "action=logout\n10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD
	     "card=unavailable counter=1\n"
	     "509ms daemon time",
	 "removal 3 card probe|heard 3 reader pcsc"},
	{"logout: verified when the session ends",
	 SET "action=logout\n10ms probe device-remove usb=1:5\n200ms logind session-ended session=3",
	 "act 3 terminate|removal 3 reader probe|action 3 logout|outcome 3 logout verified"},
	{"logout: failed when it does not",
	 SET "action=logout\n10ms probe device-remove usb=1:5\n10010ms daemon time",
	 "act 3 terminate|removal 3 reader probe|action 3 logout|outcome 3 logout failed"},
	{"disconnect, local: locked, as Windows does",
	 SET
	 "action=disconnect\n3ms logind session-kind session=3 kind=local,graphical\n10ms probe device-remove usb=1:5",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"disconnect, xrdp: the client is dropped",
	 SET "action=disconnect\n3ms logind session-kind session=3 kind=remote,graphical,xrdp\n"
	     "10ms probe device-remove usb=1:5\n110ms daemon time",
	 "act 3 xrdp-disconnect|removal 3 reader probe|action 3 disconnect|outcome 3 disconnect unverified"},
	{"disconnect, ssh: its leader is ended",
	 SET
	 "action=disconnect\n3ms logind session-kind session=3 kind=remote,tty,ssh\n10ms probe device-remove usb=1:5\n"
	 "90ms logind session-ended session=3",
	 "act 3 kill-leader|removal 3 reader probe|action 3 disconnect|outcome 3 disconnect verified"},
	{"disconnect, another remote one: locked",
	 SET
	 "action=disconnect\n3ms logind session-kind session=3 kind=remote,graphical\n10ms probe device-remove usb=1:5",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"Unit=: started as well", SET "action=none unit=note@.service\n10ms probe device-remove usb=1:5",
	 "removal 3 reader probe|unit 3 note@.service"},
	{"a rule for one cause", SET "action=lock reader.action=logout\n10ms probe device-remove usb=1:5",
	 "act 3 terminate|removal 3 reader probe|action 3 logout"},

	/* ---- two CCID interfaces in one device, both with a slot 0 ---- */
	{"the card of the other interface is pulled: nothing",
	 SET
	 "action=lock\n3ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=1 atr=3B03\n"
	 "10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader name=R2 slot=0 usb=1:5 card=empty counter=2\n"
	 "9s daemon time",
	 ""},
	{"its own card is pulled: at PC/SC's word",
	 SET "action=lock\n3ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=1 atr=3B03\n"
	     "10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD "card=empty counter=2",
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"… which is enough to log out for, too: nothing else could have heard",
	 SET "action=logout\n3ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=1 atr=3B03\n"
	     "10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD "card=empty counter=2",
	 "act 3 terminate|removal 3 card pcsc|action 3 logout"},
	{"pcscd stays away: nobody would hear of the card",
	 SET
	 "action=lock pcsc-lost=lock\n3ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=1 atr=3B03\n"
	 "10ms pcsc pcsc-down\n9s daemon time",
	 "act 3 lock|removal 3 pcsc-lost pcsc|action 3 lock"},
	{"pcscd is away, the card of the other interface is pulled: nothing",
	 SET "action=logout\n3ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=1 atr=3B03\n"
	     "10ms pcsc pcsc-down\n20ms probe slot-change usb=1:5 slots=02\n9s daemon time",
	 ""},
	{"pcscd is back and reports the other interface first: nothing",
	 SET
	 "action=logout\n3ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=1 atr=3B03\n10ms pcsc pcsc-down\n"
	 "3000ms pcsc pcsc-up\n3001ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=0 atr=3B03\n"
	 "3002ms pcsc reader " CARD "card=present counter=0" ATR "\n3003ms pcsc pcsc-listed\n9s daemon time",
	 ""},
	{"… though it is heard of for the first time: nothing",
	 SET "action=logout\n10ms pcsc pcsc-down\n3000ms pcsc pcsc-up\n"
	     "3001ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=0 atr=3B03\n"
	     "3002ms pcsc reader " CARD "card=present counter=0" ATR
	     "\n3003ms pcsc pcsc-listed\n9s daemon time",
	 ""},
	{"PC/SC loses the interface, and the other one's card comes and goes: no removal",
	 SET
	 "action=logout\n3ms pcsc reader name=R2 slot=0 usb=1:5 card=empty counter=0\n10ms pcsc reader-gone name=R0\n"
	 "20ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=1 atr=3B03\n"
	 "30ms pcsc reader name=R2 slot=0 usb=1:5 card=empty counter=2\n9s daemon time",
	 "comm-error 3"},
	{"the device is pulled: at once",
	 SET "action=lock\n3ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=1 atr=3B03\n"
	     "10ms probe device-remove usb=1:5",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},

	/* ---- stages ---- */
	{"lock now, log out later, counting down",
	 SET "then=logout after=20s\n10ms probe device-remove usb=1:5\n30ms logind session-locked session=3\n"
	     "10010ms daemon time\n15010ms daemon time\n20009ms daemon time\n20010ms daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|countdown 3 logout 20000ms|outcome 3 lock verified|"
	 "countdown 3 logout 10000ms|countdown 3 logout 5000ms|act 3 terminate|action 3 logout"},
	{"… unless the session was unlocked",
	 SET "then=logout after=20s\n10ms probe device-remove usb=1:5\n30ms logind session-locked session=3\n"
	     "5s logind session-unlocked session=3\n30s daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|countdown 3 logout 20000ms|outcome 3 lock verified|"
	 "cancelled 3 logout|restored 3"},
	{"… a card inserted again does not stop it",
	 SET "then=logout after=20s\n10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD
	     "card=empty counter=2\n"
	     "30ms logind session-locked session=3\n5s pcsc reader " CARD "card=present counter=3" ATR
	     "\n20010ms daemon time",
	 "act 3 lock|removal 3 card probe|action 3 lock|countdown 3 logout 20000ms|heard 3 card pcsc|"
	 "outcome 3 lock verified|restored 3|act 3 terminate|action 3 logout"},
	{"… a contradiction does",
	 SET "then=logout after=20s\n10ms probe slot-change usb=1:5 slots=02\n12ms pcsc reader " CARD
	     "card=present counter=1" ATR "\n510ms daemon time\n30s daemon time",
	 "act 3 lock|removal 3 card probe|action 3 lock|countdown 3 logout 20000ms|contradicted 3 card probe|"
	 "cancelled 3 logout|outcome 3 lock unverified"},
	{"… a new sign-in with the card does",
	 SET "then=logout after=20s\n10ms probe device-remove usb=1:5\n30ms logind session-locked session=3\n"
	     "5s record record session=3 name=R1 slot=0 usb=1:6 counter=1" ATR "\n30s daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|countdown 3 logout 20000ms|outcome 3 lock verified|"
	 "cancelled 3 logout"},
	{"… somebody else's sign-in does, whose session has got the id: there, nothing is to come",
	 SET "then=logout after=20s\n10ms probe device-remove usb=1:5\n30ms logind session-locked session=3\n"
	     "5s record record session=3 user=other name=R1 slot=0 usb=1:6 counter=1" ATR
	     "\n5s logind session-unlocked session=3\n30s daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|countdown 3 logout 20000ms|outcome 3 lock verified|"
	 "cancelled 3 logout"},
	{"… a policy that has none any more does",
	 SET "then=logout after=20s\n10ms probe device-remove usb=1:5\n30ms logind session-locked session=3\n"
	     "5s record settings session=3 then=none\n30s daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|countdown 3 logout 20000ms|outcome 3 lock verified|"
	 "cancelled 3 logout"},
	{"what waits for agreement is not done when the policy does not ask for it any more",
	 SET
	 "action=logout\n10ms probe slot-change usb=1:5 slots=02\n100ms record settings session=3 action=lock\n"
	 "510ms daemon time\n30s daemon time",
	 "removal 3 card probe|cancelled 3 logout"},
	{"a disconnect that waited for agreement is followed by its second stage all the same",
	 SET
	 "action=disconnect then=logout after=20s\n3ms logind session-kind session=3 kind=remote,graphical,xrdp\n"
	 "10ms probe slot-change usb=1:5 slots=02\n510ms daemon time\n610ms daemon time\n20010ms daemon time",
	 "removal 3 card probe|countdown 3 logout 20000ms|act 3 xrdp-disconnect|action 3 disconnect|"
	 "outcome 3 disconnect unverified|act 3 terminate|action 3 logout"},
	{"the reader says only after PC/SC that the card is back: it was out all the same",
	 SET "action=logout\n10ms probe slot-change usb=1:5 slots=02\n12ms pcsc reader " CARD
	     "card=present counter=1" ATR
	     "\n100ms probe slot-change usb=1:5 slots=03\n120ms pcsc reader " CARD
	     "card=present counter=3" ATR "\n510ms daemon time",
	 "removal 3 card probe|act 3 terminate|heard 3 card pcsc|action 3 logout|restored 3"},
	{"after a log-out nothing follows",
	 SET "action=logout then=logout after=20s\n10ms probe device-remove usb=1:5\n30s daemon time",
	 "act 3 terminate|removal 3 reader probe|action 3 logout|outcome 3 logout failed"},

	/* ---- a loose plug ---- */
	{"Settle=: back in time, forgotten",
	 SET "settle=2s\n10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD
	     "card=empty counter=2\n"
	     "900ms probe slot-change usb=1:5 slots=03\n905ms pcsc reader " CARD "card=present counter=3" ATR
	     "\n5s daemon time\n6s probe device-remove usb=1:5\n9s daemon time",
	 "heard 3 card pcsc|settled 3|act 3 lock|removal 3 reader probe|action 3 lock"},
	{"Settle=: not back in time",
	 SET "settle=2s\n10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD
	     "card=empty counter=2\n2010ms daemon time",
	 "heard 3 card pcsc|act 3 lock|removal 3 card probe|action 3 lock"},
	{"Settle=: the reader, back at its port",
	 SET
	 "settle=2s\n10ms probe device-remove usb=1:5\n300ms uevent device-add usb=1:9 path=1-1 id=08e6:4433\n"
	 "900ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR "\n5s daemon time",
	 "settled 3"},
	{"Settle=: another card is no same insertion",
	 SET "settle=2s\n10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD
	     "card=empty counter=2\n"
	     "905ms pcsc reader " CARD "card=present counter=3 atr=3B03\n2010ms daemon time",
	 "heard 3 card pcsc|act 3 lock|removal 3 card probe|action 3 lock"},
	{"Settle=: in and out more than once is no loose plug",
	 SET "settle=2s\n10ms probe slot-change usb=1:5 slots=02\n905ms pcsc reader " CARD
	     "card=present counter=5" ATR "\n2010ms daemon time\n2011ms daemon time",
	 "heard 3 card pcsc|act 3 lock|removal 3 card probe|action 3 lock|restored 3"},

	/* ---- locks that do not lock ---- */
	{"a provable lock that does not show: tried again, then failed, then WhenLockFails=",
	 PROVABLE SET
	 "when-lock-fails=logout\n10ms probe device-remove usb=1:5\n3010ms daemon time\n6010ms daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|act 3 lock|action 3 lock|outcome 3 lock failed|"
	 "act 3 terminate|action 3 logout"},
	{"… the second try works",
	 PROVABLE SET "when-lock-fails=logout\n10ms probe device-remove usb=1:5\n3010ms daemon time\n"
		      "3050ms logind session-locked session=3\n9s daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|act 3 lock|action 3 lock|outcome 3 lock verified"},
	{"the locker ends 100 ms after it set the hint: failed, locked again, then WhenLockFails=",
	 SET
	 "when-lock-fails=logout\n10ms probe device-remove usb=1:5\n40ms logind session-locked session=3\n"
	 "140ms logind session-unlocked session=3\n170ms logind session-locked session=3\n"
	 "270ms logind session-unlocked session=3",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock verified|outcome 3 lock failed|act 3 lock|"
	 "action 3 lock|outcome 3 lock verified|outcome 3 lock failed|act 3 terminate|action 3 logout"},
	{"… it stays the second time: locked, and the second stage is still to come",
	 SET
	 "then=logout after=20s\n10ms probe device-remove usb=1:5\n40ms logind session-locked session=3\n"
	 "140ms logind session-unlocked session=3\n170ms logind session-locked session=3\n20010ms daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|countdown 3 logout 20000ms|outcome 3 lock verified|"
	 "outcome 3 lock failed|act 3 lock|action 3 lock|outcome 3 lock verified|act 3 terminate|action 3 logout"},
	{"… a hint that was there for a second was a person's to take away",
	 SET
	 "when-lock-fails=logout\n10ms probe device-remove usb=1:5\n40ms logind session-locked session=3\n"
	 "1040ms logind session-unlocked session=3\n9s daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock verified|restored 3"},
	{"the hint shows after LockTimeout=: late, and not missing",
	 "10ms probe device-remove usb=1:5\n3011ms daemon time\n4s logind session-locked session=3",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock unverified|outcome 3 lock verified"},
	{"… of a provable locker, after the second try as well",
	 PROVABLE "10ms probe device-remove usb=1:5\n3011ms daemon time\n6012ms daemon time\n"
		  "7s logind session-locked session=3",
	 "act 3 lock|removal 3 reader probe|action 3 lock|act 3 lock|action 3 lock|outcome 3 lock failed|"
	 "outcome 3 lock verified"},
	{"… but minutes later it is another lock's",
	 "10ms probe device-remove usb=1:5\n3011ms daemon time\n200s logind session-locked session=3",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock unverified"},
	{"a tty that has no locker: said",
	 SET
	 "action=lock\n3ms logind session-kind session=3 kind=local,tty\n10ms probe device-remove usb=1:5",
	 "act 3 lock|removal 3 reader probe|cannot-lock 3"},
	{"… once: that no sign comes says nothing more, nor that the card is pulled again",
	 SET "action=lock\n3ms logind session-kind session=3 kind=local,tty\n10ms pcsc reader " CARD
	     "card=empty counter=2\n20ms pcsc reader " CARD "card=present counter=3" ATR
	     "\n30ms pcsc reader " CARD "card=empty counter=4\n9s daemon time",
	 "act 3 lock|removal 3 card pcsc|cannot-lock 3|restored 3|act 3 lock|removal 3 card pcsc|cannot-lock 3"},
	{"… though a locker that shows itself after all counts",
	 SET
	 "action=lock\n3ms logind session-kind session=3 kind=local,tty\n10ms probe device-remove usb=1:5\n"
	 "50ms logind session-locked session=3",
	 "act 3 lock|removal 3 reader probe|cannot-lock 3|outcome 3 lock verified"},
	{"logind refuses to lock it: nothing is asked of it, and that is said",
	 SET "action=lock\n3ms logind session-kind session=3 kind=local,no-lock\n"
	     "10ms probe device-remove usb=1:5\n9s daemon time",
	 "removal 3 reader probe|cannot-lock 3"},
	{"… WhenCannotLock=logout, however provable its locker was",
	 PROVABLE SET "when-cannot-lock=logout\n3ms logind session-kind session=3 kind=local,no-lock\n"
		      "10ms probe device-remove usb=1:5",
	 "act 3 terminate|removal 3 reader probe|action 3 logout|cannot-lock 3"},
	{"… and Action=disconnect, which here is a lock; the card cancels the second stage",
	 SET "action=disconnect then=logout after=20s\n3ms logind session-kind session=3 kind=local,no-lock\n"
	     "10ms pcsc reader " CARD "card=empty counter=2\n5s pcsc reader " CARD
	     "card=present counter=3" ATR "\n30s daemon time",
	 "removal 3 card pcsc|cannot-lock 3|countdown 3 logout 20000ms|restored 3|cancelled 3 logout"},
	{"… WhenCannotLock=logout",
	 SET
	 "when-cannot-lock=logout\n3ms logind session-kind session=3 kind=local,tty\n10ms probe device-remove usb=1:5",
	 "act 3 lock|act 3 terminate|removal 3 reader probe|action 3 logout|cannot-lock 3"},
	{"… and on the console, physlock",
	 SET "when-cannot-lock=logout\n3ms logind session-kind session=3 kind=local,tty,console\n"
	     "10ms probe device-remove usb=1:5",
	 "act 3 lock|act 3 console-lock|removal 3 reader probe|action 3 lock"},
	{"… which proves the lock by having come up",
	 SET "action=lock\n3ms logind session-kind session=3 kind=local,tty,console\n"
	     "10ms probe device-remove usb=1:5\n90ms logind action-done session=3\n4s daemon time",
	 "act 3 lock|act 3 console-lock|removal 3 reader probe|action 3 lock|outcome 3 lock verified"},
	{"… or did not come up",
	 SET
	 "when-lock-fails=logout\n3ms logind session-kind session=3 kind=local,tty,console\n"
	 "10ms probe device-remove usb=1:5\n90ms logind action-failed session=3\n91ms logind action-done session=3",
	 "act 3 lock|act 3 console-lock|removal 3 reader probe|action 3 lock|outcome 3 lock failed|"
	 "act 3 terminate|action 3 logout"},
	{"ssh under lock, WhenCannotLock=logout: agreement is needed for it",
	 SET "when-cannot-lock=logout\n3ms logind session-kind session=3 kind=remote,tty,ssh\n"
	     "10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD "card=empty counter=2",
	 "act 3 lock|removal 3 card probe|cannot-lock 3|act 3 terminate|heard 3 card pcsc|action 3 logout"},
	{"… contradicted, then logind refuses the lock: one more lock, and no logout while the card is in",
	 SET "when-cannot-lock=logout\n3ms logind session-kind session=3 kind=local,tty\n"
	     "10ms probe slot-change usb=1:5 slots=02\n12ms pcsc reader " CARD "card=present counter=1" ATR
	     "\n511ms daemon time\n600ms logind action-failed session=3\n9s daemon time",
	 "act 3 lock|removal 3 card probe|cannot-lock 3|contradicted 3 card probe|cancelled 3 logout|"
	 "outcome 3 lock failed|act 3 lock|cannot-lock 3"},
	{"… where logind would refuse it again, which is known by now, no lock is sent again",
	 SET "when-cannot-lock=logout\n3ms logind session-kind session=3 kind=local,tty\n"
	     "10ms probe slot-change usb=1:5 slots=02\n12ms pcsc reader " CARD "card=present counter=1" ATR
	     "\n511ms daemon time\n550ms logind session-kind session=3 kind=local,tty,no-lock\n"
	     "600ms logind action-failed session=3\n9s daemon time",
	 "act 3 lock|removal 3 card probe|cannot-lock 3|contradicted 3 card probe|cancelled 3 logout|"
	 "outcome 3 lock failed|cannot-lock 3"},

	{"a disconnect that is refused: locked at least",
	 SET
	 "action=disconnect\n3ms logind session-kind session=3 kind=remote,graphical,xrdp\n"
	 "10ms probe device-remove usb=1:5\n11ms daemon action-failed session=3\n12ms daemon action-failed session=3",
	 "act 3 xrdp-disconnect|removal 3 reader probe|action 3 disconnect|outcome 3 disconnect failed|"
	 "act 3 lock|action 3 lock|outcome 3 lock failed"},
	{"physlock runs on its own terminal: pulled again, it can still lock",
	 SET "when-cannot-lock=logout\n3ms logind session-kind session=3 kind=local,tty,console\n"
	     "10ms probe slot-change usb=1:5 slots=02\n11ms logind session-kind session=3 kind=local,tty\n"
	     "12ms pcsc reader " CARD "card=empty counter=2\n90ms pcsc reader " CARD
	     "card=present counter=3" ATR "\n99ms probe device-remove usb=1:5",
	 "act 3 lock|act 3 console-lock|removal 3 card probe|action 3 lock|heard 3 card pcsc|restored 3|"
	 "act 3 lock|outcome 3 lock unverified|removal 3 reader probe|action 3 lock"},

	{"physlock was left with the password: the person is back, and so is the only card like theirs",
	 SET
	 "then=logout after=60s\n3ms logind session-kind session=3 kind=local,tty,console\n"
	 "10ms probe device-remove usb=1:5\n100ms logind action-done session=3\n"
	 "200ms logind session-kind session=3 kind=local,tty\n20s logind session-kind session=3 kind=local,tty,console",
	 "act 3 lock|act 3 console-lock|removal 3 reader probe|action 3 lock|countdown 3 logout 60000ms|"
	 "outcome 3 lock verified|cancelled 3 logout|restored 3"},

	{"physlock was refused: the card's return ends the second stage",
	 SET "then=logout after=20s\n3ms logind session-kind session=3 kind=local,tty,console\n"
	     "10s pcsc reader " CARD "card=empty counter=2\n10100ms daemon action-failed session=3\n"
	     "12s pcsc reader " CARD "card=present counter=3" ATR
	     "\n20s daemon time\n30s daemon time\n35s daemon time",
	 "act 3 lock|act 3 console-lock|removal 3 card pcsc|action 3 lock|countdown 3 logout 20000ms|outcome 3 lock failed|"
	 "restored 3|cancelled 3 logout"},
	{"unlocked while PC/SC has not looked since the reader's word: unguarded, and said",
	 "1ms daemon probe\n2ms pcsc reader name=R1 slot=0 usb=1:6 card=empty counter=2\n10s probe slot-change usb=1:5 slots=02\n"
	 "10100ms logind session-locked session=3\n13s daemon time\n15s logind session-unlocked session=3\n"
	 "16s pcsc reader " CARD "card=empty counter=2",
	 "act 3 lock|removal 3 card probe|action 3 lock|outcome 3 lock verified|unguarded 3|heard 3 card pcsc"},
	{"a count beyond 32767, of a reader that could not be read before",
	 "10ms pcsc reader name=Q slot=0 usb=0:0 card=unavailable counter=40000\n"
	 "20ms record record session=7 user=q name=Q slot=0 usb=0:0 card=present counter=40000 atr=3B99\n"
	 "30ms pcsc reader name=Q slot=0 usb=0:0 card=present counter=40000 atr=3B99\n5s daemon time",
	 ""},
	{"the end of time: it is bounded", "18446744073709551614ns daemon time", ""},

	/* ---- what concerns nobody ---- */
	{"a reader leaves that was never named", "10ms pcsc reader-gone name=R9", ""},
	{"a device without a port becomes another one",
	 "10ms uevent device-add usb=1:9 id=08e6:4433\n20ms uevent device-add usb=1:9 id=08e6:0001", ""},
	{"a name that ends almost as pcscd's do",
	 "10ms pcsc reader name=Two%20x0%2000 slot=0 usb=0:0 card=empty counter=0\n"
	 "11ms pcsc reader name=Two%2000%2000 slot=0 usb=0:0 card=empty counter=0",
	 ""},
	{"two interfaces, and which endpoint is whose does not hold: a notice alone is no removal",
	 "1ms daemon probe\n2ms pcsc reader name=R2 slot=0 usb=1:5 card=empty counter=0\n"
	 "10s probe slot-change usb=1:5 slots=03 endpoint=81\n10010ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=1 atr=3B99\n"
	 "20s probe slot-change usb=1:5 slots=02 endpoint=81\n20010ms pcsc reader name=R2 slot=0 usb=1:5 card=empty counter=2\n"
	 "30s probe slot-change usb=1:5 slots=03 endpoint=82\n30010ms pcsc reader name=R2 slot=0 usb=1:5 card=present counter=3 atr=3B99\n"
	 "50s probe slot-change usb=1:5 slots=02 endpoint=81",
	 ""},

	/* ---- pcscd away ---- */
	{"PcscLost=lock: pcscd stays away and no probe watches",
	 "2ms record settings session=3 pcsc-lost=lock\n10ms pcsc pcsc-down\n5009ms daemon time\n5010ms daemon time",
	 "act 3 lock|removal 3 pcsc-lost pcsc|action 3 lock"},
	{"PcscLost=lock: it comes back in time",
	 "2ms record settings session=3 pcsc-lost=lock\n10ms pcsc pcsc-down\n4s pcsc pcsc-up\n4s pcsc reader " CARD
	 "card=present counter=0" ATR "\n4s pcsc pcsc-listed\n9s daemon time",
	 ""},
	{"PcscLost=lock: the probe watches", SET "pcsc-lost=lock\n10ms pcsc pcsc-down\n9s daemon time", ""},
	{"PcscLost=lock: the reader is pulled after that: a removal like any other",
	 "2ms record settings session=3 action=lock pcsc-lost=lock\n10ms pcsc pcsc-down\n5010ms daemon time\n"
	 "9s daemon time\n10s uevent device-remove usb=1:5",
	 "act 3 lock|removal 3 pcsc-lost pcsc|action 3 lock|outcome 3 lock unverified|"
	 "act 3 lock|removal 3 reader uevent|action 3 lock"},
	{"PcscLost=lock: pcscd is back and has not powered the card yet: nothing more is done",
	 "2ms record settings session=3 action=logout pcsc-lost=lock\n10ms pcsc pcsc-down\n5010ms daemon time\n"
	 "9s daemon time\n10s pcsc pcsc-up\n10s pcsc reader " CARD
	 "card=empty counter=0\n10s pcsc pcsc-listed\n"
	 "10100ms pcsc reader " CARD "card=present counter=1" ATR "\n14s daemon time",
	 "act 3 lock|removal 3 pcsc-lost pcsc|action 3 lock|outcome 3 lock unverified|heard 3 card pcsc|restored 3"},
	{"pcscd is back within Confirm= and says \"empty\": no agreement, it has not looked yet",
	 SET
	 "action=logout\n10ms probe slot-change usb=1:5 slots=02\n20ms pcsc pcsc-down\n100ms pcsc pcsc-up\n"
	 "101ms pcsc reader " CARD "card=empty counter=0\n102ms pcsc pcsc-listed\n509ms daemon time",
	 "removal 3 card probe|heard 3 card pcsc"},
	{"… and then reads the card: nothing that loses work",
	 SET
	 "action=logout\n10ms probe slot-change usb=1:5 slots=02\n20ms pcsc pcsc-down\n100ms pcsc pcsc-up\n"
	 "101ms pcsc reader " CARD "card=empty counter=0\n102ms pcsc pcsc-listed\n"
	 "300ms pcsc reader " CARD "card=present counter=1" ATR "\n510ms daemon time\n9s daemon time",
	 "removal 3 card probe|heard 3 card pcsc|contradicted 3 card probe|cancelled 3 logout"},
	{"a reader that could not be read, then pcscd goes, and comes back without the card",
	 "10ms pcsc reader " CARD "card=unavailable counter=1\n20ms pcsc pcsc-down\n3000ms pcsc pcsc-up\n"
	 "3001ms pcsc reader " CARD "card=empty counter=0\n3001ms pcsc pcsc-listed\n5002ms daemon time",
	 "comm-error 3|act 3 lock|removal 3 card pcsc|action 3 lock"},

	/* ---- a reader whose USB address is not known at once: another program holds it ---- */
	{"back with its name alone, then its address: the probe speaks for it again",
	 SET "action=lock\n10ms probe device-remove usb=1:5\n400ms pcsc reader-gone name=R0\n"
	     "900ms uevent device-add usb=1:7 path=1-1 id=08e6:4433\n"
	     "1000ms pcsc reader name=R0 slot=0 card=present counter=0" ATR "\n"
	     "1300ms pcsc reader name=R0 slot=0 usb=1:7 card=present counter=0" ATR "\n"
	     "4s daemon time\n9s probe slot-change usb=1:7 slots=02",
	 "act 3 lock|removal 3 reader probe|action 3 lock|restored 3|outcome 3 lock unverified|"
	 "act 3 lock|removal 3 card probe|action 3 lock"},
	{"… and the card goes before the address is known: PC/SC's word",
	 SET
	 "action=lock\n10ms probe device-remove usb=1:5\n900ms uevent device-add usb=1:7 path=1-1 id=08e6:4433\n"
	 "1000ms pcsc reader name=R0 slot=0 card=present counter=0" ATR "\n4s daemon time\n"
	 "5s pcsc reader name=R0 slot=0 card=empty counter=1",
	 "act 3 lock|removal 3 reader probe|action 3 lock|restored 3|outcome 3 lock unverified|"
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"a login record without its address: PC/SC knows it",
	 SET "action=lock\n5ms record record session=4 user=other name=R1 slot=0 card=present counter=1" ATR
	     "\n10ms probe slot-change usb=1:6 slots=02",
	 "act 4 lock|removal 4 card probe|action 4 lock"},
	{"what acts comes before what tells: one session's card went before, the other's goes now",
	 SET "action=lock\n10ms probe slot-change usb=1:5 slots=02\n12ms pcsc reader " CARD
	     "card=empty counter=2\n"
	     "4s daemon time\n5s pcsc reader " CARD "card=present counter=3 atr=3B03\n"
	     "6s record record session=4 user=other " CARD "card=present counter=3 atr=3B03 path=1-1\n"
	     "7s probe device-remove usb=1:5",
	 "act 3 lock|removal 3 card probe|action 3 lock|heard 3 card pcsc|outcome 3 lock unverified|"
	 "act 4 lock|heard 3 reader probe|removal 4 reader probe|action 4 lock"},
	{"Keep=any: unlocked with a key; the key is pulled while the card is in: no removal; the card is the last one",
	 RECORD_KEY " keep=yes\n10ms probe device-remove usb=1:6\n20ms probe slot-change usb=1:5 slots=02",
	 "kept 3 reader probe|act 3 lock|removal 3 card probe|action 3 lock"},
	{"… the card was pulled before the key",
	 RECORD_KEY " keep=yes\n10ms pcsc reader " CARD
		    "card=empty counter=2\n20ms probe device-remove usb=1:6",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… and is in again, which nobody has proven",
	 RECORD_KEY " keep=yes\n10ms pcsc reader " CARD "card=empty counter=2\n"
		    "15ms pcsc reader " CARD "card=present counter=3" ATR
		    "\n20ms probe device-remove usb=1:6",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… the reader was unplugged and plugged in again",
	 RECORD_KEY
	 " keep=yes\n10ms probe device-remove usb=1:5\n11ms uevent device-add usb=1:5 path=1-1 id=08e6:4433\n"
	 "12ms pcsc reader " CARD "card=present counter=1" ATR "\n20ms probe device-remove usb=1:6",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… nobody knows of the card: pcscd is away",
	 RECORD_KEY " keep=yes\n10ms pcsc pcsc-down\n20ms probe device-remove usb=1:6",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"Keep=last: the key that was used last is pulled", RECORD_KEY "\n10ms probe device-remove usb=1:6",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"Keep=any: the key alone is pulled, the session was unlocked with the same one",
	 RECORD_KEY " keep=yes\n" RECORD_KEY " keep=yes\n10ms probe device-remove usb=1:5\n"
		    "20ms probe device-remove usb=1:6",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… with five keys in turn, each pulled: four tokens beside the last are kept, the card is no longer one of them",
	 "1ms daemon probe\n" PLUG_KEY("11") PLUG_KEY("12") PLUG_KEY("13") PLUG_KEY("14") PLUG_KEY(
		 "15") "10ms probe device-remove usb=1:15\n10ms probe device-remove usb=1:14\n10ms probe device-remove usb=1:13\n"
		       "10ms probe device-remove usb=1:12\n10ms probe device-remove usb=1:11",
	 "kept 3 reader probe|kept 3 reader probe|kept 3 reader probe|kept 3 reader probe|"
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… with four keys in turn, the last one twice: all five tokens count",
	 "1ms daemon probe\n" PLUG_KEY("11") PLUG_KEY("12") PLUG_KEY("13") PLUG_KEY("14") PLUG_KEY(
		 "14") "10ms probe device-remove usb=1:14\n10ms probe device-remove usb=1:13\n10ms probe device-remove usb=1:12\n"
		       "10ms probe device-remove usb=1:11\n20ms probe slot-change usb=1:5 slots=02",
	 "kept 3 reader probe|kept 3 reader probe|kept 3 reader probe|kept 3 reader probe|"
	 "act 3 lock|removal 3 card probe|action 3 lock"},
	{"… two keys of one name are two tokens",
	 PLUG_TWIN("11")
		 PLUG_TWIN("12") "10ms probe device-remove usb=1:12\n20ms probe device-remove usb=1:11\n"
				 "30ms probe slot-change usb=1:5 slots=02",
	 "kept 3 reader probe|kept 3 reader probe|act 3 lock|removal 3 card probe|action 3 lock"},
	{"… two slots of one reader: a card in each",
	 "1ms daemon probe\n2ms uevent device-add usb=1:7 path=1-7 id=0001:0002\n"
	 "3ms pcsc reader name=R70 slot=0 usb=1:7 card=present counter=1" ATR
	 "\n3ms pcsc reader name=R71 slot=1 usb=1:7 card=present counter=1" ATR "\n"
	 "5ms " RECORD_CARD("name=R70 slot=0 usb=1:7 ", "1") "6ms " RECORD_CARD(
		 "name=R71 slot=1 usb=1:7 ",
		 "1") "10ms probe slot-change usb=1:7 slots=08\n"
		      "15ms pcsc reader name=R71 slot=1 usb=1:7 card=empty counter=2\n"
		      "20ms pcsc reader " CARD "card=empty counter=2\n"
		      "30ms probe slot-change usb=1:7 slots=02",
	 "kept 3 card probe|act 3 lock|removal 3 card probe|action 3 lock"},
	{"… with two keys in turn, often: each counts once, and the card still does",
	 "1ms daemon probe\n" PLUG_KEY("11") PLUG_KEY("12") PLUG_KEY("11") PLUG_KEY("12") PLUG_KEY("11")
		 PLUG_KEY("12") "10ms probe device-remove usb=1:12\n20ms probe device-remove usb=1:11\n"
				"30ms probe slot-change usb=1:5 slots=02",
	 "kept 3 reader probe|kept 3 reader probe|act 3 lock|removal 3 card probe|action 3 lock"},
	{"… with a key and the card in turn, often; no record has the reader's address: the other key still counts",
	 "1ms daemon probe\n" PLUG_KEY("12") "5ms " RECORD_CARD(R0, "1")
		 PLUG_KEY("11") "5ms " RECORD_CARD(R0, "1") PLUG_KEY("11") "5ms " RECORD_CARD(R0, "1")
			 PLUG_KEY("11") "5ms " RECORD_CARD(R0, "1") PLUG_KEY("11") "5ms " RECORD_CARD(R0, "1")
				 PLUG_KEY("11") "10ms probe device-remove usb=1:11\n"
						"20ms probe slot-change usb=1:5 slots=02\n"
						"30ms probe device-remove usb=1:12",
	 "kept 3 reader probe|kept 3 card probe|act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… the card is in a reader that is not on USB",
	 "1ms daemon probe\n3ms pcsc reader name=Serial slot=0 card=present counter=1" ATR "\n"
	 "5ms " RECORD_CARD("name=Serial slot=0 ", "1")
		 PLUG_KEY("11") "10ms pcsc reader " CARD "card=empty counter=2\n"
				"20ms probe device-remove usb=1:11\n"
				"30ms pcsc reader name=Serial slot=0 card=empty counter=2",
	 "kept 3 reader probe|act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"… a key was pulled, and another device has its address",
	 "1ms daemon probe\n" PLUG_KEY("11") PLUG_KEY(
		 "12") "10ms pcsc reader " CARD "card=empty counter=2\n"
		       "20ms udev device-remove usb=1:11\n30ms uevent device-add usb=1:11 path=1-11 id=1050:0407\n"
		       "40ms probe device-remove usb=1:12",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… a key was pulled, and nothing is there",
	 "1ms daemon probe\n" PLUG_KEY("11")
		 PLUG_KEY("12") "10ms pcsc reader " CARD "card=empty counter=2\n"
				"20ms udev device-remove usb=1:11\n40ms probe device-remove usb=1:12",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… a key whose record says nothing of where it is: nobody knows whether it is in",
	 "1ms daemon probe\n"
	 "5ms record record session=3 user=card name=Key slot=0 card=present counter=0 usb-token=yes keep=yes\n"
	 "6ms " RECORD_CARD(CARD, "1") "20ms probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 card probe|action 3 lock"},
	{"… a key that came to its address a second time, and was used then",
	 "1ms daemon probe\n2ms uevent device-add usb=1:11 path=1-11 id=1050:0407\n3ms probe device-remove usb=1:11\n" PLUG_KEY(
		 "11") "10ms probe device-remove usb=1:11",
	 "kept 3 reader probe"},
	{"… the card used last was in a reader that is not on USB, which is pulled",
	 "1ms daemon probe\n3ms pcsc reader name=Serial slot=0 card=present counter=1" ATR "\n"
	 "5ms " RECORD_CARD(CARD, "1") "6ms " RECORD_CARD(
		 "name=Serial slot=0 ", "1") "4s daemon time\n"
					     "5s pcsc reader-gone name=Serial\n8s daemon time",
	 "kept 3 reader pcsc"},
	{"… a key is enumerated again around sleep: it has to be proven again",
	 "1ms daemon probe\n" PLUG_KEY("11")
		 PLUG_KEY("12") "6ms pcsc reader " CARD "card=empty counter=2\n"
				"10ms logind sleep\n11ms probe device-remove usb=1:11\n"
				"20ms logind resume\n21ms startup device-add usb=1:5 path=1-1\n"
				"21ms startup device-add usb=1:6 path=1-2\n"
				"21ms startup device-add usb=1:12 path=1-12\n"
				"21ms startup device-add usb=1:13 path=1-11 id=1050:0407\n"
				"21ms startup devices-listed\n22ms pcsc pcsc-listed\n"
				"10s probe device-remove usb=1:12",
	 "recheck|rechecked|act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… pcscd is back, and has not named its readers yet: nobody knows of the card",
	 "1ms daemon probe\n" PLUG_KEY(
		 "11") "10ms pcsc pcsc-down\n15ms pcsc pcsc-up\n20ms probe device-remove usb=1:11",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… pcscd gives the reader another name, unlocked with the card again: it is one card still",
	 "1ms daemon probe\n2100ms daemon time\n3s " RECORD_KEY_11 "10s pcsc pcsc-down\n11s pcsc pcsc-up\n"
	 "12s pcsc reader name=R1 slot=0 usb=1:5 card=present counter=0" ATR
	 "\n12s pcsc reader name=R0 slot=0 usb=1:6 card=present counter=0" ATR "\n12s pcsc pcsc-listed\n"
	 "15s daemon time\n20s " RECORD_CARD("name=R1 slot=0 usb=1:5 ",
					     "0") "30s probe device-remove usb=1:11\n"
						  "40s probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 card probe|action 3 lock"},
	{"… the card was pulled, then unlocked with a key; pcscd counts from 0 again, and the card is inserted: not proven again",
	 "1ms daemon probe\n10ms pcsc reader " CARD "card=empty counter=2\n1s " RECORD_KEY_11
	 "2s pcsc pcsc-down\n3s pcsc pcsc-up\n3s pcsc reader " CARD "card=present counter=0" ATR
	 "\n3s pcsc pcsc-listed\n4s daemon time\n5s probe device-remove usb=1:11",
	 "act 3 lock|removal 3 card pcsc|action 3 lock|outcome 3 lock unverified|act 3 lock|removal 3 reader probe|"
	 "action 3 lock"},
	{"… locked while pcscd was away, then unlocked with a key; pcscd is back, and the card was not removed",
	 "3ms record record session=3 user=card " CARD "card=present counter=1" ATR
	 " keep=yes pcsc-lost=lock\n10ms pcsc pcsc-down\n5010ms daemon time\n5020ms logind session-locked session=3\n"
	 "8s logind session-unlocked session=3\n9s " RECORD_KEY_11 "10s pcsc pcsc-up\n10s pcsc reader " CARD
	 "card=present counter=0" ATR "\n10s pcsc pcsc-listed\n20s uevent device-remove usb=1:11",
	 "act 3 lock|removal 3 pcsc-lost pcsc|action 3 lock|outcome 3 lock verified|kept 3 reader uevent"},
	{"… the card was pulled and inserted again: guarded by it. Then the key is used, and pulled: the card was not proven again",
	 "1ms daemon probe\n10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD
	 "card=empty counter=2\n"
	 "905ms pcsc reader " CARD "card=present counter=3" ATR "\n1s " RECORD_KEY_11
	 "4s daemon time\n5s probe device-remove usb=1:11",
	 "act 3 lock|removal 3 card probe|action 3 lock|heard 3 card pcsc|restored 3|outcome 3 lock unverified|"
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… a loose plug, over within Settle=: that was no removal, so the card need not be proven again",
	 "1ms daemon probe\n2ms record settings session=3 settle=2s\n10ms probe slot-change usb=1:5 slots=02\n"
	 "15ms pcsc reader " CARD "card=empty counter=2\n905ms pcsc reader " CARD "card=present counter=3" ATR
	 "\n1s " RECORD_KEY_11 "5s probe device-remove usb=1:11",
	 "heard 3 card pcsc|settled 3|kept 3 reader probe"},
	{"… PC/SC contradicted the removal: the card need not be proven again",
	 "1ms daemon probe\n10ms probe slot-change usb=1:5 slots=02\n12ms pcsc reader " CARD
	 "card=present counter=1" ATR "\n511ms daemon time\n1s " RECORD_KEY_11
	 "4s daemon time\n5s probe device-remove usb=1:11",
	 "act 3 lock|removal 3 card probe|action 3 lock|contradicted 3 card probe|outcome 3 lock unverified|"
	 "kept 3 reader probe"},
	{"… the key was pulled and plugged in again: guarded by it again. Then the card is used, and pulled",
	 "1ms daemon probe\n" PLUG_KEY("11") "10ms pcsc reader " CARD "card=empty counter=2\n"
					     "20ms udev device-remove usb=1:11\n"
					     "1s uevent device-add usb=1:12 path=1-11 id=1050:0407\n"
					     "2s pcsc reader " CARD "card=present counter=3" ATR
					     "\n2s " RECORD_CARD(CARD,
								 "3") "4s daemon time\n"
								      "5s probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 reader udev|action 3 lock|restored 3|outcome 3 lock unverified|"
	 "act 3 lock|removal 3 card probe|action 3 lock"},
	{"… a key with a loose plug, over within Settle=: that was no removal, so the key need not be proven again",
	 "1ms daemon probe\n" PLUG_KEY(
		 "11") "6ms record settings session=3 keep=yes settle=2s\n"
		       "10ms pcsc reader " CARD "card=empty counter=2\n20ms udev device-remove usb=1:11\n"
		       "1s uevent device-add usb=1:12 path=1-11 id=1050:0407\n"
		       "2s pcsc reader " CARD "card=present counter=3" ATR
		       "\n3s " RECORD_CARD(CARD, "3") "5s probe slot-change usb=1:5 slots=02",
	 "settled 3|kept 3 card probe"},
	{"… unlocked by password while the only card like its own is in another reader, then with a key: only the key is proven",
	 "1ms daemon probe\n10ms pcsc reader " CARD
	 "card=empty counter=2\n1s logind session-locked session=3\n"
	 "5s logind session-unlocked session=3\n6s " RECORD_KEY_11 "7s probe device-remove usb=1:11",
	 "act 3 lock|removal 3 card pcsc|action 3 lock|outcome 3 lock verified|restored 3|"
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… pcscd is away when the reader is unplugged: the key counts, and nobody has to hear of cards",
	 "2ms " RECORD_KEY_11 "5ms record record session=3 user=card " CARD "card=present counter=1" ATR
	 " keep=yes pcsc-lost=lock\n"
	 "10ms pcsc pcsc-down\n20ms uevent device-remove usb=1:5\n9s daemon time",
	 "kept 3 reader uevent"},
	{"… locked while pcscd was away, which was no removal; the card was pulled meanwhile, and the key is in",
	 "2ms " RECORD_KEY_11 "5ms record record session=3 user=card " CARD "card=present counter=1" ATR
	 " keep=yes action=logout pcsc-lost=lock\n"
	 "10ms pcsc pcsc-down\n5010ms daemon time\n5020ms logind session-locked session=3\n"
	 "6s pcsc pcsc-up\n6s pcsc reader " CARD "card=empty counter=0\n6s pcsc pcsc-listed\n9s daemon time",
	 "act 3 lock|removal 3 pcsc-lost pcsc|action 3 lock|outcome 3 lock verified|heard 3 card pcsc|kept 3 card pcsc"},
	{"… the same, while Settle= runs: nothing is done",
	 "2ms " RECORD_KEY_11 "5ms record record session=3 user=card " CARD "card=present counter=1" ATR
	 " keep=yes settle=60s pcsc-lost=lock\n"
	 "10ms pcsc pcsc-down\n5010ms daemon time\n6s pcsc pcsc-up\n6s pcsc reader " CARD
	 "card=empty counter=0\n6s pcsc pcsc-listed\n9s daemon time\n99s daemon time",
	 "heard 3 card pcsc|kept 3 card pcsc"},
	{"… the same, and a logout that waited was cancelled: nothing is waited for any more",
	 "2ms " RECORD_KEY_11 "5ms record record session=3 user=card " CARD "card=present counter=1" ATR
	 " keep=yes confirm=30s pcsc-lost=lock when-cannot-lock=logout\n"
	 "6ms logind session-kind session=3 kind=remote,tty,ssh\n10ms pcsc pcsc-down\n"
	 "11ms logind sleep\n3s logind resume\n3s startup device-add usb=1:5 path=1-1 id=08e6:4433\n"
	 "3s startup device-add usb=1:6 path=1-2 id=08e6:4433\n3s startup device-add usb=1:11 path=1-11 id=1050:0407\n"
	 "3s startup devices-listed\n5010ms daemon time\n5020ms record settings session=3 keep=yes\n"
	 "6s pcsc pcsc-up\n6s pcsc reader " CARD "card=empty counter=0\n6s pcsc pcsc-listed\n9s daemon time\n"
	 "99s daemon time",
	 "recheck|rechecked|act 3 lock|removal 3 pcsc-lost pcsc|cannot-lock 3|cancelled 3 logout|heard 3 card pcsc|"
	 "kept 3 absent startup"},
	{"Keep=any for readers alone: the card was out, for which a logout waits; then the reader is pulled, and the key is in",
	 "1ms daemon probe\n2ms " RECORD_KEY_11 "6ms record record session=3 user=card " CARD
	 "card=present counter=1" ATR " path=1-1 id=08e6:4433 action=logout reader.keep=yes\n"
	 "10ms probe slot-change usb=1:5 slots=02\n"
	 "20ms probe slot-change usb=1:5 slots=03\n21ms pcsc reader " CARD "card=present counter=1" ATR
	 "\n30ms probe device-remove usb=1:5\n510ms daemon time",
	 "removal 3 card probe|restored 3|kept 3 reader probe|act 3 terminate|action 3 logout"},

	{"… two sessions with one card, one of them with a key too: the other's lock comes before what is told",
	 "1ms daemon probe\n" PLUG_KEY("11") "6ms " RECORD_CARD(
		 CARD, "1") "7ms record record session=4 user=card " CARD "card=present counter=1" ATR
			    "\n10ms probe slot-change usb=1:5 slots=02",
	 "act 4 lock|kept 3 card probe|removal 4 card probe|action 4 lock"},
	{"… the card was out and is back, then the reader is pulled; the key, which was never removed, stays proven",
	 "1ms daemon probe\n2ms " RECORD_KEY_11 "6ms record record session=3 user=card " CARD
	 "card=present counter=1" ATR " path=1-1 id=08e6:4433 reader.keep=yes\n"
	 "10ms pcsc reader " CARD "card=empty counter=2\n1s pcsc reader " CARD "card=present counter=3" ATR
	 "\n4s daemon time\n5s probe device-remove usb=1:5\n" PLUG_KEY(
		 "12") "7s probe device-remove usb=1:12",
	 "act 3 lock|removal 3 card pcsc|action 3 lock|restored 3|outcome 3 lock unverified|kept 3 reader probe|"
	 "kept 3 reader probe"},
	{"Keep=any: a card at the client shows presence, and proves nothing; then a card in a reader here",
	 "1ms daemon probe\n2ms record record session=5 user=anna name=Key slot=0 usb=1:6 card=present counter=0 usb-token=yes "
	 "keep=yes\n3ms record record session=5 user=anna source=xrdp late=yes name=R1 slot=0 usb=0:0 card=present counter=1" ATR
	 " keep=yes\n5ms record record session=5 user=anna " CARD "card=present counter=1" ATR
	 " keep=yes\n10ms logind session-ended session=3\n20ms probe slot-change usb=1:5 slots=02",
	 "act 5 lock|removal 5 card probe|action 5 lock"},
	{"PcscLost=ignore", "10ms pcsc pcsc-down\n9s daemon time", ""},

	/* ---- sleep ---- */
	{"asleep: the reader goes and comes back with another address, the card in",
	 SET
	 "action=logout\n10ms logind sleep\n11ms probe device-remove usb=1:5\n12ms uevent device-add usb=1:9 path=1-1 "
	 "id=08e6:4433\n20ms logind resume\n21ms startup device-add usb=1:9 path=1-1 id=08e6:4433\n"
	 "21ms startup devices-listed\n22ms pcsc reader-gone name=R0\n"
	 "1500ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR
	 "\n1501ms pcsc pcsc-listed\n9s daemon time\n10s probe device-remove usb=1:9",
	 "recheck|rechecked|act 3 terminate|removal 3 reader probe|action 3 logout"},
	{"asleep: the same, and PC/SC reports the old address until it is asked",
	 SET
	 "action=logout\n10ms logind sleep\n11ms probe device-remove usb=1:5\n12ms uevent device-add usb=1:9 path=1-1 "
	 "id=08e6:4433\n20ms logind resume\n21ms startup device-add usb=1:9 path=1-1 id=08e6:4433\n"
	 "21ms startup devices-listed\n1s pcsc reader " CARD "card=present counter=0" ATR
	 "\n1s pcsc pcsc-listed\n"
	 "1500ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR
	 "\n9s daemon time\n10s probe device-remove usb=1:9",
	 "recheck|rechecked|act 3 terminate|removal 3 reader probe|action 3 logout"},
	{"asleep: the reader goes and does not come back",
	 SET
	 "action=lock\n10ms logind sleep\n11ms probe device-remove usb=1:5\n20ms logind resume\n21ms startup devices-listed\n"
	 "22ms pcsc pcsc-listed\n5019ms daemon time\n5020ms daemon time",
	 "recheck|rechecked|act 3 lock|removal 3 absent startup|action 3 lock"},
	{"asleep: what the reader said before is read after the kernel's word that it left",
	 SET "action=lock\n10ms logind sleep\n11ms uevent device-remove usb=1:5\n20ms logind resume\n"
	     "21ms startup devices-listed\n5ms probe slot-change now=22ms usb=1:5 slots=02\n"
	     "23ms uevent device-add usb=1:9 path=1-1 id=08e6:4433\n"
	     "24ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR,
	 "recheck|act 3 lock|removal 3 card probe|action 3 lock|restored 3"},
	{"asleep: the card was pulled",
	 SET
	 "action=logout\n10ms logind sleep\n20ms logind resume\n21ms startup device-add usb=1:5 path=1-1\n"
	 "21ms startup devices-listed\n22ms pcsc reader " CARD "card=empty counter=2\n22ms pcsc pcsc-listed\n"
	 "522ms daemon time\n5019ms daemon time\n5020ms daemon time",
	 "recheck|removal 3 absent startup|rechecked|act 3 terminate|action 3 logout"},
	{"asleep: nothing happened",
	 SET
	 "action=lock\n10ms logind sleep\n20ms logind resume\n21ms startup device-add usb=1:5 path=1-1\n21ms startup devices-listed\n"
	 "22ms pcsc reader " CARD "card=present counter=1" ATR "\n22ms pcsc pcsc-listed\n9s daemon time",
	 "recheck|rechecked"},
	{"awake again and confirmed, then pulled: at once",
	 SET
	 "action=lock\n10ms logind sleep\n20ms logind resume\n21ms startup device-add usb=1:5 path=1-1\n21ms startup devices-listed\n"
	 "22ms pcsc reader " CARD "card=present counter=1" ATR "\n22ms pcsc pcsc-listed\n"
	 "30ms probe slot-change usb=1:5 slots=02",
	 "recheck|rechecked|act 3 lock|removal 3 card probe|action 3 lock"},

	/* ---- places and addresses, pcscd unwell ---- */
	{"the reader is back at once at its old address, its controller was removed and found again: guarded again",
	 SET
	 "action=lock\n10ms probe device-remove usb=1:5\n15ms uevent device-remove usb=1:5\n450ms pcsc reader-gone name=R0\n"
	 "2900ms uevent device-add usb=1:5 path=1-1 id=08e6:4433\n2950ms pcsc reader " CARD
	 "card=present counter=0" ATR "\n4s daemon time\n10s probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 reader probe|action 3 lock|heard 3 reader uevent|restored 3|outcome 3 lock unverified|"
	 "act 3 lock|removal 3 card probe|action 3 lock"},
	{"awake: the reader goes and comes back with the address that it had",
	 SET
	 "action=logout\n10ms logind sleep\n100ms logind resume\n101ms startup device-add usb=1:5 path=1-1\n"
	 "101ms startup devices-listed\n102ms pcsc reader " CARD
	 "card=unavailable counter=1\n102ms pcsc pcsc-listed\n"
	 "300ms probe device-remove usb=1:5\n310ms uevent device-remove usb=1:5\n600ms pcsc reader-gone name=R0\n"
	 "2500ms uevent device-add usb=1:5 path=1-1 id=08e6:4433\n3s pcsc reader " CARD
	 "card=present counter=0" ATR "\n5100ms daemon time\n9s daemon time",
	 "recheck|rechecked"},
	{"pcscd is back, cannot read the reader for long, then finds it empty",
	 "10ms pcsc pcsc-down\n3s pcsc pcsc-up\n3001ms pcsc reader " CARD "card=unavailable counter=0\n"
	 "3001ms pcsc pcsc-listed\n5001ms daemon time\n6s pcsc reader " CARD
	 "card=empty counter=0\n8s daemon time",
	 "comm-error 3|act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"PcscLost=lock, unlocked without the card; pcscd is back and it stays out",
	 "2ms record settings session=3 pcsc-lost=lock\n10ms pcsc pcsc-down\n5010ms daemon time\n"
	 "5020ms logind session-locked session=3\n10s logind session-unlocked session=3\n30s pcsc pcsc-up\n"
	 "30s pcsc reader " CARD "card=empty counter=0\n30s pcsc pcsc-listed\n32s daemon time",
	 "act 3 lock|removal 3 pcsc-lost pcsc|action 3 lock|outcome 3 lock verified|heard 3 card pcsc|"
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"PcscLost=lock: it answers now and then, and reports no reader",
	 "2ms record settings session=3 pcsc-lost=lock\n10ms pcsc pcsc-down\n4900ms pcsc pcsc-up\n4901ms pcsc pcsc-down\n"
	 "5010ms daemon time",
	 "act 3 lock|removal 3 pcsc-lost pcsc|action 3 lock"},
	{"PC/SC goes on to name a reader that is gone: asked for a minute, then reported, once",
	 "10ms probe device-remove usb=1:5\n510ms daemon time\n1510ms daemon time\n3510ms daemon time\n7510ms daemon time\n"
	 "15510ms daemon time\n31510ms daemon time\n63510ms daemon time\n127510ms daemon time\n300s daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock unverified|comm-error 3"},
	{"a record whose reader's address is another device's by now",
	 "5ms startup device-add usb=1:7 path=1-9 id=0001:0002\n"
	 "10ms record record session=4 name=R7 slot=0 usb=1:7 card=present counter=1" ATR
	 " path=1-3 id=08e6:4433",
	 "act 4 lock|removal 4 absent startup|action 4 lock"},
	{"back with its name alone, but it is another reader: not the card",
	 SET
	 "action=lock settle=5s\n10ms probe device-remove usb=1:5\n450ms pcsc reader-gone name=R0\n"
	 "1s uevent device-add usb=1:9 path=1-7 id=08e6:4433\n1500ms pcsc reader name=R0 slot=0 card=present counter=0" ATR
	 "\n1700ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR
	 "\n2s pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR "\n5010ms daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"the card is back, the reader's address is not known: the probe still speaks for it",
	 SET
	 "action=lock\n3ms pcsc pcsc-down\n4ms pcsc pcsc-up\n5ms pcsc reader name=R0 slot=0 card=present counter=0" ATR
	 "\n5ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=0" ATR
	 "\n6ms pcsc pcsc-listed\n10ms probe slot-change usb=1:5 slots=02\n"
	 "15ms pcsc reader name=R0 slot=0 card=empty counter=1\n2005ms daemon time\n4s daemon time\n"
	 "20s pcsc reader name=R0 slot=0 card=present counter=2" ATR "\n31s probe device-remove usb=1:5",
	 "act 3 lock|removal 3 card probe|action 3 lock|heard 3 reader pcsc|heard 3 card pcsc|outcome 3 lock unverified|"
	 "restored 3|act 3 lock|removal 3 reader probe|action 3 lock"},

	{"two new readers where PC/SC still names the old one: nobody can tell which is the session's",
	 "10ms probe device-remove usb=1:5\n20ms uevent device-add usb=1:5 path=1-1 id=08e6:4433\n30ms pcsc reader " CARD
	 "card=present counter=1" ATR "\n31ms pcsc reader name=R8 slot=0 usb=1:5 card=empty counter=0\n"
	 "32ms pcsc reader name=R9 slot=0 usb=1:5 card=empty counter=0",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"a record of a reader that PC/SC names a moment later",
	 "10ms record record session=5 user=b name=R7 slot=0 card=present counter=1" ATR
	 "\n11ms pcsc reader name=R7 slot=0 card=present counter=1" ATR
	 "\n9s pcsc reader name=R7 slot=0 card=empty counter=2",
	 "act 5 lock|removal 5 card pcsc|action 5 lock"},

	/* ---- the daemon was restarted ---- */
	{"away before: not acted on again, guarded when the card is back",
	 "2ms pcsc reader name=R1 slot=0 usb=1:6 card=empty counter=2\n"
	 "3ms record record session=4 away=yes name=R1 slot=0 usb=1:6 card=present counter=1" ATR
	 "\n20ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=3" ATR
	 "\n30ms probe device-remove usb=1:6",
	 "restored 4|act 4 lock|removal 4 reader probe|action 4 lock"},
	{"bound to another reader by an unlock: the old one no longer counts",
	 "5ms record record session=3 name=R1 slot=0 usb=1:6 counter=1" ATR
	 "\n10ms probe device-remove usb=1:5\n"
	 "20ms probe device-remove usb=1:6",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"the id is used again by a session that used no card",
	 "5ms logind session-ended session=3\n10ms probe device-remove usb=1:5\n11ms logind session-locked session=3",
	 ""},

	/* ---- what PC/SC says of a card, and does not say ---- */
	{"PC/SC's count is unmoved, and it says nothing of the card: in",
	 "10ms pcsc reader " CARD "card=present counter=1\n9s daemon time\n"
	 "10s pcsc reader " CARD "card=empty counter=2",
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"pcscd is back, and says nothing of the card: in",
	 "1s pcsc pcsc-down\n2s pcsc pcsc-up\n2s pcsc reader " CARD "card=present counter=0\n"
	 "2s pcsc pcsc-listed\n9s daemon time\n10s pcsc reader " CARD "card=empty counter=1",
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"a record that says nothing of the card; pcscd is back: in",
	 "5ms record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=1 path=1-2\n"
	 "1s pcsc pcsc-down\n2s pcsc pcsc-up\n"
	 "2s pcsc reader name=R1 slot=0 usb=1:6 card=present counter=0" ATR "\n"
	 "2s pcsc reader " CARD "card=present counter=0" ATR "\n2s pcsc pcsc-listed\n9s daemon time\n"
	 "10s pcsc reader name=R1 slot=0 usb=1:6 card=empty counter=1",
	 "act 4 lock|removal 4 card pcsc|action 4 lock"},
	{"… nor where the reader is: the name is all there is",
	 "10ms pcsc reader name=R7 slot=0 card=present counter=1" ATR "\n"
	 "20ms record record session=4 user=b name=R7 slot=0 card=present counter=1\n1s pcsc pcsc-down\n"
	 "2s pcsc pcsc-up\n2s pcsc reader name=R7 slot=0 card=present counter=0" ATR "\n"
	 "2s pcsc reader " CARD "card=present counter=0" ATR "\n2s pcsc pcsc-listed\n9s daemon time\n"
	 "10s pcsc reader name=R7 slot=0 card=empty counter=1",
	 "act 4 lock|removal 4 card pcsc|action 4 lock"},
	{"a communication error in which twenty cards came and went",
	 "10ms pcsc reader " CARD "card=unavailable counter=1\n"
	 "20ms pcsc reader " CARD "card=unavailable counter=21\n"
	 "30ms pcsc reader " CARD "card=present counter=22" ATR,
	 "comm-error 3|act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"PC/SC drops the reader and names it again within Confirm=, its device stays: contradicted",
	 SET "action=lock\n10ms probe slot-change usb=1:5 slots=02\n20ms pcsc reader-gone name=R0\n"
	     "100ms pcsc reader " CARD "card=present counter=0" ATR "\n509ms daemon time\n510ms daemon time",
	 "act 3 lock|removal 3 card probe|action 3 lock|heard 3 reader pcsc|contradicted 3 card probe"},
	{"a list of PC/SC's that was asked for later than a reader was reported, and lacks it: it is gone",
	 "10ms pcsc reader name=R5 slot=0 card=present counter=1" ATR "\n"
	 "11ms record record session=4 user=b name=R5 slot=0 card=present counter=1" ATR "\n20ms pcsc lost\n"
	 "21ms pcsc reader " CARD "card=present counter=1" ATR "\n"
	 "21ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=1" ATR "\n21ms pcsc pcsc-listed\n"
	 "2020ms daemon time\n2021ms daemon time",
	 "recheck|act 4 lock|removal 4 reader pcsc|action 4 lock"},
	{"unlocked within Confirm=, the card in its place: bound to it",
	 SET "confirm=10s\n10ms probe slot-change usb=1:5 slots=02\n20ms logind session-locked session=3\n"
	     "30ms pcsc reader " CARD "card=present counter=1" ATR "\n"
	     "31ms pcsc reader name=R1 slot=0 usb=1:6 card=empty counter=2\n"
	     "2s logind session-unlocked session=3\n12s daemon time\n13s probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 card probe|action 3 lock|outcome 3 lock verified|restored 3|act 3 lock|"
	 "removal 3 card probe|action 3 lock"},
	{"the lock failed, and the logout was sent: that the lock shows now is no outcome of it",
	 PROVABLE SET
	 "when-lock-fails=logout\n10ms probe device-remove usb=1:5\n3010ms daemon time\n"
	 "6010ms daemon time\n7s logind session-locked session=3\n8s logind session-ended session=3",
	 "act 3 lock|removal 3 reader probe|action 3 lock|act 3 lock|action 3 lock|outcome 3 lock failed|"
	 "act 3 terminate|action 3 logout|outcome 3 logout verified"},

	/* ---- what a record says ---- */
	{"read while a listing is on its way: that may show its device, whose coming was not reported. Nobody is logged out",
	 SET "action=lock\n10ms uevent device-remove usb=1:6\n12ms uevent lost\n"
	     "13ms record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=1" ATR
	     " path=1-2 action=logout\n"
	     "14ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n"
	     "14ms startup device-add usb=1:6 path=1-2 id=08e6:4433\n14ms startup devices-listed\n"
	     "15ms pcsc reader " CARD "card=present counter=1" ATR "\n"
	     "15ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=1" ATR "\n15ms pcsc pcsc-listed\n"
	     "9s daemon time\n10s uevent device-remove usb=1:6",
	 "recheck|rechecked|act 4 terminate|removal 4 reader uevent|action 4 logout"},
	{"… it does not: absent",
	 "10ms uevent device-remove usb=1:6\n12ms uevent lost\n"
	 "13ms record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=1" ATR " path=1-2\n"
	 "14ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n14ms startup devices-listed",
	 "recheck|act 4 lock|removal 4 absent startup|action 4 lock"},
	{"… it does not come: absent, when the doubt is over",
	 "10ms uevent device-remove usb=1:6\n12ms uevent lost\n"
	 "13ms record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=1" ATR " path=1-2\n"
	 "2012ms daemon time\n2013ms daemon time",
	 "recheck|act 4 lock|removal 4 absent startup|action 4 lock"},
	{"… and a notice comes from another device at its port: that says nothing",
	 "10ms uevent device-remove usb=1:6\n12ms uevent lost\n"
	 "13ms record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=1" ATR " path=1-2\n"
	 "14ms uevent device-add usb=1:9 path=1-2\n15ms probe slot-change usb=1:9 slots=02\n"
	 "16ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n16ms startup device-add usb=1:9 path=1-2\n"
	 "16ms startup devices-listed",
	 "recheck|act 4 lock|removal 4 absent startup|action 4 lock"},
	{"one ahead of PC/SC, which cannot read the reader for a moment",
	 "10ms record record session=4 user=b name=R7 slot=0 card=present counter=1" ATR "\n"
	 "11ms pcsc reader name=R7 slot=0 card=present counter=2" ATR "\n9s daemon time\n"
	 "10s pcsc reader name=R7 slot=0 card=empty counter=3",
	 "act 4 lock|removal 4 card pcsc|action 4 lock"},
	{"… whose reader says that the card is out; PC/SC then reads it, unmoved: contradicted",
	 SET "action=lock\n5ms uevent device-add usb=1:7 path=1-3\n"
	     "6ms record record session=4 user=b name=R7 slot=0 usb=1:7 card=present counter=1" ATR
	     " path=1-3\n"
	     "10ms probe slot-change usb=1:7 slots=02\n"
	     "20ms pcsc reader name=R7 slot=0 usb=1:7 card=present counter=1" ATR "\n509ms daemon time\n"
	     "510ms daemon time",
	 "act 4 lock|removal 4 card probe|action 4 lock|contradicted 4 card probe"},
	{"… whose reader PC/SC names with another slot: that is not the session's",
	 "5ms uevent device-add usb=1:7 path=1-3\n"
	 "10ms record record session=4 user=b name=R7 slot=1 usb=1:7 card=present counter=1" ATR " path=1-3\n"
	 "20ms pcsc reader name=R7 slot=0 usb=1:7 card=present counter=1" ATR "\n2020ms daemon time\n"
	 "3s pcsc reader name=R7 slot=0 usb=1:7 card=empty counter=2",
	 "comm-error 4"},
	{"… whose device USB does not know: not removed, for PC/SC has its reader there",
	 "10ms pcsc reader name=R7 slot=0 usb=1:7 card=present counter=1" ATR "\n"
	 "5s record record session=4 user=b name=R7 slot=0 usb=1:7 card=present counter=1" ATR " path=1-3\n"
	 "9s daemon time\n10s pcsc reader name=R7 slot=0 usb=1:7 card=empty counter=2",
	 "act 4 lock|removal 4 card pcsc|action 4 lock"},
	{"its reader was pulled and is back, and PC/SC has not noticed",
	 "10ms uevent device-remove usb=1:6\n20ms uevent device-add usb=1:6 path=1-2\n"
	 "30ms record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=0" ATR " path=1-2\n"
	 "500ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=0" ATR "\n9s daemon time\n"
	 "10s uevent device-remove usb=1:6",
	 "act 4 lock|removal 4 reader uevent|action 4 lock"},
	{"its device is back before a listing says so; PC/SC said where its reader was while it was gone",
	 SET "action=lock\n3s pcsc reader name=R7 slot=0 card=present counter=1" ATR "\n"
	     "3001ms uevent device-add usb=1:7 path=1-3\n3002ms uevent device-remove usb=1:7\n"
	     "3003ms record record session=4 user=b name=R7 slot=0 usb=1:7 card=present counter=1" ATR
	     " path=1-3\n"
	     "3004ms pcsc reader name=R7 slot=0 usb=1:7 card=present counter=1" ATR "\n"
	     "3005ms uevent device-add usb=1:7 path=1-3\n"
	     "3500ms pcsc reader name=R7 slot=0 usb=1:7 card=present counter=0" ATR "\n9s daemon time\n"
	     "10s probe slot-change usb=1:7 slots=02",
	 "recheck|comm-error 4|act 4 lock|removal 4 card probe|action 4 lock"},
	{"it says when the card was last seen, in the future: bounded",
	 SET "action=lock\n"
	     "5ms record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=1" ATR
	     " path=1-2 seen=99s\n"
	     "10ms probe slot-change usb=1:6 slots=02",
	 "act 4 lock|removal 4 card probe|action 4 lock"},
	{"… before a notice that the daemon reads later: what is older is about another insertion",
	 SET "action=lock\n"
	     "5s record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=3" ATR
	     " path=1-2 seen=4s\n"
	     "3s probe slot-change now=5s usb=1:6 slots=02\n"
	     "5001ms pcsc reader name=R1 slot=0 usb=1:6 card=present counter=3" ATR "\n9s daemon time\n"
	     "10s probe slot-change usb=1:6 slots=02",
	 "act 4 lock|removal 4 card probe|action 4 lock"},
	{"a port without an address, and the reader of its name is at another port",
	 "10ms record record session=4 user=b name=R1 slot=0 card=present counter=1" ATR " path=1-3\n"
	 "2009ms daemon time\n2010ms daemon time",
	 "act 4 lock|removal 4 reader pcsc|action 4 lock"},
	{"… as is another reader of its family",
	 "9ms pcsc reader name=Q%2000%2000 slot=0 card=present counter=1" ATR "\n"
	 "10ms record record session=4 user=b name=Q%2000%2000 slot=0 card=present counter=1" ATR
	 " path=1-3\n"
	 "11ms pcsc reader name=Q%2001%2000 slot=0 usb=1:6 card=present counter=1" ATR "\n"
	 "12ms pcsc reader-gone name=Q%2000%2000\n2011ms daemon time\n2012ms daemon time",
	 "act 4 lock|removal 4 reader pcsc|action 4 lock"},
	{"a name without an address, and PC/SC names it with a device that USB does not know: by its name, until USB does",
	 SET "action=lock\n10ms pcsc reader name=R7 slot=0 usb=1:7 card=present counter=1" ATR "\n"
	     "20ms record record session=4 user=b name=R7 slot=0 card=present counter=1" ATR "\n"
	     "25ms probe slot-change usb=1:7 slots=02\n1s uevent device-add usb=1:7 path=1-3\n"
	     "2s probe slot-change usb=1:7 slots=02",
	 "act 4 lock|removal 4 card probe|action 4 lock"},

	/* ---- places ---- */
	{"two disconnected devices that a listing still shows: listed once more",
	 "10ms probe device-remove usb=1:6\n11ms probe device-remove usb=1:5\n"
	 "12ms startup device-add usb=1:5 path=1-1\n12ms startup device-add usb=1:6 path=1-2\n"
	 "12ms startup devices-listed\n5011ms daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock|outcome 3 lock unverified|recheck"},
	{"a listing lacks what a uevent reported since it was asked for: that is here",
	 "10ms uevent lost\n11ms uevent device-add usb=1:9 path=1-3\n"
	 "12ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n"
	 "12ms startup device-add usb=1:6 path=1-2 id=08e6:4433\n12ms startup devices-listed\n"
	 "13ms pcsc reader name=R9 slot=0 usb=1:9 card=present counter=1" ATR "\n"
	 "14ms record record session=4 user=b name=R9 slot=0 usb=1:9 card=present counter=1" ATR " path=1-3\n"
	 "15ms uevent device-remove usb=1:9",
	 "recheck|act 4 lock|removal 4 reader uevent|action 4 lock"},
	{"a device whose port is reported first, and then its model",
	 "10ms uevent device-add usb=1:9 path=1-9\n11ms udev device-add usb=1:9 path=1-9 id=08e6:4433", ""},
	{"back in its port with a model that nobody reports",
	 SET "action=lock\n5s uevent device-remove usb=1:5\n5100ms pcsc reader-gone name=R0\n"
	     "6s uevent device-add usb=1:9 path=1-1\n"
	     "7s pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR "\n8s daemon time\n"
	     "10s uevent device-remove usb=1:9",
	 "act 3 lock|removal 3 reader uevent|action 3 lock|restored 3|outcome 3 lock unverified|act 3 lock|"
	 "removal 3 reader uevent|action 3 lock"},
	{"PC/SC knows before the kernel's word that the reader is back in its port, with another address",
	 SET "action=lock\n10ms probe slot-change usb=1:5 slots=02\n"
	     "11ms pcsc reader " CARD "card=empty counter=2\n"
	     "900ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR "\n"
	     "1s uevent device-add usb=1:9 path=1-1 id=08e6:4433\n5s probe device-remove usb=1:9",
	 "act 3 lock|removal 3 card probe|action 3 lock|heard 3 card pcsc|heard 3 reader pcsc|restored 3|"
	 "act 3 lock|outcome 3 lock unverified|removal 3 reader probe|action 3 lock"},
	{"a device becomes another one as the only session of its address finds its own again",
	 SET
	 "action=lock\n5ms uevent device-add usb=1:7 path=1-3\n"
	 "6ms pcsc reader name=R7 slot=0 usb=1:7 card=present counter=1" ATR "\n"
	 "7ms uevent device-remove usb=1:7\n8ms udev device-remove usb=1:7\n"
	 "9ms uevent device-add usb=1:7 path=1-3\n"
	 "9ms pcsc reader name=R7 slot=0 usb=1:7 card=present counter=1" ATR "\n"
	 "10ms uevent device-add usb=1:8 path=1-4\n"
	 "11ms record record session=4 user=b name=R7 slot=0 usb=1:8 card=present counter=1" ATR " path=1-3\n"
	 "12ms pcsc reader name=R7 slot=0 usb=1:7 card=present counter=1" ATR "\n"
	 "3s uevent device-add usb=1:8 path=1-5\n"
	 "4s pcsc reader name=R8 slot=0 usb=1:8 card=present counter=1 atr=3B03\n"
	 "5s record record session=5 user=c name=R8 slot=0 usb=1:8 card=present counter=1 atr=3B03 path=1-5\n"
	 "6s probe device-remove usb=1:8",
	 "act 4 lock|removal 4 absent startup|action 4 lock|restored 4|act 5 lock|removal 5 reader probe|"
	 "action 5 lock"},
	{"its name passes to another device's reader, and its own reader has another name",
	 SET "action=lock\n5s pcsc reader " CARD "card=present counter=1" ATR "\n"
	     "6s pcsc reader name=R0 slot=0 usb=1:6 card=present counter=1" ATR "\n"
	     "7s pcsc reader name=R2 slot=0 usb=1:5 card=present counter=1" ATR "\n9s daemon time\n"
	     "10s probe slot-change usb=1:5 slots=02",
	 "comm-error 3|act 3 lock|removal 3 card probe|action 3 lock"},
	{"PC/SC still names a removed device's reader: where another one of its family is does not follow from it",
	 "2ms pcsc reader name=Q%2000%2000 slot=0 usb=1:5 card=empty counter=0\n"
	 "10ms uevent device-remove usb=1:5\n"
	 "4s pcsc reader name=Q%2001%2000 slot=0 card=present counter=0" ATR "\n7s daemon time",
	 "act 3 lock|removal 3 reader uevent|action 3 lock|outcome 3 lock unverified"},
	{"two new readers where PC/SC still names the old one, and one interface: nobody can tell which is the session's",
	 "3s daemon time\n10s probe device-remove usb=1:5\n"
	 "11s uevent device-add usb=1:5 path=1-1 id=08e6:4433\n"
	 "11030ms pcsc reader " CARD "card=present counter=1" ATR "\n"
	 "11031ms pcsc reader name=R8 slot=0 usb=1:5 card=empty counter=0\n"
	 "11032ms pcsc reader name=R9 slot=0 usb=1:5 card=empty counter=0\n12s daemon time",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"pcscd gives its slot another name, beside another slot of the device",
	 SET "action=lock\n3ms pcsc pcsc-down\n4s pcsc pcsc-up\n"
	     "4s pcsc reader name=R4 slot=1 usb=1:5 card=empty counter=0\n"
	     "4s pcsc reader name=R5 slot=0 usb=1:5 card=present counter=0" ATR "\n4s pcsc pcsc-listed\n"
	     "9s daemon time\n10s pcsc reader name=R5 slot=0 usb=1:5 card=empty counter=1",
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"PC/SC still names the last life's reader, of another name than the record's: the session waits for its own",
	 SET "action=lock\n3s uevent device-remove usb=1:6\n"
	     "4s uevent device-add usb=1:6 path=1-2 id=08e6:4433\n"
	     "6s record record session=4 user=b name=R7 slot=0 usb=1:6 card=present counter=1" ATR
	     " path=1-2\n"
	     "7s pcsc reader name=R7 slot=0 usb=1:6 card=present counter=1" ATR "\n"
	     "7100ms pcsc reader-gone name=R1\n9s daemon time\n10s probe slot-change usb=1:6 slots=02",
	 "act 4 lock|removal 4 card probe|action 4 lock"},
	{"two slots: the reader is pulled and is back at once, and PC/SC has not noticed it of the other slot",
	 SET "action=lock\n5ms pcsc reader name=R4 slot=1 usb=1:5 card=empty counter=0\n"
	     "6s pcsc reader-gone name=R4\n6s pcsc reader name=R4 slot=1 usb=1:5 card=empty counter=0\n"
	     "6s pcsc reader-gone name=R0\n6001ms pcsc reader " CARD "card=present counter=0" ATR "\n"
	     "6100ms uevent device-remove usb=1:5\n6200ms uevent device-add usb=1:5 path=1-1 id=08e6:4433\n"
	     "6300ms pcsc reader " CARD "card=present counter=0" ATR "\n8200ms daemon time\n"
	     "9s probe slot-change usb=1:5 slots=02",
	 "comm-error 3|act 3 lock|removal 3 reader uevent|action 3 lock|restored 3|act 3 lock|"
	 "outcome 3 lock unverified|removal 3 card probe|action 3 lock"},
	{"two interfaces and a second slot: a notice from an unknown endpoint is no removal",
	 SET "action=lock\n3ms pcsc reader name=R2 slot=0 usb=1:5 card=empty counter=0\n"
	     "3ms pcsc reader name=R4 slot=1 usb=1:5 card=empty counter=0\n"
	     "10s probe slot-change usb=1:5 slots=02 endpoint=81",
	 ""},
	{"PcscLost=lock; then the probe starts, and the reader says that the card is out: a removal like any other",
	 "2ms record settings session=3 pcsc-lost=lock\n10ms pcsc pcsc-down\n5010ms daemon time\n"
	 "6s daemon probe\n7s probe slot-change usb=1:5 slots=02",
	 "act 3 lock|removal 3 pcsc-lost pcsc|action 3 lock|act 3 lock|outcome 3 lock unverified|"
	 "removal 3 card probe|action 3 lock"},

	/* ---- sleep ---- */
	{"asleep: the reader says \"out\", leaves, and is back with the card: nobody touched it",
	 SET "action=lock\n10ms logind sleep\n11ms probe slot-change usb=1:5 slots=02\n"
	     "12ms probe device-remove usb=1:5\n20ms logind resume\n21ms startup devices-listed\n"
	     "22ms pcsc pcsc-listed\n1s uevent device-add usb=1:9 path=1-1 id=08e6:4433\n"
	     "1500ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR "\n9s daemon time\n"
	     "10s probe device-remove usb=1:9",
	 "recheck|rechecked|act 3 lock|removal 3 reader probe|action 3 lock"},
	{"asleep: a notice of a device that is gone says nothing",
	 SET "action=lock\n10ms logind sleep\n11ms uevent device-remove usb=1:5\n"
	     "12ms probe slot-change usb=1:5 slots=02\n20ms logind resume\n21ms startup devices-listed\n"
	     "23ms uevent device-add usb=1:9 path=1-1 id=08e6:4433\n"
	     "24ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR "\n9s daemon time\n"
	     "10s probe device-remove usb=1:9",
	 "recheck|act 3 lock|removal 3 reader probe|action 3 lock"},
	{"asleep: the card is out and in again before PC/SC names its reader: absent, and guarded again",
	 SET "action=lock\n10ms logind sleep\n11ms probe device-remove usb=1:5\n"
	     "12ms uevent device-add usb=1:9 path=1-1 id=08e6:4433\n13ms pcsc reader-gone name=R0\n"
	     "14ms pcsc reader name=R0 slot=0 usb=1:9 card=empty counter=2\n"
	     "15ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=5" ATR "\n20ms logind resume\n"
	     "21ms startup device-add usb=1:9 path=1-1 id=08e6:4433\n21ms startup devices-listed\n"
	     "22ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=5" ATR "\n22ms pcsc pcsc-listed",
	 "recheck|act 3 lock|removal 3 absent startup|action 3 lock|restored 3|rechecked"},
	{"awake again: the card is removed from the reader that is back, before PC/SC names it",
	 "3s daemon time\n" SET "action=lock\n10s logind sleep\n10011ms uevent device-remove usb=1:5\n"
	 "10012ms uevent device-add usb=1:9 path=1-1 id=08e6:4433\n10020ms logind resume\n"
	 "10021ms probe slot-change usb=1:9 slots=\n10022ms probe slot-change usb=1:9 slots=03\n"
	 "10023ms startup device-add usb=1:9 path=1-1 id=08e6:4433\n10023ms startup devices-listed\n"
	 "10024ms pcsc pcsc-listed\n11s probe slot-change usb=1:9 slots=02",
	 "recheck|rechecked|act 3 lock|removal 3 card probe|action 3 lock"},
	{"… from another model in its port: that is not its reader",
	 SET
	 "action=lock\n10ms logind sleep\n11ms uevent device-remove usb=1:5\n"
	 "12ms uevent device-add usb=1:9 path=1-1 id=0001:0002\n20ms logind resume\n"
	 "21ms probe slot-change usb=1:9 slots=02\n22ms startup device-add usb=1:9 path=1-1 id=0001:0002\n"
	 "22ms startup devices-listed\n23ms pcsc pcsc-listed\n5020ms daemon time",
	 "recheck|rechecked|act 3 lock|removal 3 absent startup|action 3 lock"},
	{"… which has two interfaces: a notice does not say whose card it was",
	 SET "action=lock\n3ms pcsc reader name=R2 slot=0 usb=1:5 card=empty counter=0\n5s daemon time\n"
	     "10s logind sleep\n10011ms uevent device-remove usb=1:5\n"
	     "10012ms uevent device-add usb=1:9 path=1-1 id=08e6:4433\n10020ms logind resume\n"
	     "10022ms probe slot-change usb=1:9 slots=02\n"
	     "10023ms startup device-add usb=1:9 path=1-1 id=08e6:4433\n10023ms startup devices-listed\n"
	     "10024ms pcsc reader-gone name=R0\n10024ms pcsc reader-gone name=R2\n10024ms pcsc pcsc-listed\n"
	     "10025ms pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR "\n"
	     "10026ms pcsc reader name=R2 slot=0 usb=1:9 card=empty counter=0\n19s daemon time\n"
	     "20s probe device-remove usb=1:9",
	 "recheck|rechecked|act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… of which PC/SC names two by now, where there was one: nobody can tell which is its own",
	 SET "action=lock\n5s daemon time\n10s logind sleep\n10011ms uevent device-remove usb=1:5\n"
	     "10012ms uevent device-add usb=1:9 path=1-1 id=08e6:4433\n10020ms logind resume\n"
	     "10021ms pcsc reader name=R8 slot=0 usb=1:9 card=unavailable counter=0\n"
	     "10021ms pcsc reader name=R9 slot=0 usb=1:9 card=empty counter=0\n"
	     "10022ms probe slot-change usb=1:9 slots=02\n"
	     "10023ms startup device-add usb=1:9 path=1-1 id=08e6:4433\n10023ms startup devices-listed\n"
	     "10024ms pcsc reader-gone name=R0\n10024ms pcsc pcsc-listed\n15020ms daemon time",
	 "recheck|rechecked|comm-error 3"},
	{"awake again, and nobody said that it would sleep: nothing that loses work for 5 s",
	 SET "action=logout\n10ms logind resume\n11ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n"
	     "11ms startup devices-listed\n12ms pcsc reader " CARD "card=present counter=1" ATR "\n"
	     "12ms pcsc pcsc-listed\n1s probe slot-change usb=1:5 slots=02\n"
	     "1001ms pcsc reader " CARD "card=empty counter=2\n1500ms daemon time\n5009ms daemon time\n"
	     "5010ms daemon time",
	 "recheck|rechecked|removal 3 card probe|heard 3 card pcsc|act 3 terminate|action 3 logout"},

	/* ---- which reader, and where ---- */
	{"PC/SC still says that the reader of the record's name is elsewhere",
	 SET "action=lock\n5ms uevent device-add usb=1:7 path=1-3\n"
	     "10ms record record session=4 user=b name=R1 slot=0 usb=1:7 card=present counter=0" ATR
	     " path=1-3\n"
	     "500ms pcsc reader name=R1 slot=0 usb=1:7 card=present counter=0" ATR "\n9s daemon time\n"
	     "10s probe slot-change usb=1:7 slots=02",
	 "act 4 lock|removal 4 card probe|action 4 lock"},
	{"… says it later, and then gives its reader another name",
	 SET "action=lock\n5ms uevent device-add usb=1:7 path=1-3\n"
	     "6ms pcsc reader name=R7 slot=0 card=unavailable counter=1\n"
	     "10ms record record session=4 user=b name=R7 slot=0 usb=1:7 card=present counter=1" ATR
	     " path=1-3\n"
	     "20ms pcsc reader name=R7 slot=0 usb=1:6 card=empty counter=2\n"
	     "2s pcsc reader name=R8 slot=0 usb=1:7 card=present counter=1" ATR "\n9s daemon time\n"
	     "10s probe slot-change usb=1:7 slots=02",
	 "comm-error 4|act 4 lock|removal 4 card probe|action 4 lock"},
	{"another interface of its device, while its reader cannot be read and PC/SC does not say where that is",
	 "5ms uevent device-add usb=1:7 path=1-3\n"
	 "6ms pcsc reader name=R7 slot=0 card=unavailable counter=1\n"
	 "7ms record record session=4 user=b name=R7 slot=0 usb=1:7 card=present counter=1" ATR " path=1-3\n"
	 "8ms pcsc reader name=R8 slot=0 usb=1:7 card=empty counter=0\n"
	 "3s pcsc reader name=R7 slot=0 usb=1:7 card=present counter=2" ATR "\n9s daemon time\n"
	 "10s pcsc reader name=R7 slot=0 usb=1:7 card=empty counter=3",
	 "comm-error 4|act 4 lock|removal 4 card pcsc|action 4 lock"},
	{"pulled and back, with a second reader that PC/SC had just named there: its own is the one of its name",
	 "3s daemon time\n4s pcsc reader name=R2 slot=0 usb=1:5 card=empty counter=0\n"
	 "4100ms uevent device-remove usb=1:5\n4200ms uevent device-add usb=1:5 path=1-1 id=08e6:4433\n"
	 "4300ms pcsc reader " CARD "card=present counter=0" ATR "\n6199ms daemon time\n6200ms daemon time\n"
	 "9s uevent device-remove usb=1:5",
	 "act 3 lock|removal 3 reader uevent|action 3 lock|restored 3|act 3 lock|outcome 3 lock unverified|"
	 "removal 3 reader uevent|action 3 lock"},
	{"its device's port is reported when PC/SC has read the card there, and is another one than the record's",
	 "5ms uevent device-add usb=1:7\n"
	 "10ms record record session=4 user=b name=R7 slot=0 usb=1:7 card=present counter=1" ATR " path=1-3\n"
	 "11ms pcsc reader name=R7 slot=0 usb=1:7 card=present counter=1" ATR "\n"
	 "12ms udev device-add usb=1:7 path=1-4",
	 "act 4 lock|removal 4 absent startup|action 4 lock"},

	/* ---- a token that is a USB device by itself ---- */
	{"pulled and back in its port, at the address that it had: guarded again",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes\n"
	 "10s uevent device-remove usb=1:8\n11s pcsc reader " CARD "card=present counter=1" ATR "\n"
	 "12s uevent device-add usb=1:8 path=1-4 id=1050:0407\n13s daemon time\n"
	 "20s uevent device-remove usb=1:8",
	 "act 4 lock|removal 4 reader uevent|action 4 lock|restored 4|outcome 4 lock unverified|act 4 lock|"
	 "removal 4 reader uevent|action 4 lock"},
	{"… within Settle=: forgotten",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes settle=2s\n"
	 "10s uevent device-remove usb=1:8\n11s uevent device-add usb=1:9 path=1-4 id=1050:0407\n"
	 "15s daemon time",
	 "settled 4"},
	{"… and nobody reported that it was pulled: absent, and guarded again",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes\n"
	 "10s uevent device-add usb=1:9 path=1-4 id=1050:0407\n10001ms daemon time",
	 "act 4 lock|removal 4 absent startup|action 4 lock|restored 4"},
	{"… and nothing locks the session: that it is back ends the second stage",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes then=logout after=20s\n"
	 "7ms logind session-kind session=4 kind=local,tty\n10s uevent device-remove usb=1:8\n"
	 "11s uevent device-add usb=1:9 path=1-4 id=1050:0407\n40s daemon time",
	 "act 4 lock|removal 4 reader uevent|cannot-lock 4|countdown 4 logout 20000ms|restored 4|"
	 "cancelled 4 logout"},
	{"… when the second stage waits for the machine's devices after sleep: it is taken",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes then=logout after=3s\n"
	 "7ms logind session-kind session=4 kind=local,tty\n10s uevent device-remove usb=1:8\n"
	 "11s logind sleep\n12s logind resume\n13s daemon time\n"
	 "14s uevent device-add usb=1:9 path=1-4 id=1050:0407\n16999ms daemon time\n17s daemon time",
	 "act 4 lock|removal 4 reader uevent|cannot-lock 4|countdown 4 logout 3000ms|recheck|restored 4|"
	 "act 4 terminate|action 4 logout"},
	{"an earlier daemon acted on its removal, and it is here: guarded when its person unlocks",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes away=yes\n"
	 "7ms record record session=5 user=c name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes away=yes\n"
	 "8ms logind session-locked session=4\n10s uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "20s logind session-unlocked session=4\n30s uevent device-remove usb=1:8",
	 "restored 4|act 4 lock|removal 4 reader uevent|action 4 lock"},
	{"unlocked without it, and no such device is plugged in: unguarded",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes\n"
	 "10s uevent device-remove usb=1:8\n10100ms logind session-locked session=4\n"
	 "20s logind session-unlocked session=4",
	 "act 4 lock|removal 4 reader uevent|action 4 lock|outcome 4 lock verified|unguarded 4"},
	{"… with it in another port: bound to it there",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes\n"
	 "7ms uevent device-add usb=1:20 path=1-20\n10s uevent device-remove usb=1:8\n"
	 "10100ms logind session-locked session=4\n11s uevent device-add usb=1:9 path=1-5 id=1050:0407\n"
	 "20s logind session-unlocked session=4\n30s uevent device-remove usb=1:9",
	 "act 4 lock|removal 4 reader uevent|action 4 lock|outcome 4 lock verified|restored 4|act 4 lock|"
	 "removal 4 reader uevent|action 4 lock"},
	{"… while two are plugged in: unguarded, told once",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes\n"
	 "10s uevent device-remove usb=1:8\n10100ms logind session-locked session=4\n"
	 "11s uevent device-add usb=1:9 path=1-5 id=1050:0407\n"
	 "12s uevent device-add usb=1:10 path=1-6 id=1050:0407\n20s logind session-unlocked session=4",
	 "act 4 lock|removal 4 reader uevent|action 4 lock|outcome 4 lock verified|unguarded 4"},
	{"… and the only one guards another person's session: unguarded; one of the same person's does not count",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes\n"
	 "7ms uevent device-add usb=1:9 path=1-5 id=1050:0407\n"
	 "8ms record record session=5 user=b name=Key slot=0 usb=1:9 path=1-5 id=1050:0407 usb-token=yes\n"
	 "9ms record record session=6 user=c name=Key slot=0 usb=1:9 path=1-5 id=1050:0407 usb-token=yes\n"
	 "10s uevent device-remove usb=1:8\n10100ms logind session-locked session=4\n"
	 "20s logind session-unlocked session=4",
	 "act 4 lock|removal 4 reader uevent|action 4 lock|outcome 4 lock verified|unguarded 4"},
	{"a card's session at the same device: two names are no two interfaces",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes\n"
	 "7ms record record session=5 user=b name=R7 slot=0 usb=1:8 card=present counter=1" ATR
	 " path=1-4 id=1050:0407\n"
	 "8ms pcsc reader name=R7 slot=0 usb=1:8 card=present counter=1" ATR "\n"
	 "5s pcsc reader name=R7 slot=0 usb=1:8 card=empty counter=2",
	 "act 5 lock|removal 5 card pcsc|action 5 lock"},
	{"PcscLost=lock: pcscd says nothing of it anyway",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes pcsc-lost=lock\n"
	 "10ms pcsc pcsc-down\n9s daemon time",
	 ""},
	{"a record that is read while a listing is on its way, and such a device is in its port: the listing decides",
	 "5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n10ms uevent device-remove usb=1:8\n"
	 "12ms uevent lost\n"
	 "13ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes\n"
	 "14ms uevent device-add usb=1:9 path=1-4 id=1050:0407\n"
	 "15ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n"
	 "15ms startup device-add usb=1:9 path=1-4 id=1050:0407\n15ms startup devices-listed\n"
	 "16ms daemon time",
	 "recheck|act 4 lock|removal 4 absent startup|action 4 lock|restored 4"},
	{"asleep: it is enumerated again, and a smart card on it says \"out\": guarded, as it never left",
	 SET
	 "action=lock\n5ms uevent device-add usb=1:8 path=1-4 id=1050:0407\n"
	 "6ms record record session=4 user=b name=Key slot=0 usb=1:8 path=1-4 id=1050:0407 usb-token=yes\n"
	 "10s logind sleep\n10010ms uevent device-remove usb=1:8\n"
	 "10020ms uevent device-add usb=1:9 path=1-4 id=1050:0407\n"
	 "10025ms probe slot-change usb=1:9 slots=02\n11s logind resume\n20s daemon time\n"
	 "30s uevent device-remove usb=1:9",
	 "recheck|act 4 lock|removal 4 reader uevent|action 4 lock"},
};

/* ---- putting a row through the core --------------------------------------------------------------------- */

struct heard {
	char text[4096];
};

static bool only_prepares(enum verdict_type type)
{
	return type == VERDICT_ARM || type == VERDICT_DISARM || type == VERDICT_WATCH ||
	       type == VERDICT_UNWATCH || type == VERDICT_REREAD || type == VERDICT_LOCATE ||
	       type == VERDICT_BOUND || type == VERDICT_DEALT;
}

static void note(void *userdata, const struct verdict *verdict)
{
	struct heard *heard = userdata;
	char line[TRACE_LINE_MAX];

	/* As the trail does: settings that were freed are noticed. */
	if (verdict->settings)
		assert_non_null(memchr(verdict->settings->rule, '\0', RULE_NAME_SIZE));
	if (only_prepares(verdict->type))
		return;
	if (heard->text[0])
		strcat(heard->text, "|");
	strcat(heard->text, trace_format_verdict(verdict, line));
}

/* Settings are borrowed by the world: the events that brought them live as long as it. */
static struct trace_event events[64];
static size_t event_count;

/* The core is in one of the states that core.h shows. */
static void check(const struct world *world, const char *after)
{
	const char *wrong = world_check(world);

	if (wrong)
		fail_msg("%s: %s", after, wrong);
}

static void tell(struct world *world, const char *lines)
{
	char copy[8192], *rest = NULL;

	assert_true(strlen(lines) < sizeof(copy));
	strcpy(copy, lines);
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct trace_error error = {0};
		struct trace_event *event = &events[event_count++];

		assert_true(event_count < ELEMENTS(events));
		if (trace_parse(line, event, &error) < 0)
			fail_msg("%s: %s", line, error.text);
		assert_int_equal(world_event(world, &event->event), 0);
		check(world, line);
	}
}

/* What a restarted daemon has to know: the insertion and the address that the session is bound to. */
static void note_bound(void *userdata, const struct verdict *verdict)
{
	struct heard *heard = userdata;
	char line[TRACE_LINE_MAX];

	if (verdict->type == VERDICT_BOUND)
		strcat(strcat(heard->text, "|"), trace_format_verdict(verdict, line));
}

static void test_bound(void **state _unused_)
{
	struct heard heard = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note_bound, &heard, &world), 0);
	tell(world, start);
	assert_string_equal(heard.text, "");
	tell(world,
	     "10ms probe slot-change usb=1:5 slots=02\n15ms pcsc reader " CARD "card=empty counter=2\n"
	     "900ms pcsc reader " CARD "card=present counter=3" ATR "\n2s probe device-remove usb=1:5\n"
	     "2100ms pcsc reader-gone name=R0\n3s uevent device-add usb=1:9 path=1-1 id=08e6:4433\n"
	     "4s pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR "\n"
	     "5s pcsc reader name=R0 slot=0 usb=1:9 card=unavailable counter=0\n"
	     "6s pcsc reader name=R0 slot=0 usb=1:9 card=present counter=1" ATR);
	assert_string_equal(heard.text,
			    "|bound 3 usb=1:5 counter=3|bound 3 usb=1:9 counter=0|bound 3 usb=1:9 counter=1");
	world_free(world);
}

/* What is told, calls that are made ready, and what a restarted daemon has to know. */
static void note_all_kept(void *userdata, const struct verdict *verdict)
{
	struct heard *heard = userdata;
	char line[TRACE_LINE_MAX];

	if (verdict->type == VERDICT_ACT || verdict->type == VERDICT_KEPT || verdict->type == VERDICT_ARM ||
	    verdict->type == VERDICT_BOUND || verdict->type == VERDICT_DEALT)
		strcat(strcat(heard->text, "|"), trace_format_verdict(verdict, line));
}

/* Keep=any, and the lock was used for an absence of pcscd: it is ready for the removal of the token that stays. */
static void test_kept_is_guarded(void **state _unused_)
{
	struct heard heard = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note_all_kept, &heard, &world), 0);
	tell(world, start);
	tell(world, "2ms " RECORD_KEY_11 "5ms record record session=3 user=card " CARD
		    "card=present counter=1" ATR " keep=yes pcsc-lost=lock\n"
		    "10ms pcsc pcsc-down\n5010ms daemon time\n6s pcsc pcsc-up\n6s pcsc pcsc-listed\n");
	heard.text[0] = '\0';
	tell(world, "7s uevent device-remove usb=1:5");
	assert_string_equal(heard.text, "|kept 3 reader uevent|arm 3 lock|bound 3 usb=1:11 counter=0");
	world_free(world);
}

/* When PC/SC is asked where the readers are. */
static void note_located(void *userdata, const struct verdict *verdict)
{
	struct heard *located = userdata;

	if (verdict->type == VERDICT_LOCATE)
		sprintf(located->text + strlen(located->text), " %llu",
			(unsigned long long)(verdict->stamp / NSEC_PER_MSEC));
}

/* As the daemon does: each time when it is due. */
static void pass_time(struct world *world)
{
	while (world_deadline(world) != UINT64_MAX) {
		struct event event = {
			.type = EVENT_TIME, .source = SOURCE_DAEMON, .stamp = world_deadline(world)};

		assert_int_equal(world_event(world, &event), 0);
		check(world, "daemon time");
	}
}

/* A reader that came back under its name is still told of where it was: PC/SC is asked, a pcscd that hangs not for ever. */
static void test_stale_reader(void **state _unused_)
{
	struct heard located = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note_located, &located, &world), 0);
	tell(world, start);
	tell(world, "10ms probe device-remove usb=1:5");
	pass_time(world);
	assert_string_equal(located.text, " 510 1510 3510 7510 15510 31510 63510");

	/* Told where it is now: settled. */
	located.text[0] = '\0';
	tell(world,
	     "170s pcsc reader name=R0 slot=0 usb=1:9 card=present counter=0" ATR
	     "\n170s probe device-remove usb=1:9\n"
	     "170090ms uevent device-add usb=1:10 path=1-1 id=08e6:4433\n170100ms pcsc reader name=R0 slot=0 usb=1:10 card=present counter=0" ATR);
	pass_time(world);
	assert_string_equal(located.text, "");

	/* The reader left, as it does. */
	tell(world, "180s probe device-remove usb=1:10\n180300ms pcsc reader-gone name=R0");
	pass_time(world);
	assert_string_equal(located.text, "");

	/* Found by a listing. */
	tell(world, "190s startup device-add usb=1:5 path=1-1\n190s startup devices-listed");
	pass_time(world);
	assert_string_equal(located.text, " 190500 191500 193500 197500 205500 221500 253500");
	world_free(world);
}

/* A reload frees the settings of a case whose outcome the next removal overtook: the outcome is reported without them. */
static void test_overtaken(void **state _unused_)
{
	static const char *const lines[] = {
		"2ms record settings session=3 settle=2s unit=first@.service",
		"1s probe slot-change usb=1:5 slots=02",
		"3s daemon time",
		"3500ms pcsc reader " CARD "card=present counter=3" ATR,
		"4s probe slot-change usb=1:5 slots=02",
		"4100ms record settings session=3 settle=2s unit=second@.service",
		"6s daemon time",
	};
	struct trace_event *set = NULL;
	struct heard heard = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note, &heard, &world), 0);
	tell(world, start);
	for (size_t i = 0; i < ELEMENTS(lines); i++) {
		struct trace_event *event = malloc(sizeof(*event));
		struct trace_error error;

		assert_non_null(event);
		assert_int_equal(trace_parse(lines[i], event, &error), 0);
		assert_int_equal(world_event(world, &event->event), 0);
		check(world, lines[i]);
		if (event->event.type == EVENT_SETTINGS) {
			free(set);
			set = event;
		} else
			free(event);
	}
	assert_string_equal(
		heard.text,
		"act 3 lock|removal 3 card probe|unit 3 first@.service|action 3 lock|heard 3 card pcsc|restored 3|"
		"outcome 3 lock unverified|act 3 lock|removal 3 card probe|unit 3 second@.service|"
		"action 3 lock");
	world_free(world);
	free(set);
}

static void tell_crowd(struct world *world, const char *when, unsigned first, const char *usb)
{
	struct trace_event event;
	struct trace_error error;
	char line[128];

	for (unsigned i = 0; i <= 64; i++) { /* PC/SC names 16 at most */
		snprintf(line, sizeof(line),
			 "%s pcsc reader name=Q%%20%02u%%2000 slot=0 %s card=empty counter=0", when,
			 first + i, usb);
		assert_int_equal(trace_parse(line, &event, &error), 0);
		assert_int_equal(world_event(world, &event.event), 0);
		check(world, line);
	}
}

/* Among so many like readers, none of which says where it is, nobody looks for a session's: it says that it is not known. */
static void test_crowd(void **state _unused_)
{
	struct heard heard = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note, &heard, &world), 0);
	tell(world, start);
	tell(world,
	     "1s pcsc reader name=Q%2099%2000 slot=0 card=present counter=1" ATR "\n"
	     "1s record record session=8 user=b name=Q%2099%2000 slot=0 usb=0:0 card=present counter=1" ATR
	     "\n"
	     "10s pcsc pcsc-down\n20s pcsc pcsc-up");
	tell_crowd(world, "20s", 0, "usb=0:0");
	tell(world, "20s pcsc reader " CARD "card=present counter=0" ATR
		    "\n20s pcsc pcsc-listed\n22s daemon time\n30s daemon time");
	assert_string_equal(heard.text, "comm-error 8");

	/* Nor can a notice tell whose slot it means, where so many have one. */
	tell_crowd(world, "31s", 0, "usb=1:5");
	tell(world,
	     "35s probe slot-change usb=1:5 slots=02\n35s probe slot-change usb=1:5 endpoint=2 slots=02\n36s pcsc reader-gone name=Q%2000%2000");
	assert_string_equal(heard.text, "comm-error 8");

	/* One that is known by its address is watched as ever. */
	tell(world, "38s daemon time\n40s probe device-remove usb=1:5");
	assert_string_equal(heard.text, "comm-error 8|act 3 lock|removal 3 reader probe|action 3 lock");

	/* Nor is a card that its person may have carried to another one found. */
	heard.text[0] = '\0';
	tell(world, "41s logind session-locked session=3\n50s logind session-unlocked session=3");
	assert_string_equal(heard.text, "outcome 3 lock verified|unguarded 3");
	world_free(world);
}

/* One device with so many readers: a name at its address counts, and nothing follows from how many there are. */
static void test_crowded_device(void **state _unused_)
{
	struct heard heard = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note, &heard, &world), 0);
	tell(world, start);
	tell(world, "3s daemon time");
	tell_crowd(world, "4s", 0, "usb=1:5");
	tell(world, "5s record record session=4 user=b name=R7 slot=0 usb=1:5 card=present counter=1" ATR
		    " path=1-1\n6s daemon time\n7s daemon time");
	assert_string_equal(heard.text, "comm-error 4");

	/* PC/SC still names the reader that was pulled: it may be an older one, until PC/SC has had its time. */
	heard.text[0] = '\0';
	tell(world, "9s logind session-ended session=4\n10s probe device-remove usb=1:5\n"
		    "11s uevent device-add usb=1:5 path=1-1 id=08e6:4433\n"
		    "11100ms pcsc reader " CARD "card=present counter=0" ATR "\n12999ms daemon time");
	assert_string_equal(heard.text, "act 3 lock|removal 3 reader probe|action 3 lock");
	heard.text[0] = '\0';
	tell(world,
	     "13s daemon time\n14s pcsc reader-gone name=Q%2000%2000\n15s probe device-remove usb=1:5");
	assert_string_equal(
		heard.text,
		"restored 3|outcome 3 lock unverified|act 3 lock|removal 3 reader probe|action 3 lock");
	world_free(world);
}

/* A reader whose slot no notice has a place for: its interface's endpoint cannot be learnt. */
static void test_slot_beyond(void **state _unused_)
{
	struct reader_state beyond = {.name = "R7", .slot = 40, .usb = {1, 5}, .card = CARD_EMPTY};
	struct heard heard = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note, &heard, &world), 0);
	tell(world, start);
	for (unsigned second = 10; second < 13; second++) {
		char notice[64];

		snprintf(notice, sizeof(notice), "%us probe slot-change usb=1:5 slots=03 endpoint=81",
			 second);
		tell(world, notice);
		beyond.event_counter++;
		assert_int_equal(world_event(world, &(struct event){.type = EVENT_READER,
								    .source = SOURCE_PCSC,
								    .stamp = second * NSEC_PER_SEC,
								    .reader = &beyond}),
				 0);
		check(world, "a slot beyond");
	}
	assert_string_equal(heard.text, "");
	world_free(world);
}

/* Cases that do not start with the card in and everything listed. */
static const struct row from_nothing[] = {
	{"PC/SC names no addresses, and nobody lists USB devices: the name is all there is",
	 "1ms record record session=3 user=card " CARD "card=present counter=1" ATR " path=1-1 id=08e6:4433\n"
	 "2ms pcsc pcsc-up\n2ms pcsc reader name=R0 slot=0 card=present counter=1" ATR
	 "\n2ms pcsc pcsc-listed\n10s pcsc reader name=R0 slot=0 card=empty counter=2",
	 "act 3 lock|removal 3 card pcsc|action 3 lock"},
	{"two records name two readers of one device; PC/SC names one: they are of different lives of pcscd",
	 "0ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n0ms startup devices-listed\n"
	 "1ms record record session=3 user=card " CARD "card=present counter=1" ATR " path=1-1 id=08e6:4433\n"
	 "1ms record record session=4 user=card name=R1 slot=0 usb=1:5 card=present counter=1" ATR
	 " path=1-1 id=08e6:4433\n"
	 "2ms pcsc pcsc-up\n3ms pcsc reader " CARD "card=present counter=1" ATR "\n3ms pcsc pcsc-listed\n"
	 "10s pcsc reader " CARD "card=empty counter=2",
	 "act 3 lock|act 4 lock|removal 3 card pcsc|action 3 lock|removal 4 card pcsc|action 4 lock"},
	{"… and it still names one of another family where a device has left: that one is none of its own",
	 "0ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n0ms startup device-add usb=1:6 path=1-2 id=076b:3031\n"
	 "0ms startup devices-listed\n"
	 "1ms record record session=3 user=card " CARD "card=present counter=1" ATR " path=1-1 id=08e6:4433\n"
	 "1ms record record session=4 user=card name=R1 slot=0 usb=1:5 card=present counter=1" ATR
	 " path=1-1 id=08e6:4433\n"
	 "2ms pcsc pcsc-up\n2ms pcsc reader name=Model%2000%2000 slot=0 usb=1:6 card=empty counter=0\n"
	 "2ms pcsc reader name=Model%2000%2001 slot=1 usb=1:6 card=empty counter=0\n2ms uevent device-remove usb=1:6\n"
	 "3ms pcsc reader " CARD "card=present counter=1" ATR "\n3ms pcsc pcsc-listed\n"
	 "10s pcsc reader " CARD "card=empty counter=2",
	 "act 3 lock|act 4 lock|removal 3 card pcsc|action 3 lock|removal 4 card pcsc|action 4 lock"},
	{"nobody lists USB devices: a card that is back is where PC/SC says",
	 "1ms pcsc pcsc-up\n1ms pcsc reader name=R0 slot=0 card=present counter=1" ATR
	 "\n1ms pcsc pcsc-listed\n"
	 "2ms record record session=3 user=card name=R0 slot=0 card=present counter=1" ATR "\n"
	 "10s pcsc reader name=R0 slot=0 card=empty counter=2\n"
	 "12s pcsc reader " CARD "card=present counter=3" ATR "\n20s uevent device-remove usb=1:5",
	 "act 3 lock|removal 3 card pcsc|action 3 lock|restored 3|"
	 "act 3 lock|outcome 3 lock unverified|removal 3 reader uevent|action 3 lock"},
	{"a record ahead of PC/SC, whose count stays behind: absent, when the doubt is over",
	 "0ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n0ms startup devices-listed\n"
	 "1ms pcsc pcsc-up\n"
	 "1ms record record session=3 user=card " CARD "card=present counter=9" ATR " path=1-1 id=08e6:4433\n"
	 "2ms pcsc reader " CARD "card=present counter=5" ATR "\n2ms pcsc pcsc-listed\n2000ms daemon time\n"
	 "2001ms daemon time",
	 "act 3 lock|removal 3 absent startup|action 3 lock"},
	{"two records with one address, at two ports: the second one's card is not where it was",
	 "0ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n0ms startup devices-listed\n"
	 "1ms record record session=3 user=card " CARD "card=present counter=1" ATR " path=1-1\n"
	 "1ms record record session=4 user=b name=R1 slot=0 usb=1:5 card=present counter=1" ATR " path=1-2\n"
	 "2ms pcsc pcsc-up\n3ms pcsc reader " CARD "card=present counter=1" ATR "\n3ms pcsc pcsc-listed\n"
	 "3s daemon time",
	 "act 4 lock|removal 4 absent startup|action 4 lock"},
	{"a uevent while the first listing runs, which lacks the device: it is here",
	 "0ms uevent device-add usb=1:5 path=1-1\n1ms startup devices-listed\n2ms pcsc pcsc-up\n"
	 "2ms pcsc reader " CARD "card=present counter=1" ATR "\n2ms pcsc pcsc-listed\n"
	 "3ms record record session=3 user=card " CARD "card=present counter=1" ATR " path=1-1\n"
	 "9s daemon time\n10s uevent device-remove usb=1:5",
	 "act 3 lock|removal 3 reader uevent|action 3 lock"},
	{"nobody lists USB devices; PC/SC knows where the reader is: the probe's word counts",
	 "1ms record record session=3 user=card name=R0 slot=0 card=present counter=1" ATR "\n"
	 "2ms pcsc pcsc-up\n3ms pcsc reader " CARD "card=present counter=1" ATR "\n3ms pcsc pcsc-listed\n"
	 "10s probe device-remove usb=1:5",
	 "act 3 lock|removal 3 reader probe|action 3 lock"},
	{"… and cannot read it: told when the doubt is over",
	 "1ms record record session=3 user=card " CARD "card=present counter=1" ATR " path=1-1\n"
	 "2ms pcsc pcsc-up\n3ms pcsc reader " CARD "card=unavailable counter=1\n3ms pcsc pcsc-listed\n"
	 "2002ms daemon time\n2003ms daemon time",
	 "comm-error 3"},
	{"Keep=any: the card's record was read before the first listing of USB devices",
	 "1ms record record session=3 user=card " CARD "card=present counter=1" ATR
	 " path=1-1 id=08e6:4433 keep=yes\n"
	 "2ms startup device-add usb=1:5 path=1-1 id=08e6:4433\n2ms startup devices-listed\n2ms pcsc pcsc-up\n"
	 "2ms pcsc reader " CARD "card=present counter=1" ATR "\n2ms pcsc pcsc-listed\n" PLUG_KEY(
		 "11") "10s uevent device-remove usb=1:11\n20s uevent device-remove usb=1:5",
	 "kept 3 reader uevent|act 3 lock|removal 3 reader uevent|action 3 lock"},
	{"asleep: a reader whose port nobody reports leaves, and does not come back",
	 "0ms startup device-add usb=1:5\n0ms startup devices-listed\n0ms pcsc pcsc-up\n"
	 "0ms pcsc reader " CARD "card=present counter=1" ATR "\n0ms pcsc pcsc-listed\n"
	 "1ms record record session=3 user=card " CARD "card=present counter=1" ATR "\n10ms logind sleep\n"
	 "11ms uevent device-remove usb=1:5\n20ms logind resume\n21ms startup devices-listed\n"
	 "22ms pcsc pcsc-listed\n5019ms daemon time\n5020ms daemon time",
	 "recheck|rechecked|act 3 lock|removal 3 absent startup|action 3 lock"},
	{"… and comes back with its address, the card in",
	 "0ms startup device-add usb=1:5\n0ms startup devices-listed\n0ms pcsc pcsc-up\n"
	 "0ms pcsc reader " CARD "card=present counter=1" ATR "\n0ms pcsc pcsc-listed\n"
	 "1ms record record session=3 user=card " CARD "card=present counter=1" ATR "\n10ms logind sleep\n"
	 "11ms uevent device-remove usb=1:5\n20ms logind resume\n21ms uevent device-add usb=1:5\n"
	 "21ms startup device-add usb=1:5\n21ms startup devices-listed\n22ms pcsc reader-gone name=R0\n"
	 "22ms pcsc pcsc-listed\n500ms pcsc reader " CARD "card=present counter=0" ATR "\n"
	 "5020ms daemon time\n10s uevent device-remove usb=1:5",
	 "recheck|rechecked|act 3 lock|removal 3 reader uevent|action 3 lock"},
	{"… the same while nobody sleeps: guarded again",
	 "0ms startup device-add usb=1:5\n0ms startup devices-listed\n0ms pcsc pcsc-up\n"
	 "0ms pcsc reader " CARD "card=present counter=1" ATR "\n0ms pcsc pcsc-listed\n"
	 "1ms record record session=3 user=card " CARD "card=present counter=1" ATR "\n"
	 "5s uevent device-remove usb=1:5\n5100ms pcsc reader-gone name=R0\n6s uevent device-add usb=1:5\n"
	 "7s pcsc reader " CARD "card=present counter=0" ATR "\n8s daemon time\n"
	 "10s uevent device-remove usb=1:5",
	 "act 3 lock|removal 3 reader uevent|action 3 lock|restored 3|outcome 3 lock unverified|act 3 lock|"
	 "removal 3 reader uevent|action 3 lock"},
};

static void test_from_nothing(void **state)
{
	const struct row *row = *state;
	struct heard heard = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note, &heard, &world), 0);
	tell(world, row->told);
	world_free(world);
	assert_string_equal(heard.text, row->follows);
}

/* What the control tool and the bus learn of sessions and readers. */
static void test_views(void **state _unused_)
{
	struct simulation simulation = {0};
	struct session_view session = {0};
	struct reader_view reader = {0};
	struct heard heard = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note, &heard, &world), 0);
	assert_false(world_pcsc_up(world));
	assert_false(world_next_session(world, NULL, &session));
	assert_false(world_next_reader(world, NULL, &reader));
	tell(world, start);
	assert_true(world_next_reader(world, NULL, &reader));
	assert_false(reader.watched);
	tell(world,
	     "1ms record record session=4 user=b name=R1 slot=0 usb=1:6 card=present counter=1" ATR "\n"
	     "2ms pcsc reader name=R5 slot=0 card=empty counter=0\n2ms daemon probe");
	assert_true(world_simulate(world, "3", CAUSE_READER, &simulation));
	assert_false(simulation.after_agreement);
	assert_false(world_simulate(world, "5", CAUSE_READER, &simulation));
	assert_true(world_pcsc_up(world));
	assert_true(world_next_session(world, NULL, &session));
	assert_string_equal(session.login->session, "3");
	assert_int_equal(session.state, SESSION_GUARDED);
	assert_string_equal(session.reader, "R0");
	assert_true(world_next_session(world, "3", &session));
	assert_string_equal(session.login->session, "4");
	assert_false(world_next_session(world, "4", &session));
	assert_false(world_next_session(world, "5", &session));
	assert_false(world_session(world, "5", &session));

	assert_true(world_next_reader(world, NULL, &reader));
	assert_string_equal(reader.state->name, "R0");
	assert_string_equal(reader.usb_path, "1-1");
	assert_true(reader.watched);
	assert_true(world_next_reader(world, "R1", &reader));
	assert_string_equal(reader.state->name, "R5");
	assert_string_equal(reader.usb_path, "");
	assert_false(reader.watched);
	assert_false(world_next_reader(world, "R5", &reader));
	assert_false(world_next_reader(world, "R9", &reader));

	tell(world,
	     "2ms record record session=6 user=c name=R5 slot=0 card=present counter=0" ATR " action=logout");
	assert_true(world_simulate(world, "6", CAUSE_READER, &simulation));
	assert_int_equal(simulation.action, ACTION_LOGOUT);
	tell(world, "3ms record settings session=3 settle=2s then=logout after=1s\n"
		    "10ms probe device-remove usb=1:5\n20ms pcsc pcsc-down");
	assert_true(world_session(world, "3", &session));
	assert_int_equal(session.state, SESSION_PENDING);
	assert_int_equal(session.pending, ACTION_LOCK);
	assert_int_equal(session.pending_at, 2010 * NSEC_PER_MSEC);
	assert_null(session.reader);
	tell(world, "2010ms daemon time");
	assert_true(world_session(world, "3", &session));
	assert_int_equal(session.pending, ACTION_LOGOUT);
	assert_int_equal(session.pending_at, 3010 * NSEC_PER_MSEC);
	world_free(world);
}

/* What comes first of a new removal that is settling, and of an earlier one's second stage that waits for agreement. */
static void test_view_of_two_removals(void **state _unused_)
{
	struct session_view session = {0};
	struct heard heard = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note, &heard, &world), 0);
	tell(world, start);
	tell(world, PROVABLE SET
	     "settle=2s then=logout after=1s confirm=5s\n10ms probe slot-change usb=1:5 slots=02\n"
	     "2010ms daemon time\n2100ms pcsc reader " CARD "card=empty counter=2\n"
	     "2200ms pcsc reader " CARD "card=present counter=3" ATR "\n"
	     "2300ms probe slot-change usb=1:5 slots=02\n3010ms daemon time");
	assert_true(world_session(world, "3", &session));
	assert_int_equal(session.pending, ACTION_LOCK);
	assert_int_equal(session.pending_at, 4300 * NSEC_PER_MSEC);
	tell(world, "4300ms daemon time");
	assert_true(world_session(world, "3", &session));
	assert_int_equal(session.pending, ACTION_LOGOUT);
	assert_int_equal(session.pending_at, 5300 * NSEC_PER_MSEC);
	world_free(world);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct heard heard = {""};
	struct world *world = NULL;

	event_count = 0;
	assert_int_equal(world_new(note, &heard, &world), 0);
	tell(world, start);
	assert_string_equal(heard.text, "");
	tell(world, row->told);
	world_free(world);
	assert_string_equal(heard.text, row->follows);
}

/* What lines say, lines say again. */
static void test_trace_round_trip(void **state _unused_)
{
	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		char copy[8192], again[TRACE_LINE_MAX], third[TRACE_LINE_MAX], *rest = NULL;

		snprintf(copy, sizeof(copy), "%s%s", start, rows[i].told);
		for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			struct trace_error error = {0};
			struct trace_event event;

			assert_int_equal(trace_parse(line, &event, &error), 0);
			trace_format(&event.event, again);
			assert_int_equal(trace_parse(again, &event, &error), 0);
			assert_string_equal(trace_format(&event.event, third), again);
		}
	}
}

int main(void)
{
	struct CMUnitTest tests[ELEMENTS(rows) + ELEMENTS(from_nothing) + 10] = {
		cmocka_unit_test(test_trace_round_trip),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_kept_is_guarded),
		cmocka_unit_test(test_stale_reader),
		cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_crowded_device),
		cmocka_unit_test(test_slot_beyond),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_view_of_two_removals),
	};
	struct CMUnitTest *next = &tests[10];

	for (size_t i = 0; i < ELEMENTS(rows); i++)
		*next++ = (struct CMUnitTest){
			.name = rows[i].name, .test_func = test_row, .initial_state = (void *)&rows[i]};
	for (size_t i = 0; i < ELEMENTS(from_nothing); i++)
		*next++ = (struct CMUnitTest){.name = from_nothing[i].name,
					      .test_func = test_from_nothing,
					      .initial_state = (void *)&from_nothing[i]};
	return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}
