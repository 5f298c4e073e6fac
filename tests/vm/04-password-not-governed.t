#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A password signs in while a card lies in the reader: that card governs nothing, unless the administrator says `always`.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_witness
password=$(vm_signin password)
ok 'signed in' [ -n "$password" ]
vm_locker "$password"
ok 'without a record' guest "! test -e /run/scpolicyd/sessions/$password"
vm card-out
ok 'PC/SC tells that the card is gone' wait_for 'grep -q "pcsc card-out" /run/witness.out'
ok 'no Lock' never 'grep -q " lock " /run/witness.out' 3
ok 'the session is not locked' is_unlocked "$password"
ok 'no removal in the journal' not journal_has removal "$password"

vm_signout password
vm card-in
wait_for card-atr 20
always=$(vm_signin password scpolicy-always)
vm_locker "$always"
ok 'always: there is a record' wait_for "test -e /run/scpolicyd/sessions/$always"
vm card-out
ok 'always: the session locks' wait_for "is_locked $always"
done_testing
