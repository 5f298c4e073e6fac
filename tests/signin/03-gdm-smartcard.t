#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A service named gdm-smartcard, for cards alone: SSSD leaves the token's label there.
. "$(dirname "$0")/lib.sh"
vm_boot --set=signin
vm_stack gdm-smartcard gdm-smartcard
vm_common_session
vm_sssd local
is 'the doctor says that a sign-in by card is recorded' "$(doctor_on gdm-smartcard)" 'ok:pam'

session=$(vm_try gdm-smartcard card $wrong_pin card)
ok 'a wrong PIN signs nobody in, nor does a password' [ -z "$session" ]
session=$(vm_try gdm-smartcard password password)
ok 'who has no certificate does not sign in' [ -z "$session" ]

session=$(vm_try gdm-smartcard card $pin)
ok_recorded 'by card' "$session"
ok '… with a token label' guest 'grep -q ^PKCS11_LOGIN_TOKEN_NAME=. /run/signin-card.out'
vm_locker "$session" && vm_witness
password='' card=$session
vm card-out
ok_only_card_locked 'pulled'
vm card-in
ok_guarded_again 'inserted again'
guest 'systemctl kill -s USR1 signin-card'
ok 'it unlocks by card' wait_for 'grep -q ^reauthenticated /run/signin-card.out' 90
is 'and is bound to the same reader' "$(port_of "$session")" 1
vm_signout card

ok 'between PIN and session: the PIN is right' in_guest "try_until_authenticated gdm-smartcard card $pin"
vm card-out
session=$(in_guest 'open_session card')
ok 'between PIN and session: the session is recorded' is_recorded "$session"
ok 'between PIN and session: the removal is noticed' wait_for "journal_has removal $session"
vm_signout card
done_testing
