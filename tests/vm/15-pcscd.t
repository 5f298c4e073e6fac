#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# pcscd hangs, stops and starts: that is no removal, and hides none.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_one_session

vm_settle
guest 'systemctl kill -s STOP pcscd'
vm card-out
ok 'it does not look, and the card goes: locked' wait_for "is_locked $card"
vm card-in
guest 'systemctl kill -s CONT pcscd'
ok_only_card_locked 'back before it looked'
ok 'back before it looked: the probe reported it' journal_has removal "$card" SCPOLICY_CAUSE=card SCPOLICY_SOURCE=probe
# Chance decides whether it saw the card out, and a note says so. The lock was sent, and the session is guarded as before.
ok 'back before it looked: pcscd has its say' wait_for "journal_has restored $card || journal_has contradicted $card"
unlock $card
wait_for "is_unlocked $card"
vm_begin_anew
vm_witness

guest 'systemctl restart pcscd'
ok 'restarted: its clients have lost it' wait_for 'grep -q "pcsc lost" /run/witness.out' 20
wait_for card-atr 20
ok_not_removed 'restarted' "$card"

guest 'systemctl stop pcscd.socket pcscd.service; systemctl kill -s KILL pcscd' 2> /dev/null
vm card-out
ok_not_removed 'away' "$card" 2
guest 'systemctl start pcscd.socket'
ok_only_card_locked 'back, and the card is out'
# The probe may have reported it before the new pcscd looked; inserted by then, the card would contradict the probe.
wait_for "journal_has removal $card SCPOLICY_SOURCE=pcsc || journal_has heard $card SCPOLICY_SOURCE=pcsc SCPOLICY_CAUSE=card" 20
vm card-in
ok_guarded_again 'inserted again'

guest 'systemctl kill -s KILL pcscd'
vm reader-out
ok_only_card_locked 'killed as the reader goes'
ok 'the probe reported it' journal_has removal "$card" SCPOLICY_CAUSE=reader SCPOLICY_SOURCE=probe
done_testing
