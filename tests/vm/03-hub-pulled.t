#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The hub is pulled, and with it the reader behind it.
. "$(dirname "$0")/lib.sh"
vm_boot --usb=hub
vm_two_sessions
is 'the reader is behind the hub' "$(usb_path_of "$card")" 1-1.1

vm hub-out
ok_only_card_locked 'pulled'
ok 'the probe reported it' journal_has removal "$card" SCPOLICY_SOURCE=probe
is 'one case' "$(guest "journalctl -q -b -o cat SCPOLICY_EVENT=removal SCPOLICY_SESSION=$card | wc -l")" 1
vm all-in
ok_guarded_again 'inserted again'
done_testing
