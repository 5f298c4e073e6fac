#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon dies, is delayed and restarts again and again, and so does logind. A session ends, or is bound to another reader.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_two_sessions

guest 'for round in $(seq 3); do systemctl restart scpolicyd; systemctl reset-failed scpolicyd; done'
ok_not_removed 'restarted three times' "$card" 2
ok 'the PC/SC worker sees only the directory of its socket' guest '[ "$(readlink /proc/$(pgrep -x scpolicyd-pcsc-)/root)" = /run/pcscd ]'
ok 'and has no capability' guest 'grep -qx "CapPrm:	0*" /proc/$(pgrep -x scpolicyd-pcsc-)/status'

# Sessions outlive logind, and listeners of the old one receive the new one's signals.
guest 'systemctl restart systemd-logind'
ok_not_removed 'logind restarted' "$card" 2
vm card-out
ok_only_card_locked 'logind restarted'
vm card-in
ok_guarded_again 'logind restarted'

guest 'systemctl kill -s STOP scpolicyd'
vm card-out
wait_for 'grep -q "pcsc card-out" /run/witness.out'
ok 'killed: it had not yet acted' is_unlocked "$card"
guest 'systemctl kill -s KILL scpolicyd'
ok_only_card_locked 'killed'
ok 'killed: the next one reads what the probe had reported' journal_has removal "$card" SCPOLICY_CAUSE=card SCPOLICY_SOURCE=probe
vm card-in
ok_guarded_again 'killed'
guest 'systemctl restart scpolicyd'
ok_not_removed 'restarted after the card was out and in' "$card" 2

# At another port, with another address: nothing ties it to the session, until its person signs in with it again.
vm reader-out
ok_only_card_locked 'the reader is moved'
vm qmp '{"execute":"device_add","arguments":{"driver":"usb-ccid","id":"reader0","bus":"usb.0","port":"2"}}' > /dev/null
vm card-in
wait_for card-atr 20
ok 'moved: the session is not guarded by itself' not journal_has restored "$card"
guest 'systemctl kill --kill-who=main -s USR1 signin-card'
ok 'moved: its person signs in again' wait_for 'grep -q ^reauthenticated /run/signin-card.out' 40
ok 'moved: it is bound to the other port' wait_for "grep -qs '^USB_PATH=.*2\$' /run/scpolicyd/sessions/$card /run/scpolicyd/bound/$card"
unlock $card
vm_begin_anew
wait_for "is_unlocked $card"
vm_witness
vm card-out
ok_only_card_locked 'moved, and the card pulled there'

vm card-in
ok_guarded_again 'ended'
vm_signout card
wait_for "! test -e /run/scpolicyd/sessions/$card"
vm card-out
wait_for 'grep -q "pcsc card-out" /run/witness.out'
ok_not_removed 'the session ended before' "$card" 2
vm reader-out
done_testing
