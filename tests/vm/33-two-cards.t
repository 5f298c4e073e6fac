#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Two readers of one model, two people, each signed in by pam_pkcs11 with a card of their own while both cards are in.
# Slot descriptions end before the part that distinguishes these readers.
. "$(dirname "$0")/lib.sh"
vm_boot --second

first=$(vm_signin card)
second=$(vm_signin other scpolicy-other)
[ -n "$first" ] && [ -n "$second" ] || bail_out 'an account cannot sign in'
is_located "$first" && is_located "$second" || bail_out 'the readers are not located'
is 'the first session is bound to the first reader' "$(usb_path_of "$first")" 1-1
is 'the second to the second' "$(usb_path_of "$second")" 1-2
vm_locker "$first" && vm_locker "$second" && vm_witness &&
	wait_for '[ $(grep -c "pcsc reader-in-with-card" /run/witness.out) = 2 ]' &&
	wait_for "log_of scpolicyd | grep -q 'session $second of user other is governed'" || bail_out 'the stage is not set'
vm_settle

card=$second password=$first
vm card2-out
# Wait for this report before inserting the other card: of a swap between two looks, the reader reports only the last step.
gone() { wait_for "[ \$(grep -c 'pcsc card-out' /run/witness.out) = $1 ]" 20; }
gone 1
vm card2-in other-atr
ok_only_card_locked 'the second card swapped for another'
ok 'which is not taken for the one that went' never "journal_has restored $second" 4
vm card2-out
gone 2
vm card2-in
ok_guarded_again 'the second card back'

card=$first password=$second
vm card-out
ok_only_card_locked 'the first card pulled'
vm card-in
ok_guarded_again 'the first card back'

card=$second password=$first
vm reader2-out
ok_only_card_locked 'the second reader unplugged'
ok 'its reader counts as removed' journal_has removal "$second" SCPOLICY_CAUSE=reader
done_testing
