#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Service login with SSSD's stack: a local user whose certificate SSSD checks, and who has a password too.
. "$(dirname "$0")/lib.sh"
vm_boot --set=signin
vm_stack login 'SSSD, in login or sshd'
vm_sssd local
is 'the doctor says that a sign-in by card is recorded' "$(doctor_on login)" 'ok:pam'

session=$(vm_try login other other)
ok_not_recorded 'another person, by password, the card inserted' "$session"
vm_signout other

session=$(vm_try login card '' card)
ok_not_recorded 'by password, the card inserted' "$session"
ok '… who was asked for a PIN' asked card PIN
session=$(vm_try login card $wrong_pin $wrong_pin)
ok 'a wrong PIN signs nobody in' [ -z "$session" ]
ok '… and was asked for' asked card PIN
session=$(vm_try login card $wrong_pin card)
ok_not_recorded 'by password after a wrong PIN' "$session"

session=$(vm_try login card $pin)
ok_recorded 'by card' "$session"
ok '… without a token label' not guest 'grep -q ^PKCS11_LOGIN_TOKEN_NAME= /run/signin-card.out'
vm_locker "$session" && vm_witness
password='' card=$session
vm card-out
ok_only_card_locked 'pulled'
vm card-in
wait_for 'timeout 30 card-atr' 45
vm_signout card

ok 'between PIN and session: the PIN is right' in_guest "try_until_authenticated login card $pin"
vm card-out
session=$(in_guest 'open_session card')
ok 'between PIN and session: the session is recorded' is_recorded "$session"
ok 'between PIN and session: the removal is noticed' wait_for "journal_has removal $session"
ok 'between PIN and session: and acted on' wait_for "journal_has action $session SCPOLICY_ACTION=lock"
vm_signout card
session=$(vm_try login card card)
ok_not_recorded 'by password, no card inserted' "$session"
done_testing
