#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The stage itself: both accounts sign in, each its own way, and each gets a session.
. "$(dirname "$0")/lib.sh"
vm_boot

card=$(vm_signin card)
ok 'the card signs in' [ -n "$card" ]
ok 'its stack tells which card it was' guest 'grep -q ^PKCS11_LOGIN_TOKEN_NAME= /run/signin-card.out'

password=$(vm_signin password)
ok 'the password signs in, with the card in the reader' [ -n "$password" ]
ok 'its stack leaves no token label' not guest 'grep -q ^PKCS11_LOGIN_TOKEN_NAME= /run/signin-password.out'
ok 'the sessions are two' [ "$card" != "$password" ]

vm_locker "$card"
guest "loginctl lock-session $card"
ok 'the locker obeys' wait_for "is_locked $card" 10
ok 'the other session is not locked' is_unlocked "$password"
unlock $card
ok 'and unlocks' wait_for "is_unlocked $card" 10

vm_witness
for round in 1 2 3; do
	vm card-out
	ok "PC/SC reports the card's removal, round $round" \
		wait_for "[ \$(grep -c 'pcsc card-out' /run/witness.out) = $round ]" 10
	vm card-in
	ok "and of its return, round $round" wait_for "[ \$(grep -c 'pcsc card-in' /run/witness.out) = $round ]" 10
done
vm reader-out
ok 'the kernel reports the reader' wait_for 'grep -q "uevent remove" /run/witness.out' 10
ok 'and udev' wait_for 'grep -q "udev remove" /run/witness.out' 10
ok 'and PC/SC' wait_for 'grep -q "pcsc reader-gone" /run/witness.out' 10
vm reader-in
ok 'the reader comes back with its card' wait_for 'grep -q "pcsc reader-in-with-card" /run/witness.out' 20
done_testing
