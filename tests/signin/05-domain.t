#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Users of a domain: a directory says whose certificate it is, a KDC checks it by PKINIT.
. "$(dirname "$0")/lib.sh"
vm_boot --set=signin
vm_stack login 'SSSD, in login or sshd'
vm_stack gdm-smartcard gdm-smartcard
vm_common_session
vm_sssd domain
is 'the doctor says that a sign-in by card is recorded' "$(doctor_on login) $(doctor_on gdm-smartcard)" 'ok:pam ok:pam'

session=$(vm_try login dpassword dpassword)
ok_not_recorded 'no certificate, by password, the card inserted' "$session"
session=$(vm_try login dcard '' dcard)
ok_not_recorded 'by password, the card inserted' "$session"
session=$(vm_try login dcard $wrong_pin $wrong_pin)
ok 'a wrong PIN signs nobody in' [ -z "$session" ]
session=$(vm_try login dcard $wrong_pin dcard)
ok_not_recorded 'by password after a wrong PIN' "$session"

session=$(vm_try login dcard $pin)
ok_recorded 'by card' "$session"
ok '… the KDC checked it' wait_for 'journalctl -q -u signin-kdc | grep -q "preauth (pkinit) verify success\|PKINIT"'
vm_signout dcard
ok 'between PIN and session: the PIN is right' in_guest "try_until_authenticated login dcard $pin"
vm card-out
session=$(in_guest 'open_session dcard')
ok 'between PIN and session: the session is recorded' is_recorded "$session"
ok 'between PIN and session: the removal is noticed' wait_for "journal_has removal $session"
vm_signout dcard
vm card-in
wait_for 'timeout 30 card-atr' 45

session=$(vm_try gdm-smartcard dcard $pin)
ok_recorded 'gdm-smartcard' "$session"
done_testing
