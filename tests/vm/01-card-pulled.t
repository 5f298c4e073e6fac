#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The card that signed in is pulled: its session locks, on the probe's report, once. It is inserted and pulled again, and locks once more.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_two_sessions
vm_settle

vm card-out
ok_only_card_locked 'pulled'
ok 'the probe reported it' wait_for "journal_has removal $card SCPOLICY_CAUSE=card SCPOLICY_SOURCE=probe"
ok 'the action has its latency' guest "journalctl -q -b -o verbose SCPOLICY_EVENT=action SCPOLICY_SESSION=$card | grep -q SCPOLICY_LATENCY_USEC="
ok 'PC/SC agreed' wait_for "journal_has heard $card SCPOLICY_SOURCE=pcsc"

vm card-in
ok_guarded_again 'inserted again'
vm card-out
ok_only_card_locked 'pulled again'
is 'two removals, two cases' "$(guest "journalctl -q -b -o cat SCPOLICY_EVENT=removal SCPOLICY_SESSION=$card | wc -l")" 2
done_testing
